"""Sealed answers for repeats, in the file that holds the ledger: boxes without their keys."""

import sqlite3
from asyncio import Future
from collections.abc import Callable

import msgspec

from tokenhub.adapters.memory.bodies import Limits
from tokenhub.adapters.sqlite.change import upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI

# More than the one that each new answer adds.
SWEPT_AT_ONCE = 8
_COLUMNS = ("scope", "owner", "key_id", "nonce", "sealed", "size", "at_ms")
_PUT = upsert("sealed_answers", _COLUMNS, key=("scope",))
_OF_OWNER = "SELECT count(*), total(size) FROM sealed_answers WHERE owner = ?"
_OF_ALL = "SELECT count(*), total(size) FROM sealed_answers"


class SealedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it lies there. `owner` is the id of the API key; `at_ms` is Unix time."""

    scope: bytes
    owner: str
    key_id: int
    nonce: bytes
    sealed: bytes
    size: int
    at_ms: int


class SqliteAnswers:
    """Rows by the digest of their scope. Writes join the commits of the journal's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, scope: bytes, *, since: float) -> SealedAnswer | None:
        """The row, unless it is older than `since`. Raises Unavailable."""

        def query(conn: sqlite3.Connection) -> SealedAnswer | None:
            row = conn.execute(
                f"SELECT {','.join(_COLUMNS)} FROM sealed_answers WHERE scope = ? AND at_ms >= ?",  # noqa: S608 (constants)
                (scope, round(since * MILLI)),
            ).fetchone()
            return SealedAnswer(**dict(zip(_COLUMNS, row, strict=True))) if row else None

        return await self._database.read(query)

    def put(
        self, seal: Callable[[], SealedAnswer], *, since: float, limits: Limits
    ) -> "Future[None]":
        """Queue an answer, which is sealed in the writer's thread; what is over goes first."""

        def work(conn: sqlite3.Connection) -> None:
            row = seal()
            conn.execute(
                "DELETE FROM sealed_answers WHERE scope IN "
                "(SELECT scope FROM sealed_answers WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
                (round(since * MILLI), SWEPT_AT_ONCE),
            )
            conn.execute(_PUT, msgspec.structs.asdict(row))
            conn.execute("UPDATE vault_ring SET used = used + 1 WHERE id = ?", (row.key_id,))
            _make_room(conn, row.owner, limits)

        return self._database.post(work)


def _make_room(conn: sqlite3.Connection, owner: str, limits: Limits) -> None:
    """Delete the oldest, of an owner and of all, until both are within their limits."""
    while _over(conn, _OF_OWNER, (owner,), limits.key_answers, limits.key_answer_bytes):
        conn.execute(
            "DELETE FROM sealed_answers WHERE scope IN (SELECT scope FROM sealed_answers "
            "WHERE owner = ? ORDER BY at_ms LIMIT 1)",
            (owner,),
        )
    while _over(conn, _OF_ALL, (), limits.answers, limits.answer_bytes):
        conn.execute(
            "DELETE FROM sealed_answers WHERE scope IN "
            "(SELECT scope FROM sealed_answers ORDER BY at_ms LIMIT 1)"
        )


def _over(
    conn: sqlite3.Connection, query: str, given: tuple[str, ...], answers: int, size: int
) -> bool:
    count, total = conn.execute(query, given).fetchone()
    return bool(count > answers or total > size)
