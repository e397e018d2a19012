"""The control plane over memory adapters, with a clock and providers that tests hold in hand."""

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from secrets import token_bytes
from typing import Any, cast

import httpx
from litestar import Litestar

from tests.support.places import LOOPBACK, allowed
from tests.support.vaults import CHEAP
from tokenhub.adapters.argon import Argon
from tokenhub.adapters.memory.access import MemoryTokenStore
from tokenhub.adapters.memory.audit import MemoryAudit
from tokenhub.adapters.memory.backups import MemoryBackups
from tokenhub.adapters.memory.bus import Bus
from tokenhub.adapters.memory.feedback import MemoryFeedback
from tokenhub.adapters.memory.ledger import MemoryLedger
from tokenhub.adapters.memory.logs import MemoryLogIndex
from tokenhub.adapters.memory.orchestrations import MemoryOrchestrations
from tokenhub.adapters.memory.prices import MemoryPriceList
from tokenhub.adapters.memory.rewards import MemoryRewards
from tokenhub.adapters.memory.series import MemorySeries
from tokenhub.adapters.memory.stores import MemoryCatalogStore, MemoryJournal, MemoryKeyStore
from tokenhub.adapters.memory.traffic import MemoryTraffic
from tokenhub.adapters.memory.views import MemoryViews
from tokenhub.adapters.sealed.secrets import VaultSecrets
from tokenhub.admin.access import Access
from tokenhub.admin.aliases import Aliases
from tokenhub.admin.audit import Trail
from tokenhub.admin.backups import Backups
from tokenhub.admin.bootstrap import Bootstrap
from tokenhub.admin.changes import Changes
from tokenhub.admin.charts import Charts
from tokenhub.admin.feedback import Feedbacks
from tokenhub.admin.health import Fleet
from tokenhub.admin.keys import Keys
from tokenhub.admin.ledger import Ledger
from tokenhub.admin.log_level import LogLevel
from tokenhub.admin.logins import Logins
from tokenhub.admin.logs import Logs
from tokenhub.admin.models import Models
from tokenhub.admin.orchestrations import Orchestrations
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import Providers
from tokenhub.admin.replay import Replay
from tokenhub.admin.rewards import Rewards
from tokenhub.admin.routing import Routing
from tokenhub.admin.sessions import Sessions
from tokenhub.admin.simulate import Simulator
from tokenhub.admin.stats import Statistics
from tokenhub.admin.tokens import Tokens
from tokenhub.admin.vault import AutoLock, Vault
from tokenhub.admin.verify import Verifier
from tokenhub.admin.views import Views
from tokenhub.core.catalog import Catalog, Defaults, Provider
from tokenhub.core.keys import KeyTable
from tokenhub.core.rewards import Quality
from tokenhub.gateway.board import Board
from tokenhub.gateway.load import Load
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.signals import Observed
from tokenhub.parts import Parts
from tokenhub.ports.provider import UpstreamError
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.storage import Storage
from tokenhub.ports.vault import Safe
from tokenhub.web.admin.live import told
from tokenhub.web.app import build

TOKEN = "tha_0123456789abcdef0123456789abcdef"
URL = "http://localhost:8080"
ENVIRONMENT = Defaults(mode="normal", max_budget_nusd=50_000_000, max_latency_s=120.0)

NEVER = AutoLock()


class FakeClock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.unix_s = 1_750_000_000.0
        self.running_s = 1000.0

    def now(self) -> float:
        return self.unix_s

    def monotonic(self) -> float:
        return self.running_s

    async def sleep(self, seconds: float) -> None:
        self.running_s += seconds


class Offering:
    """Upstreams that have the models of `offers`, or fail as `faults` say."""

    def __init__(self) -> None:
        self.offers: dict[str, list[str]] = {}
        self.faults: dict[str, UpstreamError] = {}
        self.asked: list[str] = []

    def of(self, provider: Provider) -> "_Offer":
        return _Offer(self, provider.id)

    async def close(self) -> None:
        return None


class _Offer:
    def __init__(self, offering: Offering, provider_id: str) -> None:
        self._offering = offering
        self._id = provider_id

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        assert within_s > 0
        self._offering.asked.append(self._id)
        if self._id in self._offering.faults:
            raise self._offering.faults[self._id]
        return [{"id": model_id} for model_id in self._offering.offers.get(self._id, [])]


