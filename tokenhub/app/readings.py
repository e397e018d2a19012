"""What a scrape reads of the parts that count for themselves."""

from collections.abc import Callable, Mapping
from functools import partial

import tokenhub
from tokenhub.adapters.sqlite.stores import Stores
from tokenhub.adapters.telemetry.metrics import Readings
from tokenhub.core.catalog import Catalog
from tokenhub.core.health import UNMET, Known, State, open_at, state
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.load import Load
from tokenhub.ports.clock import Clock
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.vault import Safe

_WELL, _DEGRADED, _CLOSED = 2, 1, 0


class Scrape:
    """Called at each scrape. It costs a pass over the catalog, and nothing between two scrapes.

    `dropped` is what others than the stores could not keep, by what it was.
    """

    def __init__(
        self,
        *,
        catalog: Snapshot[Catalog],
        board: Board,
        clock: Clock,
        load: Load,
        limits: KeyLimits,
        stores: Stores,
        safe: Safe,
        dropped: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._catalog = catalog
        self._board = board
        self._clock = clock
        self._load = load
        self._limits = limits
        self._stores = stores
        self._safe = safe
        self._dropped = dropped

    def __call__(self) -> Readings:
        load, limits, stores = self._load, self._limits, self._stores
        storage, faults = stores.storage(), stores.faults
        ledger_faults, detail_faults = faults
        routes = self._routes()
        return Readings(
            under_way=load.under_way,
            overload_refused=load.refused,
            addresses_refused=load.callers_refused,
            keys_refused=limits.refused + limits.quotas.refused,
            operators_refused=load.operators_refused,
            queue_waits=load.waits,
            commit_waits=stores.commits,
            dropped={
                "decision": stores.decisions_lost,
                **stores.behind_lost,
                **self._dropped(),
            },
            stores={"ledger": not storage.ledger, "detail": not storage.detail},
            store_faults={"ledger": ledger_faults, "detail": detail_faults},
            providers=self._providers(routes),
            routes=routes,
            vault_locked=self._safe.locked,
            version=tokenhub.__version__,
        )

    def _routes(self) -> Mapping[tuple[str, str], int]:
        """Each model at each provider, by both names."""
        level = partial(_level, self._board.known(), now=self._clock.monotonic())
        return {
            (route.model.id, route.provider.id): level(route.id, route.provider.version)
            for route in self._catalog.current.routes
        }

    def _providers(self, routes: Mapping[tuple[str, str], int]) -> Mapping[str, int]:
        """Each provider. One of whose models none is well is no better than its best model."""
        level = partial(_level, self._board.known(), now=self._clock.monotonic())
        best: dict[str, int] = {}
        for (_, provider_id), one in routes.items():
            best[provider_id] = max(one, best.get(provider_id, _CLOSED))
        return {
            provider.id: min(level(provider.id, provider.version), best.get(provider.id, _WELL))
            for provider in self._catalog.current.providers.values()
        }


def _level(known: Mapping[str, Known], name: str, version: int, *, now: float) -> int:
    """How somebody is, as a number. What was known before a change says nothing any more."""
    row = known.get(name, UNMET)
    if row is UNMET or row.version != version:
        return _WELL
    if open_at(row.health, now) > now:
        return _CLOSED
    match state(row.health, now):
        case State.HEALTHY:
            return _WELL
        case State.DEGRADED:
            return _DEGRADED
        case _:
            return _CLOSED
