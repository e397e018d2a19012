"""Orchestrations, in the file that holds the ledger."""

import sqlite3
from asyncio import Future
from collections.abc import Sequence
from functools import partial
from typing import Any

from tokenhub.adapters.sqlite.change import upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI, counted, where
from tokenhub.core.orchestration import Orchestration
from tokenhub.ports.orchestrations import OrchestrationQuery

_MICRO = 1_000_000
_COLUMNS = (
    "id", "at_ms", "key_id", "dialect", "mode", "status", "iterations", "steps", "stream",
    "estimate_nusd", "cost_nusd", "error_class", "latency_us",
)  # fmt: skip
_PUT = upsert("orchestrations", _COLUMNS, key=("id",))
# A step whose price is unknown makes the sum unknown.
_RECOVER = """
    UPDATE orchestrations SET
        status = 'lost',
        (steps, cost_nusd) = (
            SELECT count(*),
                CASE WHEN count(*) = count(cost_nusd) THEN coalesce(sum(cost_nusd), 0) END
            FROM requests
            WHERE parent_id = orchestrations.id AND parent_id <> ''
        )
    WHERE status = 'running'
"""


class SqliteOrchestrations:
    """An OrchestrationStore. Its rows join the commits of the journal's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, row: Orchestration) -> "Future[None]":
        return self._database.post(partial(_put, row=row))

    async def recover(self) -> int:
        return await self._database.write(_recover)

    async def page(self, query: OrchestrationQuery) -> Sequence[Orchestration]:
        return await self._database.read(partial(_page, query=query))

    async def count(self, query: OrchestrationQuery) -> int:
        return await self._database.read(partial(_count, query=query))


def _put(conn: sqlite3.Connection, *, row: Orchestration) -> None:
    values = (
        row.id,
        round(row.at * MILLI),
        row.key_id,
        row.dialect,
        row.mode,
        row.status,
        row.iterations,
        row.steps,
        row.stream,
        row.estimate_nusd,
        row.cost_nusd,
        row.error_class,
        round(row.latency_s * _MICRO),
    )
    conn.execute(_PUT, dict(zip(_COLUMNS, values, strict=True)))


def _recover(conn: sqlite3.Connection) -> int:
    return conn.execute(_RECOVER).rowcount


def _page(conn: sqlite3.Connection, *, query: OrchestrationQuery) -> list[Orchestration]:
    clause, values = _where(query)
    rows = conn.execute(
        f"SELECT {','.join(_COLUMNS)} FROM orchestrations {clause} "  # noqa: S608 (values are bound)
        "ORDER BY id DESC LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return [_read(row) for row in rows]


def _count(conn: sqlite3.Connection, *, query: OrchestrationQuery) -> int:
    return counted(conn, "orchestrations", *_where(query))


def _where(query: OrchestrationQuery) -> tuple[str, list[object]]:
    conditions = {
        "id < ?": query.before,
        "id = ?": query.id,
        "mode = ?": query.mode,
        "status = ?": query.status,
    }
    return where(conditions)


def _read(row: Sequence[Any]) -> Orchestration:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Orchestration(
        at=values.pop("at_ms") / MILLI,
        stream=bool(values.pop("stream")),
        latency_s=values.pop("latency_us") / _MICRO,
        **values,
    )
