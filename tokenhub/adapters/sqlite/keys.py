"""API keys in SQLite: their digests, never the keys."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tokenhub.adapters.sqlite.change import enter, upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.ask import NO_WISH, Wish
from tokenhub.core.credentials import Credential
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.core.grants import Grant
from tokenhub.core.keys import ApiKey
from tokenhub.ports.stores import Audit

_COLUMNS = (
    "id", "name", "digest", "prefix", "scopes", "created_at_ms", "expires_at_ms", "enabled",
    "rate_limit_rps", "directives", "version", "allowed_models", "allowed_providers", "mode",
    "max_budget_nusd", "max_latency_ms", "min_weight", "budget_nusd", "budget_reset_at_ms",
    "paid_month", "paid_nusd", "tokens_per_minute", "concurrency", "rotation_days", "rotated_at_ms",
    "judged",
)  # fmt: skip
_CREDENTIAL = ("digest", "key_id", "prefix", "issued_at_ms", "expires_at_ms")
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_PUT = upsert("api_keys", _COLUMNS, key=("id",))
_PUT_CREDENTIAL = upsert("key_credentials", _CREDENTIAL, key=("digest",))
_TAKEN = "SELECT 1 FROM key_credentials WHERE digest = ? AND key_id <> ?"
_LEFT = "SELECT digest FROM key_credentials WHERE key_id = ?"


class SqliteKeyStore:
    """A KeyStore in the file that holds the ledger. Its versions are counted on their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[ApiKey]:
        return await self._database.read(_read)

    async def put(self, key: ApiKey, audit: Audit) -> ApiKey:
        return await self._database.write(lambda conn: put(conn, key, audit))

    async def delete(self, key_id: str, audit: Audit) -> None:
        await self._database.write(lambda conn: drop(conn, key_id, audit))

    async def uses(self) -> Mapping[bytes, float]:
        return await self._database.read(_uses)

    async def used(self, uses: Mapping[bytes, float]) -> None:
        # Cut off as it is when it is shown, so that it is the same before and after.
        rows = [(int(at * MILLI), digest) for digest, at in uses.items()]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(
                "UPDATE key_credentials SET last_used_at_ms = ? WHERE digest = ?", rows
            )

        await self._database.write(work)


def put(conn: sqlite3.Connection, key: ApiKey, audit: Audit) -> ApiKey:
    """Write a key with its entry, in a transaction of the caller's. Raises Conflict."""
    stamped = msgspec.structs.replace(key, version=enter(conn, "keys", audit))
    credentials = _credentials(key)
    if any(conn.execute(_TAKEN, one[:2]).fetchone() for one in credentials):
        raise Conflict("this very key is there already, under another id")
    conn.execute(_PUT, dict(zip(_COLUMNS, _row(stamped), strict=True)))
    # The last use of those that stay is not touched.
    gone = {row[0] for row in conn.execute(_LEFT, (key.id,))} - {one[0] for one in credentials}
    conn.executemany("DELETE FROM key_credentials WHERE digest = ?", [(d,) for d in gone])
    for one in credentials:
        conn.execute(_PUT_CREDENTIAL, dict(zip(_CREDENTIAL, one, strict=True)))
    return stamped


def drop(conn: sqlite3.Connection, key_id: str, audit: Audit) -> None:
    """Delete a key with its credentials, in a transaction of the caller's. Raises NotFound."""
    enter(conn, "keys", audit)
    if not conn.execute("DELETE FROM api_keys WHERE id = ?", (key_id,)).rowcount:
        raise NotFound(f"no API key has the id {key_id!r}")
    conn.execute("DELETE FROM key_credentials WHERE key_id = ?", (key_id,))


def _read(conn: sqlite3.Connection) -> list[ApiKey]:
    former: dict[str, list[Credential]] = {}
    # The newest first, as they were put.
    rows = conn.execute(
        f"SELECT {','.join(_CREDENTIAL)} FROM key_credentials WHERE expires_at_ms IS NOT NULL "  # noqa: S608 (constants)
        "ORDER BY key_id, issued_at_ms DESC, digest"
    )
    for digest, key_id, prefix, issued_at_ms, expires_at_ms in rows:
        old = Credential(
            digest=digest,
            prefix=prefix,
            issued_at=issued_at_ms / MILLI,
            expires_at=expires_at_ms / MILLI,
        )
        former.setdefault(key_id, []).append(old)
    rows = conn.execute(f"SELECT {','.join(_COLUMNS)} FROM api_keys ORDER BY id")  # noqa: S608 (constants)
    return [_key(row, former.get(row[0], ())) for row in rows]


