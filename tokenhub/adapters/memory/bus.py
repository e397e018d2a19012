"""The newest events in a ring, and readers that are served in turns.

A reader has no queue, only a place in the ring: however slow it is, it costs no more memory, and
what was overwritten before it came is counted, not kept. Events are put into words once, when
somebody reads them, and what readers of one group (the same types and filter) get in one round is
put together once for all of them.

Nothing of it may be felt by requests, however many read. So whatever comes within PAUSE_S goes out
together, and after that at most AT_ONCE readers are woken every TURN_S: a write to a socket takes
some 20 us, so that a turn takes well under a millisecond (measured 2026-11-22).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

import msgspec

from tokenhub.core.errors import RateLimited, Unavailable
from tokenhub.core.events import CONNECTED, DROPPED, END, GAP, HEARTBEAT, Event
from tokenhub.ports.events import Matches

RING = 2_000
MOST_READERS = 2_000
# Different filters at a time; each is asked of each event.
MOST_FILTERS = 32
PAUSE_S = 0.05
TURN_S = 0.01
AT_ONCE = 8
# Of one write. A reader that does not read holds up so much, and what the system buffers.
MOST_BYTES = 32 << 10
# So many kept events are looked through for a filter in one turn of a reader who comes back: to
# look through the ring at once would hold up requests for a second, whatever AT_ONCE says.
MOST_LOOKS = 50
STOPPING, OVER = "draining", "credential_over"
_RETRY_S = 5.0
_MICRO = 1_000_000

Group = tuple[frozenset[str], str]


class Bus:
    """Events and Feed. `told` gives the data of an event that came at a Unix time, as JSON.

    Ids count up from the Unix time of the start in microseconds, so that they go on counting up
    after a restart while there are fewer than a million events a second, and the clock is not set
    back. JavaScript can hold them exactly.
    """

    def __init__(
        self,
        told: Callable[[float, Event], bytes],
        *,
        now: Callable[[], float],
        size: int = RING,
        most_readers: int = MOST_READERS,
    ) -> None:
        self._told = told
        self._now = now
        self._size = size
        self._most_readers = most_readers
        self.last = self._begin = int(now() * _MICRO)
        self._events: list[Event | None] = [None] * size
        self._times = [0.0] * size
        self._frames: list[bytes | None] = [None] * size
        self._fields: dict[int, Mapping[str, Any]] = {}
        self._groups: dict[Group, _Group] = {}
        self._readers: dict[_Reader, None] = {}
        self._due: deque[_Reader] = deque()
        self._round_timer: asyncio.TimerHandle | None = None
        self._turn_timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def readers(self) -> int:
        """How many there are now."""
        return len(self._readers)

    def emit(self, event: Event) -> None:
        """Keep it, over the oldest; a round of the readers follows soon."""
        self.last = number = self.last + 1
        place = number % self._size
        self._events[place] = event
        self._times[place] = self._now()
        self._frames[place] = None
        if self._round_timer is None and self._groups:
            self._arm_round()

    def open(
        self,
        *,
        after: int | None,
        types: Collection[str],
        text: str,
        matches: Matches | None,
        mark: Hashable,
        still: Callable[[], bool],
    ) -> "_Reader":
        if self._closed:
            raise Unavailable("the server is stopping; connect again in a moment", code=STOPPING)
        if len(self._readers) >= self._most_readers:
            raise _too_many(f"{self._most_readers} readers of events are connected already")
        group = self._group(frozenset(types), text if matches else "", matches)
        self._examine(group)
        reader = _Reader(self, group, mark=mark, still=still)
        reader.place = self.last
        kept = self._oldest() - 1
        if after is not None and kept <= after <= self.last:
            reader.place = after
        elif after is not None:
            reader.place = kept
            # Of an id from before the start nobody knows how many came behind it.
            lost = max(0, kept - after) if after >= self._begin else 0
            told = Event(type=GAP, after_id=after, next_id=kept + 1, dropped=lost)
            reader.greet(self._stated(told))
        if matches is None:
            reader.taken = group.count - len(self._wanted(group, reader.place))
        else:
            reader.joined, reader.taken = group.seen, group.count
        group.readers[reader] = None
        self._readers[reader] = None
        return reader

    def look(self) -> None:
        verdicts: dict[Hashable, bool] = {}
        for reader in list(self._readers):
            if reader.mark not in verdicts:
                verdicts[reader.mark] = reader.still()
            if not verdicts[reader.mark]:
                reader.leave(OVER)

    def beat(self, reason: str) -> None:
        """Let those who wait hear it. Who does not take what there is needs no sign of life."""
        data = self._stated(Event(type=HEARTBEAT, reason=reason))
        for reader in self._readers:
            if reader.waits:
                reader.beats = data
                self.queue(reader)

    def close(self) -> None:
        """End all readers; there will be no more."""
        self._closed = True
        for reader in list(self._readers):
            reader.leave(STOPPING)
        for timer in (self._round_timer, self._turn_timer):
            if timer is not None:
                timer.cancel()
        self._due.clear()

    # --- for readers

    def forget(self, reader: "_Reader") -> None:
        group = reader.group
        self._readers.pop(reader, None)
        group.readers.pop(reader, None)
        if not group.readers:
            self._groups.pop(group.key, None)

    def queue(self, reader: "_Reader") -> None:
        """Wake it when its turn comes."""
        if reader.queued:
            return
        reader.queued = True
        self._due.append(reader)
        if self._turn_timer is None:
            self._arm_turn()

    def batch(self, reader: "_Reader") -> bytes:
        """What it has not had of its group, at most MOST_BYTES and an event; its place moves on."""
        group = reader.group
        if reader.behind:
            return self._look_through(reader)
        if group.count == reader.taken:
            reader.place = group.seen
            return b""
        found = group.batches.get(reader.place)
        if found is None:
            found = group.batches[reader.place] = self._put_together(group, reader)
        reader.place, reader.taken, data = found
        return data

    def over(self, why: str) -> bytes:
        """The last event of a reader."""
        return self._stated(Event(type=END, reason=why))

    # --- rounds and turns

    def _arm_round(self) -> None:
        loop = asyncio.get_running_loop()
        self._round_timer = loop.call_later(PAUSE_S, self._round)

    def _arm_turn(self) -> None:
        self._turn_timer = asyncio.get_running_loop().call_later(TURN_S, self._turn)

    def _round(self) -> None:
        """Look through what has come, for each group. While some wait for their turn, later."""
        self._round_timer = None
        if self._due:
            self._arm_round()
            return
        for group in self._groups.values():
            self._examine(group)
        self._fields.clear()

    def _turn(self) -> None:
        self._turn_timer = None
        for _ in range(min(AT_ONCE, len(self._due))):
            reader = self._due.popleft()
            reader.queued = False
            reader.wake()
        if self._due:
            self._arm_turn()
        else:
            self._fields.clear()

    def _examine(self, group: "_Group") -> None:
        """Count what has come for a group, and queue its readers who wait for it.

        What was overwritten before is counted as if the group had wanted it.
        """
        if group.seen == self.last:
            return
        before, group.seen = group.seen, self.last
        group.batches.clear()
        if group.matches is not None:
            self._choose(group, before)
        found = len(self._wanted(group, before)) + max(0, self._oldest() - before - 1)
        if not found:
            return
        group.count += found
        for reader in group.readers:
            if reader.waits:
                self.queue(reader)

    def _choose(self, group: "_Group", before: int) -> None:
        """Ask the group's filter of what has come, once for all of its readers."""
        oldest = self._oldest()
        while group.chosen and group.chosen[0] < oldest:
            group.chosen.popleft()
        ids = range(max(before + 1, oldest), group.seen + 1)
        group.chosen.extend(number for number in ids if self._wants(group, number))

    def _look_through(self, reader: "_Reader") -> bytes:
        """Some of what was kept when it came, and is of its filter; its place moves on.

        What is overwritten before it is looked at counts as wanted.
        """
        parts: list[bytes] = []
        first = min(max(reader.place + 1, self._oldest()), reader.joined + 1)
        if lost := first - reader.place - 1:
            parts.append(self._lost(lost, before=first))
        reader.place = first - 1
        size = 0
        for number in range(first, min(first + MOST_LOOKS, reader.joined + 1)):
            if size > MOST_BYTES:
                break
            if self._wants(reader.group, number):
                parts.append(frame := self._framed(number))
                size += len(frame)
            reader.place = number
        return b"".join(parts)

    def _put_together(self, group: "_Group", reader: "_Reader") -> tuple[int, int, bytes]:
        wanted = self._wanted(group, reader.place)
        taken = group.count - len(wanted)
        parts: list[bytes] = []
        if lost := taken - reader.taken:
            parts.append(self._lost(lost, before=min(self._oldest() - 1, group.seen) + 1))
        size = 0
        for number in wanted:
            if size > MOST_BYTES:
                return number - 1, taken, b"".join(parts)
            parts.append(frame := self._framed(number))
            size += len(frame)
            taken += 1
        return group.seen, taken, b"".join(parts)

    # --- the ring

    def _oldest(self) -> int:
        """The id of the oldest event that is kept, or will be the first."""
        return max(self._begin, self.last - self._size) + 1

    def _wanted(self, group: "_Group", after: int) -> Collection[int]:
        """The ids after that one which the group wants and are kept, up to what it has seen."""
        ids = range(max(after + 1, self._oldest()), group.seen + 1)
        if group.all:
            return ids
        if group.matches is not None:
            return [number for number in group.chosen if number >= ids.start]
        return [number for number in ids if self._wants(group, number)]

    def _wants(self, group: "_Group", number: int) -> bool:
        event = self._events[number % self._size]
        assert event is not None
        if group.types and event.type not in group.types:
            return False
        return group.matches is None or group.matches(self._fields_of(number))

    def _fields_of(self, number: int) -> Mapping[str, Any]:
        found = self._fields.get(number)
        if found is None:
            data = self._framed(number).partition(b"\ndata: ")[2]
            found = self._fields[number] = msgspec.json.decode(data, type=dict[str, Any])
        return found

    def _framed(self, number: int) -> bytes:
        place = number % self._size
        frame = self._frames[place]
        if frame is None:
            event = self._events[place]
            assert event is not None
            data = self._told(self._times[place], event)
            frame = self._frames[place] = b"id: %d\n%b" % (number, _frame(event.type, data))
        return frame

    def _group(self, types: frozenset[str], text: str, matches: Matches | None) -> "_Group":
        key = (types, text)
        group = self._groups.get(key)
        if group is None:
            if matches and sum(known.matches is not None for known in self._groups.values()) >= (
                MOST_FILTERS
            ):
                raise _too_many(f"{MOST_FILTERS} different filters of events are in use already")
            group = self._groups[key] = _Group(key, matches, seen=self.last)
        return group

    def _lost(self, count: int, *, before: int) -> bytes:
        """That so many were lost, with the id up to which: who comes back is not told again."""
        return b"id: %d\n%b" % (before - 1, self._stated(Event(type=DROPPED, dropped=count)))

    def _stated(self, event: Event) -> bytes:
        """An event of the stream itself."""
        return _frame(event.type, self._told(self._now(), event))


