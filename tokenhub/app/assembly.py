"""The server's parts, wired: stores, catalog and keys, credentials file, use cases."""

import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from tokenhub.adapters.argon import Argon
from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.files import AdminTokenFile, AppliedFile, admin_token, read_private
from tokenhub.adapters.memory.bodies import MemoryBodies
from tokenhub.adapters.memory.bus import Bus
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.adapters.original.hashes import fits
from tokenhub.adapters.original.vault import opened
from tokenhub.adapters.prices.installed import InstalledPriceList
from tokenhub.adapters.providers.factory import HttpUpstreams
from tokenhub.adapters.providers.transport import Transport
from tokenhub.adapters.sealed.bodies import SealedBodies
from tokenhub.adapters.sealed.secrets import VaultSecrets
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.adapters.telemetry.logging import current_level, set_level
from tokenhub.admin.access import Access
from tokenhub.admin.aliases import Aliases
from tokenhub.admin.applying import Configuration
from tokenhub.admin.audit import Trail
from tokenhub.admin.backups import Backups
from tokenhub.admin.bootstrap import Bootstrap
from tokenhub.admin.changes import By, Changes
from tokenhub.admin.charts import Charts
from tokenhub.admin.first_use import FirstUse
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
from tokenhub.admin.sessions import Sessions
from tokenhub.admin.simulate import Simulator
from tokenhub.admin.stats import Statistics
from tokenhub.admin.tokens import Tokens
from tokenhub.admin.vault import Vault
from tokenhub.admin.verify import Verifier
from tokenhub.admin.views import Views
from tokenhub.app.data_plane import DataPlane, defaults
from tokenhub.app.live import changes as changes_told
from tokenhub.app.opinions import Opinions
from tokenhub.app.rehearsing import Rehearsal
from tokenhub.app.reloading import Reloading, Renewed, nobody
from tokenhub.app.telemetry import telemetry
from tokenhub.app.telling import tell
from tokenhub.app.vaults import auto_lock, unlock
from tokenhub.core.admin_token import ADVISED_CHARS
from tokenhub.core.catalog import Catalog
from tokenhub.core.errors import BadRequest, Unavailable
from tokenhub.core.idempotency import KEPT_S
from tokenhub.core.ids import RequestIds
from tokenhub.core.keys import KeyTable, Uses
from tokenhub.core.learning import Taught
from tokenhub.core.money import usd
from tokenhub.core.purse import begins, month_of
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.books import Books
from tokenhub.gateway.claims import Claims
from tokenhub.gateway.load import Load
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.signals import Observed
from tokenhub.parts import Parts
from tokenhub.ports.claims import Bodies
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import Events
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.vault import Safe, Stretcher
from tokenhub.settings import DAY_S, Settings
from tokenhub.web.admin.live import told

_log = logging.getLogger("tokenhub.app")


