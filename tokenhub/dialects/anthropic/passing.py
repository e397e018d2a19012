"""Between equals nothing is translated: Anthropic's format to a provider of the same.

The body goes up with the model's name replaced and a history mended that the vendor would refuse,
the answer comes down untouched. What is decoded is decoded to be understood, never to be rewritten.
"""

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Ask
from tokenhub.core.outcome import Usage
from tokenhub.dialects.anthropic.counts import Counts, read_usage
from tokenhub.dialects.anthropic.errors import UNREADABLE, error_of, not_a
from tokenhub.dialects.anthropic.events import MESSAGE_STOP, opening, read_event
from tokenhub.dialects.anthropic.mending import mended
from tokenhub.dialects.following import Following
from tokenhub.dialects.told import count
from tokenhub.wire import anthropic as wire

__all__ = ["StreamReader", "counted", "error_of", "payload", "usage_of"]

_ANSWERED = msgspec.json.Decoder(wire.Answered)
_COUNTED = msgspec.json.Decoder(wire.Counted)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode


def payload(ask: Ask, model_id: str) -> bytes:
    """The body for a provider of this format: the caller's bytes, with `model` replaced.

    Where the history breaks a rule of the vendor's that has nothing to do with what was said, it
    is mended, and nothing else.
    """
    body = mended(ask.payload)
    if ask.model == model_id:
        return body
    fields = _FIELDS.decode(body)
    fields["model"] = Raw(_ENCODE(model_id))
    return _ENCODE(fields)


def usage_of(body: bytes) -> Usage | None:
    """The usage of a whole answer, None where it gives none.

    Raises ValueError for a non-answer, and ToldError where it is an error.
    """
    try:
        return read_usage(_ANSWERED.decode(body).usage)
    except UNREADABLE as error:
        raise not_a(body, "message") from error


def counted(body: bytes) -> int:
    """The tokens that a prompt has. Raises as `usage_of` does."""
    try:
        told = count(_COUNTED.decode(body).input_tokens)
    except UNREADABLE as error:
        raise not_a(body, "count of tokens") from error
    if told is None:
        raise ValueError("not a count of tokens")
    return told


class StreamReader(Following):
    """Follows a provider's stream; `terminal` is the event that ended it, as it was sent."""

    __slots__ = ("_counts", "terminal")

    def __init__(self) -> None:
        super().__init__()
        self._counts = Counts()
        self.terminal = MESSAGE_STOP

    def _read(self, event: bytes) -> bool:
        """Understand an event; whether it is to be handed on."""
        if self.done:
            return False
        told = read_event(event)
        if told is None:
            return True
        if told.type == "content_block_delta":
            self._count(told.delta)
        elif told.type == "message_stop":
            self.terminal = event
            self.done = True
            return False
        else:
            self._note(told)
        return True

    def _count(self, delta: wire.Delta | None) -> None:
        if delta is None:
            return
        piece = delta.text or delta.partial_json or delta.thinking
        if piece:
            self._text_bytes += len(piece) if piece.isascii() else len(piece.encode())
            self.pieces += 1
            self.started = True
        elif delta.signature or memoryview(delta.citation):
            self.started = True

    def _note(self, told: wire.Event) -> None:
        match told.type:
            case "message_start":
                self._counts.begin(opening(told).usage)
                self._usage = self._counts.usage
            case "content_block_start":
                self.started = self.started or _has_content(told.content_block)
            case "message_delta":
                self._counts.add(told.usage)
                self._usage = self._counts.usage
                self._counted = self.pieces
                self.started = True


def _has_content(block: wire.Block | None) -> bool:
    """Whether a block begins with some: texts come empty, all others bring something."""
    return block is not None and (
        block.type not in {"text", "thinking"} or bool(block.text or block.thinking)
    )