class MemoryNote:
    """An Applied that outlives a Control."""

    def __init__(self) -> None:
        self.content = b""

    def read(self) -> bytes:
        return self.content

    def write(self, note: bytes) -> None:
        self.content = note


class MemoryTokenFile:
    """A TokenFile that holds the last token in `written`, or fails with `fault`."""

    def __init__(self) -> None:
        self.given = False
        self.written = ""
        self.fault: Exception | None = None

    def replace(self, token: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.written = token


class Control:
    """One process: pass `catalog_store`, `key_store` and `note` on to have it start again."""

    def __init__(
        self,
        *,
        catalog_store: MemoryCatalogStore | None = None,
        key_store: MemoryKeyStore | None = None,
        note: MemoryNote | None = None,
        environment: Defaults = ENVIRONMENT,
        auto_lock: AutoLock = NEVER,
    ) -> None:
        self.catalog_store = catalog_store or MemoryCatalogStore()
        self.traffic = MemoryTraffic()
        self.key_store = key_store or MemoryKeyStore()
        self.note = note or MemoryNote()
        self.clock = FakeClock()
        self.journal = MemoryJournal()
        self.ledger_store = MemoryLedger(self.journal)
        self.safe = Safe()
        self.secrets = VaultSecrets(self.safe, now=self.clock.now, draw=token_bytes)
        self.upstreams = Offering()
        self.catalog = Snapshot(Catalog.build())
        self.key_table: Snapshot[KeyTable] = Snapshot({})
        self.token = Snapshot(TOKEN)
        self.allowed = allowed(f"{LOOPBACK},10.0.0.0/8")
        self.token_store = MemoryTokenStore()
        self.token_file = MemoryTokenFile()
        self.reason = ""
        self.log_level = "info"
        self.storage = Storage()
        self.backup_store = MemoryBackups()
        self.changes = Changes(
            store=self.catalog_store,
            catalog=self.catalog,
            clock=self.clock,
            environment=environment,
        )
        self.listed = MemoryPriceList()
        self.prices = Prices(changes=self.changes, listed=self.listed, clock=self.clock)
        self.providers = Providers(
            changes=self.changes,
            secrets=self.secrets,
            upstreams=cast("Any", self.upstreams),
            prices=self.prices,
            allowed=self.allowed,
        )
        self.vault = Vault(
            store=self.catalog_store.vault,
            safe=self.safe,
            stretcher=Argon(least=CHEAP, least_s=0),
            clock=self.clock,
            draw=token_bytes,
            shelter=self.providers.shelter,
            auto_lock=auto_lock,
        )
        self.models = Models(changes=self.changes, prices=self.prices)
        self.aliases = Aliases(changes=self.changes)
        self.routing = Routing(changes=self.changes)
        noise = itertools.count(1)
        self.keys = Keys(
            store=self.key_store,
            table=self.key_table,
            clock=self.clock,
            randbits=lambda bits: next(noise) % (1 << bits),
        )
        self.tokens = Tokens(
            store=self.token_store,
            bootstrap=self.token,
            file=self.token_file,
            clock=self.clock,
            randbits=lambda bits: next(noise) % (1 << bits),
        )
        self.sessions = Sessions(
            store=self.token_store,
            tokens=self.tokens,
            clock=self.clock,
            randbits=lambda bits: next(noise) % (1 << bits),
        )
        self.access = Access(tokens=self.tokens, sessions=self.sessions, clock=self.clock)
        self.series = MemorySeries()
        self.audit = MemoryAudit()
        # Closed: who asks for events is let in, and told that there are none.
        self.bus = Bus(told, now=self.clock.now)
        self.bus.close()
        self.trail = Trail(store=self.audit, clock=self.clock)
        self.logins = Logins(trail=self.audit, clock=self.clock)
        self.orchestration_store = MemoryOrchestrations()
        self.logs = Logs(
            journal=self.journal,
            orchestrations=self.orchestration_store,
            index=MemoryLogIndex(self.journal),
            keys=self.key_table,
            clock=self.clock,
        )
        self.learned: list[Quality] = []
        self.feedbacks = Feedbacks(
            MemoryFeedback(self.journal),
            journal=self.journal,
            orchestrations=self.orchestration_store,
            trail=self.trail,
            clock=self.clock,
            learn=self.learned.append,
        )
        self.orchestrations = Orchestrations(store=self.orchestration_store, journal=self.journal)
        self.board = Board(self.clock, patience_s=30.0, draw=lambda: 0.0)
        self.reward_store = MemoryRewards()
        self.observed = Observed(
            self.secrets, board=self.board, patience_s=30.0, told=self.reward_store.record
        )
        self.rewards = Rewards(
            store=self.reward_store,
            learning=self.observed.lessons,
            trail=self.trail,
            clock=self.clock,
        )
        self.bootstrap = Bootstrap(
            changes=self.changes,
            providers=self.providers,
            models=self.models,
            secrets=self.secrets,
            applied=self.note,
            prices=self.prices,
        )

    def secret(self, provider_id: str) -> str | None:
        """The key that a provider would be sent."""
        row = self.catalog.current.providers.get(provider_id, Provider(id=provider_id))
        found = self.secrets.peek(row)
        return None if found is None else found.decode()

    async def started(self) -> "Control":
        await self.changes.load()
        await self.vault.load()
        await self.keys.load()
        return self

    async def restarted(self) -> "Control":
        """A new process over what this one has stored."""
        return await Control(
            catalog_store=self.catalog_store, key_store=self.key_store, note=self.note
        ).started()

    def _set_log_level(self, level: str) -> None:
        self.log_level = level

    async def _metrics(self) -> bytes:
        return b"tokenhub_up 1\n"

    async def not_ready(self) -> str:
        return self.reason

    def parts(self) -> Parts:
        ids = itertools.count(1)
        return Parts(
            gateway=cast("Any", None),
            orchestrator=cast("Any", None),
            fleet=Fleet(
                self.observed,
                cast("Any", self.upstreams),
                catalog=self.catalog,
                clock=self.clock,
                trail=self.trail,
            ),
            providers=self.providers,
            models=self.models,
            prices=self.prices,
            keys=self.keys,
            replay=Replay(traffic=self.traffic, catalogs=self.catalog_store, clock=self.clock),
            simulator=Simulator(
                catalog=self.catalog,
                signals=self.observed.read,
                named=Naming().peek,
                keys=self.keys.get,
            ),
            aliases=self.aliases,
            configuration=cast("Any", None),
            routing=self.routing,
            ledger=Ledger(store=self.ledger_store, sums=lambda _: (0, 0), clock=self.clock),
            ledger_store=self.ledger_store,
            logs=self.logs,
            feedbacks=self.feedbacks,
            judging=cast("Any", None),
            charts=Charts(store=self.series, clock=self.clock),
            statistics=Statistics(store=self.series, table=self.key_table, clock=self.clock),
            log_level=LogLevel(
                read=lambda: self.log_level, swap=self._set_log_level, trail=self.trail
            ),
            trail=self.trail,
            events=self.bus,
            feed=self.bus,
            logins=self.logins,
            verifier=Verifier(journal=self.journal, catalogs=self.catalog_store),
            orchestrations=self.orchestrations,
            rewards=self.rewards,
            catalog=self.catalog,
            key_table=self.key_table,
            secrets=self.secrets,
            allowed=self.allowed,
            vault=self.vault,
            views=Views(store=MemoryViews(), clock=self.clock),
            access=self.access,
            admin_token=self.token,
            clock=self.clock,
            started_at=self.clock.monotonic(),
            public_url=URL,
            metrics=self._metrics,
            ready=self.not_ready,
            request_ids=lambda: f"req_{next(ids):04d}",
            sqlite_version="3.45.1",
            storage=lambda: self.storage,
            backups=Backups(store=self.backup_store, clock=self.clock),
            retention=cast("Any", None),
            heartbeat_s=0.0,
            claims=cast("Any", None),
            importing=cast("Any", None),
            load=Load(),
            reload=cast("Any", None),
        )

    @asynccontextmanager
    async def client(
        self, token: str | None = TOKEN, *, app: Litestar | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(cast("Any", build(self.parts(), app=app)))
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            yield client


def credentials(**content: list[dict[str, Any]]) -> bytes:
    """A credentials file."""
    return json.dumps(content).encode()
