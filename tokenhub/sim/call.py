"""A request, as the simulated provider understands it, whichever vendor's JSON it came in."""

from hashlib import blake2b
from typing import Any

import msgspec

REPLY_TOKENS = 3
# The smallest prefix that either vendor caches (prompt caching guides, January 2026).
MIN_CACHED = 1024


class Refused(Exception):
    """The provider's 400 for a request that it does not accept: an answer, no error of ours."""

    def __init__(self, message: str, *, param: str | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer; `schema` is the JSON Schema of its arguments."""

    name: str
    schema: dict[str, Any] = {}


class Prefix(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a prompt that may be cached: its digest and its tokens.

    `written` says whether the vendor counts what it puts into the cache.
    """

    digest: bytes
    tokens: int
    written: bool


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a request.

    `max_tokens` 0 is no limit; `last` is the last message's text. `schema` is what the answer
    must fit, `json` that it must be an object. `images` and `documents` say what came, one entry
    each.
    """

    model: str
    prompt_tokens: int
    max_tokens: int = 0
    stream: bool = False
    include_usage: bool = False
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    may_call: bool = True
    parallel: bool = True
    named: str = ""
    last: str = ""
    stop: tuple[str, ...] = ()
    thinks: bool = False
    json: bool = False
    schema: dict[str, Any] | None = None
    images: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    prefix: Prefix | None = None


def prefix(content: object, tokens: int, *, written: bool) -> Prefix | None:
    """The prefix with this content, or None where it is too short to be cached."""
    if tokens < MIN_CACHED:
        return None
    digest = blake2b(msgspec.json.encode(content), digest_size=16).digest()
    return Prefix(digest=digest, tokens=tokens, written=written)
