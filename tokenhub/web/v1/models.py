"""`GET /v1/models` and `GET /v1/models/{id}`: what can be asked for. Public, as in the original."""

from collections.abc import Callable

import msgspec

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.errors import NotFound, TokenHubError
from tokenhub.ports.snapshot import Snapshot
from tokenhub.web.errors import render
from tokenhub.web.v1.exchange import JSON, NOSNIFF, Headers, Receive, Scope, Send, respond
from tokenhub.wire.openai import ModelCard, ModelList

PREFIX = "/v1/models/"
_ENCODE = msgspec.json.Encoder().encode


class Models:
    """Enabled models of enabled providers, one card for each id."""

    def __init__(self, catalog: Snapshot[Catalog], request_ids: Callable[[], str]) -> None:
        self._catalog = catalog
        self._request_ids = request_ids

    async def all(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        cards = [
            card(routes[0])
            for routes in map(_usable, self._catalog.current.by_model.values())
            if routes
        ]
        await self._json(send, ModelList(object="list", data=cards))

    async def one(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        name = scope["path"].removeprefix(PREFIX)
        routes = _usable(self._catalog.current.routes_of(name))
        if routes:
            await self._json(send, card(routes[0]))
            return
        error: TokenHubError = NotFound(f"model {name!r} does not exist", code="model_not_found")
        await respond(send, *render(error, dialect="openai", request_id=self._request_ids()))

    async def _json(self, send: Send, value: ModelCard | ModelList) -> None:
        headers: Headers = [JSON, NOSNIFF, (b"x-request-id", self._request_ids().encode())]
        await respond(send, 200, headers, _ENCODE(value))


def card(route: Route) -> ModelCard:
    size = route.model.max_context_tokens or None
    return ModelCard(
        id=route.model.id,
        owned_by=route.provider.id,
        context_length=size,
        max_model_len=size,
    )


def _usable(routes: tuple[Route, ...]) -> list[Route]:
    return [route for route in routes if route.model.enabled and route.provider.enabled]
