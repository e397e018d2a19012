"""What sets the vendors' servers apart: paths, headers, and how each tells of an error."""

from collections.abc import Callable, Sequence

import msgspec

from tokenhub.core.ask import Ask
from tokenhub.dialects.anthropic import passing as anthropic
from tokenhub.dialects.openai import passing as openai
from tokenhub.dialects.told import Told

# The only version there has been since 2023 (docs.anthropic.com, "Versions", 2026-01).
ANTHROPIC_VERSION = "2023-06-01"


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A format of servers. `speech` names it in an Ask; a task without a path is not offered.

    `credential` is the header that a key stands in, up to the key.
    """

    speech: str
    paths: dict[str, str]
    models: str = "/v1/models"
    credential: bytes
    error_of: Callable[[bytes], Told]
    headers: dict[str, str] = {}


OPENAI = Vendor(
    speech="openai",
    paths={"chat": "/v1/chat/completions", "embeddings": "/v1/embeddings"},
    credential=b"Authorization: Bearer ",
    error_of=openai.error_of,
)
ANTHROPIC = Vendor(
    speech="anthropic",
    paths={"chat": "/v1/messages", "count": "/v1/messages/count_tokens"},
    models="/v1/models?limit=1000",  # its largest page; the default is 20
    headers={"anthropic-version": ANTHROPIC_VERSION},
    credential=b"x-api-key: ",
    error_of=anthropic.error_of,
)
# vLLM serves the OpenAI format; what sets it apart is several endpoints and no key.
BY_TYPE = {"openai": OPENAI, "vllm": OPENAI, "anthropic": ANTHROPIC}


def features(ask: Ask, vendor: Vendor) -> Sequence[tuple[str, str]]:
    """The caller's own vendor headers, for a vendor who knows them."""
    return ask.features if ask.features and ask.speech == vendor.speech else ()
