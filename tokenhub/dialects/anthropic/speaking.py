"""Deltas, written as Anthropic's stream.

One block is open at a time, and a writer keeps to that whatever comes in. A piece of another kind
closes a block of text or thinking. A call is closed only when its arguments are whole, since more
of them would have no place: until then, or until the end, all else waits in its order.
"""

from collections import deque
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    RefusalPiece,
    SealedPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.anthropic import answer
from tokenhub.dialects.anthropic.calls import Coming
from tokenhub.dialects.anthropic.events import MESSAGE_STOP
from tokenhub.dialects.anthropic.ids import valid_id
from tokenhub.wire import anthropic as wire
from tokenhub.wire import sse

_ENCODE = msgspec.json.Encoder().encode


class Writer:
    """Deltas as a stream for the caller; `terminal` is for whoever sends it, once all is kept."""

    __slots__ = (
        "_called",
        "_calls",
        "_index",
        "_kind",
        "_open",
        "_prefix",
        "_refused",
        "_signature",
        "_spoken",
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
        self._called = False
        self._used: dict[str, int] = {}
        # The call whose block is open, and whether its arguments are being told already.
        self._open: Coming | None = None
        self._spoken = False
        # What waits until that call is whole, and the calls that are not closed by their index.
        self._waiting: deque[Delta | Coming] = deque()
        self._calls: dict[int, Coming] = {}

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
            case CallPiece(index, arguments):
                self._arguments(index, arguments, events)
            case CallBegan(index):
                self._called = True
                self._calls[index] = call = Coming(delta)
                self._say_or_wait(call, events)
            case Began():
                events.append(_started(delta))
            case Ended():
                self._say_all(events)
                events.append(self._ended(delta))
            case _:
                self._say_or_wait(delta, events)

    def _say_or_wait(self, said: Delta | Coming, events: list[bytes]) -> None:
        # Where something waits, the open call was not whole, and has not gone on since.
        if self._open is not None and (self._waiting or not self._open.whole):
            self._waiting.append(said)
        else:
            self._say(said, events)

    def _say(self, said: Delta | Coming, events: list[bytes]) -> None:
        match said:
            case TextPiece(text) | RefusalPiece(text):
                self._refused = self._refused or type(said) is RefusalPiece
                self._text(text, events)
            case ThinkingPiece(text):
                self._think(text, events)
            case SignaturePiece(signature):
                if self._kind != "thinking":
                    self._think("", events)
                self._signature += signature
            case SealedPiece(data):
                self._start("redacted_thinking", wire.Redacted(data), events)
                self._close(events)
            case Coming():
                block = wire.ToolUse(valid_id(said.id, self._used), said.name, Raw(b"{}"))
                self._start("tool_use", block, events)
                self._open = said
                self._speak(said.so_far, events)

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
        call = self._calls.get(index)
        if call is None:
            if not arguments.strip():
                return
            raise ValueError("a call went on after its end")
        call.add(arguments)
        if call is not self._open:
            return
        self._speak(arguments if self._spoken else call.so_far, events)
        if self._waiting and "}" in arguments:
            self._say_waiting(events)

    def _speak(self, arguments: str, events: list[bytes]) -> None:
        """Tell more of the open call. What may be no object is told when it is over."""
        if arguments and self._open is not None and self._open.is_object:
            self._spoken = True
            self._piece(arguments, events)

    def _say_waiting(self, events: list[bytes]) -> None:
        while self._waiting and (self._open is None or self._open.whole):
            self._say(self._waiting.popleft(), events)

    def _say_all(self, events: list[bytes]) -> None:
        """Says what waited, and closes what is open."""
        while self._waiting:
            self._say(self._waiting.popleft(), events)
        self._close(events)

    def _start(self, kind: str, block: wire.Written, events: list[bytes]) -> None:
        self._close(events)
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
        if self._open is not None:
            self._close_call(self._open, events)
        self._kind = ""
        events.append(_STOP % (self._index,))

    def _close_call(self, call: Coming, events: list[bytes]) -> None:
        if not self._spoken and (arguments := call.mended):
            self._piece(arguments, events)
        if self._calls.get(call.index) is call:
            del self._calls[call.index]
        self._open = None
        self._spoken = False

    def _ended(self, delta: Ended) -> bytes:
        reason = answer.reason(delta.finish, called=self._called, refused=self._refused)
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
    message = wire.Answer(
        id=began.id or answer.new_id(), model=began.model, content=[], usage=usage
    )
    return _event(wire.MessageStart(message))


def _event(event: wire.MessageStart | wire.BlockStart | wire.MessageDelta) -> bytes:
    return sse.event(_ENCODE(event), name=str(event.__struct_config__.tag))
