"""`/admin/v1/providers`."""

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft, Providers
from tokenhub.core.catalog import Provider
from tokenhub.core.errors import TokenHubError
from tokenhub.web.admin.models import shown_price
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import catalog as wire


@get("/providers", opt=needs("viewer"))
async def list_providers(request: Http, providers: NamedDependency[Providers]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = providers.every()
    items = [shown(row, providers) for row in page.cut(rows)]
    found = wire.ProviderPage(items=items, total=len(rows), limit=page.limit, offset=page.offset)
    return answer(found, version=providers.version)


@get("/providers/{provider_id:str}", opt=needs("viewer"))
async def get_provider(
    request: Http, provider_id: FromPath[str], providers: NamedDependency[Providers]
) -> Response[bytes]:
    queried(request, ())
    row = providers.get(provider_id)
    return answer(shown(row, providers), version=row.version)


@post("/providers", opt=needs("operator", rehearses=True))
async def put_provider(
    request: Http, providers: NamedDependency[Providers], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ProviderCreate)
    draft = ProviderDraft(
        id=sent.id,
        type=sent.type or "openai",
        base_url=sent.base_url,
        endpoints=tuple(sent.endpoints),
        enabled=sent.enabled,
        secret=sent.api_key if isinstance(sent.api_key, str) else None,
    )
    row = await providers.put(draft, by=by, expected=if_match(request))
    if not sent.autoload_models:
        return _done(row, providers)
    added, note = await _autoloaded(row.id, providers, by)
    return _done(row, providers, added=added, note=note)


@patch("/providers/{provider_id:str}", opt=needs("operator", rehearses=True))
async def patch_provider(
    request: Http,
    provider_id: FromPath[str],
    providers: NamedDependency[Providers],
    by: NamedDependency[By],
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ProviderPatch)
    changes = given(sent)
    changes.pop("api_key", None)
    if isinstance(sent.endpoints, list):
        changes["endpoints"] = tuple(sent.endpoints)
    row = await providers.update(
        provider_id,
        changes,
        by=by,
        secret=sent.api_key if isinstance(sent.api_key, str) else None,
        expected=if_match(request),
    )
    return _done(row, providers)


@delete("/providers/{provider_id:str}", status_code=200, opt=needs("operator", rehearses=True))
async def delete_provider(
    request: Http,
    provider_id: FromPath[str],
    providers: NamedDependency[Providers],
    by: NamedDependency[By],
) -> Response[bytes]:
    queried(request, ())
    await providers.delete(provider_id, by=by, expected=if_match(request))
    return answer(wire.Done(), version=providers.version)


@get("/providers/{provider_id:str}/discover", opt=needs("operator"))
async def discover(
    request: Http, provider_id: FromPath[str], providers: NamedDependency[Providers]
) -> Response[bytes]:
    queried(request, ())
    found = [
        wire.Found(
            id=offer.id,
            registered=offer.registered,
            owned_by=offer.owned_by,
            max_context_tokens=row.max_context_tokens,
            input_per_1k=shown_price(row.input_price),
            output_per_1k=shown_price(row.output_price),
        )
        for offer, row in await providers.described(provider_id)
    ]
    return answer(wire.Discovery(provider_id=provider_id, models=found, total=len(found)))


def shown(row: Provider, providers: Providers) -> wire.Provider:
    return wire.Provider(
        id=row.id,
        type=row.type,
        base_url=row.base_url,
        endpoints=list(row.endpoints),
        enabled=row.enabled,
        cred_store=row.cred_store,
        credential=providers.credential(row),
        source=row.source,
        version=row.version,
    )


async def _autoloaded(provider_id: str, providers: Providers, by: By) -> tuple[list[str], str]:
    """What was added, and what to say of it. The provider stands, whatever comes of this."""
    try:
        added = await providers.autoload(provider_id, by=by)
    except TokenHubError as error:
        return [], f"no models were loaded: {error}"
    return list(added), f"{len(added)} models added"


def _done(
    row: Provider, providers: Providers, *, added: list[str] | None = None, note: str = ""
) -> Response[bytes]:
    notes = [text for text in (providers.note(row), note) if text]
    done = wire.ProviderDone(
        cred_store=row.cred_store,
        provider=shown(row, providers),
        note="; ".join(notes),
        models_added=added or [],
    )
    return answer(done, version=row.version)
