"""The Litestar application: the control plane and the probes.

The data plane's routes stand in front of it (`web/front.py`); what it does not know comes here
and gets its 404 in the dialect of its path.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import BaseRouteHandler
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler, Message, Receive, Scope, Send
from msgspec.structs import replace

import tokenhub
from tokenhub.admin.access import Peer
from tokenhub.admin.changes import By
from tokenhub.core.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    TokenHubError,
    TooLarge,
)
from tokenhub.parts import Parts
from tokenhub.web import ops, pages
from tokenhub.web.admin import (
    aliases,
    audit,
    backups,
    config,
    events,
    explain,
    feedback,
    health,
    info,
    keys,
    ledger,
    log_level,
    logs,
    models,
    orchestrations,
    prices,
    providers,
    reload,
    replay,
    rewards,
    routing,
    session,
    simulate,
    stats,
    tokens,
    tsdb,
    vault,
    views,
    workflows,
)
from tokenhub.web.auth import Connection, Entry, by, guarded, peer_of
from tokenhub.web.body import Http
from tokenhub.web.context import request_id
from tokenhub.web.doorman import Doorman
from tokenhub.web.errors import dialect_of, render
from tokenhub.web.headers import UI_POLICY
from tokenhub.web.rehearsing import parts_of, rehearse, rehearsed
from tokenhub.web.v1.exchange import MAX_BODY_BYTES
from tokenhub.wire.catalog import Info

# Where a request's scope holds the ControlPlane that it came to.
_PLANE = "tokenhub.control_plane"

_ADMIN_ROUTES: tuple[ControllerRouterHandler, ...] = (
    providers.list_providers,
    providers.get_provider,
    providers.put_provider,
    providers.patch_provider,
    providers.delete_provider,
    providers.discover,
    models.list_models,
    models.get_model,
    models.put_model,
    models.patch_model,
    models.delete_model,
    prices.sync_prices,
    aliases.list_aliases,
    aliases.get_alias,
    aliases.put_alias,
    aliases.delete_alias,
    config.export_config,
    config.apply_config,
    routing.get_routing,
    routing.put_routing,
    replay.replay,
    simulate.simulate,
    rewards.list_rewards,
    rewards.list_arms,
    rewards.reset_rewards,
    explain.explain_request,
    keys.list_keys,
    keys.get_key,
    keys.create_key,
    keys.patch_key,
    keys.delete_key,
    keys.pay_key,
    ledger.list_ledger,
    ledger.verify_ledger,
    keys.rotate_key,
    health.get_health,
    health.reset_health,
    health.test_provider,
    feedback.list_feedback,
    feedback.give_feedback,
    logs.list_logs,
    logs.log_histogram,
    logs.log_facets,
    logs.get_request,
    stats.get_stats,
    tsdb.query_series,
    tsdb.list_metrics,
    tsdb.prune_series,
    tsdb.get_retention,
    tsdb.put_retention,
    audit.list_audit,
    audit.verify_audit,
    events.live_events,
    orchestrations.list_orchestrations,
    orchestrations.get_orchestration,
    workflows.list_workflows,
    workflows.get_workflow,
    vault.get_status,
    vault.init,
    vault.unlock,
    vault.lock,
    vault.change_password,
    vault.rotate_key,
    vault.set_recovery,
    vault.delete_recovery,
    vault.list_secrets,
    vault.get_secret,
    vault.put_secret,
    vault.delete_secret,
    views.list_views,
    views.get_view,
    views.put_view,
    views.delete_view,
    reload.reload_settings,
    log_level.get_log_level,
    log_level.put_log_level,
    backups.list_backups,
    backups.make_backup,
    info.get_info,
    info.engine_models,
    session.sign_in,
    session.signed_in,
    session.sign_out,
    tokens.list_tokens,
    tokens.get_token,
    tokens.create_token,
    tokens.patch_token,
    tokens.rotate_token,
    tokens.delete_token,
    tokens.rotate_first_token,
)


class ControlPlane:
    """The control plane of these parts, an ASGI application. It starts and stops nothing.

    The routes know no parts. They find these in the scope of each request, so that one Litestar,
    which takes longer to make than all the rest of a server, serves every server of a process.
    """

    def __init__(self, parts: Parts, entry: Entry, app: Litestar) -> None:
        self.parts = parts
        self.entry = entry
        self.doorman = Doorman(parts.logins, entry, parts.request_ids)
        self.guard = guarded(parts.access, parts.request_ids, entry)
        self._app = app

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Every route with its handlers, for those who must know of all of them."""
        return self._app.routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope[_PLANE] = self  # type: ignore[literal-required]  # a scope is a dict
        return self._app(scope, receive, send)


def build(parts: Parts, entry: Entry | None = None, *, app: Litestar | None = None) -> ControlPlane:
    """The application over these parts, behind the routes of `app` or those of `application`."""
    return ControlPlane(parts, entry or Entry(), app or _shared())


