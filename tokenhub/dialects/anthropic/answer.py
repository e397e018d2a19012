"""A whole answer in Anthropic's format, read into what was said and written from it."""

from collections.abc import Sequence
from secrets import token_hex

import msgspec
from msgspec.structs import replace

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Call, Finish, Part, Refusal, Said, Text, Thinking
from tokenhub.dialects.anthropic.blocks import block
from tokenhub.dialects.anthropic.counts import read_usage
from tokenhub.dialects.anthropic.errors import UNREADABLE, not_a
from tokenhub.dialects.anthropic.ids import valid_id
from tokenhub.dialects.anthropic.parts import answered
from tokenhub.wire import anthropic as wire

_WHOLE = msgspec.json.Decoder(wire.Whole)
_ENCODE = msgspec.json.Encoder().encode

_FINISHES = {
    "end_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "tool_use": Finish.TOOLS,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
    "model_context_window_exceeded": Finish.CONTEXT,
}
_REASONS = {finish: reason for reason, finish in _FINISHES.items()} | {Finish.FILTERED: "refusal"}


def read(body: bytes) -> Said:
    """What was said. Raises ValueError for a non-answer, and ToldError where it is an error."""
    try:
        whole = _WHOLE.decode(body)
        parts = [answered(block) for block in whole.content]
    except UNREADABLE as error:
        raise not_a(body, "message") from error
    return Said(
        id=whole.id or "",
        model=whole.model or "",
        # Other blocks are new, or come of tools at the vendor, which no talk can ask for.
        parts=(*[part for part in parts if part is not None], *refusal(whole.stop_details)),
        finish=finish(whole.stop_reason),
        stop=whole.stop_sequence or "",
        usage=read_usage(whole.usage),
    )


def write(said: Said) -> bytes:
    """The message; its parts in order, and the ids of its calls in the vendor's letters."""
    answer = wire.Answer(
        id=said.id or new_id(),
        model=said.model,
        content=_content(said.parts),
        stop_reason=reason(
            said.finish,
            called=any(isinstance(part, Call) for part in said.parts),
            refused=any(isinstance(part, Refusal) for part in said.parts),
        ),
        stop_sequence=said.stop or None,
        usage=usage(said.usage),
    )
    return _ENCODE(answer)


def new_id() -> str:
    """An id for a message that its provider gave none: clients tell messages apart by it."""
    return f"msg_{token_hex(12)}"


def finish(reason_: str | None) -> Finish | None:
    """Why an answer ended; a reason that is new to us has ended it all the same."""
    return None if reason_ is None else _FINISHES.get(reason_, Finish.STOP)


def refusal(details: wire.StopDetails | None) -> tuple[Refusal, ...]:
    """The vendor's words for why it refused: they stand beside the content, not in it."""
    return (Refusal(text=details.explanation),) if details and details.explanation else ()


def reason(finish_: Finish | None, *, called: bool, refused: bool) -> str:
    """The reason as the vendor says it. Clients run tools only at `tool_use`."""
    if finish_ is None or finish_ is Finish.STOP:
        return "tool_use" if called else "refusal" if refused else "end_turn"
    return _REASONS[finish_]


def usage(counts: Usage | None) -> wire.Usage:
    """The counts as the vendor gives them; its clients want numbers, so that unknown is zero."""
    if counts is None:
        return wire.Usage(input_tokens=0, output_tokens=0)
    cached, written = counts.cached_tokens, counts.cache_write_tokens
    thought = counts.reasoning_tokens
    return wire.Usage(
        input_tokens=max(0, (counts.input_tokens or 0) - (cached or 0) - (written or 0)),
        cache_creation_input_tokens=written,
        cache_read_input_tokens=cached,
        output_tokens=counts.output_tokens or 0,
        output_tokens_details=(
            msgspec.UNSET if thought is None else wire.OutputDetails(thinking_tokens=thought)
        ),
    )


def _content(parts: Sequence[Part]) -> list[wire.Written]:
    used: dict[str, int] = {}
    content: list[wire.Written] = []
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                content.append(wire.Text(text))
            case Thinking(text=text, signature=signature):
                # Shown even without a signature; such a one is left out of the next request.
                content.append(wire.Thinking(text, signature))
            case Call():
                content.append(_call(replace(part, id=valid_id(part.id, used))))
            case _ if (said := block(part)) is not None:
                content.append(said)
    return content


def _call(call: Call) -> wire.Written:
    said = block(call)
    assert said is not None
    return said
