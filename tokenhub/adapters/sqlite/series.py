"""Series in the telemetry file: counted in memory, written behind the requests, rolled up there.

    record -> waiting -> counted into slots of 10 s -> a flight every FLUSH_S
      -> one transaction: the slots merged into their rows, and into roll-ups that were made
         already, then the roll-ups whose time is over, then the number of the flight

A row holds all cells of one cut in one slot: to write a slot is a row for each cut, and to read a
week is a few hundred rows. The number of the flight tells a reader whether what was under way, or
waited, when it was asked is in the file yet, so that nothing is counted twice or left out. A flight
that fails is tried again with the next one, under its own number: where it came to the file all the
same, it is not written again. What waits is bounded, and what is dropped is counted in `lost`.
"""

import asyncio
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import TypeVar

from tokenhub.adapters.sqlite.change import note
from tokenhub.adapters.sqlite.database import Database
from tokenhub.core import series
from tokenhub.core.charts import Dated
from tokenhub.core.levels import DAY_S, LEVELS, cover
from tokenhub.core.outcome import Outcome
from tokenhub.core.series import CUTS, Cells, Encoded, Slot
from tokenhub.ports.retention import CHUNK
from tokenhub.ports.series import SKETCHES, Reading
from tokenhub.ports.stores import Audit

T = TypeVar("T")

# What a kill -9 may lose of the charts, in seconds.
FLUSH_S = 5.0
# So many requests are counted at once, some microseconds each, and not while one is answered.
AT_ONCE = 64
# What may wait in memory while the file cannot be written: about a kilobyte each.
MOST_CELLS = 20_000
# The row of `series_marks` with the number of the last flight; no level has slots of 0 s.
_FLIGHTS = 0
_FINEST = LEVELS[0].step_s

log = logging.getLogger(__name__)


