"""What a caller sends to `POST /v1/chat` and `POST /v1/plan`; native.py is how it is read."""

from typing import Any

import msgspec

from tokenhub.wire.native import PolicyIn
from tokenhub.wire.openai import FullMessage


class Asked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The request. `parameters` are OpenAI's, such as `max_tokens`."""

    messages: list[FullMessage]
    model_hint: str = ""
    parameters: dict[str, Any] = {}
    stream: bool = False


class Asking(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The request with the policy that it is to be routed by."""

    request: Asked
    policy: PolicyIn | None = None


class Steps(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a plan is to be carried out."""

    mode: str = ""
    iterations: int | None = None
    primary_model_id: str = ""
    review_model_id: str = ""
    return_plan_only: bool = False


class Planning(Asking, kw_only=True, omit_defaults=True):
    """The request with the way in which it is to be answered in several steps."""

    orchestration: Steps | None = None
