"""Messages in OpenAI's format as turns of a talk.

Two things differ in kind. Each result of a tool is a message of its own, which can hold text
only; and the functions of before 2023-11 have no ids, so that a result finds its call by order.
"""

from collections.abc import Sequence
from typing import Literal

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import (
    Call,
    Document,
    Image,
    Part,
    Refusal,
    Result,
    Text,
    Turn,
)
from tokenhub.dialects.openai import media, reasoning
from tokenhub.dialects.openai.answer import arguments
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import openai as wire

Shown = Text | Image | Document
Role = Literal["system", "user", "assistant"]


def read(messages: Sequence[wire.FullMessage]) -> tuple[Turn, ...]:
    """The turns. Raises BadRequest, and Unsayable for sound, custom tools and files elsewhere.

    Results in a row and the user's message after them are one turn. A message that says nothing
    is none.
    """
    turns: list[tuple[Role, list[Part]]] = []
    pending = ""
    for at, message in enumerate(messages):
        field = f"messages[{at}]"
        if message.role == "assistant":
            parts = _assistant(message, field=field, at=at)
            pending = _legacy_id(at) if message.function_call else pending
        elif message.role in {"tool", "function"}:
            parts = [_result(message, field=field, pending=pending)]
        elif message.role in _ALLOWED:
            parts = list(_content(message, field=field, allowed=_ALLOWED[message.role]))
        else:
            raise _unknown_role(field)
        if not parts:
            continue
        if turns and _continues(message, turns[-1][0], before=messages[at - 1]):
            turns[-1][1].extend(parts)
        else:
            turns.append((_ROLES[message.role], parts))
    return tuple([Turn(role=role, parts=tuple(parts)) for role, parts in turns])


_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "user": "user",
    "tool": "user",
    "function": "user",
}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "file"),
}
_RESULT_ROLES = ("tool", "function")


def _unknown_role(field: str) -> Unsayable:
    return Unsayable(
        f"{field}.role must be one of {', '.join(_ROLES)} for this provider",
        field=f"{field}.role",
        code="unsupported_value",
    )


def _continues(message: wire.FullMessage, role: Role, *, before: wire.FullMessage) -> bool:
    """Whether a message belongs to the turn of the results before it."""
    return (
        role == "user" and before.role in _RESULT_ROLES and message.role in {"user", *_RESULT_ROLES}
    )


def _content(message: wire.FullMessage, *, field: str, allowed: tuple[str, ...]) -> list[Shown]:
    content = message.content
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    parts = [
        _shown(part, field=f"{field}.content[{at}]", allowed=allowed)
        for at, part in enumerate(content or ())
    ]
    return [part for part in parts if part != _NOTHING]


_NOTHING = Text(text="")


def _shown(part: wire.Content, *, field: str, allowed: tuple[str, ...]) -> Shown:
    if part.type not in allowed:
        raise Unsayable(
            f"{field}: content of type {part.type[:64]!r} cannot be carried to this provider",
            field=field,
        )
    if part.type == "image_url":
        return media.image(part, field=field)
    if part.type == "file":
        return media.document(part, field=field)
    if part.text is None:
        raise BadRequest(f"{field}.text is required", field=f"{field}.text")
    return Text(text=part.text)


def _assistant(message: wire.FullMessage, *, field: str, at: int) -> list[Part]:
    if message.audio is not None:
        raise Unsayable(
            f"{field}.audio: sound cannot be carried to this provider", field=f"{field}.audio"
        )
    parts: list[Part] = list(reasoning.read(message))
    if isinstance(message.content, list):
        parts += [
            part
            for number, one in enumerate(message.content)
            if (part := _said(one, field=f"{field}.content[{number}]")) != _NOTHING
        ]
    elif message.content:
        parts.append(Text(text=message.content))
    parts += [Refusal(text=message.refusal)] if message.refusal else []
    parts += [
        call(one, field=f"{field}.tool_calls[{number}]")
        for number, one in enumerate(message.tool_calls or ())
    ]
    if message.function_call is not None:
        place = f"{field}.function_call"
        name = _required(message.function_call.name, field=f"{place}.name")
        said = arguments(message.function_call.arguments)
        parts.append(Call(id=_legacy_id(at), name=name, arguments=said))
    return parts


def _said(part: wire.Content, *, field: str) -> Text | Refusal | Image | Document:
    if part.type == "refusal":
        return Refusal(text=_required(part.refusal, field=f"{field}.refusal"))
    return _shown(part, field=field, allowed=("text",))


def call(given: wire.ToolCall, *, field: str) -> Call:
    """A call in a request. Raises Unsayable for one of a tool that is no function."""
    if given.type not in {None, "function"}:
        raise Unsayable(f"{field}: only calls of functions can be carried over", field=field)
    if given.function is None:
        raise BadRequest(f"{field}.function is required", field=f"{field}.function")
    return Call(
        id=_required(given.id, field=f"{field}.id"),
        name=_required(given.function.name, field=f"{field}.function.name"),
        arguments=arguments(given.function.arguments),
    )


def _result(message: wire.FullMessage, *, field: str, pending: str) -> Result:
    if message.role == "function":
        if not pending:
            raise Unsayable(
                f"{field}: a function's result without its function_call cannot be carried over",
                field=field,
            )
        call_id = pending
    else:
        call_id = _required(message.tool_call_id, field=f"{field}.tool_call_id")
    # OpenAI takes text only; that others take pictures here is no reason to lose them.
    return Result(id=call_id, parts=tuple(_content(message, field=field, allowed=_ALLOWED["user"])))


def _legacy_id(at: int) -> str:
    return f"call_function_{at}"


def _required(value: str | None, *, field: str) -> str:
    if not value:
        raise BadRequest(f"{field} is required", field=field)
    return value
