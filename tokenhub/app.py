"""The composition root: the one module that knows everything, and the only one that may.

`assembled` wires the server and takes it apart again, in this order and back: stores, catalog and
keys, credentials file, use cases. `create_app` puts it behind ASGI's lifespan.
"""

import asyncio
import logging
import random
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
from msgspec.structs import replace

from tokenhub.adapters.argon import Argon
from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.files import AdminTokenFile, AppliedFile, admin_token, read_private
from tokenhub.adapters.memory.bodies import MemoryBodies
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.adapters.original.hashes import fits
from tokenhub.adapters.original.source import open_original
from tokenhub.adapters.original.vault import opened
from tokenhub.adapters.prices.installed import InstalledPriceList
from tokenhub.adapters.providers.factory import HttpUpstreams
from tokenhub.adapters.providers.transport import Transport
from tokenhub.adapters.sealed.bodies import SealedBodies
from tokenhub.adapters.sealed.secrets import VaultSecrets
from tokenhub.adapters.sqlite import offline
from tokenhub.adapters.sqlite.rehearsal import copied
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.adapters.telemetry.logging import log_strays, start_logging
from tokenhub.adapters.telemetry.metrics import Metrics
from tokenhub.admin.access import Access
from tokenhub.admin.aliases import Aliases
from tokenhub.admin.audit import Trail
from tokenhub.admin.backups import Backups
from tokenhub.admin.bootstrap import Bootstrap
from tokenhub.admin.changes import By, Changes
from tokenhub.admin.first_use import FirstUse
from tokenhub.admin.health import Fleet
from tokenhub.admin.import_report import Report
from tokenhub.admin.importing import Import
from tokenhub.admin.keys import Keys
from tokenhub.admin.ledger import Ledger
from tokenhub.admin.logins import Logins
from tokenhub.admin.logs import Logs
from tokenhub.admin.models import Models
from tokenhub.admin.orchestrations import Orchestrations
from tokenhub.admin.prices import Prices
from tokenhub.admin.providers import Providers
from tokenhub.admin.routing import Routing
from tokenhub.admin.sessions import Sessions
from tokenhub.admin.simulate import Simulator
from tokenhub.admin.tokens import Tokens
from tokenhub.admin.vault import AutoLock, Vault
from tokenhub.admin.verify import Verifier
from tokenhub.core.admin_token import ADVISED_CHARS
from tokenhub.core.buckets import Limit
from tokenhub.core.catalog import Catalog, Defaults
from tokenhub.core.errors import BadRequest, TokenHubError, Unavailable
from tokenhub.core.idempotency import KEPT_S
from tokenhub.core.ids import request_id
from tokenhub.core.keys import KeyTable, Uses
from tokenhub.core.money import usd
from tokenhub.core.purse import begins, month_of
from tokenhub.core.schema import Schemas
from tokenhub.dialects import plans
from tokenhub.dialects.shrinking import shrunk
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.books import Books
from tokenhub.gateway.claims import Claims
from tokenhub.gateway.dispatch import Dispatch
from tokenhub.gateway.hedges import Hedges
from tokenhub.gateway.load import Load
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.orchestrate import Orchestrator
from tokenhub.gateway.pipeline import Gateway
from tokenhub.gateway.run import Arrival
from tokenhub.gateway.settle import Settle
from tokenhub.gateway.signals import Observed
from tokenhub.jobs.autolock import AutoLocker
from tokenhub.jobs.backup import Timer
from tokenhub.jobs.keys import KeyCare
from tokenhub.jobs.noting import Noting
from tokenhub.jobs.probe import Prober
from tokenhub.jobs.retention import Pruner
from tokenhub.jobs.supervisor import kept
from tokenhub.parts import Parts
from tokenhub.ports.claims import Bodies
from tokenhub.ports.clock import Clock
from tokenhub.ports.hedging import Hedging, NoHedges
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.vault import Safe
from tokenhub.settings import DAY_S, Settings
from tokenhub.web.app import build
from tokenhub.web.auth import LOOPBACK, Entry
from tokenhub.web.cors import NO_CORS, Cors
from tokenhub.web.doorman import Doorman
from tokenhub.web.errors import status_of
from tokenhub.web.front import REFUSAL, Asgi, Front
from tokenhub.web.limits import OPEN, AddressDoor, Door, Doors, OpenDoor
from tokenhub.web.peers import Peers
from tokenhub.web.v1.chat import completions, counts, embeddings, messages, native_chat, planned
from tokenhub.web.v1.exchange import Receive, Scope, Send
from tokenhub.web.v1.models import PREFIX as MODEL
from tokenhub.web.v1.models import Models as ModelCards
from tokenhub.web.v1.plan import Plans
from tokenhub.web.v1.room import Room
from tokenhub.web.v1.usage import Usage