class SqliteSeries:
    """A SeriesStore. `lost` counts requests that never came to the file."""

    def __init__(self, ledger: Database, telemetry: Database, *, delay_s: float = FLUSH_S) -> None:
        self.lost = 0
        self.retention_days = 0
        self._ledger = ledger
        self._telemetry = telemetry
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Outcome] = []
        self._slots: dict[int, Slot] = {}
        # Under their numbers, the oldest first; more than one where some have failed.
        self._flights: dict[int, dict[int, Slot]] = {}
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._flight: asyncio.Future[None] | None = None

    async def load(self) -> None:
        """Read what holds from before; done once, before anything else."""
        self.retention_days = await self._ledger.read(_days)
        self._number = (await self._telemetry.read(_marks)).get(_FLIGHTS, 0)

    def record(self, outcome: Outcome) -> None:
        waiting = self._waiting
        waiting.append(outcome)
        if len(waiting) == AT_ONCE:
            self._loop.call_soon(self._count)
        if self._timer is None and self._flight is None:
            self._timer = self._loop.call_later(self._delay_s, self._flush)

    async def read(self, readings: Sequence[Reading], work: Callable[[Sequence[Dated]], T]) -> T:
        self._count()
        cuts = {reading.cut for reading in readings}
        waiting = {cut: _cut(self._slots, cut) for cut in cuts}
        flights = {
            flight: {cut: _cut(slots, cut) for cut in cuts}
            for flight, slots in self._flights.items()
        }
        number = self._number

        def query(conn: sqlite3.Connection) -> T:
            marks = _marks(conn)
            written = marks.get(_FLIGHTS, 0)

            def unwritten(cut: str) -> list[tuple[int, Cells]]:
                # While this waited for its turn, a later flight may have written what waited.
                found = list(waiting[cut]) if written <= number else []
                for flight, cells in flights.items():
                    if written < flight:
                        found += cells[cut]
                return found

            return work(
                [_dated(conn, reading, marks, unwritten(reading.cut)) for reading in readings]
            )

        return await self._telemetry.read(query)

    async def set_retention(self, days: int, audit: Audit) -> None:
        await self._ledger.write(partial(put_days, days=days, audit=audit))
        self.retention_days = days

    async def prune(self, now: float) -> int:
        # A level is made of the one above it while that is still there.
        until = int(now) // _FINEST * _FINEST
        await self._telemetry.write(partial(_roll_up, until=until))
        deleted = 0
        for level in LEVELS:
            before = int(now) - level.kept_s(self.retention_days * DAY_S)
            for cut in CUTS:
                drop = partial(_drop, step_s=level.step_s, cut=cut, before=before)
                while (dropped := await self._telemetry.write(drop)) == CHUNK:
                    deleted += dropped
                deleted += dropped
        return deleted

    async def close(self) -> None:
        """Write what waits; given up where the file cannot be written. The databases stay open."""
        for _ in range(2):
            if self._flight is not None:
                await asyncio.wait([self._flight])
            if self._unwritten:
                self._flush()
        if self._flight is not None:
            await asyncio.wait([self._flight])
        if self._timer is not None:
            self._timer.cancel()

    @property
    def _unwritten(self) -> bool:
        return bool(self._waiting or self._slots or self._flights)

    def _count(self) -> None:
        outcomes, self._waiting = self._waiting, []
        slots = self._slots
        for outcome in outcomes:
            at = series.ended_at(outcome)
            slot = slots.get(at)
            if slot is None:
                slot = slots[at] = series.slot()
            slot.count(outcome)

    def _flush(self) -> None:
        """Hand all that waits to the writer's thread; one flight at a time bounds the memory."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flight is not None:
            return
        self._count()
        if self._slots:
            self._number += 1
            self._flights[self._number], self._slots = self._slots, {}
        if not self._flights:
            return
        self._flight = self._telemetry.post(partial(_store, flights=dict(self._flights)))
        self._flight.add_done_callback(self._landed)

    def _landed(self, flight: "asyncio.Future[None]") -> None:
        self._flight = None
        error = flight.exception()
        if error is None:
            self._flights = {}
        else:
            self._drop(str(error))
        if self._unwritten:
            self._timer = self._loop.call_later(self._delay_s, self._flush)

    def _drop(self, reason: str) -> None:
        """Forget the oldest of what could not be written, where it is too much."""
        many = sum(_size(slot) for slots in self._flights.values() for slot in slots.values())
        lost = 0
        while many > MOST_CELLS:
            number = next(iter(self._flights))
            slots = self._flights[number]
            oldest = slots.pop(min(slots))
            if not slots:
                del self._flights[number]
            many -= _size(oldest)
            lost += sum(cell.sums[series.REQUESTS] for cell in oldest.requests.values())
        if lost:
            self.lost += lost
            log.warning("series_lost", extra={"count": lost, "reason": reason})


def _size(slot: Slot) -> int:
    return len(slot.requests) + len(slot.skips)


def _cut(slots: Mapping[int, Slot], cut: str) -> list[tuple[int, Cells]]:
    return [(at, slot.cut(cut)) for at, slot in slots.items()]


# --- in the threads of the database


_COLUMNS = ("sums", *SKETCHES)
_ROWS = "FROM series WHERE step_s = ? AND cut = ? AND at >= ? AND at < ? ORDER BY at"
_WHOLE = f"SELECT at, {', '.join(_COLUMNS)} {_ROWS}"


def _dated(
    conn: sqlite3.Connection,
    reading: Reading,
    marks: Mapping[int, int],
    unwritten: Sequence[tuple[int, Cells]],
) -> Dated:
    named = [name if name in reading.sketches else "NULL" for name in SKETCHES]
    select = f"SELECT at, sums, {', '.join(named)} {_ROWS}"
    for span in cover(reading.start, reading.end, step_s=reading.step_s, marks=marks):
        where = (span.step_s, reading.cut, span.start, span.end)
        for at, *content in conn.execute(select, where):
            yield at, _read(content)
    for at, cells in unwritten:
        if reading.start <= at < reading.end:
            yield at, cells.items()


def _store(conn: sqlite3.Connection, *, flights: Mapping[int, Mapping[int, Slot]]) -> None:
    marks = _marks(conn)
    written = marks.get(_FLIGHTS, 0)
    # A commit that failed for its caller may be in the file: the disk may have told too late.
    slots = _together([slots for number, slots in flights.items() if number > written])
    if not slots:
        return
    for at, slot in slots.items():
        for cut in CUTS:
            if cells := slot.cut(cut):
                _merge(conn, _FINEST, cut, at, cells)
                for level in LEVELS[1:]:
                    if at < marks.get(level.step_s, 0):
                        _merge(conn, level.step_s, cut, at // level.step_s * level.step_s, cells)
    _roll_up(conn, until=max(slots), since=min(slots))
    _mark(conn, _FLIGHTS, max(flights))


def _together(flights: Sequence[Mapping[int, Slot]]) -> Mapping[int, Slot]:
    if len(flights) == 1:
        return flights[0]
    found: dict[int, Slot] = {}
    for slots in flights:
        for at, slot in slots.items():
            found.setdefault(at, series.slot()).add(slot)
    return found


def _roll_up(conn: sqlite3.Connection, *, until: int, since: int | None = None) -> None:
    """Make the roll-ups of all that is over at `until`, of rows that begin at `since` at first."""
    marks = _marks(conn)
    for finer, level in pairwise(LEVELS):
        step_s = level.step_s
        begun = marks.get(step_s, since)
        if begun is None:
            return
        start, end = begun // step_s * step_s, until // step_s * step_s
        if end <= start and step_s in marks:
            continue
        for cut in CUTS:
            for at, cells in _summed(conn, finer.step_s, cut, start, end, into_s=step_s):
                _put(conn, step_s, cut, at, series.bounded(cells))
        _mark(conn, step_s, max(start, end))


def _summed(
    conn: sqlite3.Connection, step_s: int, cut: str, start: int, end: int, *, into_s: int
) -> Iterator[tuple[int, Cells]]:
    rows = conn.execute(_WHOLE, (step_s, cut, start, end)).fetchall()
    for number, group in groupby(rows, key=lambda row: row[0] // into_s):
        cells: Cells = {}
        for _, *content in group:
            for labels, cell in _read(content):
                series.put(cells, labels, cell)
        yield number * into_s, cells


def _merge(conn: sqlite3.Connection, step_s: int, cut: str, at: int, cells: Cells) -> None:
    """Add cells to a row, which may not be there yet."""
    row = conn.execute(_WHOLE, (step_s, cut, at, at + 1)).fetchone()
    if row is not None:
        there = dict(_read(row[1:]))
        for labels, cell in cells.items():
            series.put(there, labels, cell)
        cells = there
    _put(conn, step_s, cut, at, series.bounded(cells))


def _read(content: Sequence[bytes | None]) -> Iterable[tuple[series.Labels, series.Cell]]:
    return series.decoded(Encoded(*[zlib.decompress(part) if part else b"" for part in content]))


def _put(conn: sqlite3.Connection, step_s: int, cut: str, at: int, cells: Cells) -> None:
    found = series.encoded(cells)
    # Most counts are small, and names stand in every cell; the quickest level serves.
    values = [zlib.compress(part, 1) for part in (found.sums, found.latencies, found.firsts)]
    conn.execute(_PUT, (step_s, cut, at, *values))


_PUT = """
    INSERT INTO series (step_s, cut, at, sums, latencies, firsts) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        sums = excluded.sums, latencies = excluded.latencies, firsts = excluded.firsts
