"""A provider's stream on its way to a caller of the same format: passed on, and understood."""

from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.outcome import Usage
from tokenhub.wire import sse


class Following:
    """What such a follower has in every format: sans-IO, one per stream.

    `started` turns true with the first piece of an answer, `done` with the event that ends a whole
    stream. A format gives `_read`, which understands an event and notes the counts in `_usage` and
    `_counted`, how many pieces they are of.
    """

    __slots__ = ("_counted", "_splitter", "_text_bytes", "_usage", "done", "pieces", "started")

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._text_bytes = 0
        self._usage: Usage | None = None
        self._counted = 0
        self.pieces = 0
        self.started = False
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """The bytes to hand on: whole events, without the terminal one.

        Raises ValueError for what is no event of this format, and ToldError for an error event.
        """
        events = self._splitter.feed(data)
        if len(events) == 1:
            return events[0] if self._read(events[0]) else b""
        return b"".join([event for event in events if self._read(event)])

    def end(self) -> bytes:
        """The same for what the provider did not end with a blank line; its last event may be so.

        Raises as `feed` does.
        """
        rest = self._splitter.rest.strip()
        if not rest:
            return b""
        event = rest + b"\n\n"
        return event if self._read(event) else b""

    @property
    def usage(self) -> Usage | None:
        """The provider's counts; of the output only where they count all that came.

        Some send usage ahead of the answer, or with each piece of it.
        """
        if self._usage is None or self._counted == self.pieces:
            return self._usage
        return prompt_only(self._usage)

    @property
    def output_tokens(self) -> int:
        """Providers send about a token an event; where they send more, the text tells."""
        return max(self.pieces, tokens.of_bytes(self._text_bytes))

    def _read(self, event: bytes) -> bool:
        """Understand an event; whether it is to be handed on. Raises as `feed` does."""
        raise NotImplementedError


def prompt_only(usage: Usage) -> Usage:
    """The counts of the prompt, where more came after those of the answer."""
    return replace(usage, output_tokens=None, reasoning_tokens=None)
