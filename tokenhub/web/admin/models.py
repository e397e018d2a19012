"""`/admin/v1/models`. Ids may hold slashes: the rest of the path is the id."""

from typing import Any

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET

from tokenhub.admin.changes import By
from tokenhub.admin.models import Models, price_of
from tokenhub.admin.prices import MANUAL, OPEN, UNKNOWN
from tokenhub.core.catalog import PRICES, Model, Tier
from tokenhub.core.money import usd_per_1k
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import catalog as wire
from tokenhub.wire.config import ModelEntry


@get("/models", opt=needs("viewer"))
async def list_models(request: Http, models: NamedDependency[Models]) -> Response[bytes]:
    query = queried(request, ("limit", "offset", "provider_id"))
    page = page_of(query)
    rows = models.every(provider_id=query.get("provider_id", ""))
    items = [shown(row) for row in page.cut(rows)]
    found = wire.ModelPage(items=items, total=len(rows), limit=page.limit, offset=page.offset)
    return answer(found, version=models.version)


@get("/models/{model_id:path}", opt=needs("viewer"))
async def get_model(
    request: Http, model_id: FromPath[str], models: NamedDependency[Models]
) -> Response[bytes]:
    row = models.get(_name(model_id), provider_id=_provider(request))
    return answer(shown(row), version=row.version)


@post("/models", opt=needs("operator", rehearses=True))
async def put_model(
    request: Http, models: NamedDependency[Models], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ModelCreate)
    prices = prices_of(sent)
    said = UNKNOWN if sent.pricing_source is UNSET else sent.pricing_source
    row = Model(
        id=sent.id,
        provider_id=sent.provider_id,
        weight=sent.weight,
        max_context_tokens=sent.max_context_tokens,
        enabled=sent.enabled,
        pricing_source=MANUAL if prices and said in OPEN else said,
        **prices,
    )
    return _done(await models.put(row, by=by, expected=if_match(request)))


@patch("/models/{model_id:path}", opt=needs("operator", rehearses=True))
async def patch_model(
    request: Http,
    model_id: FromPath[str],
    models: NamedDependency[Models],
    by: NamedDependency[By],
) -> Response[bytes]:
    provider_id = _provider(request)
    sent = await body_of(request, wire.ModelPatch)
    changes = {name: value for name, value in given(sent).items() if name not in PRICES}
    changes |= prices_of(sent)
    row = await models.update(
        _name(model_id), changes, by=by, provider_id=provider_id, expected=if_match(request)
    )
    return _done(row)


@delete("/models/{model_id:path}", status_code=200, opt=needs("operator", rehearses=True))
async def delete_model(
    request: Http,
    model_id: FromPath[str],
    models: NamedDependency[Models],
    by: NamedDependency[By],
) -> Response[bytes]:
    await models.delete(
        _name(model_id), by=by, provider_id=_provider(request), expected=if_match(request)
    )
    return answer(wire.Done(), version=models.version)


def shown(row: Model) -> wire.Model:
    return wire.Model(
        id=row.id,
        provider_id=row.provider_id,
        weight=row.weight,
        max_context_tokens=row.max_context_tokens,
        tiers=[wire.Tier(above_tokens=one.above_tokens, **shown_rates(one)) for one in row.tiers],
        enabled=row.enabled,
        pricing_source=row.pricing_source,
        source=row.source,
        version=row.version,
        **shown_rates(row),
    )


def shown_rates(rates: Model | Tier) -> dict[str, Any]:
    """The prices by their names on the wire."""
    return {name: shown_price(getattr(rates, inside)) for name, inside in PRICES.items()}


def shown_price(price: int | None) -> float | None:
    """USD per 1,000 tokens; None stays unknown."""
    return None if price is None else usd_per_1k(price)


def prices_of(sent: wire.ModelCreate | wire.ModelPatch | ModelEntry) -> dict[str, Any]:
    """The prices that were sent, by their names in the catalog. Raises BadRequest."""
    prices = _rates(sent)
    if sent.tiers is not UNSET:
        prices["tiers"] = tuple(
            Tier(above_tokens=one.above_tokens, **_rates(one)) for one in sent.tiers
        )
    return prices


def _rates(
    sent: wire.ModelCreate | wire.ModelPatch | ModelEntry | wire.Tier,
) -> dict[str, Any]:
    there = {name: getattr(sent, name) for name in PRICES}
    return {
        PRICES[name]: price_of(value, field=name)
        for name, value in there.items()
        if value is not UNSET
    }


def _name(rest: str) -> str:
    return rest.removeprefix("/")


def _provider(request: Http) -> str:
    return queried(request, ("provider_id",)).get("provider_id", "")


def _done(row: Model) -> Response[bytes]:
    return answer(wire.ModelDone(model=shown(row)), version=row.version)