__all__ = [
    "App",
    "assembled",
    "create_app",
    "import_original",
    "log_strays",
    "offline",
    "read_private",
    "start_logging",
]

_log = logging.getLogger("tokenhub.app")
# Large bodies are read beside the loop, by so many threads. More would not be quicker, since all of
# them share one interpreter lock with it.
HEAVY_THREADS = 2
# A seed that JSON and every language can hold exactly.
SEED_BITS = 53


class App:
    """The ASGI application. What it holds is made at lifespan's start and gone at its end."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, hide: Hide = shown
    ) -> None:
        self._settings = settings
        self._hide = hide
        self._clock = clock
        self._front: Front | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        assert self._front is not None, "requests come after the start"
        return self._front(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        threads = ThreadPoolExecutor(HEAVY_THREADS, thread_name_prefix="heavy")
        asyncio.get_running_loop().set_default_executor(threads)
        async with assembled(self._settings, clock=self._clock, hide=self._hide) as (
            parts,
            bootstrap,
        ):
            self._front = front(
                parts,
                _doors(self._settings),
                entry=_entry(self._settings),
                cors=Cors(self._settings.cors_origins),
            )
            # For the protocol, which spares those who are refused the way to here.
            scope.get("state", {})[REFUSAL] = self._front.refusal
            await send({"type": "lifespan.startup.complete"})
            async with asyncio.TaskGroup() as jobs:
                running = [
                    jobs.create_task(job)
                    for job in (_autoload(bootstrap), *_jobs(self._settings, parts))
                ]
                await receive()
                for job in running:
                    job.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def create_app(settings: Settings, *, clock: Clock | None = None, hide: Hide = shown) -> App:
    return App(settings, clock=clock, hide=hide)


@asynccontextmanager
async def assembled(
    settings: Settings, *, clock: Clock | None = None, hide: Hide = shown
) -> AsyncIterator[tuple[Parts, Bootstrap]]:
    """The server's parts, wired; leaving it closes what was opened, the journal last.

    `hide` is told of every secret that may not be logged.

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
        if stores.sqlite_advice:
            _log.warning("sqlite_version", extra={"advice": stores.sqlite_advice})
        books = await _books(stores, now=clock.now())
        await stores.claims.recover(since=clock.now() - KEPT_S)
        await stores.orchestrations.recover()
        await _tell_chain(stores)
        trail = Trail(store=stores.audit, clock=clock)
        logins = Logins(trail=stores.audit, clock=clock)
        stack.callback(logins.flush)
        hide(settings.vault_password)
        safe = Safe()
        held: Secrets = (
            VaultSecrets(safe, now=clock.now, draw=secrets.token_bytes, hide=hide)
            if settings.vault_enabled
            else MemorySecrets(hide)
        )
        catalog = Snapshot(Catalog.build())
        allowed = Snapshot(settings.allowed_private_hosts)
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
            environment=_defaults(settings),
        )
        await changes.load()
        uses: Uses = {}
        keys = Keys(
            store=stores.keys,
            table=key_table,
            clock=clock,
            randbits=secrets.randbits,
            charged=books.charged_nusd,
            seen=uses,
        )
        await keys.load()
        stack.push_async_callback(_flushed, keys)
        first_use = FirstUse(
            keys=keys, table=key_table, imported=stores.imported, clock=clock, fits=fits
        )
        stack.callback(first_use.close)
        await first_use.load()
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
        argon = Argon()
        stack.push_async_callback(argon.close)
        vault = Vault(
            store=stores.vault,
            safe=safe,
            stretcher=argon,
            clock=clock,
            draw=secrets.token_bytes,
            shelter=providers.shelter,
            auto_lock=_auto_lock(settings),
            enabled=settings.vault_enabled,
        )
        await vault.load()
        _tell(await _credentials(bootstrap, settings))
        _tell_of_addresses(providers)
        await _unlock(vault, settings)
        patience_s = settings.provider_timeout_s
        board = Board(clock, patience_s=patience_s, draw=noise.random)
        observed = Observed(held, board=board, patience_s=patience_s)
        naming = Naming()
        load = Load(most=settings.max_requests_in_flight, late_s=settings.overload_lag_s)
        metrics = Metrics(decisions_lost=lambda: stores.decisions_lost, load=load.counts)

        def request_ids() -> str:
            return request_id(clock.now(), noise.getrandbits(64))

        gateway = _gateway(
            settings,
            stores,
            clock=clock,
            keys=key_table,
            uses=uses,
            catalog=catalog,
            observed=observed,
            board=board,
            naming=naming,
            metrics=metrics,
            books=books,
            upstreams=upstreams,
            seeds=lambda: noise.getrandbits(SEED_BITS),
            draw=noise.random,
            recognise=first_use,
        )
        yield (
            Parts(
                gateway=gateway,
                orchestrator=Orchestrator(
                    gateway,
                    stores.orchestrations,
                    clock=clock,
                    ids=request_ids,
                    words=plans.worded,
                    whole=plans.whole,
                    read=plans.text_in,
                ),
                fleet=Fleet(observed, upstreams, catalog=catalog, clock=clock, trail=trail),
                providers=providers,
                models=models,
                prices=prices,
                keys=keys,
                simulator=Simulator(
                    catalog=catalog, signals=observed.read, named=naming.peek, keys=keys.get
                ),
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
                routing=Routing(changes=changes),
                ledger=Ledger(store=stores.ledger, sums=books.sums, clock=clock),
                ledger_store=stores.ledger,
                logs=Logs(journal=stores.journal, orchestrations=stores.orchestrations),
                trail=trail,
                logins=logins,
                verifier=Verifier(journal=stores.journal, catalogs=stores.catalog),
                orchestrations=Orchestrations(store=stores.orchestrations, journal=stores.journal),
                catalog=catalog,
                key_table=key_table,
                secrets=held,
                vault=vault,
                allowed=allowed,
                access=access,
                admin_token=first_token,
                clock=clock,
                started_at=clock.monotonic(),
                public_url=settings.listen_addr.local_url,
                metrics=metrics.text,
                ready=stores.fault,
                request_ids=request_ids,
                sqlite_version=stores.sqlite_version,
                storage=stores.storage,
                backups=Backups(store=stores.backups, clock=clock),
                retention=stores.retention,
                heartbeat_s=settings.heartbeat_s,
                claims=Claims(stores.claims, _bodies(settings, stores, safe)),
                load=load,
            ),
            bootstrap,
        )