def application() -> Litestar:
    """All routes, over no parts yet."""
    return Litestar(
        route_handlers=[
            Router("/admin/v1", route_handlers=_ADMIN_ROUTES),
            pages.root,
            pages.admin_page,
            ops.healthz,
            ops.readyz,
            ops.metrics,
        ],
        dependencies=_dependencies(),
        guards=[_guard],
        exception_handlers={Exception: _answered},
        before_send=[_with_headers],
        request_max_body_size=MAX_BODY_BYTES,
        # The schema pages of the framework are open to all and load scripts from elsewhere.
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


# Made at the first start of a server, and never changed.
_shared = cache(application)


def _plane(scope: Mapping[str, Any]) -> ControlPlane:
    found: ControlPlane = scope[_PLANE]
    return found


async def _guard(connection: Connection, handler: BaseRouteHandler) -> None:
    plane = _plane(connection.scope)
    await plane.guard(connection, handler)
    await plane.doorman.let_in(connection, handler)
    rehearse(connection, handler, plane.parts)


def _dependencies() -> dict[str, Provide]:
    """What handlers may ask for by name. Values that change are read at each request."""

    def asking(request: Http) -> By:
        plane = _plane(request.scope)
        asks = by(request.scope, plane.parts.request_ids, plane.entry)  # type: ignore[arg-type]  # a scope is a dict
        return replace(asks, rehearsed=rehearsed(request.scope))

    def peer(request: Http) -> Peer:
        plane = _plane(request.scope)
        return peer_of(request.scope, plane.parts.request_ids, plane.entry)  # type: ignore[arg-type]  # a scope is a dict

    def facts(parts: Parts) -> Info:
        storage = parts.storage()
        return Info(
            version=tokenhub.__version__,
            url=parts.public_url,
            uptime_s=round(parts.clock.monotonic() - parts.started_at, 3),
            sqlite_version=parts.sqlite_version,
            providers=len(parts.catalog.current.providers),
            models=len(parts.catalog.current.models),
            vault_locked=parts.vault.locked,
            vault_initialized=parts.vault.initialized,
            provider_keys=parts.secrets.place,
            storage="degraded" if storage.degraded else "ok",
            storage_reason=storage.ledger or storage.detail,
            warnings=list(storage.warnings),
            last_event_id=str(parts.feed.last),
        )

    given: dict[str, Callable[[Parts], object]] = {
        "providers": lambda parts: parts.providers,
        "models": lambda parts: parts.models,
        "prices": lambda parts: parts.prices,
        "keys": lambda parts: parts.keys,
        "access": lambda parts: parts.access,
        "tokens": lambda parts: parts.access.tokens,
        "simulator": lambda parts: parts.simulator,
        "replaying": lambda parts: parts.replay,
        "aliases": lambda parts: parts.aliases,
        "configuration": lambda parts: parts.configuration,
        "routing": lambda parts: parts.routing,
        "ledger": lambda parts: parts.ledger,
        "logs": lambda parts: parts.logs,
        "feedbacks": lambda parts: parts.feedbacks,
        "charts": lambda parts: parts.charts,
        "statistics": lambda parts: parts.statistics,
        "log_level": lambda parts: parts.log_level,
        "trail": lambda parts: parts.trail,
        "feed": lambda parts: parts.feed,
        "verifier": lambda parts: parts.verifier,
        "orchestrations": lambda parts: parts.orchestrations,
        "rewards": lambda parts: parts.rewards,
        "backups": lambda parts: parts.backups,
        "storage": lambda parts: parts.storage(),
        "fleet": lambda parts: parts.fleet,
        "reload": lambda parts: parts.reload,
        "vault": lambda parts: parts.vault,
        "views": lambda parts: parts.views,
        "public_url": lambda parts: parts.public_url,
        "catalog": lambda parts: parts.catalog.current,
        "info": facts,
    }

    async def not_ready(request: Http) -> str:
        return await _plane(request.scope).parts.ready()

    async def exposition(request: Http) -> bytes:
        return await _plane(request.scope).parts.metrics()

    return {name: _part(read) for name, read in given.items()} | {
        "by": Provide(asking, sync_to_thread=False),
        "peer": Provide(peer, sync_to_thread=False),
        "not_ready": Provide(not_ready),
        "exposition": Provide(exposition),
    }


def _part(read: Callable[[Parts], object]) -> Provide:
    def give(request: Http) -> object:
        return read(parts_of(request.scope, _plane(request.scope).parts))

    return Provide(give, sync_to_thread=False)


def _answered(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    """Every error of every route, in the dialect of its path."""
    plane = _plane(request.scope)
    named = request_id(request.scope, plane.parts.request_ids)  # type: ignore[arg-type]  # a scope is a dict
    ours = _translated(error)
    if not isinstance(ours, TokenHubError):
        logging.getLogger(__name__).error(
            "request_failed", exc_info=error, extra={"request_id": named}
        )
    plane.doorman.turned_away(request.scope, ours, named)  # type: ignore[arg-type]  # a scope is a dict
    dialect = dialect_of(request.scope["path"])
    status, headers, body = render(ours, dialect=dialect, request_id=named)
    texts = {name.decode(): value.decode("latin-1") for name, value in headers}
    media_type = texts.pop("content-type")
    return Response(body, status_code=status, headers=texts, media_type=media_type)


def _translated(error: Exception) -> Exception:
    """An error of the framework as one of ours; any other as it is."""
    if not isinstance(error, HTTPException):
        return error
    status = error.status_code
    if status >= 500:  # noqa: PLR2004 - RFC 9110
        return error
    if isinstance(error, MethodNotAllowedException):
        allow = (error.headers or {}).get("allow", "").split(", ")
        return MethodNotAllowed("this method is not allowed here", allow=sorted(allow))
    if status == 404:  # noqa: PLR2004 - RFC 9110
        return NotFound("there is nothing at this path")
    if status == 413:  # noqa: PLR2004 - RFC 9110
        return TooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
    return BadRequest(error.detail)


async def _with_headers(message: Message, scope: Scope) -> None:
    """The headers of every response, good or bad."""
    if message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    there = {name.lower() for name, _ in headers}
    named = request_id(scope, _plane(scope).parts.request_ids)  # type: ignore[arg-type]  # a scope is a dict
    wanted = [
        (b"x-request-id", named.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", UI_POLICY),
    ]
    if scope["path"].startswith("/admin"):
        wanted.append((b"cache-control", b"no-store"))
    message["headers"] = headers + [pair for pair in wanted if pair[0] not in there]
