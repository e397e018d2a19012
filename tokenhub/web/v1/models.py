"""`GET /v1/models` and `GET /v1/models/{id}`: what can be asked for.

They are public, as in the original, unless a setting closes them.
Both vendors' SDKs list models at this path; an `anthropic-version` header tells which one asks.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.errors import BadRequest, NotFound, TokenHubError
from tokenhub.core.keys import SCOPES, KeyTable, digest
from tokenhub.gateway.admit import admitted
from tokenhub.gateway.run import Arrival
from tokenhub.ports.snapshot import Snapshot
from tokenhub.web.errors import ANTHROPIC, OPENAI, named, render
from tokenhub.web.v1.exchange import (
    JSON,
    NOSNIFF,
    Headers,
    Incoming,
    Receive,
    Scope,
    Send,
    respond,
)
from tokenhub.wire import anthropic, openai

PREFIX = "/v1/models/"
_ENCODE = msgspec.json.Encoder().encode
# Anthropic's page: 20 where nothing is said, at most 1,000 (API reference, "List models").
_PAGE, _MAX_PAGE = 20, 1000
# Python refuses to read a number of thousands of digits.
_NUMBER = re.compile(r"[0-9]{1,9}")
# When the models came to be is not known here, and the SDK wants a time.
_EPOCH = "1970-01-01T00:00:00Z"


class Models:
    """Enabled models of enabled providers, one card for each id.

    They are shown to anybody; with `keys`, only to who has one of these.
    """

    def __init__(
        self, catalog: Snapshot[Catalog], *, keys: Snapshot[KeyTable] | None = None
    ) -> None:
        self._catalog = catalog
        self._keys = keys

    async def all(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:  # noqa: ARG002 - ASGI
        if await self._closed(scope, send, arrival):
            return
        routes = [
            usable[0] for usable in map(_usable, self._catalog.current.by_model.values()) if usable
        ]
        dialect = spoken(scope)
        if dialect == OPENAI:
            cards = [openai_card(route) for route in routes]
            await _json(send, arrival, openai.ModelList(object="list", data=cards), dialect)
            return
        try:
            page = _page(routes, dict(parse_qsl(scope["query_string"].decode("latin-1"))))
        except TokenHubError as error:
            refusal = render(error, dialect=ANTHROPIC, request_id=arrival.request_id)
            await respond(send, *refusal)
        else:
            await _json(send, arrival, page, dialect)

    async def one(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:  # noqa: ARG002 - ASGI
        if await self._closed(scope, send, arrival):
            return
        name = scope["path"].removeprefix(PREFIX)
        routes = _usable(self._catalog.current.routes_of(name))
        dialect = spoken(scope)
        if routes:
            card = openai_card if dialect == OPENAI else anthropic_card
            await _json(send, arrival, card(routes[0]), dialect)
            return
        error = NotFound(f"model {name!r} does not exist", code="model_not_found")
        await respond(send, *render(error, dialect=dialect, request_id=arrival.request_id))

    async def _closed(self, scope: Scope, send: Send, arrival: Arrival) -> bool:
        """Whether the caller was turned away, for want of a key where one is needed."""
        if self._keys is None:
            return False
        key, table = Incoming(scope["headers"]).key, self._keys.current
        known = table.get(digest(key)) if key else None
        # Any key will do, whatever it is for.
        needed = known.scopes[0] if known and known.scopes else SCOPES[0]
        try:
            admitted(key, table, scope=needed, now=arrival.at)
        except TokenHubError as error:
            refusal = render(error, dialect=spoken(scope), request_id=arrival.request_id)
            await respond(send, *refusal)
            return True
        return False


def spoken(scope: Scope) -> str:
    """The dialect of who asks for models."""
    names = (name for name, _ in scope["headers"])
    return ANTHROPIC if b"anthropic-version" in names else OPENAI


def openai_card(route: Route) -> openai.ModelCard:
    size = route.model.max_context_tokens or None
    return openai.ModelCard(
        id=route.model.id,
        created=0,
        owned_by=route.provider.id,
        context_length=size,
        max_model_len=size,
    )


def anthropic_card(route: Route) -> anthropic.ModelCard:
    return anthropic.ModelCard(id=route.model.id, display_name=route.model.id, created_at=_EPOCH)


def _page(routes: Iterable[Route], query: Mapping[str, str]) -> anthropic.ModelPage:
    """The page that `limit`, `after_id` and `before_id` ask for. Raises BadRequest."""
    cards = [anthropic_card(route) for route in routes]
    limit = query.get("limit", str(_PAGE))
    if not (_NUMBER.fullmatch(limit) and 1 <= int(limit) <= _MAX_PAGE):
        raise BadRequest(f"limit must be between 1 and {_MAX_PAGE}", field="limit")
    if before := query.get("before_id"):
        cards = cards[: _place(cards, before, "before_id")]
        return _shown(cards[-int(limit) :], more=len(cards) > int(limit))
    if after := query.get("after_id"):
        cards = cards[_place(cards, after, "after_id") + 1 :]
    return _shown(cards[: int(limit)], more=len(cards) > int(limit))


def _place(cards: Sequence[anthropic.ModelCard], model_id: str, field: str) -> int:
    for place, card in enumerate(cards):
        if card.id == model_id:
            return place
    raise BadRequest(f"{field} is no model of this list", field=field)


def _shown(cards: list[anthropic.ModelCard], *, more: bool) -> anthropic.ModelPage:
    return anthropic.ModelPage(
        data=cards,
        has_more=more,
        first_id=cards[0].id if cards else None,
        last_id=cards[-1].id if cards else None,
    )


def _usable(routes: tuple[Route, ...]) -> list[Route]:
    return [route for route in routes if route.model.enabled and route.provider.enabled]


async def _json(send: Send, arrival: Arrival, value: msgspec.Struct, dialect: str) -> None:
    headers: Headers = [JSON, NOSNIFF, *named(arrival.request_id, dialect=dialect)]
    await respond(send, 200, headers, _ENCODE(value))