"""


def _marks(conn: sqlite3.Connection) -> dict[int, int]:
    return dict(conn.execute("SELECT step_s, until FROM series_marks").fetchall())


def _mark(conn: sqlite3.Connection, step_s: int, until: int) -> None:
    conn.execute(
        "INSERT INTO series_marks (step_s, until) VALUES (?, ?) "
        "ON CONFLICT DO UPDATE SET until = excluded.until",
        (step_s, until),
    )


def _drop(conn: sqlite3.Connection, *, step_s: int, cut: str, before: int) -> int:
    return conn.execute(
        "DELETE FROM series WHERE rowid IN "
        "(SELECT rowid FROM series WHERE step_s = ? AND cut = ? AND at < ? LIMIT ?)",
        (step_s, cut, before, CHUNK),
    ).rowcount


_DAYS = "series_days"


def _days(conn: sqlite3.Connection) -> int:
    row = conn.execute("SELECT value FROM meta WHERE name = ?", (_DAYS,)).fetchone()
    days: int = row[0]
    return days


def put_days(conn: sqlite3.Connection, *, days: int, audit: Audit) -> None:
    """Keep points for so long, in a transaction of the caller's."""
    note(conn, audit)
    conn.execute("UPDATE meta SET value = ? WHERE name = ?", (days, _DAYS))
