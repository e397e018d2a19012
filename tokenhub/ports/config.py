"""Several changes of the configuration, kept in one transaction."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.keys import ApiKey
from tokenhub.core.vault.rows import VaultChange
from tokenhub.ports.stores import Audit


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One change, with its entry."""

    audit: Audit


class PutProvider(Write, frozen=True, kw_only=True):
    provider: Provider
    key: VaultChange | None = None


class DropProvider(Write, frozen=True, kw_only=True):
    provider_id: str
    key: VaultChange | None = None


class PutModels(Write, frozen=True, kw_only=True):
    models: tuple[Model, ...]


class DropModel(Write, frozen=True, kw_only=True):
    key: tuple[str, str]


class PutAlias(Write, frozen=True, kw_only=True):
    alias: Alias


class DropAlias(Write, frozen=True, kw_only=True):
    name: str


class PutDefaults(Write, frozen=True, kw_only=True):
    defaults: Defaults


class PutKey(Write, frozen=True, kw_only=True):
    key: ApiKey


class DropKey(Write, frozen=True, kw_only=True):
    key_id: str


class PutRetention(Write, frozen=True, kw_only=True):
    """For how many days charts are kept."""

    days: int


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept now: the catalog, and the keys that were put, with their versions."""

    catalog: Catalog
    keys: tuple[ApiKey, ...]


class ConfigStore(Protocol):
    async def commit(self, writes: Sequence[Write]) -> Committed:
        """Keep all of them or none, in their order; the catalog has one new version at most.

        Raises what the single ones raise, and Unavailable.
        """
        ...
