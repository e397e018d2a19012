"""A chat completion as what was Said, and what was Said as a chat completion."""

from collections.abc import Sequence

import msgspec

from tokenhub.core.pieces import text_of
from tokenhub.core.talk import Call, Part, Refusal, Said, Text, Thinking
from tokenhub.dialects.openai import finish, reasoning
from tokenhub.dialects.openai.names import short_id
from tokenhub.dialects.openai.passing import error_of, read_usage
from tokenhub.dialects.openai.surrogates import decoded
from tokenhub.dialects.told import ToldError
from tokenhub.wire import openai as wire

_COMPLETION = msgspec.json.Decoder(wire.FullCompletion)
_ENCODE = msgspec.json.Encoder().encode


def read(body: bytes) -> Said:
    """The first of the answers. Raises ValueError for what is none, ToldError for an error."""
    try:
        completion = decoded(_COMPLETION, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = error_of(body)
        if said.message or said.code:
            raise ToldError(said) from error
        raise ValueError("not a chat completion") from error
    choice = _first(completion.choices)
    id_ = wire.text(completion.id)
    parts = _parts(choice.message, id_=id_)
    stop = choice.stop_reason if isinstance(choice.stop_reason, str) else ""
    return Said(
        id=id_,
        model=wire.text(completion.model),
        parts=parts,
        finish=finish.read(
            choice.finish_reason,
            stop=stop,
            called=any(isinstance(part, Call) for part in parts),
            refused=any(isinstance(part, Refusal) for part in parts),
        ),
        stop=stop,
        usage=read_usage(completion.usage),
    )


def write(said: Said, *, created: int, legacy: bool = False) -> bytes:
    """The `chat.completion`. `created` is in Unix seconds.

    `legacy` is for a caller who offered `functions` (`request.offers_functions`): it is told of its
    call by `function_call`, of which an answer has one.
    """
    text = text_of(said.parts)
    refusal = "".join([part.text for part in said.parts if isinstance(part, Refusal)])
    calls = written_calls([part for part in said.parts if isinstance(part, Call)])
    thought, details = reasoning.write(said.parts)
    message = wire.ToldMessage(
        role="assistant",
        content=text or None,
        refusal=refusal or None,
        tool_calls=None if legacy else calls,
        function_call=calls[0].function if legacy and calls else None,
        reasoning_content=thought,
        reasoning_details=details,
    )
    word = finish.write(said.finish, called=bool(calls), refused=bool(refusal), legacy=legacy)
    return _ENCODE(
        wire.ToldCompletion(
            id=said.id or f"chatcmpl-{created}",
            object="chat.completion",
            created=created,
            model=said.model,
            choices=[wire.ToldChoice(message=message, finish_reason=word)],
            usage=finish.usage(said.usage),
        )
    )


def written_calls(calls: Sequence[Call]) -> list[wire.ToolCall] | None:
    return [
        wire.ToolCall(
            id=call.id,
            type="function",
            function=wire.Called(name=call.name, arguments=call.arguments),
        )
        for call in calls
    ] or None


def content_of(content: str | list[wire.Content] | None) -> list[Part]:
    """The text, and the reasoning that Mistral sends among it."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    parts: list[Part] = []
    for part in content or ():
        if part.type == "thinking":
            parts.append(Thinking(text=_plain(part.thinking)))
        elif part.type == "refusal" and part.refusal:
            parts.append(Refusal(text=part.refusal))
        elif part.text:
            parts.append(Text(text=part.text))
    return parts


def call_id(given: str, *, answer_id: str, index: int) -> str:
    """The call's id; made up where the server gave none, since its result must name it."""
    return given or short_id(f"call_{answer_id}_{index}")


def arguments(given: object) -> str:
    """The arguments as the model wrote them, JSON or not; what came decoded as its JSON text."""
    if isinstance(given, str):
        return given
    return "" if given is None else _ENCODE(given).decode()


def _first(choices: list[wire.FullChoice]) -> wire.FullChoice:
    """The answer with index 0, as in a stream; the first where none has it."""
    if not choices:
        raise ValueError("a chat completion without a choice")
    return next((choice for choice in choices if wire.number(choice.index) == 0), choices[0])


def _plain(thinking: str | list[wire.Content] | None) -> str:
    if isinstance(thinking, list):
        return "".join([part.text or "" for part in thinking])
    return thinking or ""


def _parts(message: wire.Answered, *, id_: str) -> tuple[Part, ...]:
    parts: list[Part] = [*reasoning.read(message), *content_of(message.content)]
    if refusal := wire.text(message.refusal):
        parts.append(Refusal(text=refusal))
    calls = [call for call in message.tool_calls or () if call.function is not None]
    if not calls and message.function_call is not None:
        calls = [wire.AnsweredCall(function=message.function_call)]
    for index, call in enumerate(calls):
        called = call.function or wire.AnsweredFunction()
        parts.append(
            Call(
                id=call_id(wire.text(call.id), answer_id=id_, index=index),
                name=wire.text(called.name),
                arguments=arguments(called.arguments),
            )
        )
    return tuple(parts)
