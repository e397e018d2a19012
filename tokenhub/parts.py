"""The assembled server, as one frozen value: what `app` makes and `web` serves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tokenhub.admin.access import Access
from tokenhub.admin.aliases import Aliases
from tokenhub.admin.applying import Configuration
from tokenhub.admin.audit import Trail
from tokenhub.admin.backups import Backups
from tokenhub.admin.charts import Charts
from tokenhub.admin.feedback import Feedbacks
from tokenhub.admin.health import Fleet
from tokenhub.admin.importing import Import
from tokenhub.admin.keys import Keys
from tokenhub.admin.ledger import Ledger
from tokenhub.admin.log_level import LogLevel
from tokenhub.admin.logins import Logins
from tokenhub.admin.logs import Logs
from tokenhub.admin.models import Models
from tokenhub.admin.orchestrations import Orchestrations
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import Providers
from tokenhub.admin.reload import Reload
from tokenhub.admin.replay import Replay
from tokenhub.admin.rewards import Rewards
from tokenhub.admin.routing import Routing
from tokenhub.admin.simulate import Simulator
from tokenhub.admin.stats import Statistics
from tokenhub.admin.vault import Vault
from tokenhub.admin.verify import Verifier
from tokenhub.admin.views import Views
from tokenhub.core.catalog import Catalog
from tokenhub.core.destinations import Destinations
from tokenhub.core.errors import Unavailable
from tokenhub.core.keys import KeyTable
from tokenhub.gateway.claims import Claims
from tokenhub.gateway.load import Load
from tokenhub.gateway.orchestrate import Orchestrator
from tokenhub.gateway.pipeline import Gateway
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import Events, Feed
from tokenhub.ports.ledger import LedgerStore
from tokenhub.ports.retention import Retention
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.served import NOBODY, AccessLog, Tracing
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.storage import Storage


def _unrehearsed(_: "Parts") -> "Parts":
    raise Unavailable("this server has no dry run", code="no_dry_run")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """`started_at` is of `clock.monotonic()`; `ready` gives "" or why requests cannot be served.

    `allowed` is where calls to providers may go. `rehearse` gives the same parts, where
    what changes something works on copies, and nobody hears of it.
    """

    gateway: Gateway
    orchestrator: Orchestrator
    fleet: Fleet
    providers: Providers
    models: Models
    prices: Prices
    keys: Keys
    simulator: Simulator
    replay: Replay
    aliases: Aliases
    configuration: Configuration
    routing: Routing
    ledger: Ledger
    ledger_store: LedgerStore
    logs: Logs
    feedbacks: Feedbacks
    judging: Callable[[], Awaitable[None]]
    charts: Charts
    statistics: Statistics
    log_level: LogLevel
    trail: Trail
    events: Events
    feed: Feed
    logins: Logins
    verifier: Verifier
    orchestrations: Orchestrations
    rewards: Rewards
    catalog: Snapshot[Catalog]
    key_table: Snapshot[KeyTable]
    secrets: Secrets
    allowed: Snapshot[Destinations]
    vault: Vault
    views: Views
    access: Access
    admin_token: Snapshot[str]
    clock: Clock
    started_at: float
    public_url: str
    metrics: Callable[[], Awaitable[bytes]]
    ready: Callable[[], Awaitable[str]]
    request_ids: Callable[[], str]
    sqlite_version: str
    storage: Callable[[], Storage]
    backups: Backups
    retention: Retention
    heartbeat_s: float
    importing: Import
    claims: Claims
    load: Load
    reload: Reload
    access_log: AccessLog = NOBODY
    tracing: Tracing = NOBODY
    rehearse: "Callable[[Parts], Parts]" = _unrehearsed