class _Group:
    """Readers who want the same. `count` is how many events it has wanted, up to `seen`.

    `batches` are what its readers got at a place in this round: the next place, the count there
    and the bytes. `chosen` are the ids that fit its filter, of those that came since it began.
    """

    __slots__ = ("all", "batches", "chosen", "count", "key", "matches", "readers", "seen", "types")

    def __init__(self, key: Group, matches: Matches | None, *, seen: int) -> None:
        self.key = key
        self.types = key[0]
        self.matches = matches
        self.all = not self.types and matches is None
        self.seen = seen
        self.count = 0
        self.readers: dict[_Reader, None] = {}
        self.batches: dict[int, tuple[int, int, bytes]] = {}
        self.chosen: deque[int] = deque()


class _Reader:
    """A Reader. `place` is the id up to which it has read, `taken` how many of its group's.

    `joined` is the last id of before it came that its filter must be asked of, for it alone.
    """

    def __init__(
        self, bus: Bus, group: _Group, *, mark: Hashable, still: Callable[[], bool]
    ) -> None:
        self._bus = bus
        self.group = group
        self.mark = mark
        self.still = still
        self.place = 0
        self.joined = 0
        self.taken = 0
        self.queued = False
        self.beats = b""
        self._greeting: bytes | None = b""
        self._why: str | None = None
        self._woken: asyncio.Future[None] | None = None

    @property
    def waits(self) -> bool:
        """Whether it has taken all that it was given."""
        return self._woken is not None

    @property
    def behind(self) -> bool:
        """Whether it has not come to where it joined its group."""
        return self.place < self.joined

    async def next(self) -> bytes:
        if self._greeting is not None:
            greeting, self._greeting = self._greeting, None
            return b"id: %d\n%b%b" % (self.place, _frame(CONNECTED, b'{"status":"ok"}'), greeting)
        while self._why is None:
            if self.behind or self.group.count > self.taken:
                self._bus.queue(self)
            self._woken = asyncio.get_running_loop().create_future()
            try:
                await self._woken
            finally:
                self._woken = None
            if self._why is None and not self.still():
                self.leave(OVER)
            elif self._why is None and (data := self._bus.batch(self) + self._beat()):
                return data
        why, self._why = self._why, ""
        return self._bus.over(why) if why else b""

    def greet(self, frame: bytes) -> None:
        """Begin with this, behind the greeting."""
        self._greeting = frame

    def wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def leave(self, why: str = "") -> None:
        if self._why is None:
            self._why = why
            self._bus.forget(self)
            self.wake()

    def _beat(self) -> bytes:
        """The sign of life, with the place: who reads few types still knows where to go on."""
        data, self.beats = self.beats, b""
        if not data:
            return b""
        types = self.group.types
        if types and HEARTBEAT not in types:
            return b": heartbeat\nid: %d\n\n" % self.place
        return b"id: %d\n%b" % (self.place, data)


def _frame(kind: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _too_many(what: str) -> RateLimited:
    return RateLimited(f"{what}; close some, then connect again", retry_after_s=_RETRY_S)
