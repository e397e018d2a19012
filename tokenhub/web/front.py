"""The front door: the data plane's routes are called at once, all the rest goes to Litestar.

Who sends too much is turned away here, before a body is read or a key looked at.

A request on /v1 costs what it must: no middleware stack, no router but a dict (an empty Litestar
handler takes 128 us, a raw one 44; DESIGN decision 2).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from tokenhub.core.buckets import Allowance
from tokenhub.core.errors import (
    MethodNotAllowed,
    NotFound,
    RateLimited,
    TokenHubError,
)
from tokenhub.gateway.load import Load
from tokenhub.gateway.run import HUNG_UP, Arrival, stopped
from tokenhub.web.context import ARRIVAL, CAME, LEFT
from tokenhub.web.cors import NO_CORS, Cors
from tokenhub.web.errors import dialect_of, render
from tokenhub.web.limits import Doors
from tokenhub.web.v1.exchange import (
    TURNED_AWAY,
    Receive,
    Scope,
    Send,
    respond,
    turn_away,
)
from tokenhub.web.v1.models import PREFIX as MODEL
from tokenhub.web.v1.models import spoken

_log = logging.getLogger("tokenhub.web")

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send, Arrival], Awaitable[None]]

# What watches the server may ask as often as it likes. A list of what is open, and not of what is
# closed: Litestar knows more spellings of a path than one.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# Who may use which route: the scope that an API key needs, any key, or anybody. A route that is
# not here cannot be served; a test asks each of them without a key and with keys of other scopes.
ANYBODY, ANY_KEY = "anybody", "any key"
GUARDS: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/chat/completions"): "chat",
    ("POST", "/v1/chat"): "chat",
    ("POST", "/v1/messages"): "chat",
    ("POST", "/v1/messages/count_tokens"): "chat",
    ("POST", "/v1/embeddings"): "embeddings",
    ("POST", "/v1/plan"): "plan",
    ("POST", "/v1/feedback"): ANY_KEY,
    ("GET", "/v1/usage"): ANY_KEY,
    ("GET", "/v1/models"): ANYBODY,
    ("GET", MODEL): ANYBODY,
}


def _unheard(_scope: Scope, _error: Exception, _request_id: str) -> None:
    """Where nobody keeps an audit trail."""


class Front:
    """`routes` by (method, path); a path under /v1/models/ is the route of one model.

    `doors` count what is asked of a model, and all the rest but the probes. The list of models is
    open: it costs less than it would cost to count who reads it. `load` says when what is asked of
    a model gets in. `refused` hears of whom a route turned away, and with which error.
    """

    def __init__(
        self,
        routes: Mapping[tuple[str, str], Handler],
        *,
        rest: Asgi,
        arrivals: Callable[[], Arrival],
        doors: Doors,
        load: Load,
        cors: Cors = NO_CORS,
        refused: Callable[[Scope, Exception, str], None] = _unheard,
    ) -> None:
        if unguarded := routes.keys() - GUARDS.keys():
            raise ValueError(f"these routes do not say who may use them: {sorted(unguarded)}")
        self._routes = routes
        self._rest = rest
        self._arrivals = arrivals
        self._doors = doors
        self._load = load
        self._cors = cors
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        path = scope["path"]
        handler = self._routes.get((scope["method"], path))
        arrival = scope[ARRIVAL] = self._arrivals()
        try:
            if handler is None and not path.startswith("/v1/"):
                await self._control(scope, receive, send, arrival)
                return
            if self._cors.on:
                send = self._cors.telling(scope, send)
            if scope["method"] == "POST":
                allowance = self._doors.callers.take(scope, arrival.started)
                if not allowance.allowed:
                    self._load.callers_refused += 1
                    await _turned_away(scope, receive, send, arrival, allowance)
                    return
                arrival = Arrival(arrival.request_id, arrival.at, arrival.started, allowance)
                await self._if_there_is_room(
                    handler or self._unlisted, scope, receive, send, arrival
                )
            else:
                await (handler or self._unlisted)(scope, receive, send, arrival)
            if TURNED_AWAY in scope:
                self._refused(scope, scope[TURNED_AWAY], arrival.request_id)
        except asyncio.CancelledError as error:
            if error.args == (HUNG_UP,):
                scope[LEFT] = True
            else:
                refusal = render(stopped(), dialect=_dialect(scope), request_id=arrival.request_id)
                await respond(send, *refusal)
        except Exception as error:  # noqa: BLE001 - the last resort, as Litestar's for its routes
            # Our own fault, told in the route's dialect. Where an answer has begun already, the
            # protocol refuses a second one and breaks the connection: never a clean end.
            request_id = arrival.request_id
            # A path that is no route's may hold anything.
            route = path if (scope["method"], path) in self._routes else "/v1"
            _log.exception("request_failed", extra={"path": route, "request_id": request_id})
            await respond(send, *render(error, dialect=_dialect(scope), request_id=request_id))

    async def _if_there_is_room(
        self, handler: Handler, scope: Scope, receive: Receive, send: Send, arrival: Arrival
    ) -> None:
        load = self._load
        if (came := scope.get(CAME)) is not None:
            load.waits.note(arrival.started - came)
        if not load.enter():
            refusal = render(load.refusal(), dialect=_dialect(scope), request_id=arrival.request_id)
            await turn_away(scope, receive, send, refusal)
            return
        try:
            await handler(scope, receive, send, arrival)
        finally:
            load.leave()

    async def _control(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:
        if scope["path"] not in PROBES:
            allowance = self._doors.operators.take(scope, arrival.started)
            if not allowance.allowed:
                self._load.operators_refused += 1
                await _turned_away(scope, receive, send, arrival, allowance)
                return
        await self._rest(scope, receive, send)

    async def _unlisted(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:
        method, path = scope["method"], scope["path"]
        name = MODEL if path.startswith(MODEL) and path != MODEL else path
        handler = self._routes.get((method, name))
        if handler is not None:
            await handler(scope, receive, send, arrival)
            return
        if (allowed := self._cors.preflight(scope)) is not None:
            # Not by `respond`: a 204 has no Content-Length (RFC 9110 8.6).
            await send({"type": "http.response.start", "status": 204, "headers": allowed})
            await send({"type": "http.response.body", "body": b""})
            return
        allow = [known for known, route in self._routes if route == name]
        error: TokenHubError
        if allow:
            error = MethodNotAllowed(f"{method} is not allowed here", allow=allow)
        else:
            error = NotFound(f"there is no route {path}")
        dialect = _dialect(scope)
        await respond(send, *render(error, dialect=dialect, request_id=arrival.request_id))


def _dialect(scope: Scope) -> str:
    """The dialect in which a request is refused before its route is reached."""
    path = scope["path"]
    if path.startswith(MODEL) or path == MODEL[:-1]:
        return spoken(scope)
    return dialect_of(path)


async def _turned_away(
    scope: Scope, receive: Receive, send: Send, arrival: Arrival, allowance: Allowance
) -> None:
    error = RateLimited(
        f"too many requests from this address: {allowance.limit} may come at once, "
        f"and the next one in {allowance.retry_after_s:.3f} s",
        retry_after_s=allowance.retry_after_s,
        allowance=allowance,
        at=arrival.at,
    )
    refusal = render(error, dialect=_dialect(scope), request_id=arrival.request_id)
    await turn_away(scope, receive, send, refusal)
