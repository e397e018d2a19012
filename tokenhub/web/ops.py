"""What load balancers and scrapers ask: `/healthz`, `/readyz`, `/metrics`. Open to all.

`/metrics` is for viewers where a setting closes it.
"""

from litestar import HttpMethod, Response, route
from litestar.di import NamedDependency

from tokenhub.admin.engine import callable_providers
from tokenhub.core.catalog import Catalog
from tokenhub.core.errors import MethodNotAllowed
from tokenhub.ports.storage import Storage
from tokenhub.web.auth import PROBE, open_unless_closed
from tokenhub.web.body import Http
from tokenhub.web.tags import answer
from tokenhub.wire.catalog import Health, Readiness

# Load balancers ask with HEAD. OPTIONS is here because the framework would answer it with a route
# of its own, which is not open.
_METHODS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS]
_ALLOW = ("GET", "HEAD")


@route("/healthz", http_method=_METHODS, opt=PROBE)
async def healthz(request: Http, catalog: NamedDependency[Catalog]) -> Response[bytes]:
    """200 while the process lives, even with nothing to route to: a restart would not help."""
    adapters = len(callable_providers(catalog))
    health = Health(status="ok", adapters=adapters, models=len(catalog.routes))
    return _asked(request, answer(health))


@route("/readyz", http_method=_METHODS, opt=PROBE)
async def readyz(
    request: Http, not_ready: NamedDependency[str], storage: NamedDependency[Storage]
) -> Response[bytes]:
    """Whether requests can be served now; 503 with the reason where not."""
    warnings = list(storage.warnings)
    if not not_ready:
        return _asked(request, answer(Readiness(status="ready", warnings=warnings)))
    status = "degraded" if storage.ledger else "not_ready"
    response = answer(Readiness(status=status, reason=not_ready, warnings=warnings))
    response.status_code = 503
    return _asked(request, response)


@route("/metrics", http_method=_METHODS, opt=open_unless_closed("metrics"))
async def metrics(request: Http, exposition: NamedDependency[bytes]) -> Response[bytes]:
    """The Prometheus text format."""
    return _asked(request, Response(exposition, media_type="text/plain; version=0.0.4"))


def _asked(request: Http, response: Response[bytes]) -> Response[bytes]:
    """The answer of GET, or the one of HEAD: the same without its body (RFC 9110 9.3.2)."""
    if request.method == HttpMethod.OPTIONS:
        raise MethodNotAllowed("OPTIONS is not allowed here", allow=_ALLOW)
    if request.method != HttpMethod.HEAD:
        return response
    kind = str(response.media_type)
    if kind.startswith("text/"):
        kind += "; charset=utf-8"  # as the framework adds it to an answer with a body
    described = {"content-type": kind, "content-length": str(len(response.content))}
    return Response(b"", status_code=response.status_code, headers=described)
