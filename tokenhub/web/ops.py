"""What load balancers and scrapers ask: `/healthz`, `/readyz`, `/metrics`. Open to all."""

from litestar import Response, get
from litestar.di import NamedDependency

from tokenhub.admin.engine import callable_providers
from tokenhub.core.catalog import Catalog
from tokenhub.web.auth import OPEN
from tokenhub.web.tags import answer
from tokenhub.wire.catalog import Health, Readiness


@get("/healthz", opt=OPEN)
async def healthz(catalog: NamedDependency[Catalog]) -> Response[bytes]:
    """200 while the process lives, even with nothing to route to: a restart would not help."""
    adapters = len(callable_providers(catalog))
    return answer(Health(status="ok", adapters=adapters, models=len(catalog.routes)))


@get("/readyz", opt=OPEN)
async def readyz(not_ready: NamedDependency[str]) -> Response[bytes]:
    """Whether requests can be served now; 503 with the reason where not."""
    if not not_ready:
        return answer(Readiness(status="ready"))
    response = answer(Readiness(status="not_ready", reason=not_ready))
    response.status_code = 503
    return response


@get("/metrics", opt=OPEN)
async def metrics(exposition: NamedDependency[bytes]) -> Response[bytes]:
    """The Prometheus text format."""
    return Response(exposition, media_type="text/plain; version=0.0.4")
