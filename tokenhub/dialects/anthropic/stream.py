"""Anthropic's stream, read into deltas and written from them.

    message_start, then for each block start, deltas and stop, then message_delta, message_stop

One block is open at a time. A writer keeps to that whatever comes in: a piece of another kind
closes the block, and the pieces of a call that is not the open one wait for their turn.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

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
from tokenhub.dialects.anthropic.blocks import valid_id
from tokenhub.dialects.anthropic.passing import (
    MESSAGE_STOP,
    UNREADABLE,
    Counts,
    opening,
    read_event,
)
from tokenhub.wire import anthropic as wire
from tokenhub.wire import sse

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
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
        deltas.append(Began(id=message.id, model=message.model, usage=self._counts.usage))

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


class _Waiting:
    """A call on its way: its id and name, and what has come of its arguments."""

    __slots__ = ("id", "name", "pieces")

    def __init__(self, began: CallBegan) -> None:
        self.id = began.id
        self.name = began.name
        self.pieces: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether the arguments are complete: nothing can follow the end of a JSON object."""
        try:
            _FIELDS.decode("".join(self.pieces))
        except UNREADABLE:
            return False
        return True


class Writer:
    """Deltas as a stream for the caller; `terminal` is for whoever sends it, once all is kept."""

    __slots__ = (
        "_call",
        "_calls",
        "_index",
        "_kind",
        "_prefix",
        "_refused",
        "_signature",
        "_used",
        "_waiting",
    )
    terminal = MESSAGE_STOP

    def __init__(self) -> None:
        self._index = -1
        self._kind = ""
        self._prefix = b""
        self._signature = ""
        self._refused = False
        self._used: set[str] = set()
        # The call whose block is open, and all that have begun and are not closed, in order.
        self._call = -1
        self._waiting: dict[int, _Waiting] = {}
        self._calls = 0

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The events. Raises ValueError where a call goes on that is over."""
        events: list[bytes] = []
        for delta in deltas:
            if type(delta) is TextPiece and self._kind == "text":
                events += (self._prefix, _ENCODE(delta.text), b"}}\n\n")
            else:
                self._write(delta, events)
        return b"".join(events)

    def _write(self, delta: Delta, events: list[bytes]) -> None:
        match delta:
            case TextPiece(text) | RefusalPiece(text):
                self._refused = self._refused or type(delta) is RefusalPiece
                self._text(text, events)
            case CallPiece(index, arguments):
                self._arguments(index, arguments, events)
            case ThinkingPiece(text):
                self._think(text, events)
            case SignaturePiece(signature):
                if self._kind != "thinking":
                    self._think("", events)
                self._signature += signature
            case CallBegan(index):
                self._waiting[index] = _Waiting(delta)
                self._calls += 1
                self._advance(events)
            case SealedPiece(data):
                self._start("redacted_thinking", wire.Redacted(data), events)
                self._close(events)
            case Began():
                events.append(_started(delta))
            case Ended():
                self._close_all(events)
                events.append(self._ended(delta))

    def _text(self, text: str, events: list[bytes]) -> None:
        if not text:
            return
        if self._kind != "text":
            self._start("text", wire.Text(""), events)
        self._piece(text, events)

    def _think(self, text: str, events: list[bytes]) -> None:
        if self._kind != "thinking" or self._signature:
            self._start("thinking", wire.Thinking("", ""), events)
        if text:
            self._piece(text, events)

    def _arguments(self, index: int, arguments: str, events: list[bytes]) -> None:
        call = self._waiting.get(index)
        if call is None:
            if not arguments.strip():
                return
            raise ValueError("a call went on after its end")
        call.pieces.append(arguments)
        if index == self._call:
            if arguments:
                self._piece(arguments, events)
            return
        self._advance(events)

    def _advance(self, events: list[bytes]) -> None:
        """Opens the first call that waits, if nothing is open that may still go on."""
        while self._waiting:
            if self._call >= 0:
                if len(self._waiting) == 1 or not self._waiting[self._call].whole:
                    return
                self._close(events)
                continue
            self._open_call(events)

    def _open_call(self, events: list[bytes]) -> None:
        index, call = next(iter(self._waiting.items()))
        waiting, self._waiting = self._waiting, {}
        block = wire.ToolUse(valid_id(call.id, self._used), call.name, Raw(b"{}"))
        self._start("tool_use", block, events)
        self._waiting = waiting
        self._call = index
        if arguments := "".join(call.pieces):
            self._piece(arguments, events)

    def _start(self, kind: str, block: wire.Written, events: list[bytes]) -> None:
        self._close_all(events)
        self._index += 1
        self._kind = kind
        events.append(_event(wire.BlockStart(index=self._index, content_block=block)))
        if kind in _PIECES:
            self._prefix = _PIECES[kind] % self._index

    def _piece(self, text: str, events: list[bytes]) -> None:
        events += (self._prefix, _ENCODE(text), b"}}\n\n")

    def _close(self, events: list[bytes]) -> None:
        if not self._kind:
            return
        if self._signature:
            # In one piece: the vendor's clients keep only the last.
            prefix = _DELTA % (self._index, b"signature_delta", b"signature")
            events += (prefix, _ENCODE(self._signature), b"}}\n\n")
            self._signature = ""
        if self._call >= 0:
            del self._waiting[self._call]
            self._call = -1
        self._kind = ""
        events.append(_STOP % (self._index,))

    def _close_all(self, events: list[bytes]) -> None:
        """Closes what is open, and writes the calls that waited for it."""
        self._close(events)
        while self._waiting:
            self._open_call(events)
            self._close(events)

    def _ended(self, delta: Ended) -> bytes:
        reason = answer.reason(delta.finish, called=self._calls > 0, refused=self._refused)
        stopped = wire.Stopped(stop_reason=reason, stop_sequence=delta.stop or None)
        return _event(wire.MessageDelta(delta=stopped, usage=answer.usage(delta.usage)))


_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'


def _prefixes() -> dict[str, bytes]:
    named = {
        "text": (b"text_delta", b"text"),
        "thinking": (b"thinking_delta", b"thinking"),
        "tool_use": (b"input_json_delta", b"partial_json"),
    }
    return {
        kind: _DELTA.replace(b"%b", names[0], 1).replace(b"%b", names[1], 1)
        for kind, names in named.items()
    }


_PIECES = _prefixes()


def _started(began: Began) -> bytes:
    usage = answer.usage(began.usage)
    return _event(
        wire.MessageStart(wire.Answer(id=began.id, model=began.model, content=[], usage=usage))
    )


def _event(event: wire.MessageStart | wire.BlockStart | wire.MessageDelta) -> bytes:
    return sse.event(_ENCODE(event), name=str(event.__struct_config__.tag))
