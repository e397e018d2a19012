"""A chat completion request, read into a Talk."""

from collections.abc import Iterable
from typing import get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import Choice, Effort, Format, Talk, Tool
from tokenhub.dialects.decoding import decoded
from tokenhub.dialects.openai import messages
from tokenhub.dialects.openai.ask import limit_of
from tokenhub.dialects.openai.unread import unread
from tokenhub.dialects.openai.writing import write
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import openai as wire

__all__ = ["offers_functions", "read", "write"]

_REQUEST = msgspec.json.Decoder(wire.FullRequest)
_OF_OLD = msgspec.json.Decoder(wire.OfOld)
_EFFORTS: tuple[Effort, ...] = get_args(Effort)


def read(body: bytes) -> Talk:
    """The talk. Raises BadRequest naming the field, and Unsayable for what a Talk has no place."""
    request = decoded(_REQUEST, body)
    if not request.messages:
        raise BadRequest("messages is required", field="messages")
    if "audio" in (request.modalities or ()):
        raise Unsayable("modalities: this provider answers in text only", field="modalities")
    choice, allowed = _choice(request)
    effort = _effort(request.reasoning_effort)
    return Talk(
        turns=messages.read(request.messages),
        tools=_tools(request, allowed=allowed),
        choice=choice,
        # Who offers functions is told of one call an answer.
        parallel=False if request.functions else request.parallel_tool_calls,
        max_tokens=limit_of(request),
        temperature=request.temperature,
        top_p=request.top_p,
        # vLLM: 0 and -1 take all tokens.
        top_k=request.top_k if request.top_k and request.top_k > 0 else None,
        stop=_stop(request.stop),
        thinks=False if effort == "none" else None,
        effort=effort,
        format=_format(request.response_format),
        user=request.safety_identifier or request.user or "",
        stream=bool(request.stream),
        unread=unread(body, request),
    )


def offers_functions(body: bytes) -> bool:
    """Whether it comes from a caller of before 2023-11, who is told of a call by `function_call`.

    `body` has been read as a request.
    """
    return b'"functions"' in body and bool(_OF_OLD.decode(body).functions)


def _effort(word: str | None) -> Effort | None:
    if word is None:
        return None
    for effort in _EFFORTS:
        if effort == word:
            return effort
    raise _unknown("reasoning_effort", _EFFORTS)


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    given = [stop] if isinstance(stop, str) else stop or []
    return tuple([sequence for sequence in given if sequence])


def _tools(request: wire.FullRequest, *, allowed: frozenset[str] | None) -> tuple[Tool, ...]:
    """The functions on offer: only the allowed ones, which to a model is the same."""
    functions = [_function(tool, at=at) for at, tool in enumerate(request.tools or ())]
    functions += request.functions or []
    if allowed is not None and not allowed & {function.name for function in functions}:
        field = "tool_choice.allowed_tools.tools"
        raise BadRequest(f"{field} names none of the tools", field=field)
    return tuple(
        [
            Tool(
                name=function.name,
                description=function.description or "",
                schema=_schema(function.parameters),
                strict=function.strict,
            )
            for function in functions
            if allowed is None or function.name in allowed
        ]
    )


def _function(tool: wire.Tool, *, at: int) -> wire.Function:
    if tool.type != "function":
        raise Unsayable(
            f"tools[{at}]: a tool of type {tool.type[:64]!r} cannot be carried to this provider",
            field=f"tools[{at}]",
        )
    if tool.function is None:
        field = f"tools[{at}].function"
        raise BadRequest(f"{field} is required", field=field)
    return tool.function


def _schema(schema: Raw | UnsetType) -> Raw:
    return Raw(b"") if schema is UNSET or bytes(schema) == b"null" else schema


_KINDS = {
    "auto": Choice(kind="auto"),
    "none": Choice(kind="none"),
    "required": Choice(kind="any"),
}


def _choice(request: wire.FullRequest) -> tuple[Choice | None, frozenset[str] | None]:
    """Whether tools are to be used, and the names of the only ones that may be."""
    given = request.tool_choice
    if given is None:
        return _legacy_choice(request.function_call), None
    if isinstance(given, str):
        return _kind(given, field="tool_choice"), None
    if given.type == "function" and given.function is not None:
        return Choice(kind="tool", name=given.function.name), None
    if given.type == "allowed_tools" and given.allowed_tools is not None:
        only = given.allowed_tools
        names = frozenset(tool.function.name for tool in only.tools if tool.function is not None)
        return _kind(only.mode, field="tool_choice"), names
    if given.type == "custom":
        raise Unsayable("tool_choice: only functions can be carried over", field="tool_choice")
    if given.type in {"function", "allowed_tools"}:
        field = f"tool_choice.{given.type}"
        raise BadRequest(f"{field} is required", field=field)
    raise _unknown("tool_choice", (*_KINDS, "a function", "allowed_tools"))


def _legacy_choice(given: str | wire.Named | None) -> Choice | None:
    if given is None:
        return None
    if isinstance(given, str):
        return _kind(given, field="function_call")
    return Choice(kind="tool", name=given.name)


def _kind(word: str, *, field: str) -> Choice:
    choice = _KINDS.get(word)
    if choice is None:
        raise _unknown(field, _KINDS)
    return choice


def _unknown(field: str, known: Iterable[str]) -> Unsayable:
    """A word that is new to us: OpenAI may know it, so that it is not the caller's fault."""
    return Unsayable(
        f"{field} must be one of {', '.join(known)} for this provider",
        field=field,
        code="unsupported_value",
    )


def _format(given: wire.ResponseFormat | None) -> Format | None:
    if given is None or given.type not in {"json_object", "json_schema"}:
        return None
    if given.type == "json_object":
        return Format()
    if given.json_schema is None:
        field = "response_format.json_schema"
        raise BadRequest(f"{field} is required", field=field)
    schema = given.json_schema
    return Format(schema=_schema(schema.schema), name=schema.name or "", strict=schema.strict)