@asynccontextmanager
async def assembled(
    settings: Settings,
    *,
    clock: Clock | None = None,
    stretcher: Stretcher | None = None,
    hide: Hide = shown,
    reread: Callable[[], Settings] | None = None,
    renewed: Renewed = nobody,
) -> AsyncIterator[tuple[Parts, Bootstrap]]:
    """The server's parts, wired; leaving it closes what was opened, the journal last.

    `hide` is told of every secret that may not be logged. At a reload, `reread` gives the
    settings as they are then, and `renewed` hears of the parts that were made of them.

    Raises Unavailable or BadRequest, with what to do, where it cannot start.
    """
    clock = clock or SystemClock()
    noise = random.Random(secrets.randbits(256))  # noqa: S311 - ids and seeds, no secrets
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(
            open_stores(
                settings.db_dsn, backups=settings.backup_dir, keep_backups=settings.backup_keep
            )
        )
        events = _bus(stack, stores, clock=clock)
        books = await _recovered(stores, now=clock.now())
        trail = Trail(store=stores.audit, clock=clock)
        logins = Logins(trail=stores.audit, clock=clock)
        stack.callback(logins.flush)
        hide(settings.vault_password)
        safe = Safe()
        held = _held(settings, safe, hide, clock=clock)
        catalog, allowed = Snapshot(Catalog.build()), Snapshot(settings.allowed_private_hosts)
        upstreams = HttpUpstreams(
            held,
            catalog,
            partial(Transport, allowed=allowed),
            clock=clock,
            strict=settings.strict_params,
        )
        stack.push_async_callback(upstreams.close)
        key_table: Snapshot[KeyTable] = Snapshot({})
        changes = Changes(
            store=stores.catalog,
            catalog=catalog,
            clock=clock,
            environment=defaults(settings),
        )
        await changes.load()
        uses: Uses = {}
        keys, first_use = await _keys(
            stack, stores, key_table, uses, books=books, clock=clock, events=events
        )
        first_token = Snapshot(
            admin_token(settings.data_dir, given=settings.admin_token, randbits=secrets.randbits)
        )
        hide(first_token.current)
        access = await _access(settings, stores, first_token, clock=clock)
        stack.push_async_callback(access.sessions.write_down)
        prices = Prices(changes=changes, listed=InstalledPriceList(), clock=clock)
        providers = Providers(
            changes=changes, secrets=held, upstreams=upstreams, prices=prices, allowed=allowed
        )
        models = Models(changes=changes, prices=prices)
        bootstrap = Bootstrap(
            changes=changes,
            providers=providers,
            models=models,
            secrets=held,
            applied=AppliedFile(settings.data_dir),
            prices=prices,
        )
        vault = await _vault(
            stores,
            safe,
            providers.shelter,
            settings,
            clock=clock,
            stretcher=stretcher or _argon(stack),
        )
        tell(await _credentials(bootstrap, settings))
        _tell_of_addresses(providers)
        await unlock(vault, settings)
        patience_s = settings.provider_timeout_s
        board = Board(clock, patience_s=patience_s, draw=noise.random, events=events)
        observed = Observed(held, board=board, patience_s=patience_s, told=stores.rewards.record)
        rewards = await _rewards(stack, stores, observed, trail, clock=clock)
        naming = Naming()
        load = Load(most=settings.max_requests_in_flight, late_s=settings.overload_lag_s)
        limits = KeyLimits(MemoryRates(), rps=settings.rate_limit_rps)
        request_ids = RequestIds(clock.now, noise.getrandbits)
        opinions = Opinions.over(
            stores,
            books=books,
            trail=trail,
            clock=clock,
            ids=request_ids,
            draw=noise.random,
            learn=observed.judged,
        )
        telling = telemetry(
            stack,
            settings,
            upstreams=upstreams,
            catalog=catalog,
            board=board,
            clock=clock,
            load=load,
            limits=limits,
            stores=stores,
            safe=safe,
            judge=opinions.judge,
        )
        plane = DataPlane(
            stores=stores,
            clock=clock,
            keys=key_table,
            uses=uses,
            catalog=catalog,
            observed=observed,
            board=board,
            naming=naming,
            limits=limits,
            telling=telling,
            books=books,
            upstreams=upstreams,
            noise=noise,
            recognise=first_use,
            request_ids=request_ids,
            opinions=opinions,
            events=events,
        )
        gateway, orchestrator = plane.made(settings)
        reloading = Reloading(
            settings,
            plane=plane,
            changes=changes,
            allowed=allowed,
            access_log=telling.access_log,
            reread=reread or (lambda: settings),
            renewed=renewed,
        )
        rehearsal = Rehearsal(
            changes=changes,
            held=held,
            safe=safe,
            keys=keys,
            vault=vault,
            allowed=allowed,
            listed=InstalledPriceList(),
            series=stores.series,
            feedback=stores.feedback,
            journal=stores.journal,
            orchestrations=stores.orchestrations,
            learning=observed.lessons,
            board=observed,
            upstreams=upstreams,
            token_given=bool(settings.admin_token),
            clock=clock,
        )
        parts = Parts(
            gateway=gateway,
            orchestrator=orchestrator,
            fleet=Fleet(observed, upstreams, catalog=catalog, clock=clock, trail=trail),
            providers=providers,
            models=models,
            prices=prices,
            keys=keys,
            simulator=Simulator(
                catalog=catalog, signals=observed.read, named=naming.peek, keys=keys.get
            ),
            replay=Replay(traffic=stores.traffic, catalogs=stores.catalog, clock=clock),
            importing=Import(
                changes=changes,
                providers=providers,
                prices=prices,
                keys=keys,
                imported=stores.imported,
                journal=stores.journal,
                clock=clock,
                opened=opened,
            ),
            aliases=Aliases(changes=changes),
            configuration=Configuration(
                changes=changes,
                secrets=held,
                keys=keys,
                series=stores.series,
                store=stores.config,
                stage=rehearsal.stage,
            ),
            routing=Routing(changes=changes),
            ledger=Ledger(store=stores.ledger, sums=books.sums, clock=clock),
            ledger_store=stores.ledger,
            logs=Logs(
                journal=stores.journal,
                orchestrations=stores.orchestrations,
                index=stores.log_index,
                keys=key_table,
                clock=clock,
            ),
            feedbacks=opinions.feedbacks,
            judging=opinions.judge.run,
            charts=Charts(store=stores.series, clock=clock),
            statistics=Statistics(store=stores.series, table=key_table, clock=clock),
            log_level=LogLevel(read=current_level, swap=set_level, trail=trail),
            access_log=telling.access_log,
            tracing=telling.tracing,
            trail=trail,
            events=events,
            feed=events,
            logins=logins,
            verifier=Verifier(journal=stores.journal, catalogs=stores.catalog),
            rewards=rewards,
            orchestrations=Orchestrations(store=stores.orchestrations, journal=stores.journal),
            catalog=catalog,
            key_table=key_table,
            secrets=held,
            vault=vault,
            views=await Views(store=stores.views, clock=clock).load(),
            allowed=allowed,
            access=access,
            admin_token=first_token,
            clock=clock,
            started_at=clock.monotonic(),
            public_url=settings.listen_addr.local_url,
            metrics=telling.metrics.page,
            ready=stores.fault,
            request_ids=request_ids,
            sqlite_version=stores.sqlite_version,
            storage=stores.storage,
            backups=Backups(store=stores.backups, clock=clock),
            retention=stores.retention,
            heartbeat_s=settings.heartbeat_s,
            claims=Claims(stores.claims, _bodies(settings, stores, safe)),
            load=load,
            rehearse=rehearsal.parts,
            reload=Reload(
                read=reloading.read,
                bootstrap=bootstrap,
                path=str(settings.credentials_file),
                trail=trail,
            ),
        )
        reloading.parts = parts
        yield parts, bootstrap


