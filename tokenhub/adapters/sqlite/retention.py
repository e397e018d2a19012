"""Old rows deleted through the writer, a few at a time; what was spent stays in the totals.

Ids of our own begin with the time, so the old ones are at one end of the primary key, and no index
is needed. Other ids (from an import) are few: all of them are looked at, by their `at_ms`.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.ids import request_id
from tokenhub.ports.retention import CHUNK

# Ids of our own are from the first of these to just before the second.
_OURS = ("req_", "req`")
# What belongs to a request under its id, to go with it.
PARTS = ("attempts", "feedback")


class SqliteRetention:
    """A Retention. `prune_catalogs` is that of the stores."""

    def __init__(
        self,
        ledger: Database,
        telemetry: Database,
        prune_catalogs: Callable[[], Awaitable[int]],
    ) -> None:
        self._ledger = ledger
        self._telemetry = telemetry
        self._prune_catalogs = prune_catalogs

    async def decisions(self, before: float) -> int:
        old = await self._telemetry.read(_old("decisions", "request_id", before))
        last = len(old) < CHUNK
        await self._telemetry.write(partial(_drop_decisions, ids=old, before=before, last=last))
        return len(old)

    async def requests(self, before: float) -> int:
        old = await self._ledger.read(_old("requests", "request_id", before))
        if old:
            await self._ledger.write(partial(_drop_requests, ids=old))
            self._ledger.deleted(old)
        if len(old) < CHUNK:
            await self._drop_kinds()
        return len(old)

    async def orchestrations(self, before: float) -> int:
        ended = " AND status <> 'running'"
        old = await self._ledger.read(_old("orchestrations", "id", before, ended))
        if old:
            await self._ledger.write(partial(_drop, table="orchestrations", column="id", ids=old))
        return len(old)

    async def catalogs(self) -> int:
        return await self._prune_catalogs()

    async def _drop_kinds(self) -> None:
        """Forget the kinds of requests that none is left of; they grow with keys and models."""
        idle = await self._ledger.search(_idle_kinds)
        for first in range(0, len(idle), CHUNK):
            await self._ledger.write(partial(_drop_idle, kinds=idle[first : first + CHUNK]))


def _old(
    table: str, column: str, before: float, more: str = ""
) -> Callable[[sqlite3.Connection], list[str]]:
    """The ids of the oldest rows from before a time, at most CHUNK."""
    select = f"SELECT {column} FROM {table} WHERE at_ms < ?{more}"  # noqa: S608 (constants)
    ours = f"{select} AND {column} >= ? AND {column} < ? ORDER BY {column} LIMIT ?"
    others = f"{select} AND ({column} < ? OR {column} >= ?) LIMIT ?"
    before_ms = round(before * MILLI)

    def look(conn: sqlite3.Connection) -> list[str]:
        bound = min(request_id(max(before, 0.0), 0), _OURS[1])
        rows = conn.execute(ours, (before_ms, _OURS[0], bound, CHUNK)).fetchall()
        if len(rows) < CHUNK:
            rows += conn.execute(others, (before_ms, *_OURS, CHUNK - len(rows))).fetchall()
        return [name for (name,) in rows]

    return look


def _drop_requests(conn: sqlite3.Connection, *, ids: Sequence[str]) -> None:
    # A trigger takes what they cost over into the totals (migration 0010).
    for table in (*PARTS, "requests"):
        _drop(conn, table=table, column="request_id", ids=ids)


_IDLE = "NOT EXISTS (SELECT 1 FROM log_hours WHERE log_hours.kind = log_kinds.kind)"


def _idle_kinds(conn: sqlite3.Connection) -> list[int]:
    return [kind for (kind,) in conn.execute(f"SELECT kind FROM log_kinds WHERE {_IDLE}")]  # noqa: S608 (constants)


def _drop_idle(conn: sqlite3.Connection, *, kinds: Sequence[int]) -> None:
    # Since they were read, one may have come into use again.
    marks = ",".join("?" * len(kinds))
    conn.execute(f"DELETE FROM log_kinds WHERE kind IN ({marks}) AND {_IDLE}", kinds)  # noqa: S608 (constants)


def _drop_decisions(
    conn: sqlite3.Connection, *, ids: Sequence[str], before: float, last: bool
) -> None:
    if ids:
        _drop(conn, table="decisions", column="request_id", ids=ids)
    if last:
        # No record from before this time is left that could name them.
        before_ms = round(before * MILLI)
        conn.execute("DELETE FROM decision_catalogs WHERE last_at_ms < ?", (before_ms,))


def _drop(conn: sqlite3.Connection, *, table: str, column: str, ids: Sequence[str]) -> None:
    marks = ",".join("?" * len(ids))
    conn.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", ids)  # noqa: S608 (constants)
