"""The decision records: why a request went where it went. Detail, never money.

They are written behind the request, many in one transaction, to a file of their own. At most
BACKLOG of them wait; beyond that the oldest are dropped and counted.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Sequence
from functools import partial

import msgspec

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import Inserts, Table
from tokenhub.core.verify import checksum

BACKLOG = 10_000

# Long enough to make one commit of many records, short enough that a person who looks finds them.
DELAY_S = 0.1

# Encoding holds the interpreter lock, which the loop's thread wants: this many at a time.
AT_ONCE = 16

Entry = tuple[str, float, object]

log = logging.getLogger(__name__)


class Decisions:
    """Writes what it is given, `delay_s` later. `lost` counts what never came to the file."""

    def __init__(self, telemetry: Database, *, delay_s: float = DELAY_S) -> None:
        self.lost = 0
        self._telemetry = telemetry
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Entry] = deque(maxlen=BACKLOG)
        self._flying: Sequence[Entry] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._flight: asyncio.Future[int] | None = None
        self._inserts = Inserts(
            Table("decisions", ("request_id", "at_ms", "record", "checksum")),
            verb="INSERT OR REPLACE",
        )

    def add(self, request_id: str, at: float, decision: object) -> None:
        """Take a record over; it must not change any more. Never waits, never fails."""
        if len(self._waiting) == BACKLOG:
            self.lost += 1
        self._waiting.append((request_id, at, decision))
        if self._timer is None and self._flight is None:
            self._timer = self._loop.call_later(self._delay_s, self._flush)

    async def find(self, request_id: str) -> bytes | None:
        """The record's JSON, written or not; None where there is none."""
        for entry in reversed((*self._flying, *self._waiting)):
            if entry[0] == request_id:
                return _encoded(entry[2])
        return await self._telemetry.read(partial(_find, request_id=request_id))

    def unwritten(self) -> dict[str, bytes]:
        """The JSON of the records that are not in the file yet, by their requests."""
        entries = (*self._flying, *self._waiting)
        encoded = {request_id: _encoded(record) for request_id, _, record in entries}
        return {request_id: record for request_id, record in encoded.items() if record is not None}

    async def checksum(self, request_id: str) -> int | None:
        """That of the record as it was handed over; None where it is not known."""
        for entry in reversed((*self._flying, *self._waiting)):
            if entry[0] == request_id:
                record = _encoded(entry[2])
                return None if record is None else checksum(record)
        return await self._telemetry.read(partial(_checksum, request_id=request_id))

    async def catalogs(self) -> frozenset[int]:
        """The versions of the catalog that records name.

        Whoever deletes the records of before some time must delete the rows of decision_catalogs
        with an earlier `last_at_ms` too.
        """
        return await self._telemetry.read(_catalogs)

    async def close(self) -> None:
        """Write what waits. The database stays open."""
        while self._flight is not None or self._waiting:
            if self._flight is None:
                self._flush()
            else:
                await asyncio.wait([self._flight])

    def _flush(self) -> None:
        """Hand all that waits to the writer's thread; one flight at a time bounds the memory."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        entries = list(self._waiting)
        self._waiting.clear()
        self._flying = entries
        self._flight = self._telemetry.post(partial(self._store, entries=entries))
        self._flight.add_done_callback(partial(self._landed, count=len(entries)))

    def _landed(self, flight: "asyncio.Future[int]", *, count: int) -> None:
        self._flight = None
        self._flying = ()
        error = flight.exception()
        lost = flight.result() if error is None else count
        if lost:
            self.lost += lost
            log.warning("decision_records_lost", extra={"count": lost, "reason": str(error or "")})
        if self._waiting:
            self._timer = self._loop.call_later(self._delay_s, self._flush)

    def _store(self, conn: sqlite3.Connection, *, entries: Sequence[Entry]) -> int:
        """Write the records; returns how many could not be encoded. Runs in the writer's thread."""
        lost = 0
        named: dict[int, int] = {}
        for start in range(0, len(entries), AT_ONCE):
            values: list[object] = []
            for request_id, at, decision in entries[start : start + AT_ONCE]:
                record = _encoded(decision)
                if record is None:
                    lost += 1
                    continue
                at_ms = round(at * 1000)
                values += (request_id, at_ms, record.decode(), checksum(record))
                version = getattr(decision, "catalog_version", None)
                if version is not None:
                    named[version] = max(at_ms, named.get(version, at_ms))
            self._inserts.run(conn, values)
        conn.executemany(_NAME_CATALOG, named.items())
        return lost


def _encoded(decision: object) -> bytes | None:
    """The record's JSON; None where it cannot be told in JSON."""
    try:
        return msgspec.json.encode(decision)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


_NAME_CATALOG = """
    INSERT INTO decision_catalogs (version, last_at_ms) VALUES (?, ?)
    ON CONFLICT (version) DO UPDATE SET last_at_ms = max(last_at_ms, excluded.last_at_ms)
"""


def _checksum(conn: sqlite3.Connection, *, request_id: str) -> int | None:
    row = conn.execute(
        "SELECT checksum FROM decisions WHERE request_id = ?", (request_id,)
    ).fetchone()
    return None if row is None else row[0]


def _catalogs(conn: sqlite3.Connection) -> frozenset[int]:
    return frozenset(
        version for (version,) in conn.execute("SELECT version FROM decision_catalogs")
    )


def _find(conn: sqlite3.Connection, *, request_id: str) -> bytes | None:
    row = conn.execute(
        "SELECT CAST(record AS BLOB) FROM decisions WHERE request_id = ?", (request_id,)
    ).fetchone()
    return None if row is None else bytes(row[0])
