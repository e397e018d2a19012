"""The request log, and the ledger rows of each request."""

import sqlite3
from asyncio import Future
from collections.abc import Sequence
from typing import Any

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.decisions import Decisions
from tokenhub.adapters.sqlite.ledger import SqliteLedger
from tokenhub.adapters.sqlite.rows import MILLI, Table, counted, where
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.journal import LogQuery

_MICRO = 1_000_000

REQUESTS = Table(
    "requests",
    (
        "request_id", "at_ms", "key_id", "dialect", "requested_model", "mode", "reason",
        "model_id", "provider_id", "status", "error_class", "stream", "latency_us", "upstream_us",
        "cost_nusd", "parent_id", "task",
    ),
)  # fmt: skip
ATTEMPTS = Table(
    "attempts",
    (
        "request_id", "number", "provider_id", "model_id", "state", "kind", "status", "latency_us",
        "input_tokens", "output_tokens", "cost_nusd", "estimated", "cached_tokens",
        "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens", "at_ms", "key_id",
    ),
)  # fmt: skip
JOURNAL = (REQUESTS, ATTEMPTS)


class SqliteJournal:
    """A Journal in two files: what is owed in `ledger`, what explains it in `decisions`.

    `ledger` must have been opened with the tables JOURNAL.
    """

    def __init__(self, ledger: Database, decisions: Decisions, intents: SqliteLedger) -> None:
        self._ledger = ledger
        self._intents = intents
        self._decisions = decisions

    @property
    def fault(self) -> str:
        return self._ledger.fault

    def record(self, outcome: Outcome) -> Future[None]:
        self._intents.ended(outcome.request_id)
        return self._ledger.append((_request_row(outcome), _attempt_rows(outcome)))

    async def page(self, query: LogQuery) -> Sequence[Outcome]:
        return await self._ledger.read(lambda conn: _page(conn, query))

    async def count(self, query: LogQuery) -> int:
        return await self._ledger.read(lambda conn: _count(conn, query))

    async def decision(self, request_id: str) -> bytes | None:
        return await self._decisions.find(request_id)

    async def checksum(self, request_id: str) -> int | None:
        return await self._decisions.checksum(request_id)

    def explain(self, request_id: str, at: float, decision: object) -> None:
        self._decisions.add(request_id, at, decision)


def _request_row(outcome: Outcome) -> tuple[object, ...]:
    return (
        outcome.request_id,
        round(outcome.at * MILLI),
        outcome.key_id,
        outcome.dialect,
        outcome.requested_model,
        outcome.mode,
        outcome.reason,
        outcome.model_id,
        outcome.provider_id,
        outcome.status,
        outcome.error_class,
        outcome.stream,
        round(outcome.latency_s * _MICRO),
        round(outcome.upstream_s * _MICRO),
        outcome.cost_nusd,
        outcome.parent_id,
        outcome.task,
    )


def _attempt_rows(outcome: Outcome) -> Sequence[object]:
    """The attempts' rows, one after the other in one flat sequence."""
    attempts = outcome.attempts
    if len(attempts) == 1:
        return _attempt_row(outcome, attempts[0])
    return [value for attempt in attempts for value in _attempt_row(outcome, attempt)]


def _attempt_row(outcome: Outcome, attempt: Attempt) -> tuple[object, ...]:
    return (
        outcome.request_id,
        attempt.number,
        attempt.provider_id,
        attempt.model_id,
        attempt.state,
        attempt.kind,
        attempt.status,
        round(attempt.latency_s * _MICRO),
        attempt.input_tokens,
        attempt.output_tokens,
        attempt.cost_nusd,
        attempt.estimated,
        attempt.cached_tokens,
        attempt.cache_write_tokens,
        attempt.cache_write_1h_tokens,
        attempt.reasoning_tokens,
        # Of the request: so that the log and the ledger agree on the month.
        round(outcome.at * MILLI),
        outcome.key_id,
    )


def _page(conn: sqlite3.Connection, query: LogQuery) -> list[Outcome]:
    clause, values = _where(query)
    rows = conn.execute(
        f"SELECT {','.join(REQUESTS.columns)} FROM requests {clause} "  # noqa: S608 (values are bound)
        "ORDER BY request_id DESC LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    ).fetchall()
    return outcomes(conn, rows)


def outcomes(conn: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[Outcome]:
    """The requests of rows that have the columns of REQUESTS, with their attempts."""
    attempts = _attempts(conn, [row[0] for row in rows])
    return [_outcome(row, tuple(attempts.get(row[0], ()))) for row in rows]


def _count(conn: sqlite3.Connection, query: LogQuery) -> int:
    return counted(conn, "requests", *_where(query))


def _where(query: LogQuery) -> tuple[str, list[object]]:
    conditions = {
        "request_id < ?": query.before,
        "request_id = ?": query.request_id,
        "model_id = ?": query.model_id,
        "provider_id = ?": query.provider_id,
        "key_id = ?": query.key_id,
        "status = ?": query.status,
        # The second half is what lets SQLite use the index, which has steps only.
        "parent_id = ? AND parent_id <> ''": query.parent_id,
    }
    return where(conditions)


def _attempts(conn: sqlite3.Connection, request_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    """The attempts of these requests, in order."""
    found: dict[str, list[Attempt]] = {}
    # One look-up by primary key for each: filtered ids need not lie side by side.
    select = (
        f"SELECT {','.join(ATTEMPTS.columns)} FROM attempts "  # noqa: S608 (values are bound)
        "WHERE request_id = ? ORDER BY number"
    )
    for request_id in request_ids:
        found[request_id] = [_attempt(row) for row in conn.execute(select, (request_id,))]
    return found


def _attempt(row: Sequence[Any]) -> Attempt:
    values = dict(zip(ATTEMPTS.columns, row, strict=True))
    for name in ("request_id", "at_ms", "key_id"):
        del values[name]
    latency_s = values.pop("latency_us") / _MICRO
    estimated = bool(values.pop("estimated"))
    return Attempt(latency_s=latency_s, estimated=estimated, **values)


def _outcome(row: Sequence[Any], attempts: tuple[Attempt, ...]) -> Outcome:
    values = dict(zip(REQUESTS.columns, row, strict=True))
    # The sum of the attempts' costs: kept for sums over many requests, computed for one.
    del values["cost_nusd"]
    return Outcome(
        at=values.pop("at_ms") / MILLI,
        stream=bool(values.pop("stream")),
        latency_s=values.pop("latency_us") / _MICRO,
        upstream_s=values.pop("upstream_us") / _MICRO,
        attempts=attempts,
        **values,
    )
