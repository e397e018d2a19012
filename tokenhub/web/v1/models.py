"""`GET /v1/models` and `GET /v1/models/{id}`: what can be asked for. Public, as in the original."""

import msgspec

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.errors import NotFound, TokenHubError
from tokenhub.gateway.run import Arrival
from tokenhub.ports.snapshot import Snapshot
from tokenhub.web.errors import render
from tokenhub.web.v1.exchange import JSON, NOSNIFF, Headers, Receive, Scope, Send, respond
from tokenhub.wire.openai import ModelCard, ModelList

PREFIX = "/v1/models/"
_ENCODE = msgspec.json.Encoder().encode


class Models:
    """Enabled models of enabled providers, one card for each id."""

    def __init__(self, catalog: Snapshot[Catalog]) -> None:
        self._catalog = catalog

    async def all(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:  # noqa: ARG002 - ASGI
        cards = [
            card(routes[0])
            for routes in map(_usable, self._catalog.current.by_model.values())
            if routes
        ]
        await _json(send, arrival, ModelList(object="list", data=cards))

    async def one(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:  # noqa: ARG002 - ASGI
        name = scope["path"].removeprefix(PREFIX)
        routes = _usable(self._catalog.current.routes_of(name))
        if routes:
            await _json(send, arrival, card(routes[0]))
            return
        error: TokenHubError = NotFound(f"model {name!r} does not exist", code="model_not_found")
        await respond(send, *render(error, dialect="openai", request_id=arrival.request_id))


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


async def _json(send: Send, arrival: Arrival, value: ModelCard | ModelList) -> None:
    headers: Headers = [JSON, NOSNIFF, (b"x-request-id", arrival.request_id.encode())]
    await respond(send, 200, headers, _ENCODE(value))
