"""Idempotency claims in the file that holds the ledger: never an answer, only that there was one.

There is no limit on the rows but their day: each belongs to a request whose own rows in the log
take more room, and stay. Each claim sweeps a few that are over, so no sweep is ever long.
"""

import logging
import sqlite3
from asyncio import Future
from collections.abc import Callable
from functools import partial

from tokenhub.adapters.sqlite.change import upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.ports.claims import Record, Sight

_COLUMNS = ("scope", "fingerprint", "state", "request_id", "replaced", "at_ms")
_PUT = upsert("claims", _COLUMNS, key=("scope",))
_FIND = "SELECT fingerprint, state, request_id, at_ms FROM claims WHERE scope = ?"
# More than the one that a claim adds: what is over goes faster than new ones come.
SWEPT_AT_ONCE = 8
SWEPT_AT_START = 1_000

log = logging.getLogger(__name__)


class SqliteClaims:
    """A ClaimStore. Its rows join the commits of the journal's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recover(self, *, since: float) -> int:
        while await self._database.write(
            partial(_sweep, since_ms=_ms(since), limit=SWEPT_AT_START)
        ):
            pass
        return await self._database.write(_recover)

    def claim(self, record: Record, *, since: float, force: bool) -> "Future[Sight]":
        return self._database.post(partial(_claim, record=record, since_ms=_ms(since), force=force))

    def end(self, record: Record) -> None:
        self._post(partial(_end, record=record))

    def release(self, record: Record) -> None:
        self._post(partial(_release, record=record))

    def _post(self, work: Callable[[sqlite3.Connection], None]) -> None:
        self._database.post(work).add_done_callback(_heard)


def _recover(conn: sqlite3.Connection) -> int:
    return conn.execute("UPDATE claims SET state = 'unknown' WHERE state = 'in_flight'").rowcount


def _claim(conn: sqlite3.Connection, *, record: Record, since_ms: int, force: bool) -> Sight:
    _sweep(conn, since_ms=since_ms, limit=SWEPT_AT_ONCE)
    there = _find(conn, record.scope, since_ms)
    taken = there is None or (force and there.fingerprint == record.fingerprint)
    if taken:
        replaced = "" if there is None else there.request_id
        row = (
            record.scope,
            record.fingerprint,
            record.state,
            record.request_id,
            replaced,
            _ms(record.at),
        )
        conn.execute(_PUT, dict(zip(_COLUMNS, row, strict=True)))
    return Sight(taken=taken, there=there)


def _find(conn: sqlite3.Connection, scope: bytes, since_ms: int) -> Record | None:
    row = conn.execute(_FIND, (scope,)).fetchone()
    if row is None or row[3] < since_ms:
        return None
    fingerprint, state, request_id, at_ms = row
    return Record(
        scope=scope,
        fingerprint=fingerprint,
        state=state,
        request_id=request_id,
        at=at_ms / MILLI,
    )


def _end(conn: sqlite3.Connection, *, record: Record) -> None:
    conn.execute(
        "UPDATE claims SET state = ? WHERE scope = ? AND request_id = ?",
        (record.state, record.scope, record.request_id),
    )


def _release(conn: sqlite3.Connection, *, record: Record) -> None:
    mine = (record.scope, record.request_id)
    conn.execute(
        "DELETE FROM claims WHERE scope = ? AND request_id = ? AND replaced = ''",
        mine,
    )
    conn.execute(
        "UPDATE claims SET state = 'unknown', request_id = replaced, replaced = '' "
        "WHERE scope = ? AND request_id = ?",
        mine,
    )


def _sweep(conn: sqlite3.Connection, *, since_ms: int, limit: int) -> int:
    """Delete rows older than `since_ms`, at most `limit`; returns how many."""
    return conn.execute(
        "DELETE FROM claims WHERE scope IN "
        "(SELECT scope FROM claims WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
        (since_ms, limit),
    ).rowcount


def _heard(written: "Future[None]") -> None:
    """Nobody waits for it; what is lost by it is told here."""
    if not written.cancelled() and (error := written.exception()) is not None:
        log.warning("claim_not_written", extra={"reason": str(error)})


def _ms(at: float) -> int:
    return round(at * MILLI)
