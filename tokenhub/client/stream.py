"""Answers that come bit by bit: what to ask for, and how their bytes become rows. Nothing is sent.

    Stream ──> Run ──> call, fed(bytes) ──> rows
                └ wait_s(): so long, and ask again from where it ended; or give up

Events go on until the server says why they end; a connection that is lost is made again, with
`Last-Event-ID`, so that nothing is lost with it that the server still has. Lines (NDJSON) are one
long answer, which is over when it ends and is never asked for twice.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from tokenhub.client.call import Call
from tokenhub.client.errors import Unreadable
from tokenhub.wire.events import Event
from tokenhub.wire.sse import EventTooLong, Splitter, payload

T = TypeVar("T")

# The server says something every 15 s; three times that, and nobody is there.
QUIET_S = 45.0
# Twelve waits, doubled from 0.1 s to 5 s, are 36 s: longer than a server takes to restart.
RECONNECTS = 12
# A row of the log is some KB; without an end to it, an answer is no list of lines.
MAX_LINE_BYTES = 16 << 20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0
# Too many readers, or a server that stops, starts, or is not there for its proxy.
_PASSING = frozenset((429, 502, 503, 504))
CONNECTED, END, DRAINING = "connected", "end", "draining"


class Heard(Event, kw_only=True):
    """An event with its id, which is empty for those of the stream itself."""

    id: str = ""


class Reader(Protocol[T]):
    """Makes rows of bytes. `over` once the server has said that there will be no more."""

    over: bool

    @property
    def last_id(self) -> str:
        """Up to where everything has come; empty where that is nowhere."""
        ...

    def feed(self, data: bytes) -> list[T]:
        """The rows that are whole now. Raises ValueError where they are none."""
        ...

    def ended(self) -> list[T]:
        """The rows that the end of the answer makes whole; it may go on with another answer."""
        ...


class Stream(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A call whose answer is rows, `call.returns` each.

    `reader` makes a reader for one run. One that `resumes` is asked for again where its connection
    is lost. `accept` is the media type.
    """

    call: Call[T]
    reader: Callable[[], Reader[T]]
    accept: str
    resumes: bool = False


class Run(Generic[T]):
    """One run through a stream: `over` when nothing more will come."""

    def __init__(self, stream: Stream[T], *, retries: int) -> None:
        self.call = stream.call
        self._stream = stream
        self._reader = stream.reader()
        self._retries = retries
        self._tries = 0
        self._begun = self._ended = False

    @property
    def over(self) -> bool:
        """Whether all has come that will come."""
        return self._reader.over or self._ended

    @property
    def headers(self) -> dict[str, str]:
        """Those of the next request, by which the server goes on where it ended."""
        headers = {"Accept": self._stream.accept}
        if self._stream.resumes:
            # What a compressor holds back comes too late.
            headers["Accept-Encoding"] = "identity"
        if self._reader.last_id:
            headers["Last-Event-ID"] = self._reader.last_id
        return headers

    def quiet_s(self, timeout_s: float) -> float:
        """For how long nothing may come."""
        return max(QUIET_S, timeout_s) if self._stream.resumes else timeout_s

    def fed(self, data: bytes) -> list[T]:
        """The rows that this portion makes whole. Raises Unreadable."""
        self._begun = True
        self._tries = 0
        return self._read(lambda: self._reader.feed(data))

    def ended(self) -> list[T]:
        """The rows that the end of the answer makes whole. Raises Unreadable."""
        self._ended = not self._stream.resumes
        return self._read(self._reader.ended)

    def wait_s(self, status: int = 0) -> float | None:
        """Seconds until it is asked for again; None where it is not to be.

        It is after a connection was lost, or could not be made; and where it had begun, while the
        server, or what stands before it, refuses with a `status` that will pass.
        """
        most = RECONNECTS if self._begun and self._stream.resumes else self._retries
        known = not status or (self._begun and status in _PASSING)
        again = self._stream.resumes or not self._begun
        if not (known and again) or self._tries >= most:
            return None
        self._reader.ended()
        self._tries += 1
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (self._tries - 1))

    def _read(self, rows: Callable[[], list[T]]) -> list[T]:
        try:
            return rows()
        except ValueError as error:
            raise Unreadable(self.call.path, str(error)) from error


class EventReader:
    """Server-sent events, after the one with the id `after`."""

    def __init__(self, after: str = "") -> None:
        self.last_id = after
        self.over = False
        self._splitter = Splitter()

    def feed(self, data: bytes) -> list[Heard]:
        """The events that are complete now. Raises ValueError."""
        try:
            found = [self._heard(event) for event in self._splitter.feed(data)]
        except EventTooLong as error:
            raise ValueError("an event does not end") from error
        return [one for one in found if one is not None]

    def ended(self) -> list[Heard]:
        """None: what has come of an event that did not end is sent again with the next answer."""
        self._splitter = Splitter()
        return []

    def _heard(self, event: bytes) -> Heard | None:
        """The event, or None for a sign of life."""
        event_id = _field(event, b"id").decode("ascii", "replace")
        self.last_id = event_id or self.last_id
        data, kind = payload(event), _field(event, b"event").decode("ascii", "replace")
        if not data:
            return None
        if kind == CONNECTED:
            return Heard(type=CONNECTED, timestamp="", id=self.last_id)
        one = msgspec.json.decode(data, type=Heard)
        one.id = event_id
        # A server that stops is back soon; whoever is turned away is not to come again.
        self.over = kind == END and one.reason != DRAINING
        return one


class LineReader(Generic[T]):
    """Lines of JSON (NDJSON), one row each."""

    last_id = ""
    over = False

    def __init__(self, row: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(row)
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[T]:
        """The rows that are complete now. Raises ValueError."""
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._keep(data)
            return []
        lines = b"".join([*self._parts, whole]).split(b"\n")
        self._parts, self._size = [], 0
        self._keep(rest)
        return self._rows(lines)

    def ended(self) -> list[T]:
        """The last row, where no newline ends it. Raises ValueError for half a row."""
        last = b"".join(self._parts)
        self._parts, self._size = [], 0
        return self._rows([last])

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > MAX_LINE_BYTES:
            raise ValueError("a line does not end")

    def _rows(self, lines: list[bytes]) -> list[T]:
        return [self._decoder.decode(line) for line in lines if line.strip()]


def _field(event: bytes, name: bytes) -> bytes:
    """The last value of a field of an event; empty where it has none."""
    value = b""
    for line in event.split(b"\n"):
        head, colon, rest = line.removesuffix(b"\r").partition(b":")
        if colon and head == name:
            value = rest.removeprefix(b" ")
    return value
