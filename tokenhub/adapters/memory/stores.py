"""The stores in memory: twins of those in SQLite, for tests and for what is only rehearsed."""

import asyncio
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from tokenhub.adapters.memory.vault import MemoryVaultStore
from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.errors import Conflict, NotFound, Unavailable
from tokenhub.core.keys import ApiKey, opened
from tokenhub.core.outcome import Outcome
from tokenhub.core.vault.rows import VaultChange
from tokenhub.core.verify import checksum
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.stores import Audit

Row = TypeVar("Row", Provider, Model, Defaults, ApiKey, Alias)


class MemoryCatalogStore:
    """A CatalogStore that forgets. `audit` holds the entries, oldest first."""

    def __init__(
        self, vault: MemoryVaultStore | None = None, *, catalog: Catalog | None = None
    ) -> None:
        self.audit: list[Audit] = []
        self.vault = vault or MemoryVaultStore()
        self._catalog = catalog or Catalog.build()
        self._versions = {self._catalog.version: self._catalog}

    async def load(self) -> Catalog:
        return self._catalog

    async def at(self, version: int) -> Catalog | None:
        return self._versions.get(version)

    async def put_provider(
        self,
        provider: Provider,
        audit: Audit,
        *,
        models: Sequence[Model] = (),
        key: VaultChange | None = None,
    ) -> Catalog:
        now = self._catalog
        stamp = now.version + 1
        providers = now.providers | {provider.id: _stamped(provider, stamp)}
        wanted = _with(now, providers, models, stamp)
        self.vault.write(key)
        return self._swap(audit, providers=providers, models=wanted)

    async def delete_provider(
        self, provider_id: str, audit: Audit, *, key: VaultChange | None = None
    ) -> Catalog:
        now = self._catalog
        if provider_id not in now.providers:
            raise NotFound(f"no provider is called {provider_id!r}")
        self.vault.write(key)
        return self._swap(
            audit,
            providers={id_: row for id_, row in now.providers.items() if id_ != provider_id},
            models={key: row for key, row in now.models.items() if key[0] != provider_id},
        )

    async def put_models(self, models: Sequence[Model], audit: Audit) -> Catalog:
        now = self._catalog
        return self._swap(audit, models=_with(now, now.providers, models, now.version + 1))

    async def delete_model(self, key: tuple[str, str], audit: Audit) -> Catalog:
        now = self._catalog
        if key not in now.models:
            raise NotFound(f"provider {key[0]!r} has no model {key[1]!r}")
        return self._swap(audit, models={k: row for k, row in now.models.items() if k != key})

    async def put_alias(self, alias: Alias, audit: Audit) -> Catalog:
        row = _stamped(alias, self._catalog.version + 1)
        return self._swap(audit, aliases={**self._catalog.aliases, alias.name: row})

    async def delete_alias(self, name: str, audit: Audit) -> Catalog:
        now = self._catalog.aliases
        if name not in now:
            raise NotFound(f"no alias is called {name!r}")
        return self._swap(audit, aliases={key: row for key, row in now.items() if key != name})

    async def put_defaults(self, defaults: Defaults, audit: Audit) -> Catalog:
        return self._swap(audit, defaults=_stamped(defaults, self._catalog.version + 1))

    def _swap(
        self,
        audit: Audit,
        *,
        providers: dict[str, Provider] | None = None,
        models: dict[tuple[str, str], Model] | None = None,
        aliases: dict[str, Alias] | None = None,
        defaults: Defaults | None = None,
    ) -> Catalog:
        now = self._catalog
        who = now.providers if providers is None else providers
        what = now.models if models is None else models
        self._catalog = Catalog.build(
            version=now.version + 1,
            providers=[who[id_] for id_ in sorted(who)],
            models=[what[key] for key in sorted(what)],
            aliases=(now.aliases if aliases is None else aliases).values(),
            defaults=defaults or now.defaults,
        )
        self._versions[self._catalog.version] = self._catalog
        self.audit.append(audit)
        return self._catalog


