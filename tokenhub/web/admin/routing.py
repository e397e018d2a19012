"""`/admin/v1/routing-config`."""

from litestar import Response, get, put
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.routing import Routing
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, Defaults
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import nusd, usd
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer, if_match
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut


@get("/routing-config", opt=needs("viewer"))
async def get_routing(request: Http, routing: NamedDependency[Routing]) -> Response[bytes]:
    queried(request, ())
    return answer(_shown(routing), version=routing.version)


@put("/routing-config", opt=needs("operator", rehearses=True))
async def put_routing(
    request: Http, routing: NamedDependency[Routing], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, RoutingConfigPut)
    row = Defaults(
        mode=sent.default_mode,
        max_budget_nusd=default_budget(sent.default_max_budget_usd),
        max_latency_s=default_latency(sent.default_max_latency_ms),
    )
    await routing.put(row, by=by, expected=if_match(request))
    return answer(_shown(routing), version=routing.version)


def _shown(routing: Routing) -> RoutingConfig:
    current = routing.current()
    budget = current.max_budget_nusd
    return RoutingConfig(
        default_mode=current.mode,
        default_max_budget_usd=None if budget is None else usd(budget),
        default_max_latency_ms=round(current.max_latency_s * 1000),
        version=routing.version,
    )


def default_budget(budget_usd: float | None) -> int | None:
    """The budget in nano-USD. Raises BadRequest.

    Bounds are checked before the conversion, which the largest floats would break.
    """
    if budget_usd is None:
        return None
    amount = nusd(budget_usd) if 0 <= budget_usd <= usd(MAX_BUDGET_NUSD) else -1
    if amount < 0 or (budget_usd > 0 and not amount):
        raise BadRequest(
            "default_max_budget_usd must be between 0 (the environment's) and 100, or null",
            field="default_max_budget_usd",
        )
    return amount


def default_latency(latency_ms: int) -> float:
    """The limit in seconds. Raises BadRequest."""
    if not 0 <= latency_ms <= MAX_LATENCY_S * 1000:
        raise BadRequest(
            "default_max_latency_ms must be between 0 (the environment's) and 300000",
            field="default_max_latency_ms",
        )
    return latency_ms / 1000
