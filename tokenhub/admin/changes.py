"""The one door through which the catalog changes.

Every write goes the same way: take the lock, read the catalog in force, check, let the store
commit row, audit entry and version together, then swap the whole catalog. Readers keep the one
they began with. Providers, models and routing share one door, since they share the catalog.
"""

import asyncio

import msgspec
from msgspec.structs import replace

from tokenhub.core.catalog import Catalog, Defaults
from tokenhub.core.errors import Stale
from tokenhub.ports.clock import Clock
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.stores import DONE, Audit, CatalogStore

# What `If-Match` may say beside a version: `*` (there must be something to replace), and a tag
# that was never ours (it fits nothing).
ANY_VERSION = -1
NO_VERSION = -2


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for a change, from where, and in which request.

    `rehearsed` where it is only to be seen what would come of it: it is made to copies.
    """

    actor: str = "admin"
    request_id: str = ""
    address: str = ""
    rehearsed: bool = False


class Changes:
    """Lock, store and snapshot of the catalog; `environment` are the defaults below its row."""

    def __init__(
        self,
        *,
        store: CatalogStore,
        catalog: Snapshot[Catalog],
        clock: Clock,
        environment: Defaults,
    ) -> None:
        self.store = store
        self.lock = asyncio.Lock()
        self._catalog = catalog
        self._clock = clock
        self._environment = environment
        self._stored = catalog.current

    @property
    def catalog(self) -> Catalog:
        return self._catalog.current

    @property
    def stored(self) -> Catalog:
        """The same as it was written: its defaults are what was said, without the environment's."""
        return self._stored

    @property
    def environment(self) -> Defaults:
        return self._environment

    async def load(self) -> None:
        """Read the stored catalog; done once, before anything is served."""
        self.publish(await self.store.load())

    async def follow(self, environment: Defaults) -> None:
        """Take other defaults of the environment; what an operator has set stays above them."""
        async with self.lock:
            self._environment = environment
            self.publish(await self.store.load())

    def publish(self, stored: Catalog) -> None:
        """Put a catalog in force that has been committed."""
        self._stored = stored
        self._catalog.current = replace(
            stored, defaults=effective(stored.defaults, self._environment)
        )

    def audit(
        self, action: str, resource: str, by: By, *, before: object = None, after: object = None
    ) -> Audit:
        return entry(self._clock.now(), action, resource, by, before=before, after=after)


def entry(
    now: float,
    action: str,
    resource: str,
    by: By,
    *,
    before: object,
    after: object,
    outcome: str = DONE,
    why: str = "",
) -> Audit:
    """The audit entry of a change, or of a try at one. Neither value may hold a secret."""
    told = {"before": before, "after": after} | ({"why": why} if why else {})
    detail = msgspec.json.encode(told).decode()
    return Audit(
        action=action,
        resource=resource,
        actor=by.actor,
        at=now,
        request_id=by.request_id,
        address=by.address,
        detail=detail,
        outcome=outcome,
    )


def expect(expected: int | None, *versions: int | None) -> None:
    """Raise Stale unless one of `versions` is the expected one; None expects nothing.

    A version of None is that of a row that does not exist.
    """
    there = [version for version in versions if version is not None]
    if expected is None or expected in there or (expected == ANY_VERSION and there):
        return
    raise Stale("it has changed since you read it; read it again, then repeat your change")


def effective(row: Defaults, environment: Defaults) -> Defaults:
    """The defaults in force: the environment's, and the stored row's where it says something.

    In the row, an empty mode and a budget or latency of 0 say nothing, as in the original. A
    budget of None takes the limit away. Version 0 is the version of a row that is not there.
    """
    if row.version == 0:
        return replace(environment, version=0)
    budget = environment.max_budget_nusd if row.max_budget_nusd == 0 else row.max_budget_nusd
    return Defaults(
        mode=row.mode or environment.mode,
        max_budget_nusd=budget,
        max_latency_s=row.max_latency_s or environment.max_latency_s,
        version=row.version,
        exploration_temp=environment.exploration_temp,
    )
