"""Around the front door: who wants to hear of requests is told of each when it has been answered.

Where nobody does, a request pays two comparisons. What was refused before it was parsed, in
overload, does not come here.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tokenhub.gateway.run import Arrival, Caller, Run
from tokenhub.ports.served import AccessLog, Served, Tracing
from tokenhub.web.auth import operator_of
from tokenhub.web.context import ARRIVAL, CALLER, LEFT, RUN, known_id
from tokenhub.web.front import GUARDS, Asgi
from tokenhub.web.v1.exchange import Message, Receive, Scope, Send
from tokenhub.web.v1.models import PREFIX as MODEL

_WATCHED = ("/v1/", "/admin")
_ROUTES = frozenset(path for _, path in GUARDS)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# nginx's status for a caller who hung up, as the request log has it.
_LEFT = 499
_BROKEN = 500


class Watched:
    """The application, watched. `now` is the clock by which requests arrive."""

    def __init__(
        self, app: Asgi, *, access: AccessLog, tracing: Tracing, now: Callable[[], float]
    ) -> None:
        self._app = app
        self._access = access
        self._tracing = tracing
        self._now = now

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not (self._access.on or self._tracing.on):
            return self._app(scope, receive, send)
        if scope["type"] != "http" or not scope["path"].startswith(_WATCHED):
            return self._app(scope, receive, send)
        return self._watched(scope, receive, send)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        def noting(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        began = self._tracing.begin(scope["headers"]) if self._tracing.on else None
        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            status = _LEFT
            raise
        finally:
            # One who left may have heard the head of an answer.
            self._tell(scope, began, _LEFT if LEFT in scope else status or _BROKEN)

    def _tell(self, scope: Scope, began: object, status: int) -> None:
        arrival: Arrival | None = scope.get(ARRIVAL)
        if arrival is None:
            return
        served = self._served(scope, arrival, status)
        if self._access.on:
            self._access(served)
        if began is not None:
            self._tracing.end(began, served)

    def _served(self, scope: Scope, arrival: Arrival, status: int) -> Served:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        took_s = self._now() - arrival.started
        caller: Caller | None = scope.get(CALLER)
        if caller is None:
            operator = operator_of(scope)
            return Served(
                request_id=known_id(scope) or arrival.request_id,
                at=arrival.at,
                method=method,
                route=_route(scope),
                status=status,
                took_s=took_s,
                actor="" if operator is None else operator.name,
            )
        run: Run | None = scope.get(RUN)
        route = None if run is None else run.route
        return Served(
            request_id=arrival.request_id,
            at=arrival.at,
            method=method,
            route=_route(scope),
            status=status,
            took_s=took_s,
            key_id=caller.key.id,
            provider_id="" if route is None else route.provider.id,
            model_id="" if route is None else route.model.id,
            mode=run.intent.policy.mode if run is not None and run.intent is not None else "",
            reason="" if run is None else run.reason,
            attempts=0 if run is None else len(run.attempts),
            cost_nusd=0 if run is None else _cost_nusd(run),
        )


def _cost_nusd(run: Run) -> int | None:
    total = 0
    for attempt in run.attempts:
        if attempt.cost_nusd is None:
            return None
        total += attempt.cost_nusd
    return total


def _route(scope: Scope) -> str:
    """The template of the route that was met: never what stands in its place in a path."""
    path: str = scope["path"]
    if path in _ROUTES:
        return path
    if path.startswith(MODEL):
        return f"{MODEL}{{id}}"
    template: str = scope.get("path_template", "")
    return template
