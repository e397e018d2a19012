"""Admin tokens and sessions in SQLite: their digests, never the secrets."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tokenhub.adapters.sqlite.change import enter, upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.access import AdminSession, AdminToken
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.ports.stores import Audit

_TOKEN = (
    "id", "name", "role", "digest", "prefix", "created_at_ms", "expires_at_ms", "last_used_at_ms",
    "previous", "previous_until_ms", "version",
)  # fmt: skip
_SESSION = ("digest", "token_id", "binding", "created_at_ms", "seen_at_ms", "address")
_PUT = upsert("admin_tokens", _TOKEN, key=("id",))
_BEGIN = upsert("admin_sessions", _SESSION, key=("digest",))


class SqliteTokenStore:
    """A TokenStore in the file that holds the ledger. Its versions are counted on their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[AdminToken]:
        return await self._database.read(_tokens)

    async def put(self, token: AdminToken, audit: Audit) -> AdminToken:
        def work(conn: sqlite3.Connection) -> AdminToken:
            stamped = msgspec.structs.replace(token, version=enter(conn, "tokens", audit))
            try:
                conn.execute(_PUT, dict(zip(_TOKEN, _token_row(stamped), strict=True)))
            except sqlite3.IntegrityError as error:
                raise Conflict(f"another admin token is called {token.name!r}") from error
            return stamped

        return await self._database.write(work)

    async def delete(self, token_id: str, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "tokens", audit)
            conn.execute("DELETE FROM admin_sessions WHERE token_id = ?", (token_id,))
            if not conn.execute("DELETE FROM admin_tokens WHERE id = ?", (token_id,)).rowcount:
                raise NotFound(f"no admin token has the id {token_id!r}")

        await self._database.write(work)

    async def note(self, audit: Audit) -> None:
        await self._database.write(lambda conn: enter(conn, "tokens", audit))

    async def sessions(self) -> Sequence[AdminSession]:
        return await self._database.read(_sessions)

    async def begin(self, session: AdminSession, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "tokens", audit)
            conn.execute(_BEGIN, dict(zip(_SESSION, _session_row(session), strict=True)))

        await self._database.write(work)

    async def end(self, digest: bytes, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "tokens", audit)
            conn.execute("DELETE FROM admin_sessions WHERE digest = ?", (digest,))

        await self._database.write(work)

    async def seen(
        self,
        *,
        tokens: Mapping[str, float],
        sessions: Mapping[bytes, float],
        over: Iterable[bytes],
    ) -> None:
        used = [(round(at * MILLI), token_id) for token_id, at in tokens.items()]
        seen = [(round(at * MILLI), digest) for digest, at in sessions.items()]
        gone = [(digest,) for digest in over]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany("UPDATE admin_tokens SET last_used_at_ms = ? WHERE id = ?", used)
            conn.executemany("UPDATE admin_sessions SET seen_at_ms = ? WHERE digest = ?", seen)
            conn.executemany("DELETE FROM admin_sessions WHERE digest = ?", gone)

        await self._database.write(work)


def _tokens(conn: sqlite3.Connection) -> list[AdminToken]:
    rows = conn.execute(f"SELECT {','.join(_TOKEN)} FROM admin_tokens ORDER BY id")  # noqa: S608 (constants)
    return [_token(row) for row in rows]


def _sessions(conn: sqlite3.Connection) -> list[AdminSession]:
    rows = conn.execute(f"SELECT {','.join(_SESSION)} FROM admin_sessions")  # noqa: S608 (constants)
    return [
        AdminSession(
            digest=digest,
            token_id=token_id,
            binding=binding,
            created_at=created_at_ms / MILLI,
            seen_at=seen_at_ms / MILLI,
            address=address,
        )
        for digest, token_id, binding, created_at_ms, seen_at_ms, address in rows
    ]


def _token_row(token: AdminToken) -> tuple[object, ...]:
    return (
        token.id,
        token.name,
        token.role,
        token.digest,
        token.prefix,
        round(token.created_at * MILLI),
        _millis(token.expires_at),
        _millis(token.last_used_at),
        token.previous,
        round(token.previous_until * MILLI),
        token.version,
    )


def _token(row: Sequence[Any]) -> AdminToken:
    token_id, name, role, digest, prefix, created_at_ms, expires_at_ms, *rest = row
    last_used_at_ms, previous, previous_until_ms, version = rest
    return AdminToken(
        id=token_id,
        name=name,
        role=role,
        digest=digest,
        prefix=prefix,
        created_at=created_at_ms / MILLI,
        expires_at=_seconds(expires_at_ms),
        last_used_at=_seconds(last_used_at_ms),
        previous=previous,
        previous_until=previous_until_ms / MILLI,
        version=version,
    )


def _session_row(session: AdminSession) -> tuple[object, ...]:
    return (
        session.digest,
        session.token_id,
        session.binding,
        round(session.created_at * MILLI),
        round(session.seen_at * MILLI),
        session.address,
    )


def _millis(at: float | None) -> int | None:
    return None if at is None else round(at * MILLI)


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / MILLI
