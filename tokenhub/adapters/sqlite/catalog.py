"""Providers, models and routing defaults in SQLite."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from tokenhub.adapters.sqlite import history, vault
from tokenhub.adapters.sqlite.change import enter, upsert, version
from tokenhub.adapters.sqlite.database import Database
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider, Tier
from tokenhub.core.errors import NotFound
from tokenhub.core.vault.rows import VaultChange
from tokenhub.ports.stores import Audit

_MICRO = 1_000_000

# The columns of these tables are named as the fields of their types.
_PROVIDER = Provider.__struct_fields__
_MODEL = Model.__struct_fields__
_ALIAS = Alias.__struct_fields__
_DEFAULTS = ("one", "mode", "max_budget_nusd", "max_latency_us", "version")
_PUT_PROVIDER = upsert("providers", _PROVIDER, key=("id",))
_PUT_MODEL = upsert("models", _MODEL, key=("provider_id", "id"))
_PUT_ALIAS = upsert("aliases", _ALIAS, key=("name",))
_PUT_DEFAULTS = upsert("routing_defaults", _DEFAULTS, key=("one",))


class SqliteCatalogStore:
    """A CatalogStore in the file that holds the ledger. Each change leaves its version behind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._began: int | None = None

    async def load(self) -> Catalog:
        """The catalog as it is. A version that is not kept yet is kept from now on."""
        catalog, known = await self._database.read(_read_and_known)
        if not known:
            await self._database.write(lambda conn: history.keep(conn, catalog))
        if self._began is None:
            self._began = catalog.version
        return catalog

    async def at(self, version: int) -> Catalog | None:
        return await self._database.read(lambda conn: history.rebuilt(conn, version))

    async def prune(self, named: Collection[int]) -> int:
        """Forget the versions that no decision record names; returns how many.

        What was in force since the first `load` stays: requests that began on it may still be
        under way, and their records not be written yet.
        """
        began = self._began

        def below(conn: sqlite3.Connection) -> int:
            return version(conn, "catalog") if began is None else began

        if not await self._database.read(
            lambda conn: history.prunable(conn, named, below=below(conn))
        ):
            return 0
        return await self._database.write(
            lambda conn: history.prune(conn, named, below=below(conn))
        )

    async def put_provider(
        self,
        provider: Provider,
        audit: Audit,
        *,
        models: Sequence[Model] = (),
        key: VaultChange | None = None,
    ) -> Catalog:
        def work(conn: sqlite3.Connection, stamp: int) -> None:
            put_provider(conn, stamp, provider, key)
            put_models(conn, stamp, models)

        return await self._change(audit, work)

    async def delete_provider(
        self, provider_id: str, audit: Audit, *, key: VaultChange | None = None
    ) -> Catalog:
        return await self._change(audit, lambda conn, _: drop_provider(conn, provider_id, key))

    async def put_models(self, models: Sequence[Model], audit: Audit) -> Catalog:
        return await self._change(audit, lambda conn, stamp: put_models(conn, stamp, models))

    async def delete_model(self, key: tuple[str, str], audit: Audit) -> Catalog:
        return await self._change(audit, lambda conn, _: drop_model(conn, key))

    async def put_alias(self, alias: Alias, audit: Audit) -> Catalog:
        return await self._change(audit, lambda conn, stamp: put_alias(conn, stamp, alias))

    async def delete_alias(self, name: str, audit: Audit) -> Catalog:
        return await self._change(audit, lambda conn, _: drop_alias(conn, name))

    async def put_defaults(self, defaults: Defaults, audit: Audit) -> Catalog:
        return await self._change(audit, lambda conn, stamp: put_defaults(conn, stamp, defaults))

    async def _change(
        self, audit: Audit, work: Callable[[sqlite3.Connection, int], None]
    ) -> Catalog:
        """Audit entry, version and rows in one transaction; returns the catalog as it is then."""

        def change(conn: sqlite3.Connection) -> Catalog:
            work(conn, enter(conn, "catalog", audit))
            catalog = read(conn)
            history.keep(conn, catalog)
            return catalog

        return await self._database.write(change)


def put_provider(
    conn: sqlite3.Connection, stamp: int, provider: Provider, key: VaultChange | None
) -> None:
    """Write a provider and its key, in a transaction of the caller's; so do those below."""
    if key is not None:
        vault.write(conn, key)
    endpoints = msgspec.json.encode(provider.endpoints).decode()
    row = msgspec.structs.asdict(provider) | {"endpoints": endpoints, "version": stamp}
    conn.execute(_PUT_PROVIDER, row)


