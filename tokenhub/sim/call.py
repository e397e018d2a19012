"""A request, as the simulated provider understands it, whichever vendor's JSON it came in."""

from typing import Any

import msgspec


class Refused(Exception):
    """The provider's 400 for a request that it does not accept: an answer, no error of ours."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer; `schema` is the JSON Schema of its arguments."""

    name: str
    schema: dict[str, Any] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a request. `max_tokens` 0 is no limit; `last` is the last message's text."""

    model: str
    prompt_tokens: int
    max_tokens: int = 0
    stream: bool = False
    include_usage: bool = False
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    may_call: bool = True
    named: str = ""
    last: str = ""
