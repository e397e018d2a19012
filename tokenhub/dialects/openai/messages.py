"""Messages in OpenAI's format as turns, and turns as messages.

Two things differ in kind. Each result of a tool is a message of its own, which can hold text
only; and the functions of before 2023-11 have no ids, so that a result finds its call by order.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import (
    Call,
    Document,
    Image,
    Part,
    Refusal,
    Result,
    Sealed,
    Text,
    Thinking,
    Turn,
)
from tokenhub.dialects.openai import media, reasoning
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import openai as wire

_ENCODE = msgspec.json.Encoder().encode

Shown = Text | Image | Document

# For a result that is pictures only: a tool's message needs words, and pictures go elsewhere.
_SEE_BELOW = "The result is in the user message that follows."


# --- reading


def read(messages: Sequence[wire.FullMessage]) -> tuple[Turn, ...]:
    """The turns. Raises BadRequest, and Unsayable for sound, custom tools and files elsewhere.

    Results in a row and the user's message after them are one turn. A message that says nothing
    is none.
    """
    turns: list[Turn] = []
    pending = ""
    for at, message in enumerate(messages):
        field = f"messages[{at}]"
        if message.role == "assistant":
            parts = _assistant(message, field=field, at=at)
            pending = _legacy_id(at) if message.function_call else pending
        elif message.role in {"tool", "function"}:
            parts = [_result(message, field=field, pending=pending)]
        else:
            parts = list(_content(message, field=field, allowed=_ALLOWED[message.role]))
        if not parts:
            continue
        if turns and _continues(message, turns[-1], before=messages[at - 1]):
            turns[-1] = Turn(role="user", parts=(*turns[-1].parts, *parts))
        else:
            turns.append(Turn(role=_ROLES[message.role], parts=tuple(parts)))
    return tuple(turns)


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
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


def _continues(message: wire.FullMessage, turn: Turn, *, before: wire.FullMessage) -> bool:
    """Whether a message belongs to the turn of the results before it."""
    return (
        turn.role == "user"
        and before.role in _RESULT_ROLES
        and message.role in {"user", *_RESULT_ROLES}
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
        said = arguments(message.function_call)
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
        arguments=arguments(given.function),
    )


def arguments(called: wire.Called) -> str:
    """The arguments as they were written, JSON or not; an object as its JSON text."""
    given = called.arguments
    return _ENCODE(given).decode() if isinstance(given, dict) else given or ""


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


# --- writing


def write(turns: Sequence[Turn], *, reasons: bool) -> list[wire.FullMessage]:
    """The messages. `reasons` is whether reasoning of before is sent back. Raises Unsayable."""
    messages: list[wire.FullMessage] = []
    for turn in turns:
        if turn.role == "user":
            messages += _user(turn)
        elif turn.role == "assistant":
            messages.append(_written_assistant(turn, reasons=reasons))
        else:
            messages.append(wire.FullMessage(role="system", content=_written(turn.parts)))
    return messages


def _user(turn: Turn) -> list[wire.FullMessage]:
    """A message for each result, in order, then one for all else."""
    results = [part for part in turn.parts if isinstance(part, Result)]
    rest: list[Part] = [part for part in turn.parts if not isinstance(part, Result)]
    messages = []
    attached: list[Part] = []
    for result in results:
        shown = [part for part in result.parts if not _is_text(part)]
        spoken = [part for part in result.parts if _is_text(part)]
        if shown:
            attached += [Text(text=f"From the tool call {result.id}:"), *shown]
        content = _written(spoken) or (_SEE_BELOW if shown else "")
        messages.append(wire.FullMessage(role="tool", content=content, tool_call_id=result.id))
    if attached or rest or not results:
        messages.append(wire.FullMessage(role="user", content=_written([*attached, *rest])))
    return messages


def _is_text(part: Part) -> bool:
    return isinstance(part, Text) or (isinstance(part, Document) and bool(part.text))


def _written(parts: Sequence[Part]) -> str | list[wire.Content]:
    """One text as a string, which every server takes, and all else as a list."""
    match parts:
        case []:
            return ""
        case [Text(text=text)]:
            return text
    return [_written_part(part) for part in parts]


def _written_part(part: Part) -> wire.Content:
    match part:
        case Text(text=text):
            return wire.Content(type="text", text=text)
        case Image():
            return media.write_image(part)
        case Document():
            return media.write_document(part)
        case _:
            raise Unsayable(
                f"a part of type {type(part).__name__} cannot stand where it does",
                field="messages",
            )


def _written_assistant(turn: Turn, *, reasons: bool) -> wire.FullMessage:
    spoken = [part for part in turn.parts if not isinstance(part, _BESIDE)]
    if any(not isinstance(part, Text) for part in spoken):
        raise Unsayable("an assistant's turn can hold text and calls only", field="messages")
    calls = [part for part in turn.parts if isinstance(part, Call)]
    refusal = "".join([part.text for part in turn.parts if isinstance(part, Refusal)])
    content = _written(spoken)
    text, details = reasoning.write(turn.parts) if reasons else (None, None)
    return wire.FullMessage(
        role="assistant",
        # Null is what OpenAI itself sends beside calls and refusals, and all servers know it there.
        content=None if not content and (calls or refusal) else content,
        refusal=refusal or None,
        tool_calls=written_calls(calls),
        reasoning_content=text,
        reasoning_details=details,
    )


_BESIDE = Call | Refusal | Thinking | Sealed


def written_calls(calls: Sequence[Call]) -> list[wire.ToolCall] | None:
    return [
        wire.ToolCall(
            id=call.id,
            type="function",
            function=wire.Called(name=call.name, arguments=call.arguments),
        )
        for call in calls
    ] or None