def drop_provider(conn: sqlite3.Connection, provider_id: str, key: VaultChange | None) -> None:
    if key is not None:
        vault.write(conn, key)
    if not conn.execute("DELETE FROM providers WHERE id = ?", (provider_id,)).rowcount:
        raise NotFound(f"no provider is called {provider_id!r}")


def put_models(conn: sqlite3.Connection, stamp: int, models: Sequence[Model]) -> None:
    for model in models:
        try:
            tiers = msgspec.json.encode(model.tiers).decode()
            row = msgspec.structs.asdict(model) | {"tiers": tiers, "version": stamp}
            conn.execute(_PUT_MODEL, row)
        except sqlite3.IntegrityError as error:
            raise NotFound(f"no provider is called {model.provider_id!r}") from error


def drop_model(conn: sqlite3.Connection, key: tuple[str, str]) -> None:
    if not conn.execute("DELETE FROM models WHERE provider_id = ? AND id = ?", key).rowcount:
        raise NotFound(f"provider {key[0]!r} has no model {key[1]!r}")


def put_alias(conn: sqlite3.Connection, stamp: int, alias: Alias) -> None:
    variants = msgspec.json.encode(alias.variants).decode()
    row = msgspec.structs.asdict(alias) | {"variants": variants, "version": stamp}
    conn.execute(_PUT_ALIAS, row)


def drop_alias(conn: sqlite3.Connection, name: str) -> None:
    if not conn.execute("DELETE FROM aliases WHERE name = ?", (name,)).rowcount:
        raise NotFound(f"no alias is called {name!r}")


def put_defaults(conn: sqlite3.Connection, stamp: int, defaults: Defaults) -> None:
    latency_us = round(defaults.max_latency_s * _MICRO)
    row = (1, defaults.mode, defaults.max_budget_nusd, latency_us, stamp)
    conn.execute(_PUT_DEFAULTS, dict(zip(_DEFAULTS, row, strict=True)))


def _read_and_known(conn: sqlite3.Connection) -> tuple[Catalog, bool]:
    catalog = read(conn)
    return catalog, history.kept(conn, catalog.version)


def read(conn: sqlite3.Connection) -> Catalog:
    """The catalog as it is in this file."""
    providers = conn.execute(f"SELECT {','.join(_PROVIDER)} FROM providers ORDER BY id")  # noqa: S608 (constants)
    models = conn.execute(
        f"SELECT {','.join(_MODEL)} FROM models ORDER BY provider_id, id"  # noqa: S608 (constants)
    )
    aliases = conn.execute(f"SELECT {','.join(_ALIAS)} FROM aliases ORDER BY name")  # noqa: S608 (constants)
    defaults = conn.execute(f"SELECT {','.join(_DEFAULTS)} FROM routing_defaults").fetchone()  # noqa: S608 (constants)
    return Catalog.build(
        version=version(conn, "catalog"),
        providers=[_provider(dict(zip(_PROVIDER, row, strict=True))) for row in providers],
        models=[_model(dict(zip(_MODEL, row, strict=True))) for row in models],
        aliases=[_alias(dict(zip(_ALIAS, row, strict=True))) for row in aliases],
        defaults=_defaults(defaults) if defaults else None,
    )


def _provider(row: dict[str, Any]) -> Provider:
    endpoints = msgspec.json.decode(row["endpoints"], type=tuple[str, ...])
    return Provider(**row | {"endpoints": endpoints, "enabled": bool(row["enabled"])})


def _model(row: dict[str, Any]) -> Model:
    tiers = msgspec.json.decode(row["tiers"], type=tuple[Tier, ...])
    return Model(**row | {"tiers": tiers, "enabled": bool(row["enabled"])})


def _alias(row: dict[str, Any]) -> Alias:
    variants = msgspec.json.decode(row["variants"], type=tuple[Variant, ...])
    return Alias(**row | {"variants": variants, "enabled": bool(row["enabled"])})


def _defaults(row: Sequence[Any]) -> Defaults:
    _, mode, budget_nusd, latency_us, stamp = row
    return Defaults(
        mode=mode, max_budget_nusd=budget_nusd, max_latency_s=latency_us / _MICRO, version=stamp
    )
