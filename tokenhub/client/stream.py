"""Answers that come bit by bit: what to ask for, and how their bytes become rows. Nothing is sent.

    Stream ──> Run ──> opening(), fed(bytes) ──> rows
                └ wait_s(): so long, and ask again from where it ended; or give up

Events go on until the server says why they end; a connection that is lost is made again, with
`Last-Event-ID`, so that nothing is lost with it that the server still has. Lines (NDJSON) are one
long answer, which is over when it ends and is never asked for twice.
"""

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.client.call import Call
from tokenhub.client.errors import Unauthorized, Unreadable
from tokenhub.client.link import Change, Connecting, Live, Missed, Retrying, Told, untold
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
# Six doublings are past the longest wait, and no number of tries is too large to count with.
_DOUBLINGS = 6
# A connection that was there for longer than the longest wait was no failed try.
STEADY_S = 5.0
# Too many readers, or a server that stops, starts, or is not there for its proxy.
_PASSING = frozenset((429, 502, 503, 504))
# Of the stream itself; what a server that stops says at its end is no reason to stay away.
CONNECTED, GAP, DROPPED, HEARTBEAT, END = "connected", "gap", "dropped", "heartbeat", "end"
DRAINING = "draining"
_UNAUTHORIZED = 401


class Heard(Event, kw_only=True):
    """An event with its id, which most of those of the stream itself have not."""

    id: str = ""


class Reader(Protocol[T]):
    """Makes rows of bytes. `over` is why the server has said that there will be no more.

    `heard` is whether anything but words of the stream itself has come since it was `ended`.
    """

    over: str
    heard: bool

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

    def changes(self) -> list[Change]:
        """What is to be told of the stream itself, since it was asked last."""
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

    @property
    def opening(self) -> Call[T]:
        """The first request of a run."""
        return self.behind(self.reader().last_id)

    def behind(self, last_id: str) -> Call[T]:
        """The request by which the server goes on behind an event; none is from now on."""
        headers = [*self.call.headers, ("Accept", self.accept)]
        if last_id:
            headers.append(("Last-Event-ID", last_id))
        return replace(self.call, headers=tuple(headers))


class Run(Generic[T]):
    """One run through a stream, until it is `over`.

    One that never `gives_up` asks again for as long as it takes, and from the first try on.
    """

    def __init__(
        self,
        stream: Stream[T],
        *,
        retries: int,
        told: Told = untold,
        gives_up: bool = True,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.stream = stream
        self._reader = stream.reader()
        self._retries = retries
        self._told = told
        self._gives_up = gives_up or not stream.resumes
        self._now = now
        self._tries = 0
        self._let_in_at: float | None = None
        self._begun = self._ended = False

    def over(self) -> bool:
        """Whether all has come that will come."""
        return bool(self._reader.over) or self._ended

    def opening(self) -> Call[T]:
        """The next request, by which the server goes on where it ended."""
        self._told(Connecting(tries=self._tries))
        call = self.stream.behind(self._reader.last_id)
        if not self.stream.resumes:
            return call
        # What a compressor holds back comes too late.
        return replace(call, headers=(*call.headers, ("Accept-Encoding", "identity")))

    def quiet_s(self, timeout_s: float) -> float:
        """For how long nothing may come."""
        return max(QUIET_S, timeout_s) if self.stream.resumes else timeout_s

    def let_in(self, media_type: str) -> None:
        """The answer has begun. Raises Unreadable where it is of another type; empty is not told.

        A page for people, of whatever stands between, would be read as a stream without events.
        """
        if media_type and media_type.partition(";")[0].strip().lower() != self.stream.accept:
            raise Unreadable(self.stream.call.path, f"it is {media_type}")
        self._let_in_at = self._now()

    def fed(self, data: bytes) -> list[T]:
        """The rows that this portion makes whole. Raises Unreadable."""
        self._begun = True
        rows = self._read(lambda: self._reader.feed(data))
        if self._reader.heard:
            self._tries = 0
        return rows

    def ended(self) -> list[T]:
        """The rows that the end of the answer makes whole. Raises Unreadable."""
        self._ended = not self.stream.resumes
        return self._read(self._reader.ended)

    def wait_s(self, why: str, status: int = 0) -> float | None:
        """Seconds until it is asked for again; None where it is not to be.

        It is after a connection was lost, or could not be made; and where it had begun, while the
        server, or what stands before it, refuses with a `status` that will pass.
        """
        if self._let_in_at is not None and self._now() - self._let_in_at >= STEADY_S:
            self._tries = 0
        self._let_in_at = None
        if not self._again(status):
            return None
        self._reader.ended()
        self._tries += 1
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._tries - 1, _DOUBLINGS))
        self._told(Retrying(tries=self._tries, wait_s=wait_s, why=why))
        return wait_s

    def close(self) -> None:
        """Raises Unauthorized where the server ended it, and would not let it in again."""
        if self._reader.over:
            why = f"the server ended the stream: {self._reader.over}"
            raise Unauthorized(why, status=_UNAUTHORIZED, code=self._reader.over)

    def _again(self, status: int) -> bool:
        resumes = self.stream.resumes
        if not self._gives_up:
            return not status or status in _PASSING
        most = RECONNECTS if self._begun and resumes else self._retries
        passing = not status or (self._begun and status in _PASSING)
        return passing and (resumes or not self._begun) and self._tries < most

    def _read(self, rows: Callable[[], list[T]]) -> list[T]:
        try:
            found = rows()
        except ValueError as error:
            raise Unreadable(self.stream.call.path, str(error)) from error
        for change in self._reader.changes():
            self._told(change)
        return found


