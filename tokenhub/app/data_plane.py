"""The way of requests, made of settings and of what outlives them."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tokenhub.adapters.providers.factory import HttpUpstreams
from tokenhub.adapters.sqlite.stores import Stores
from tokenhub.app.opinions import Opinions
from tokenhub.app.telemetry import Telemetry
from tokenhub.core.catalog import Catalog, Defaults
from tokenhub.core.keys import KeyTable, Uses
from tokenhub.core.schema import Schemas
from tokenhub.dialects import plans
from tokenhub.dialects.shrinking import shrunk
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.books import Books
from tokenhub.gateway.dispatch import Dispatch
from tokenhub.gateway.hedges import Hedges
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.orchestrate import Orchestrator
from tokenhub.gateway.pipeline import Gateway
from tokenhub.gateway.settle import Settle
from tokenhub.gateway.signals import Observed
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import Events
from tokenhub.ports.hedging import Hedging, NoHedges
from tokenhub.ports.snapshot import Snapshot
from tokenhub.settings import Settings
from tokenhub.web.errors import status_of

# A seed that JSON and every language can hold exactly.
SEED_BITS = 53


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPlane:
    """What a gateway is made of beside settings, and outlives it: a reload makes another one."""

    stores: Stores
    clock: Clock
    keys: Snapshot[KeyTable]
    uses: Uses
    catalog: Snapshot[Catalog]
    observed: Observed
    board: Board
    naming: Naming
    limits: KeyLimits
    telling: Telemetry
    books: Books
    upstreams: HttpUpstreams
    noise: random.Random
    recognise: Callable[[str], Awaitable[None]]
    request_ids: Callable[[], str]
    opinions: Opinions
    events: Events

    def made(self, settings: Settings) -> tuple[Gateway, Orchestrator]:
        """The way of requests under these settings. Those under way keep the one they are on."""
        self.limits.rps = settings.rate_limit_rps
        self.board.patience_s = self.observed.patience_s = settings.provider_timeout_s
        self.upstreams.be_strict(strict=settings.strict_params)
        gateway = self._gateway(settings)
        self.opinions.follow(settings, gateway)
        return gateway, Orchestrator(
            gateway,
            self.stores.orchestrations,
            clock=self.clock,
            ids=self.request_ids,
            words=plans.worded,
            whole=plans.whole,
            read=plans.text_in,
        )

    def _gateway(self, settings: Settings) -> Gateway:
        return Gateway(
            keys=self.keys,
            uses=self.uses,
            catalog=self.catalog,
            observed=self.observed,
            board=self.board,
            dispatch=Dispatch(
                self.telling.upstreams,
                board=self.board,
                hedging=hedging(settings, self.catalog),
                clock=self.clock,
                idle_s=settings.provider_timeout_s,
                draw=self.noise.random,
                complaint=Schemas().complaint,
                shrunk=shrunk,
                intents=self.stores.ledger,
            ),
            settle=Settle(
                self.stores.journal,
                [self.observed.record, self.telling.metrics.record, self.stores.series.record],
                clock=self.clock,
                status_of=status_of,
                watched=self.opinions.watch.ended,
            ),
            naming=self.naming,
            limits=self.limits,
            clock=self.clock,
            seeds=lambda: self.noise.getrandbits(SEED_BITS),
            books=self.books,
            recognise=self.recognise,
            ear=self.opinions.watch.ear,
            events=self.events,
            deciding=self.telling.decide,
        )


def hedging(settings: Settings, catalog: Snapshot[Catalog]) -> Hedging:
    """Second calls beside slow ones, or none."""
    if settings.hedge_after_s is None or not settings.hedges:
        return NoHedges()
    percent = settings.hedge_max_extra_percent
    return Hedges(catalog, percent=percent, least_s=settings.hedge_after_s)


def defaults(settings: Settings) -> Defaults:
    """The routing defaults of the environment."""
    return Defaults(
        mode=settings.default_mode,
        max_budget_nusd=settings.default_max_budget_nusd,
        max_latency_s=settings.default_max_latency_s,
        exploration_temp=settings.exploration_temp,
    )