class MemoryKeyStore:
    """A KeyStore that forgets. `audit` holds the entries, oldest first."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self.audit: list[Audit] = []
        self._keys = {key.id: key for key in keys}
        self._owners = {mark: key.id for key in self._keys.values() for mark in opened(key)}
        self._uses: dict[bytes, float] = {}
        self._version = max((key.version for key in self._keys.values()), default=0)

    async def load(self) -> Sequence[ApiKey]:
        return [self._keys[key_id] for key_id in sorted(self._keys)]

    async def put(self, key: ApiKey, audit: Audit) -> ApiKey:
        marks = opened(key).keys()
        if any(self._owners.get(mark, key.id) != key.id for mark in marks):
            raise Conflict("this very key is there already, under another id")
        self._disown(key.id)
        self._owners |= dict.fromkeys(marks, key.id)
        self._version += 1
        self._keys[key.id] = _stamped(key, self._version)
        self.audit.append(audit)
        return self._keys[key.id]

    async def delete(self, key_id: str, audit: Audit) -> None:
        if key_id not in self._keys:
            raise NotFound(f"no API key has the id {key_id!r}")
        self._version += 1
        self._disown(key_id)
        del self._keys[key_id]
        self.audit.append(audit)

    async def uses(self) -> Mapping[bytes, float]:
        known = {digest for key in self._keys.values() for digest in opened(key)}
        return {digest: at for digest, at in self._uses.items() if digest in known}

    async def used(self, uses: Mapping[bytes, float]) -> None:
        self._uses |= uses

    def _disown(self, key_id: str) -> None:
        if key_id in self._keys:
            for mark in opened(self._keys[key_id]):
                del self._owners[mark]


class MemoryJournal:
    """A Journal that forgets. It refuses what it is given while `fault` is set."""

    def __init__(self) -> None:
        self.fault = ""
        self._outcomes: dict[str, Outcome] = {}
        self._decisions: dict[str, bytes] = {}
        self._checksums: dict[str, int] = {}

    def record(self, outcome: Outcome) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        known = "the request is recorded already" if outcome.request_id in self._outcomes else ""
        if refusal := self.fault or known:
            done.set_exception(Unavailable(refusal, code="ledger_unavailable"))
        else:
            self._outcomes[outcome.request_id] = outcome
            done.set_result(None)
        return done

    def outcomes(self) -> Iterator[Outcome]:
        """All that was recorded."""
        yield from self._outcomes.values()

    async def page(self, query: LogQuery) -> Sequence[Outcome]:
        return list(islice(self._found(query), query.offset, query.offset + query.limit))

    async def count(self, query: LogQuery) -> int:
        return sum(1 for _ in self._found(query))

    async def decision(self, request_id: str) -> bytes | None:
        return self._decisions.get(request_id)

    async def checksum(self, request_id: str) -> int | None:
        return self._checksums.get(request_id)

    def explain(self, request_id: str, at: float, decision: object) -> None:  # noqa: ARG002 (the port's)
        record = msgspec.json.encode(decision)
        self._decisions[request_id] = record
        self._checksums[request_id] = checksum(record)

    def _found(self, query: LogQuery) -> Iterator[Outcome]:
        for request_id in sorted(self._outcomes, reverse=True):
            if _matches(self._outcomes[request_id], query):
                yield self._outcomes[request_id]


def _with(
    now: Catalog, providers: Container[str], models: Sequence[Model], stamp: int
) -> dict[tuple[str, str], Model]:
    """The catalog's models and these, each of a provider that is there."""
    for model in models:
        if model.provider_id not in providers:
            raise NotFound(f"no provider is called {model.provider_id!r}")
    return now.models | {model.key: _stamped(model, stamp) for model in models}


def _stamped(row: Row, version: int) -> Row:
    return msgspec.structs.replace(row, version=version)


def _matches(outcome: Outcome, query: LogQuery) -> bool:
    if query.before and outcome.request_id >= query.before:
        return False
    return all(
        not wanted or wanted == found
        for wanted, found in (
            (query.request_id, outcome.request_id),
            (query.model_id, outcome.model_id),
            (query.provider_id, outcome.provider_id),
            (query.key_id, outcome.key_id),
            (query.status, outcome.status),
            (query.parent_id, outcome.parent_id),
        )
    )