def _uses(conn: sqlite3.Connection) -> dict[bytes, float]:
    rows = conn.execute(
        "SELECT digest, last_used_at_ms FROM key_credentials WHERE last_used_at_ms IS NOT NULL"
    )
    return {digest: at_ms / MILLI for digest, at_ms in rows}


def _credentials(key: ApiKey) -> list[tuple[object, ...]]:
    current = (key.digest, key.id, key.prefix, round(key.issued_at * MILLI), None)
    former = (
        (old.digest, key.id, old.prefix, round(old.issued_at * MILLI), _ms(old.expires_at))
        for old in key.former
    )
    return [current, *former]


def _ms(at: float | None) -> int | None:
    return None if at is None else round(at * MILLI)


def _row(key: ApiKey) -> tuple[object, ...]:
    return (
        key.id,
        key.name,
        key.digest,
        key.prefix,
        msgspec.json.encode(key.scopes).decode(),
        round(key.created_at * MILLI),
        _ms(key.expires_at),
        key.enabled,
        key.rate_limit_rps,
        key.directives,
        key.version,
        *_granted(key.grant),
        key.budget_nusd,
        None if key.budget_reset_at is None else round(key.budget_reset_at * MILLI),
        key.paid_month,
        key.paid_nusd,
        key.tokens_per_minute,
        key.concurrency,
        key.rotation_days,
        _ms(key.rotated_at),
        key.judged,
    )


def _key(row: Sequence[Any], former: Sequence[Credential]) -> ApiKey:
    key_id, name, digest, prefix, scopes, created_at_ms, expires_at_ms, *flags = row
    enabled, rate_limit_rps, directives, version, *more = flags
    *more, tokens_per_minute, concurrency, rotation_days, rotated_at_ms, judged = more
    *granted, budget_nusd, budget_reset_at_ms, paid_month, paid_nusd = more
    return ApiKey(
        id=key_id,
        name=name,
        digest=digest,
        prefix=prefix,
        scopes=_NAMES.decode(scopes),
        created_at=created_at_ms / MILLI,
        expires_at=None if expires_at_ms is None else expires_at_ms / MILLI,
        enabled=bool(enabled),
        rate_limit_rps=rate_limit_rps,
        directives=bool(directives),
        version=version,
        grant=_grant(*granted),
        budget_nusd=budget_nusd,
        budget_reset_at=None if budget_reset_at_ms is None else budget_reset_at_ms / MILLI,
        paid_month=paid_month,
        paid_nusd=paid_nusd,
        tokens_per_minute=tokens_per_minute,
        concurrency=concurrency,
        rotation_days=rotation_days,
        rotated_at=None if rotated_at_ms is None else rotated_at_ms / MILLI,
        former=tuple(former),
        judged=bool(judged),
    )


def _granted(grant: Grant) -> tuple[object, ...]:
    wish = grant.policy
    return (
        msgspec.json.encode(grant.models).decode(),
        msgspec.json.encode(grant.providers).decode(),
        wish.mode,
        wish.max_budget_nusd,
        None if wish.max_latency_s is None else round(wish.max_latency_s * MILLI),
        wish.min_weight,
    )


def _grant(models: str, providers: str, *policy: Any) -> Grant:
    mode, max_budget_nusd, max_latency_ms, min_weight = policy
    wish = Wish(
        mode=mode,
        max_budget_nusd=max_budget_nusd,
        max_latency_s=None if max_latency_ms is None else max_latency_ms / MILLI,
        min_weight=min_weight,
    )
    return Grant(
        models=_NAMES.decode(models),
        providers=_NAMES.decode(providers),
        policy=NO_WISH if wish == NO_WISH else wish,
    )
