"""`/admin/v1/health`, and the test of a provider."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.health import Fleet, Probed, Standing
from tokenhub.admin.providers import Providers
from tokenhub.core.errors import NotFound
from tokenhub.web.amounts import milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import health as wire

RESET = "/reset"


@get("/health", opt=needs("viewer"))
async def get_health(request: Http, fleet: NamedDependency[Fleet]) -> Response[bytes]:
    queried(request, ())
    probes = fleet.probes()
    providers = [
        wire.ProviderHealth(
            provider_id=one.name,
            probe=_probe(probes.get(one.name)),
            routes=[
                wire.RouteHealth(route=of.name, model_id=route.model.id, **_shown(of))
                for route, of in routes
            ],
            **_shown(one),
        )
        for one, routes in fleet.every()
    ]
    return answer(wire.Health(providers=providers))


@post("/health/{name:path}", status_code=200, ends=RESET, opt=needs("operator", rehearses=True))
async def reset_health(
    request: Http, name: FromPath[str], fleet: NamedDependency[Fleet], by: NamedDependency[By]
) -> Response[bytes]:
    """Ids of routes hold slashes, so that the end of the path is read here."""
    queried(request, ())
    if not name.endswith(RESET):
        raise NotFound("there is no such route")
    forgotten = await fleet.reset(name.removesuffix(RESET).removeprefix("/"), by=by)
    return answer(wire.Reset(reset=list(forgotten)))


@post("/providers/{provider_id:str}/test", status_code=200, opt=needs("operator"))
async def test_provider(
    request: Http,
    provider_id: FromPath[str],
    fleet: NamedDependency[Fleet],
    providers: NamedDependency[Providers],
    by: NamedDependency[By],
) -> Response[bytes]:
    queried(request, ())
    providers.askable(provider_id)
    found = await fleet.test(provider_id, by=by)
    return answer(
        wire.Tested(
            provider_id=provider_id,
            ok=not found.kind,
            error=found.kind,
            message=found.message,
            models=found.models,
            latency_ms=milliseconds(found.latency_s),
        )
    )


def _probe(seen: Probed | None) -> wire.Probe | None:
    if seen is None:
        return None
    return wire.Probe(
        ok=None if seen.at is None else not seen.kind,
        error=seen.kind,
        at=None if seen.at is None else utc(seen.at),
        latency_ms=None if seen.latency_s is None else milliseconds(seen.latency_s),
        next_at=None if seen.next_at is None else utc(seen.next_at),
    )


def _shown(one: Standing) -> dict[str, Any]:
    """The fields that a provider and a route share."""
    return {
        "state": str(one.state),
        "total_requests": one.calls,
        "total_errors": one.errors,
        "consec_errors": one.failures,
        "avg_latency_ms": None if one.latency_s is None else milliseconds(one.latency_s),
        "last_error": one.last_failure,
        "last_error_time": None if one.failed_at is None else utc(one.failed_at),
        "last_success_at": None if one.succeeded_at is None else utc(one.succeeded_at),
        "cooldown_until": None if one.opens_at is None else utc(one.opens_at),
    }
