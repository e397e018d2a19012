"""`/admin/v1/orchestrations`: the plans that were carried out, and the steps of each."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import asdict

from tokenhub.admin.orchestrations import Orchestrations
from tokenhub.core.errors import BadRequest
from tokenhub.core.orchestration import STATUSES, Orchestration
from tokenhub.core.plans.steps import MODES
from tokenhub.ports.orchestrations import OrchestrationQuery
from tokenhub.web.admin import logs
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import orchestrations as wire

_PAGE = 100


@get("/orchestrations", opt=needs("viewer"))
async def list_orchestrations(
    request: Http, orchestrations: NamedDependency[Orchestrations]
) -> Response[bytes]:
    query = queried(request, ("limit", "offset", "before", "mode", "status"))
    page = page_of(query, limit=_PAGE)
    found = await orchestrations.page(
        OrchestrationQuery(
            limit=page.limit,
            offset=page.offset,
            before=query.get("before", ""),
            mode=_one_of(query, "mode", MODES),
            status=_one_of(query, "status", STATUSES),
        )
    )
    return answer(
        wire.OrchestrationPage(
            orchestrations=[shown(row) for row in found.rows],
            total=found.total,
            limit=page.limit,
            offset=page.offset,
            next=found.next,
        )
    )


@get("/orchestrations/{orchestration_id:str}", opt=needs("viewer"))
async def get_orchestration(
    request: Http,
    orchestration_id: FromPath[str],
    orchestrations: NamedDependency[Orchestrations],
) -> Response[bytes]:
    queried(request, ())
    found = await orchestrations.get(orchestration_id)
    steps = [logs.shown(step) for step in found.steps]
    return answer(wire.OrchestrationDetail(**asdict(shown(found.row)), steps=steps))


def shown(row: Orchestration) -> wire.Orchestration:
    return wire.Orchestration(
        id=row.id,
        timestamp=utc(row.at),
        api_key_id=row.key_id,
        dialect=row.dialect,
        mode=row.mode,
        status=row.status,
        iterations=row.iterations,
        step_count=row.steps,
        stream=row.stream,
        cost_estimate_usd=dollars(row.estimate_nusd),
        cost_usd=dollars(row.cost_nusd),
        error_class=row.error_class,
        latency_ms=milliseconds(row.latency_s),
    )


def _one_of(query: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    value = query.get(name, "")
    if value and value not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}", field=name)
    return value