class EventReader:
    """Server-sent events, after the one with the id `after`."""

    def __init__(self, after: str = "") -> None:
        self.last_id = after
        self.over = ""
        self.heard = False
        self._place = ""
        self._changes: list[Change] = []
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
        self._place, self.heard = "", False
        return []

    def changes(self) -> list[Change]:
        """What was told of the stream itself since the last look."""
        found, self._changes = self._changes, []
        return found

    def _heard(self, event: bytes) -> Heard | None:
        """The event, or None for a sign of life."""
        event_id = _id(event)
        data, kind = payload(event), _field(event, b"event").decode("ascii", "replace")
        if kind == CONNECTED and data:
            # Until a gap is told, what lies before this place may have been missed.
            self._place, self.last_id = event_id, self.last_id or event_id
            self._changes.append(Live())
            return Heard(type=CONNECTED, timestamp="", id=event_id)
        if not data:
            self.last_id = event_id or self.last_id
            return None
        one = msgspec.json.decode(data, type=Heard)
        one.id = event_id
        self._follow(one)
        return one

    def _follow(self, one: Heard) -> None:
        """Note what it says of the stream, and up to where everything has come."""
        if one.type == GAP and one.after_id:  # empty where all that is kept was asked for
            missed = Missed(count=one.dropped or None, after_id=one.after_id, next_id=one.next_id)
            self._changes.append(missed)
        elif one.type == DROPPED:
            self._changes.append(Missed(count=one.dropped))
        elif one.type == END and one.reason != DRAINING:
            # A server that stops is back soon; whoever is turned away is not to come again.
            self.over = self.over or one.reason or END
        self.heard = self.heard or one.type not in {GAP, DROPPED, HEARTBEAT, END}
        self.last_id = one.id or (one.type == GAP and self._place) or self.last_id


class LineReader(Generic[T]):
    """Lines of JSON (NDJSON), one row each."""

    last_id = over = ""
    heard = False

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

    def changes(self) -> list[Change]:
        """None: an answer that is asked for once has nothing to tell of itself."""
        return []

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


def _id(event: bytes) -> str:
    """The id of an event; empty where it has none, or one that no header can carry."""
    found = _field(event, b"id").decode("ascii", "replace")
    return found if found.isascii() and found.isprintable() else ""
