"""The audit trail in the file that holds the ledger."""

import sqlite3
from asyncio import Future
from collections.abc import Sequence
from functools import partial
from typing import Any

from tokenhub.adapters.sqlite.chain import ORIGIN, append, head_of, walk
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI, counted, where
from tokenhub.ports.audit import AuditQuery, AuditRow, Verdict
from tokenhub.ports.stores import Audit

_COLUMNS = (
    "id", "hash", "at_ms", "action", "resource", "actor", "address", "request_id", "outcome",
    "times", "detail",
)  # fmt: skip
# Rows of one read, 30 ms or so: while it lasts, the log of writes cannot be cut back.
_STRETCH = 10_000


class SqliteAudit:
    """An AuditTrail. Its rows join the commits of the journal's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: AuditQuery) -> Sequence[AuditRow]:
        return await self._database.read(partial(_page, query=query))

    async def count(self, query: AuditQuery) -> int:
        return await self._database.read(partial(_count, query=query))

    def record(self, audit: Audit) -> "Future[int]":
        return self._database.post(partial(append, audit=audit))

    async def verify(self) -> Verdict:
        at, rows = ORIGIN, 0
        while True:
            found = await self._database.read(partial(walk, after=at, limit=_STRETCH))
            at, rows = found.at, rows + found.rows
            if found.finished:
                return Verdict(
                    rows=rows, last_id=at.id, last_hash=at.hash.hex(), broken=found.broken
                )

    async def hash_of(self, row_id: int) -> str | None:
        def find(conn: sqlite3.Connection) -> str | None:
            row = conn.execute("SELECT hash FROM audit_log WHERE id = ?", (row_id,)).fetchone()
            return None if row is None else bytes(row[0]).hex()

        return await self._database.read(find)

    async def head(self) -> tuple[int, str]:
        """The id and the hash of the last entry."""
        last = await self._database.read(head_of)
        return last.id, last.hash.hex()


def _page(conn: sqlite3.Connection, *, query: AuditQuery) -> list[AuditRow]:
    clause, values = _where(query)
    rows = conn.execute(
        f"SELECT {','.join(_COLUMNS)} FROM audit_log {clause} "  # noqa: S608 (values are bound)
        "ORDER BY id DESC LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return [_row(row) for row in rows]


def _count(conn: sqlite3.Connection, *, query: AuditQuery) -> int:
    return counted(conn, "audit_log", *_where(query))


def _where(query: AuditQuery) -> tuple[str, list[object]]:
    conditions = {
        "id < ?": int(query.before or 0),
        "action GLOB ?": _pattern(query.action),
        "resource GLOB ?": _pattern(query.resource),
        "actor = ?": query.actor,
        "address = ?": query.address,
        "outcome = ?": query.outcome,
        "request_id = ?": query.request_id,
        "at_ms >= ?": None if query.since is None else round(query.since * MILLI),
        "at_ms < ?": None if query.until is None else round(query.until * MILLI),
    }
    return where(conditions)


def _pattern(text: str) -> str:
    """The text itself to GLOB, but for a star at its end."""
    stem, star = (text[:-1], "*") if text.endswith("*") else (text, "")
    return "".join(f"[{c}]" if c in "*?[" else c for c in stem) + star


def _row(row: Sequence[Any]) -> AuditRow:
    values = dict(zip(_COLUMNS, row, strict=True))
    row_id, sealed = values.pop("id"), values.pop("hash")
    at = values.pop("at_ms") / MILLI
    return AuditRow(id=row_id, hash=sealed.hex(), entry=Audit(at=at, **values))
