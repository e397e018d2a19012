"""`GET /v1/usage`: what the key that asks has spent this month, and may still."""

from collections.abc import Callable, Sequence

import msgspec

from tokenhub.core.errors import TokenHubError, Unauthenticated
from tokenhub.core.money import usd
from tokenhub.core.purse import begins
from tokenhub.gateway.books import DAY_S, Spend
from tokenhub.gateway.pipeline import Gateway
from tokenhub.gateway.run import Arrival
from tokenhub.ports.ledger import LedgerStore, Total, TotalsQuery
from tokenhub.web.admin.ledger import day_of
from tokenhub.web.amounts import dollars
from tokenhub.web.errors import OPENAI, named, render
from tokenhub.web.times import utc
from tokenhub.web.v1.exchange import JSON, NOSNIFF, Incoming, Receive, Scope, Send, respond
from tokenhub.wire import ledger as wire

# More models than anybody uses in a month; a month has fewer days.
_MOST = 1000
_ENCODE = msgspec.json.Encoder().encode


class Usage:
    """The month's figures of a key, for its owner alone. A key needs no scope to see its own."""

    def __init__(self, gateway: Gateway, store: LedgerStore) -> None:
        self._gateway = gateway
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:  # noqa: ARG002 - ASGI
        try:
            found = await self._found(Incoming(scope["headers"]).key, arrival)
        except TokenHubError as error:
            await respond(send, *render(error, dialect=OPENAI, request_id=arrival.request_id))
            return
        headers = [
            JSON,
            NOSNIFF,
            (b"cache-control", b"no-store"),
            *named(arrival.request_id, dialect=OPENAI),
        ]
        await respond(send, 200, headers, _ENCODE(found))

    async def _found(self, key: str | None, arrival: Arrival) -> wire.Usage:
        try:
            owner, spend = self._gateway.owner(key, arrival)
        except Unauthenticated:
            await self._gateway.meet(key)
            owner, spend = self._gateway.owner(key, arrival)
        days = TotalsQuery(
            by=("day",),
            key_id=owner.id,
            since_day=int(begins(spend.month) // DAY_S),
            until_day=int(begins(spend.month + 1) // DAY_S),
            limit=_MOST,
        )
        models = msgspec.structs.replace(days, by=("model",))
        return _shown(
            spend,
            _lines(await self._store.totals(days), lambda row: day_of(row.day or 0)),
            _lines(await self._store.totals(models), lambda row: row.model_id),
        )


def _lines(rows: Sequence[Total], name: Callable[[Total], str]) -> list[wire.UsageLine]:
    return [
        wire.UsageLine(
            name=name(row),
            attempts=row.attempts,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cost_usd=usd(row.cost_nusd),
        )
        for row in rows
    ]


def _shown(spend: Spend, days: list[wire.UsageLine], models: list[wire.UsageLine]) -> wire.Usage:
    year, place = divmod(spend.month, 12)
    return wire.Usage(
        object="usage",
        month=f"{year:04d}-{place + 1:02d}",
        resets_at=utc(begins(spend.month + 1)),
        budget_usd=dollars(spend.budget_nusd),
        spent_usd=usd(spend.spent_nusd),
        reserved_usd=usd(spend.reserved_nusd),
        left_usd=dollars(spend.left_nusd),
        days=days,
        models=models,
    )
