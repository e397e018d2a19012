"""`/admin/v1/models`. Ids may hold slashes: the rest of the path is the id."""

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.models import Models, price_of
from tokenhub.core.catalog import Model
from tokenhub.core.money import usd_per_1k
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import catalog as wire

# The wire's names of prices, and the catalog's.
_PRICES = {"input_per_1k": "input_price", "output_per_1k": "output_price"}


@get("/models")
async def list_models(request: Http, models: NamedDependency[Models]) -> Response[bytes]:
    query = queried(request, ("limit", "offset", "provider_id"))
    page = page_of(query)
    rows = models.every(provider_id=query.get("provider_id", ""))
    items = [shown(row) for row in page.cut(rows)]
    found = wire.ModelPage(items=items, total=len(rows), limit=page.limit, offset=page.offset)
    return answer(found, version=models.version)


@get("/models/{model_id:path}")
async def get_model(
    request: Http, model_id: FromPath[str], models: NamedDependency[Models]
) -> Response[bytes]:
    row = models.get(_name(model_id), provider_id=_provider(request))
    return answer(shown(row), version=row.version)


@post("/models")
async def put_model(
    request: Http, models: NamedDependency[Models], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ModelCreate)
    row = Model(
        id=sent.id,
        provider_id=sent.provider_id,
        weight=sent.weight,
        max_context_tokens=sent.max_context_tokens,
        input_price=price_of(sent.input_per_1k, field="input_per_1k"),
        output_price=price_of(sent.output_per_1k, field="output_per_1k"),
        enabled=sent.enabled,
        pricing_source=sent.pricing_source,
    )
    return _done(await models.put(row, by=by, expected=if_match(request)))


@patch("/models/{model_id:path}")
async def patch_model(
    request: Http,
    model_id: FromPath[str],
    models: NamedDependency[Models],
    by: NamedDependency[By],
) -> Response[bytes]:
    provider_id = _provider(request)
    sent = await body_of(request, wire.ModelPatch)
    changes = given(sent)
    for name, inside in _PRICES.items():
        if name in changes:
            del changes[name]
            value = getattr(sent, name)
            changes[inside] = price_of(value, field=name)
    row = await models.update(
        _name(model_id), changes, by=by, provider_id=provider_id, expected=if_match(request)
    )
    return _done(row)


@delete("/models/{model_id:path}", status_code=200)
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
        input_per_1k=None if row.input_price is None else usd_per_1k(row.input_price),
        output_per_1k=None if row.output_price is None else usd_per_1k(row.output_price),
        enabled=row.enabled,
        pricing_source=row.pricing_source,
        source=row.source,
        version=row.version,
    )


def _name(rest: str) -> str:
    return rest.removeprefix("/")


def _provider(request: Http) -> str:
    return queried(request, ("provider_id",)).get("provider_id", "")


def _done(row: Model) -> Response[bytes]:
    return answer(wire.ModelDone(model=shown(row)), version=row.version)
