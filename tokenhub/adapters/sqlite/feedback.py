"""Feedback, beside the requests that it is about.

What people say is committed before they are told so. Signs come many at a time and are worth
little: they wait for a moment, at most BACKLOG of them, and are written together.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

from tokenhub.adapters.sqlite.change import upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI, counted, where
from tokenhub.core.errors import NotFound
from tokenhub.core.feedback import Feedback
from tokenhub.core.rewards import Quality
from tokenhub.ports.feedback import FeedbackQuery

BACKLOG = 10_000
# Long enough to share a commit with many, short enough that a person who looks finds them.
DELAY_S = 0.2

_COLUMNS = (
    "request_id", "source", "provider_id", "model_id", "task", "score", "weight", "label",
    "comment", "key_id", "at_ms",
)  # fmt: skip
_PUT = upsert("feedback", _COLUMNS, key=("request_id", "source"))
_SELECT = f"SELECT {','.join(_COLUMNS)} FROM feedback"  # noqa: S608 (constants)
log = logging.getLogger(__name__)


class SqliteFeedback:
    """A FeedbackStore. `lost` counts the signs that never came to the file."""

    def __init__(self, database: Database, *, delay_s: float = DELAY_S) -> None:
        self.lost = 0
        self._database = database
        self._delay_s = delay_s
        self._waiting: list[Feedback] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flight: asyncio.Future[None] | None = None

    async def put(self, row: Feedback) -> Feedback | None:
        return await self._database.write(partial(_put, row=row))

    def note(self, rows: Sequence[Feedback]) -> None:
        room = BACKLOG - len(self._waiting)
        self.lost += max(0, len(rows) - room)
        self._waiting += rows[: max(0, room)]
        if self._timer is None and self._flight is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._delay_s, self._flush)

    async def page(self, query: FeedbackQuery) -> Sequence[Feedback]:
        await self._written()
        return await self._database.read(partial(_page, query=query))

    async def count(self, query: FeedbackQuery) -> int:
        await self._written()
        return await self._database.read(partial(_count, query=query))

    async def close(self) -> None:
        """Write what waits. The database stays open, and so does this."""
        while self._flight is not None or self._waiting:
            if self._flight is None:
                self._flush()
            else:
                await asyncio.wait([self._flight])
                await asyncio.sleep(0)  # its callback comes first

    async def _written(self) -> None:
        """Have the file hold what is noted by now, and not wait for what comes meanwhile."""
        for _ in range(2):  # what is under way, then what waits
            if self._flight is None and self._waiting:
                self._flush()
            if self._flight is not None:
                await asyncio.wait([self._flight])
                await asyncio.sleep(0)  # its callback comes first

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows, self._waiting = self._waiting, []
        self._flight = self._database.post(partial(_note, rows=rows))
        self._flight.add_done_callback(partial(self._landed, len(rows)))

    def _landed(self, count: int, flight: "asyncio.Future[None]") -> None:
        self._flight = None
        error = flight.exception()
        if error is not None:
            self.lost += count
            log.warning("signs_lost", extra={"count": count, "reason": str(error)})
        if self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._delay_s, self._flush)


def _put(conn: sqlite3.Connection, *, row: Feedback) -> Feedback | None:
    quality = row.quality
    if not _known(conn, quality.request_id):
        raise NotFound(f"request {quality.request_id!r} is not kept any more")
    before = conn.execute(
        f"{_SELECT} WHERE request_id = ? AND source = ?", (quality.request_id, quality.source)
    ).fetchone()
    conn.execute(_PUT, _bound(row))
    return None if before is None else _read(before)


def _note(conn: sqlite3.Connection, *, rows: Sequence[Feedback]) -> None:
    kept = [_bound(row) for row in rows if _known(conn, row.quality.request_id)]
    conn.executemany(_PUT, kept)


def _known(conn: sqlite3.Connection, request_id: str) -> bool:
    found = conn.execute("SELECT 1 FROM requests WHERE request_id = ?", (request_id,))
    return found.fetchone() is not None


def _bound(row: Feedback) -> dict[str, object]:
    quality = row.quality
    return {
        "request_id": quality.request_id,
        "source": quality.source,
        "provider_id": quality.provider_id,
        "model_id": quality.model_id,
        "task": quality.task,
        "score": quality.score,
        "weight": quality.weight,
        "label": row.label,
        "comment": row.comment,
        "key_id": row.key_id,
        "at_ms": round(quality.at * MILLI),
    }


def _page(conn: sqlite3.Connection, *, query: FeedbackQuery) -> list[Feedback]:
    clause, values = _where(query)
    rows = conn.execute(
        f"{_SELECT} {clause} ORDER BY request_id DESC, source LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return [_read(row) for row in rows]


def _count(conn: sqlite3.Connection, *, query: FeedbackQuery) -> int:
    return counted(conn, "feedback", *_where(query))


def _where(query: FeedbackQuery) -> tuple[str, list[object]]:
    conditions = {
        "request_id < ?": query.before,
        "request_id = ?": query.request_id,
        "source = ?": query.source,
        "key_id = ?": query.key_id,
        "model_id = ?": query.model_id,
        "provider_id = ?": query.provider_id,
    }
    return where(conditions)


def _read(row: Sequence[Any]) -> Feedback:
    values = dict(zip(_COLUMNS, row, strict=True))
    label, comment, key_id = (values.pop(name) for name in ("label", "comment", "key_id"))
    quality = Quality(at=values.pop("at_ms") / MILLI, **values)
    return Feedback(quality=quality, label=label, comment=comment, key_id=key_id)
