"""Anthropic's stream, read into deltas.

    message_start, then for each block start, deltas and stop, then message_delta, message_stop

The other way, deltas are written in `speaking`.
"""

from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Finish,
    RefusalPiece,
    SealedPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.anthropic import answer
from tokenhub.dialects.anthropic.counts import Counts
from tokenhub.dialects.anthropic.events import opening, read_event
from tokenhub.dialects.anthropic.speaking import Writer
from tokenhub.wire import anthropic as wire
from tokenhub.wire import sse

__all__ = ["Reader", "Writer"]

_NO_INPUT = (b"", b"{}", b"null")


class Reader:
    """A provider's stream as deltas: sans-IO, one per stream."""

    __slots__ = ("_began", "_calls", "_counts", "_inputs", "_signed", "_splitter", "_stop", "done")

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._counts = Counts()
        self._began = False
        self._signed = False
        # Calls by the index of their block; inputs are those that came with the block's start.
        self._calls: dict[int, int] = {}
        self._inputs: dict[int, str] = {}
        self._stop: tuple[Finish | None, str] = (None, "")
        self.done = False

    def feed(self, data: bytes) -> list[Delta]:
        """Raises ValueError for what is no event of this format, and ToldError for an error."""
        deltas: list[Delta] = []
        for event in self._splitter.feed(data):
            self._read(event, deltas)
        return deltas

    def end(self) -> list[Delta]:
        """The same for what came without a blank line at the very end."""
        deltas: list[Delta] = []
        rest = self._splitter.rest.strip()
        if rest:
            self._read(rest + b"\n\n", deltas)
        return deltas

    def _read(self, event: bytes, deltas: list[Delta]) -> None:
        told = None if self.done else read_event(event)
        if told is None:
            return
        if told.type == "content_block_delta":
            if told.delta is not None:
                self._piece(told.index, told.delta, deltas)
            return
        match told.type:
            case "message_start":
                self._begin(told, deltas)
            case "content_block_start":
                self._open(told, deltas)
            case "content_block_stop":
                self._close(told.index, deltas)
            case "message_delta":
                self._note(told, deltas)
            case "message_stop":
                self.done = True
                finish, stop = self._stop
                deltas.append(Ended(finish=finish, stop=stop, usage=self._counts.usage))

    def _piece(self, index: int, delta: wire.Delta, deltas: list[Delta]) -> None:
        if delta.text:
            deltas.append(TextPiece(delta.text))
        elif delta.partial_json:
            if index not in self._calls:
                # A tool that runs at the vendor; no talk can ask for one.
                return
            self._inputs.pop(index, None)
            deltas.append(CallPiece(self._calls[index], delta.partial_json))
        elif delta.thinking:
            deltas.append(ThinkingPiece(delta.thinking))
            self._signed = False
        elif delta.signature:
            deltas.append(SignaturePiece(delta.signature))
            self._signed = True

    def _begin(self, told: wire.Event, deltas: list[Delta]) -> None:
        message = opening(told)
        self._began = True
        self._counts.begin(message.usage)
        deltas.append(
            Began(id=message.id or "", model=message.model or "", usage=self._counts.usage)
        )

    def _open(self, told: wire.Event, deltas: list[Delta]) -> None:
        block = told.content_block
        if block is None or not self._began:
            raise ValueError("a block out of place")
        match block.type:
            case "text" if block.text:
                deltas.append(TextPiece(block.text))
            case "thinking":
                if block.thinking or self._signed:
                    # An empty piece keeps the signatures of two blocks apart.
                    deltas.append(ThinkingPiece(block.thinking or ""))
                    self._signed = False
                if block.signature:
                    deltas.append(SignaturePiece(block.signature))
                    self._signed = True
            case "redacted_thinking":
                deltas.append(SealedPiece(block.data or ""))
            case "tool_use":
                call = self._calls[told.index] = len(self._calls)
                given = bytes(block.input)
                self._inputs[told.index] = "{}" if given in _NO_INPUT else given.decode()
                deltas.append(CallBegan(call, block.id or "", block.name or ""))

    def _close(self, index: int, deltas: list[Delta]) -> None:
        """A call that brought no pieces had its input at its start, or has none."""
        if index in self._inputs:
            deltas.append(CallPiece(self._calls[index], self._inputs.pop(index)))

    def _note(self, told: wire.Event, deltas: list[Delta]) -> None:
        self._counts.add(told.usage)
        if told.delta is None:
            return
        deltas += [RefusalPiece(said.text) for said in answer.refusal(told.delta.stop_details)]
        self._stop = answer.finish(told.delta.stop_reason), told.delta.stop_sequence or ""
