"""API keys in SQLite: their digests, never the keys."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from tokenhub.adapters.sqlite.change import enter, upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.core.ask import NO_WISH, Wish
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.core.grants import Grant
from tokenhub.core.keys import ApiKey
from tokenhub.ports.stores import Audit

_MILLI = 1_000

_COLUMNS = (
    "id", "name", "digest", "prefix", "scopes", "created_at_ms", "expires_at_ms", "enabled",
    "rate_limit_rps", "directives", "version", "allowed_models", "allowed_providers", "mode",
    "max_budget_nusd", "max_latency_ms", "min_weight", "budget_nusd", "budget_reset_at_ms",
    "paid_month", "paid_nusd",
)  # fmt: skip
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_PUT = upsert("api_keys", _COLUMNS, key=("id",))


class SqliteKeyStore:
    """A KeyStore in the file that holds the ledger. Its versions are counted on their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[ApiKey]:
        return await self._database.read(_read)

    async def put(self, key: ApiKey, audit: Audit) -> ApiKey:
        def work(conn: sqlite3.Connection) -> ApiKey:
            stamped = msgspec.structs.replace(key, version=enter(conn, "keys", audit))
            try:
                conn.execute(_PUT, dict(zip(_COLUMNS, _row(stamped), strict=True)))
            except sqlite3.IntegrityError as error:
                raise Conflict("this very key is there already, under another id") from error
            return stamped

        return await self._database.write(work)

    async def delete(self, key_id: str, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "keys", audit)
            if not conn.execute("DELETE FROM api_keys WHERE id = ?", (key_id,)).rowcount:
                raise NotFound(f"no API key has the id {key_id!r}")

        await self._database.write(work)


def _read(conn: sqlite3.Connection) -> list[ApiKey]:
    rows = conn.execute(f"SELECT {','.join(_COLUMNS)} FROM api_keys ORDER BY id")  # noqa: S608 (constants)
    return [_key(row) for row in rows]


def _row(key: ApiKey) -> tuple[object, ...]:
    return (
        key.id,
        key.name,
        key.digest,
        key.prefix,
        msgspec.json.encode(key.scopes).decode(),
        round(key.created_at * _MILLI),
        None if key.expires_at is None else round(key.expires_at * _MILLI),
        key.enabled,
        key.rate_limit_rps,
        key.directives,
        key.version,
        *_granted(key.grant),
        key.budget_nusd,
        None if key.budget_reset_at is None else round(key.budget_reset_at * _MILLI),
        key.paid_month,
        key.paid_nusd,
    )


def _key(row: Sequence[Any]) -> ApiKey:
    key_id, name, digest, prefix, scopes, created_at_ms, expires_at_ms, *flags = row
    enabled, rate_limit_rps, directives, version, *more = flags
    *granted, budget_nusd, budget_reset_at_ms, paid_month, paid_nusd = more
    return ApiKey(
        id=key_id,
        name=name,
        digest=digest,
        prefix=prefix,
        scopes=_NAMES.decode(scopes),
        created_at=created_at_ms / _MILLI,
        expires_at=None if expires_at_ms is None else expires_at_ms / _MILLI,
        enabled=bool(enabled),
        rate_limit_rps=rate_limit_rps,
        directives=bool(directives),
        version=version,
        grant=_grant(*granted),
        budget_nusd=budget_nusd,
        budget_reset_at=None if budget_reset_at_ms is None else budget_reset_at_ms / _MILLI,
        paid_month=paid_month,
        paid_nusd=paid_nusd,
    )


def _granted(grant: Grant) -> tuple[object, ...]:
    wish = grant.policy
    return (
        msgspec.json.encode(grant.models).decode(),
        msgspec.json.encode(grant.providers).decode(),
        wish.mode,
        wish.max_budget_nusd,
        None if wish.max_latency_s is None else round(wish.max_latency_s * _MILLI),
        wish.min_weight,
    )


def _grant(models: str, providers: str, *policy: Any) -> Grant:
    mode, max_budget_nusd, max_latency_ms, min_weight = policy
    wish = Wish(
        mode=mode,
        max_budget_nusd=max_budget_nusd,
        max_latency_s=None if max_latency_ms is None else max_latency_ms / _MILLI,
        min_weight=min_weight,
    )
    return Grant(
        models=_NAMES.decode(models),
        providers=_NAMES.decode(providers),
        policy=NO_WISH if wish == NO_WISH else wish,
    )