async def import_original(
    settings: Settings,
    path: Path,
    *,
    password: bytes | None = None,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> Report:
    """Take over the original's database at `path`. No server may be running on ours.

    With `dry_run` all of it is done to a copy, which is thrown away; then one may be running.
    Raises BadRequest where the original cannot be read, Unavailable where ours cannot be written.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="tokenhub-dry-run-") as folder:
            rehearsed = await asyncio.to_thread(_rehearsal, settings, Path(folder))
            report = await import_original(rehearsed, path, password=password, clock=clock)
        report.dry_run = True
        return report
    with open_original(path) as source:
        async with assembled(settings, clock=clock) as (parts, _):
            return await parts.importing.run(source, password=password)


def _rehearsal(settings: Settings, folder: Path) -> Settings:
    """Settings for a copy of all that a start reads and an import writes."""
    if note := AppliedFile(settings.data_dir).read():
        AppliedFile(folder).write(note)
    return replace(settings, db_dsn=copied(settings.db_dsn, folder))


class CheckedVault(msgspec.Struct, frozen=True, kw_only=True):
    """What a vault holds, by name, and what of it does not open."""

    names: tuple[str, ...]
    wrong: tuple[str, ...]
    slots: tuple[str, ...]
    data_keys: int


async def verified_vault(settings: Settings, password: bytes) -> CheckedVault:
    """Open every secret of the vault of these settings, whose server is stopped.

    Without a password that of the settings is taken. The check is noted in the audit trail, and
    wrong passwords count. Raises WrongPassword, VaultDamaged, Unavailable and so on.
    """
    clock, argon = SystemClock(), Argon()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(argon.close)
        stores = await stack.enter_async_context(open_stores(settings.db_dsn))
        vault = Vault(
            store=stores.vault,
            safe=Safe(),
            stretcher=argon,
            clock=clock,
            draw=secrets.token_bytes,
            shelter=_no_keys,
            auto_lock=AutoLock(),
        )
        found, wrong = await vault.check(password or _vault_password(settings))
    contents = found.contents
    return CheckedVault(
        names=tuple(sorted({*contents.secrets, *wrong})),
        wrong=tuple(wrong),
        slots=tuple(sorted(contents.slots)),
        data_keys=len(contents.ring),
    )


async def _no_keys(_by: By) -> int:
    return 0


def front(
    parts: Parts, doors: Doors = OPEN, *, entry: Entry | None = None, cors: Cors = NO_CORS
) -> Front:
    """The front door of these parts."""
    entry = entry or Entry()
    cards = ModelCards(parts.catalog, keys=parts.key_table if "models" in entry.closed else None)
    clock, gateway = parts.clock, parts.gateway
    claims, beat_s = parts.claims, parts.heartbeat_s
    room = Room()
    doorman = Doorman(parts.logins, entry, parts.request_ids)
    carried_out = Plans(parts.orchestrator, beat_s=beat_s)
    return Front(
        {
            ("POST", "/v1/chat/completions"): completions(
                gateway, claims, room=room, beat_s=beat_s
            ),
            ("POST", "/v1/messages"): messages(gateway, claims, room=room, beat_s=beat_s),
            ("POST", "/v1/messages/count_tokens"): counts(gateway, claims, room=room),
            ("POST", "/v1/embeddings"): embeddings(gateway, claims, room=room),
            ("POST", "/v1/chat"): native_chat(
                gateway, claims, room=room, beat_s=beat_s, plans=carried_out
            ),
            ("POST", "/v1/plan"): planned(gateway, claims, room=room, plans=carried_out),
            ("GET", "/v1/usage"): Usage(gateway, parts.ledger_store),
            ("GET", "/v1/models"): cards.all,
            ("GET", MODEL): cards.one,
        },
        rest=cast("Asgi", build(parts, entry)),
        arrivals=lambda: Arrival(parts.request_ids(), clock.now(), clock.monotonic()),
        doors=doors,
        load=parts.load,
        refused=doorman.turned_away,
        cors=cors,
    )


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


def _entry(settings: Settings) -> Entry:
    public = {"metrics": settings.metrics_public, "models": settings.models_public}
    hosts = {*LOOPBACK, *settings.allowed_hosts, settings.listen_addr.local_host.lower()}
    return Entry(
        hosts=frozenset(hosts),
        peers=Peers(settings.trusted_proxies),
        closed=frozenset(page for page, is_open in public.items() if not is_open),
    )


def _jobs(settings: Settings, parts: Parts) -> Iterator[Coroutine[None, None, None]]:
    """What runs beside the requests until the server stops."""
    yield kept("keys", KeyCare(parts.keys, clock=parts.clock).run, clock=parts.clock)
    noting = Noting(parts.access.sessions, clock=parts.clock)
    yield kept("noting", noting.run, clock=parts.clock)
    yield kept("logins", parts.logins.run, clock=parts.clock)
    yield kept("autolock", AutoLocker(parts.vault, parts.clock).run, clock=parts.clock)
    if settings.health_probe_interval_s and not settings.health_probe_disabled:
        prober = Prober(
            parts.fleet,
            catalog=parts.catalog,
            secrets=parts.secrets,
            clock=parts.clock,
            every_s=settings.health_probe_interval_s,
            within_s=settings.health_probe_timeout_s,
            draw=random.SystemRandom().random,
        )
        yield kept("probe", prober.run, clock=parts.clock)
    pruner = Pruner(
        parts.retention,
        clock=parts.clock,
        decisions_s=_days_s(settings.decision_retention_days),
        requests_s=_days_s(settings.log_retention_days),
    )
    yield kept("retention", pruner.run, clock=parts.clock)
    if settings.backup_interval_s:
        timer = Timer(parts.backups, clock=parts.clock, every_s=settings.backup_interval_s)
        yield kept("backup", timer.run, clock=parts.clock)


def _days_s(days: int) -> float | None:
    """A period in seconds; None for ever."""
    return days * DAY_S if days else None


def _doors(settings: Settings) -> Doors:
    def door(rps: int, burst: int) -> Door:
        if not rps:
            return OpenDoor()
        limit = Limit(rps=rps, burst=burst)
        return AddressDoor(limit, MemoryRates(), proxies=settings.trusted_proxies)

    return Doors(
        callers=door(settings.rate_limit_rps, settings.rate_limit_burst),
        operators=door(settings.admin_rate_limit_rps, settings.admin_rate_limit_burst),
    )


def _gateway(
    settings: Settings,
    stores: Stores,
    *,
    clock: Clock,
    keys: Snapshot[KeyTable],
    uses: Uses,
    catalog: Snapshot[Catalog],
    observed: Observed,
    board: Board,
    naming: Naming,
    metrics: Metrics,
    books: Books,
    upstreams: HttpUpstreams,
    seeds: Callable[[], int],
    draw: Callable[[], float],
    recognise: Callable[[str], Awaitable[None]],
) -> Gateway:
    return Gateway(
        keys=keys,
        uses=uses,
        catalog=catalog,
        observed=observed,
        board=board,
        dispatch=Dispatch(
            upstreams,
            board=board,
            hedging=_hedging(settings, catalog),
            clock=clock,
            idle_s=settings.provider_timeout_s,
            draw=draw,
            complaint=Schemas().complaint,
            shrunk=shrunk,
            intents=stores.ledger,
        ),
        settle=Settle(
            stores.journal, [observed.record, metrics.record], clock=clock, status_of=status_of
        ),
        naming=naming,
        limits=KeyLimits(MemoryRates(), rps=settings.rate_limit_rps),
        clock=clock,
        seeds=seeds,
        books=books,
        recognise=recognise,
    )


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


def _hedging(settings: Settings, catalog: Snapshot[Catalog]) -> Hedging:
    if settings.hedge_after_s is None or not settings.hedges:
        return NoHedges()
    percent = settings.hedge_max_extra_percent
    return Hedges(catalog, percent=percent, least_s=settings.hedge_after_s)


def _defaults(settings: Settings) -> Defaults:
    return Defaults(
        mode=settings.default_mode,
        max_budget_nusd=settings.default_max_budget_nusd,
        max_latency_s=settings.default_max_latency_s,
        exploration_temp=settings.exploration_temp,
    )


async def _flushed(keys: Keys) -> None:
    """The last uses of the last minute, before the files are closed."""
    try:
        await keys.uses.flush()
    except Unavailable as error:
        _log.warning("key_uses_lost", extra={"detail": str(error)})


def _auto_lock(settings: Settings) -> AutoLock:
    """None where a restart is to open the vault by itself: nobody may be there to open it again."""
    if settings.vault_password or settings.vault_key_file:
        return AutoLock()
    return AutoLock(idle_s=settings.vault_idle_lock_s, open_s=settings.vault_max_unlock_s)


def _bodies(settings: Settings, stores: Stores, safe: Safe) -> Bodies:
    if settings.idempotency_body == "none":
        return MemoryBodies()
    return SealedBodies(stores.answers, safe, draw=secrets.token_bytes)


async def _unlock(vault: Vault, settings: Settings) -> None:
    """Open the vault with the password that was given for it, or set it up with that.

    A failure is logged: the server starts, and serves what needs no key.
    """
    if not settings.vault_enabled:
        return
    try:
        password = _vault_password(settings)
        if not password:
            return
        by = By(actor="start")
        if vault.initialized:
            await vault.unlock(password, by=by, at_once=True)
            return
        warning = await vault.init(password, by=by)
        _log.warning("vault_initialized", extra={"advice": warning or "keep its password safe"})
    except TokenHubError as error:
        _log.error("vault_not_unlocked", extra={"reason": str(error)})


def _vault_password(settings: Settings) -> bytes:
    if settings.vault_password:
        return settings.vault_password.encode()
    if settings.vault_key_file is None:
        return b""
    content = read_private(settings.vault_key_file).strip(b"\r\n")
    if not content:
        raise BadRequest(f"TOKENHUB_VAULT_KEY_FILE: {settings.vault_key_file} is empty or missing")
    return content


async def _credentials(bootstrap: Bootstrap, settings: Settings) -> list[str]:
    try:
        content = read_private(settings.credentials_file)
    except BadRequest as error:
        return [str(error)]
    return await bootstrap.apply(content, path=str(settings.credentials_file))


async def _tell_chain(stores: Stores) -> None:
    """Where the audit trail ends, told to the log: a log that leaves this machine is a witness."""
    last_id, last_hash = await stores.audit.head()
    _log.info("audit_chain", extra={"last_id": last_id, "last_hash": last_hash})


async def _autoload(bootstrap: Bootstrap) -> None:
    try:
        _tell(await bootstrap.autoload())
    except Exception:  # noqa: BLE001 - a fault of this job must not end the server it serves
        _log.exception("autoload_failed")


def _tell_of_addresses(providers: Providers) -> None:
    """Say which providers cannot be called, where their addresses alone show it."""
    for row in providers.every():
        why, _ = providers.objection(row)
        if why:
            _log.warning("address_refused", extra={"provider": row.id, "detail": why})


def _tell(messages: list[str]) -> None:
    for message in messages:
        _log.warning("credentials_file", extra={"detail": message})