def _bus(stack: AsyncExitStack, stores: Stores, *, clock: Clock) -> Bus:
    """The live events, which hear of every change."""
    bus = Bus(told, now=clock.now)
    stack.callback(bus.close)
    stores.hear(changes_told(bus))
    return bus


async def _keys(
    stack: AsyncExitStack,
    stores: Stores,
    table: Snapshot[KeyTable],
    uses: Uses,
    *,
    books: Books,
    clock: Clock,
    events: Events,
) -> tuple[Keys, FirstUse]:
    """The API keys, and those of an import that were not used yet."""
    keys = Keys(
        store=stores.keys,
        table=table,
        clock=clock,
        randbits=secrets.randbits,
        charged=books.charged_nusd,
        seen=uses,
        events=events,
    )
    await keys.load()
    stack.push_async_callback(_flushed, keys)
    first_use = FirstUse(keys=keys, table=table, imported=stores.imported, clock=clock, fits=fits)
    stack.callback(first_use.close)
    await first_use.load()
    return keys, first_use


async def _recovered(stores: Stores, *, now: float) -> Books:
    """The books, and what the last process left undone put right."""
    await _tell_of_files(stores)
    books = await _books(stores, now=now)
    await stores.claims.recover(since=now - KEPT_S)
    await stores.orchestrations.recover()
    return books


def _held(settings: Settings, safe: Safe, hide: Hide, *, clock: Clock) -> Secrets:
    """Where provider keys are: in the vault, or for as long as the process lives."""
    if settings.vault_enabled:
        return VaultSecrets(safe, now=clock.now, draw=secrets.token_bytes, hide=hide)
    return MemorySecrets(hide)


