"""Stores for a rehearsal: copies in memory that note what would have been written."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tokenhub.adapters.memory.draft import Draft
from tokenhub.adapters.memory.stores import MemoryKeyStore
from tokenhub.adapters.memory.vault import MemoryVaultStore
from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.charts import Dated
from tokenhub.core.errors import NotFound
from tokenhub.core.keys import ApiKey
from tokenhub.core.outcome import Outcome
from tokenhub.core.vault.rows import VaultChange
from tokenhub.ports import config
from tokenhub.ports.config import Write
from tokenhub.ports.series import Reading, SeriesStore
from tokenhub.ports.stores import Audit

T = TypeVar("T")


class StagedCatalog:
    """A CatalogStore that begins with `catalog` and adds each change to `written`.

    What it gives is a Draft's: there is the last version of it, and no other.
    """

    def __init__(self, catalog: Catalog, vault: MemoryVaultStore, written: list[Write]) -> None:
        self._draft = Draft(catalog)
        self._vault = vault
        self._written = written

    async def load(self) -> Catalog:
        return self._draft.catalog

    async def at(self, version: int) -> Catalog | None:
        return self._draft.catalog if version == self._draft.version else None

    async def put_provider(
        self,
        provider: Provider,
        audit: Audit,
        *,
        models: Sequence[Model] = (),
        key: VaultChange | None = None,
    ) -> Catalog:
        self._vault.write(key)
        draft = self._began(config.PutProvider(provider=provider, key=key, audit=audit))
        draft.put_provider(provider)
        for model in models:
            draft.put_model(model)
        return draft.catalog

    async def delete_provider(
        self, provider_id: str, audit: Audit, *, key: VaultChange | None = None
    ) -> Catalog:
        if provider_id not in self._draft.providers:
            raise NotFound(f"no provider is called {provider_id!r}")
        self._vault.write(key)
        draft = self._began(config.DropProvider(provider_id=provider_id, key=key, audit=audit))
        draft.drop_provider(provider_id)
        return draft.catalog

    async def put_models(self, models: Sequence[Model], audit: Audit) -> Catalog:
        draft = self._began(config.PutModels(models=tuple(models), audit=audit))
        for model in models:
            draft.put_model(model)
        return draft.catalog

    async def delete_model(self, key: tuple[str, str], audit: Audit) -> Catalog:
        if key not in self._draft.models:
            raise NotFound(f"provider {key[0]!r} has no model {key[1]!r}")
        draft = self._began(config.DropModel(key=key, audit=audit))
        draft.drop_model(key)
        return draft.catalog

    async def put_alias(self, alias: Alias, audit: Audit) -> Catalog:
        draft = self._began(config.PutAlias(alias=alias, audit=audit))
        draft.put_alias(alias)
        return draft.catalog

    async def delete_alias(self, name: str, audit: Audit) -> Catalog:
        if name not in self._draft.aliases:
            raise NotFound(f"no alias is called {name!r}")
        draft = self._began(config.DropAlias(name=name, audit=audit))
        del draft.aliases[name]
        return draft.catalog

    async def put_defaults(self, defaults: Defaults, audit: Audit) -> Catalog:
        draft = self._began(config.PutDefaults(defaults=defaults, audit=audit))
        draft.put_defaults(defaults)
        return draft.catalog

    def _began(self, write: Write) -> Draft:
        """The draft at its next version."""
        self._written.append(write)
        self._draft.version += 1
        return self._draft


class StagedKeys(MemoryKeyStore):
    """A KeyStore that begins with `keys` and adds each change to `written`."""

    def __init__(self, keys: Iterable[ApiKey], written: list[Write]) -> None:
        super().__init__(keys)
        self._written = written

    async def put(self, key: ApiKey, audit: Audit) -> ApiKey:
        self._written.append(config.PutKey(key=key, audit=audit))
        return await super().put(key, audit)

    async def delete(self, key_id: str, audit: Audit) -> None:
        self._written.append(config.DropKey(key_id=key_id, audit=audit))
        await super().delete(key_id, audit)


class StagedSeries:
    """A SeriesStore that reads the real one, and adds a change of its days to `written`."""

    def __init__(self, store: SeriesStore, written: list[Write]) -> None:
        self.retention_days = store.retention_days
        self._store = store
        self._written = written

    def record(self, outcome: Outcome) -> None:
        """Nothing: no request ends in a rehearsal."""

    async def read(self, readings: Sequence[Reading], work: Callable[[Sequence[Dated]], T]) -> T:
        return await self._store.read(readings, work)

    async def set_retention(self, days: int, audit: Audit) -> None:
        self._written.append(config.PutRetention(days=days, audit=audit))
        self.retention_days = days

    async def prune(self, now: float) -> int:
        """Delete nothing; how much it would be, nobody can tell."""
        del now
        return 0
