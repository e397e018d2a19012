"""`/admin/v1/info` and `/admin/v1/engine/models`: what runs here, and what it may choose from."""

from litestar import Response, get
from litestar.di import NamedDependency

from tokenhub.admin.engine import callable_providers, health_endpoint, routable_models
from tokenhub.core.catalog import Catalog
from tokenhub.web.admin.models import shown
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.wire.catalog import Adapter, EnginePage, Info


@get("/info", opt=needs("viewer"))
async def get_info(request: Http, info: NamedDependency[Info]) -> Response[bytes]:
    queried(request, ())
    return answer(info)


@get("/engine/models", opt=needs("viewer"))
async def engine_models(request: Http, catalog: NamedDependency[Catalog]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = routable_models(catalog)
    providers = callable_providers(catalog)
    found = EnginePage(
        models=[shown(row) for row in page.cut(rows)],
        total=len(rows),
        limit=page.limit,
        offset=page.offset,
        adapters=[row.id for row in providers],
        adapter_info=[
            Adapter(id=row.id, health_endpoint=health_endpoint(row)) for row in providers
        ],
    )
    return answer(found, version=catalog.version)