async def _rewards(
    stack: AsyncExitStack, stores: Stores, observed: Observed, trail: Trail, *, clock: Clock
) -> Rewards:
    """What was judged, and the lessons of it where the last process left them."""
    observed.lessons.load(await stores.rewards.taught() or Taught())
    for quality in await stores.rewards.unlearned():
        observed.lessons.judged(quality)
    rewards = Rewards(store=stores.rewards, learning=observed.lessons, trail=trail, clock=clock)
    stack.push_async_callback(rewards.flush)
    return rewards


def _argon(stack: AsyncExitStack) -> Argon:
    argon = Argon()
    stack.push_async_callback(argon.close)
    return argon


async def _vault(
    stores: Stores,
    safe: Safe,
    shelter: Callable[[By], Awaitable[int]],
    settings: Settings,
    *,
    clock: Clock,
    stretcher: Stretcher,
) -> Vault:
    """The vault as the disk has it, locked."""
    vault = Vault(
        store=stores.vault,
        safe=safe,
        stretcher=stretcher,
        clock=clock,
        draw=secrets.token_bytes,
        shelter=shelter,
        auto_lock=auto_lock(settings),
        enabled=settings.vault_enabled,
    )
    await vault.load()
    return vault


async def _access(
    settings: Settings, stores: Stores, first_token: Snapshot[str], *, clock: Clock
) -> Access:
    """Who may operate this server."""
    if len(first_token.current) < ADVISED_CHARS:
        advice = f"the admin token is shorter than {ADVISED_CHARS} characters; give a longer one"
        _log.warning("admin_token_short", extra={"advice": advice})
    tokens = Tokens(
        store=stores.tokens,
        bootstrap=first_token,
        file=AdminTokenFile(settings.data_dir, given=bool(settings.admin_token)),
        clock=clock,
        randbits=secrets.randbits,
    )
    sessions = Sessions(store=stores.tokens, tokens=tokens, clock=clock, randbits=secrets.randbits)
    await tokens.load()
    await sessions.load()
    return Access(tokens=tokens, sessions=sessions, clock=clock)


async def _books(stores: Stores, *, now: float) -> Books:
    """The books as the disk has them, with the calls charged that the last process did not end.

    The months beside this one are for a clock that is set.
    """
    recovered = await stores.ledger.recover()
    if recovered.requests:
        _log.warning(
            "ledger_interrupted",
            extra={
                "requests": recovered.requests,
                "attempts": recovered.attempts,
                "charged_usd": usd(recovered.cost_nusd),
            },
        )
    books = Books()
    since = begins(month_of(now) - 1)
    books.load(await stores.ledger.spent(since_day=int(since // DAY_S)))
    return books


async def _flushed(keys: Keys) -> None:
    """The last uses of the last minute, before the files are closed."""
    try:
        await keys.uses.flush()
    except Unavailable as error:
        _log.warning("key_uses_lost", extra={"detail": str(error)})


def _bodies(settings: Settings, stores: Stores, safe: Safe) -> Bodies:
    if settings.idempotency_body == "none":
        return MemoryBodies()
    return SealedBodies(stores.answers, safe, draw=secrets.token_bytes)


async def _credentials(bootstrap: Bootstrap, settings: Settings) -> list[str]:
    try:
        content = read_private(settings.credentials_file)
    except BadRequest as error:
        return [str(error)]
    return await bootstrap.apply(content, path=str(settings.credentials_file))


async def _tell_of_files(stores: Stores) -> None:
    """What the log is told of SQLite, and of where the audit trail ends.

    A log that leaves this machine is a witness of the trail.
    """
    if stores.sqlite_advice:
        _log.warning("sqlite_version", extra={"advice": stores.sqlite_advice})
    last_id, last_hash = await stores.audit.head()
    _log.info("audit_chain", extra={"last_id": last_id, "last_hash": last_hash})


def _tell_of_addresses(providers: Providers) -> None:
    """Say which providers cannot be called, where their addresses alone show it."""
    for row in providers.every():
        why, _ = providers.objection(row)
        if why:
            _log.warning("address_refused", extra={"provider": row.id, "detail": why})
