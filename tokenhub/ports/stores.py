"""Where configuration and keys are kept.

A write commits the row, its audit entry and the new version in one transaction, and returns only
after that. One writer at a time: the use cases hold a lock from their read to their write.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.keys import ApiKey

# The code of the Unavailable that says that the kept content of an old catalog cannot be read.
CATALOG_DAMAGED = "catalog_damaged"


# How what was asked for came out. A change that failed leaves no entry, since it is undone whole.
DONE, REFUSED = "ok", "refused"
OUTCOMES = (DONE, REFUSED)


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what, or who came to the door. `at` is Unix seconds.

    `detail` is JSON without secrets: of a change what was `before` and `after`, of a refusal why.
    `times` is how often the same happened: floods are counted.
    """

    action: str
    resource: str
    actor: str
    at: float
    request_id: str = ""
    detail: str = ""
    address: str = ""
    outcome: str = DONE
    times: int = 1


class CatalogStore(Protocol):
    """Each write stamps the rows it touches with the new version and returns the new catalog."""

    async def load(self) -> Catalog: ...

    async def at(self, version: int) -> Catalog | None:
        """The catalog as it was at a version; None where that is not kept any more.

        Raises Unavailable with the code CATALOG_DAMAGED where what was kept cannot be read.
        """
        ...

    async def put_provider(
        self, provider: Provider, audit: Audit, *, models: Sequence[Model] = ()
    ) -> Catalog:
        """Insert or replace a provider, and with it any models, in one transaction."""
        ...

    async def delete_provider(self, provider_id: str, audit: Audit) -> Catalog:
        """Delete a provider and its models."""
        ...

    async def put_models(self, models: Sequence[Model], audit: Audit) -> Catalog: ...

    async def delete_model(self, key: tuple[str, str], audit: Audit) -> Catalog: ...

    async def put_alias(self, alias: Alias, audit: Audit) -> Catalog: ...

    async def delete_alias(self, name: str, audit: Audit) -> Catalog: ...

    async def put_defaults(self, defaults: Defaults, audit: Audit) -> Catalog: ...


class KeyStore(Protocol):
    async def load(self) -> Sequence[ApiKey]: ...

    async def put(self, key: ApiKey, audit: Audit) -> ApiKey:
        """Insert or replace by id; returns the key with its new version."""
        ...

    async def delete(self, key_id: str, audit: Audit) -> None: ...
