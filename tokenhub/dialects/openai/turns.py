"""The turns of a talk as messages in OpenAI's format.

Each result of a tool is a message of its own right after the call, which can hold text only:
pictures follow in a message of the user's.
"""

from collections.abc import Sequence

from msgspec.structs import replace

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
from tokenhub.dialects.openai.answer import written_calls
from tokenhub.dialects.openai.names import short_id, short_name
from tokenhub.dialects.pairing import paired
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import openai as wire

# For a result that is pictures only: a tool's message needs words, and pictures go elsewhere.
_SEE_BELOW = "The result is in the user message that follows."


def write(turns: Sequence[Turn], *, own: bool) -> list[wire.FullMessage]:
    """The messages. Raises Unsayable.

    `own` is for OpenAI's own models: these reason in secret, so that its API knows no reasoning in
    messages, and takes only short ids.
    """
    messages: list[wire.FullMessage] = []
    for turn in paired(turns, named=short_id if own else str):
        if turn.role == "user":
            messages += _user(turn)
        elif turn.role == "assistant":
            messages.append(_assistant(turn, reasons=not own))
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


def _assistant(turn: Turn, *, reasons: bool) -> wire.FullMessage:
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
        tool_calls=written_calls([_named(call) for call in calls]),
        reasoning_content=text,
        reasoning_details=details,
    )


_BESIDE = Call | Refusal | Thinking | Sealed


def _named(call: Call) -> Call:
    name = short_name(call.name)
    return call if name == call.name else replace(call, name=name)
