"""Judgements and what was learned of them, in the file that holds the ledger.

recorded ── waits while others are under way ── one job for all that wait ── in the file
             └ more than BACKLOG: lost                                      └ fails: lost
"""

import logging
import sqlite3
from asyncio import Future
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI, counted, where
from tokenhub.core.learning import Taught
from tokenhub.core.rewards import Quality
from tokenhub.ports.rewards import MOST_UNLEARNED, Reward, RewardQuery

# So many of the newest judgements are kept: what they taught is kept apart from them. Of those that
# were thought better of, the last that was learned is, so that nobody who changes their mind over
# and over takes the room of what others say.
KEPT = 100_000
# What may wait while a commit lasts.
BACKLOG = 10_000
_COLUMNS = (
    "id", "at_ms", "request_id", "provider_id", "model_id", "score", "weight", "source", "task",
)  # fmt: skip
_DECODE = msgspec.json.Decoder(Taught).decode
_log = logging.getLogger("tokenhub.rewards")


class SqliteRewards:
    """A RewardStore. Its rows join the commits of the journal's.

    `lost` counts the judgements that never came to the file; they were learned all the same.
    """

    def __init__(self, database: Database) -> None:
        self.lost = 0
        self._database = database
        self._waiting: list[Quality] = []
        self._under_way = 0
        self._failing = False

    def record(self, quality: Quality) -> None:
        if len(self._waiting) == BACKLOG:
            self.lost += 1
            return
        self._waiting.append(quality)
        if not self._under_way:
            self._flush()

    async def close(self) -> None:
        """Hand over what waits. The database stays open."""
        self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self._under_way += 1
        posted = self._database.post(partial(_insert_all, rows=rows))
        posted.add_done_callback(partial(self._landed, len(rows)))

    def _landed(self, count: int, posted: "Future[None]") -> None:
        self._under_way -= 1
        error = None if posted.cancelled() else posted.exception()
        if error is not None:
            self.lost += count
            if not self._failing:  # once, until one is written again: each would fill the log
                _log.warning("rewards_lost", extra={"count": count, "reason": str(error)})
        self._failing = error is not None
        if not self._under_way:
            self._flush()

    async def taught(self) -> Taught | None:
        return await self._database.read(_taught)

    async def unlearned(self) -> Sequence[Quality]:
        return await self._database.read(_unlearned)

    async def save(self, taught: Taught, *, at: float) -> None:
        self._flush()
        await self._database.write(partial(_save, taught=taught, at_ms=round(at * MILLI)))

    async def page(self, query: RewardQuery) -> Sequence[Reward]:
        return await self._database.read(partial(_page, query=query))

    async def count(self, query: RewardQuery) -> int:
        return await self._database.read(partial(_count, query=query))


# What is not learned yet needs the score before it: see _unlearned.
_DROP_REPLACED = """
    WITH learned AS (
        SELECT id FROM rewards WHERE request_id = :request AND source = :source
        AND at_ms <= coalesce((SELECT at_ms FROM lessons), 0)
    )
    DELETE FROM rewards WHERE id IN (SELECT id FROM learned) AND id < (SELECT max(id) FROM learned)
"""


def _insert_all(conn: sqlite3.Connection, *, rows: Sequence[Quality]) -> None:
    for quality in rows:
        _insert(conn, quality=quality)


def _insert(conn: sqlite3.Connection, *, quality: Quality) -> None:
    values = (
        None,
        round(quality.at * MILLI),
        quality.request_id,
        quality.provider_id,
        quality.model_id,
        quality.score,
        quality.weight,
        quality.source,
        quality.task,
    )
    if quality.replaces is not None:
        conn.execute(_DROP_REPLACED, {"request": quality.request_id, "source": quality.source})
    marks = ",".join("?" * len(_COLUMNS))
    conn.execute(f"INSERT INTO rewards ({','.join(_COLUMNS)}) VALUES ({marks})", values)  # noqa: S608 (values are bound)


def _taught(conn: sqlite3.Connection) -> Taught | None:
    """What was saved; None too where another version wrote what this one cannot read."""
    row = conn.execute("SELECT taught FROM lessons").fetchone()
    if row is None:
        return None
    try:
        return _DECODE(row[0])
    except msgspec.DecodeError as error:
        _log.warning("lessons_unreadable", extra={"detail": str(error)})
        return None


def _unlearned(conn: sqlite3.Connection) -> list[Quality]:
    columns = ",".join(_COLUMNS)
    rows = conn.execute(
        f"""
        SELECT {columns}, (
            SELECT score FROM rewards WHERE request_id = new.request_id AND source = new.source
            AND id < new.id ORDER BY id DESC LIMIT 1
        ) FROM (
            SELECT {columns} FROM rewards
            WHERE at_ms > coalesce((SELECT at_ms FROM lessons), 0) ORDER BY id DESC LIMIT ?
        ) AS new ORDER BY id
        """,  # noqa: S608 (constants)
        (MOST_UNLEARNED,),
    )
    return [replace(_read(row[:-1]).quality, replaces=row[-1]) for row in rows]


def _save(conn: sqlite3.Connection, *, taught: Taught, at_ms: int) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO lessons (one, at_ms, taught) VALUES (1, ?, ?)",
        (at_ms, msgspec.json.encode(taught).decode()),
    )
    conn.execute("DELETE FROM rewards WHERE id <= (SELECT max(id) FROM rewards) - ?", (KEPT,))


def _page(conn: sqlite3.Connection, *, query: RewardQuery) -> list[Reward]:
    clause, values = _where(query)
    rows = conn.execute(
        f"SELECT {','.join(_COLUMNS)} FROM rewards {clause} "  # noqa: S608 (values are bound)
        "ORDER BY id DESC LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return [_read(row) for row in rows]


def _count(conn: sqlite3.Connection, *, query: RewardQuery) -> int:
    return counted(conn, "rewards", *_where(query))


def _where(query: RewardQuery) -> tuple[str, list[object]]:
    conditions = {
        "id < ?": int(query.before) if query.before else 0,
        "request_id = ?": query.request_id,
        "provider_id = ?": query.provider_id,
        "model_id = ?": query.model_id,
        "source = ?": query.source,
        "task = ?": query.task,
    }
    return where(conditions)


def _read(row: Sequence[Any]) -> Reward:
    values = dict(zip(_COLUMNS, row, strict=True))
    number, at = values.pop("id"), values.pop("at_ms") / MILLI
    return Reward(id=number, quality=Quality(at=at, **values))
