"""`/admin/v1/logs` and `/admin/v1/requests/{id}`: what was asked, who answered, and why they."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import asdict

from tokenhub.admin.logs import Logs
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.journal import LogQuery
from tokenhub.web.admin import decisions
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import number, page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import observe as wire

_PAGE = 100
_TEXTS = {
    "before": "before",
    "model_id": "model_id",
    "provider_id": "provider_id",
    "api_key_id": "key_id",
    "request_id": "request_id",
    "parent_id": "parent_id",
}


@get("/logs", opt=needs("viewer"))
async def list_logs(request: Http, logs: NamedDependency[Logs]) -> Response[bytes]:
    query = queried(request, {"limit", "offset", "status", *_TEXTS})
    page = page_of(query, limit=_PAGE)
    texts = {inside: query.get(name, "") for name, inside in _TEXTS.items()}
    status = number(query, "status", default=0, least=100, most=599)
    found = await logs.page(LogQuery(limit=page.limit, offset=page.offset, status=status, **texts))
    return answer(
        wire.LogPage(
            logs=[shown(row) for row in found.rows],
            total=found.total,
            limit=page.limit,
            offset=page.offset,
            next=found.next,
        )
    )


@get("/requests/{request_id:path}", opt=needs("viewer"))
async def get_request(
    request: Http, request_id: FromPath[str], logs: NamedDependency[Logs]
) -> Response[bytes]:
    queried(request, ())
    found = await logs.get(request_id.removeprefix("/"))
    decision = None if found.decision is None else decisions.shown(found.decision)
    return answer(wire.RequestDetail(**asdict(shown(found.row)), decision=decision))


def shown(row: Outcome) -> wire.RequestLog:
    return wire.RequestLog(
        request_id=row.request_id,
        timestamp=utc(row.at),
        model_id=row.model_id,
        provider_id=row.provider_id,
        mode=row.mode,
        requested_model=row.requested_model,
        reason=row.reason,
        estimated_cost_usd=dollars(row.cost_nusd),
        latency_ms=milliseconds(row.latency_s),
        overhead_ms=milliseconds(row.overhead_s),
        status_code=row.status,
        error_class=row.error_class,
        api_key_id=row.key_id,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        total_tokens=row.input_tokens + row.output_tokens,
        stream=row.stream,
        estimated=any(attempt.estimated for attempt in row.attempts),
        attempts=[_attempt(attempt) for attempt in row.attempts],
        parent_id=row.parent_id,
    )


def _attempt(attempt: Attempt) -> wire.AttemptLog:
    return wire.AttemptLog(
        attempt=attempt.number,
        provider_id=attempt.provider_id,
        model_id=attempt.model_id,
        state=attempt.state,
        status_code=attempt.status,
        error_class=attempt.kind,
        latency_ms=milliseconds(attempt.latency_s),
        input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens,
        cost_usd=dollars(attempt.cost_nusd),
        estimated=attempt.estimated,
        cached_tokens=attempt.cached_tokens,
        cache_write_tokens=attempt.cache_write_tokens,
        cache_write_1h_tokens=attempt.cache_write_1h_tokens,
        reasoning_tokens=attempt.reasoning_tokens,
    )
