"""`/admin/v1/logs...` and `/admin/v1/requests/{id}`: what was asked, who answered, and why they."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import asdict, replace

from tokenhub.admin.logs import MOST_BARS, Logs
from tokenhub.core.errors import BadRequest
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.filters import Filter, equal
from tokenhub.ports.logs import Bar, LogSearch
from tokenhub.web.admin import decisions
from tokenhub.web.admin.exporting import CSV, NDJSON, exported
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.cursors import cursor_of, row_of
from tokenhub.web.paging import MAX_LIMIT, number, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import logs as wire_logs
from tokenhub.wire import observe as wire

_PAGE = 100
_BARS, _VALUES, _MOST_VALUES = 60, 10, 100
_MOST = 10**12
# The original's parameters, each one term of a filter.
_TERMS = {
    "model_id": "model",
    "provider_id": "provider",
    "api_key_id": "key",
    "request_id": "id",
    "parent_id": "plan",
}
_FILTER = {"filter", "since", "until", "status", *_TERMS}
_NESTED, _ROWS = "nested", "rows"


@get("/logs", opt=needs("viewer"))
async def list_logs(request: Http, logs: NamedDependency[Logs]) -> Response[Any]:
    more = {"limit", "offset", "before", "cursor", "format", "attempts"}
    query = queried(request, _FILTER | more)
    form = _one_of(query, "format", ("json", CSV, NDJSON))
    by_attempt = _one_of(query, "attempts", (_NESTED, _ROWS)) == _ROWS
    search = _search(query, logs, most=MAX_LIMIT if form == "json" else _MOST)
    names = logs.key_names()
    if form != "json":
        whole = replace(search, limit=search.limit if "limit" in query else _MOST)
        rows_of = partial(_attempt_rows, names=names) if by_attempt else _alone(names)
        kind = wire_logs.AttemptRow if by_attempt else wire.RequestLog
        return await exported(logs.every(whole), rows_of, kind=kind, form=form)
    found = await logs.page(search)
    page = wire.LogPage(
        logs=[] if by_attempt else [shown(row, names) for row in found.rows],
        total=found.total,
        limit=search.limit,
        offset=search.offset,
        next=found.next or None,
        total_exact=found.exact,
        cursor=cursor_of(found.next) if found.next else None,
    )
    if not by_attempt:
        return answer(page)
    rows = [attempt for row in found.rows for attempt in _attempt_rows(row, names)]
    fields = {name: value for name, value in asdict(page).items() if name != "logs"}
    return answer(wire_logs.AttemptPage(attempts=rows, **fields))


@get("/logs/histogram", opt=needs("viewer"))
async def log_histogram(request: Http, logs: NamedDependency[Logs]) -> Response[bytes]:
    query = queried(request, _FILTER | {"buckets", "step"})
    bars = number(query, "buckets", default=_BARS, least=1, most=MOST_BARS)
    found = await logs.histogram(_wanted(query, logs), bars=bars, step=query.get("step", ""))
    shown_bars = [_bar(bar) for bar in found.bars]
    return answer(
        wire_logs.LogHistogram(
            since=utc(found.bars[0].at),
            until=utc(found.bars[-1].at + found.step_s),
            step_s=found.step_s,
            total=sum(bar.total for bar in shown_bars),
            exact=found.exact,
            buckets=shown_bars,
        )
    )


@get("/logs/facets", opt=needs("viewer"))
async def log_facets(request: Http, logs: NamedDependency[Logs]) -> Response[bytes]:
    query = queried(request, _FILTER | {"limit"})
    most = number(query, "limit", default=_VALUES, least=1, most=_MOST_VALUES)
    span, found = await logs.facets(_wanted(query, logs))
    names = logs.key_names()
    return answer(
        wire_logs.LogFacets(
            since=utc(span.since),
            until=utc(span.until),
            total=found.total,
            exact=found.exact,
            facets={
                field: _facet(counts, most, names if field == "key" else {})
                for field, counts in found.counts.items()
            },
        )
    )


@get("/requests/{request_id:path}", opt=needs("viewer"))
async def get_request(
    request: Http, request_id: FromPath[str], logs: NamedDependency[Logs]
) -> Response[bytes]:
    queried(request, ())
    found = await logs.get(request_id.removeprefix("/"))
    decision = None if found.decision is None else decisions.shown(found.decision)
    row = shown(found.row, logs.key_names())
    return answer(wire.RequestDetail(**asdict(row), decision=decision))


def shown(row: Outcome, names: Mapping[str, str] = MappingProxyType({})) -> wire.RequestLog:
    """A request on the wire; `names` are those of API keys, by id."""
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
        api_key_name=names.get(row.key_id, ""),
        task=row.task,
    )


def _wanted(query: dict[str, str], logs: Logs) -> Filter:
    """What the parameters ask for together."""
    wanted = logs.wanted(query.get("filter", ""))
    for name in ("since", "until"):
        if query.get(name):
            # In quotes, and it cannot leave them: a time is no further term of the filter.
            text = query[name].replace("\\", "\\\\").replace('"', '\\"')
            wanted &= logs.wanted(f'{name}:"{text}"', field=name)
    for name, field in _TERMS.items():
        if query.get(name):
            wanted &= equal(field, query[name])
    status = number(query, "status", default=0, least=100, most=599)
    return wanted & equal("status", status) if status else wanted


def _search(query: dict[str, str], logs: Logs, *, most: int) -> LogSearch:
    if "before" in query and "cursor" in query:
        raise BadRequest("give cursor or before, not both", field="cursor")
    return LogSearch(
        filter=_wanted(query, logs),
        before=query.get("before", "") or row_of(query.get("cursor", "")),
        limit=number(query, "limit", default=_PAGE, least=1, most=most),
        offset=number(query, "offset", default=0, least=0, most=_MOST),
    )


def _one_of(query: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    """The value of a parameter that has few; the first where it is not given."""
    value = query.get(name, known[0])
    if value not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}", field=name)
    return value


def _alone(names: Mapping[str, str]) -> Callable[[Outcome], Sequence[wire.RequestLog]]:
    return lambda row: (shown(row, names),)


def _attempt_rows(row: Outcome, names: Mapping[str, str]) -> Sequence[wire_logs.AttemptRow]:
    return [
        wire_logs.AttemptRow(
            **asdict(_attempt(attempt)),
            request_id=row.request_id,
            timestamp=utc(row.at),
            api_key_id=row.key_id,
            api_key_name=names.get(row.key_id, ""),
            mode=row.mode,
            requested_model=row.requested_model,
            stream=row.stream,
            parent_id=row.parent_id,
        )
        for attempt in row.attempts
    ]


def _bar(bar: Bar) -> wire_logs.LogBar:
    return wire_logs.LogBar(
        timestamp=utc(bar.at),
        total=bar.ok + bar.client_errors + bar.server_errors,
        ok=bar.ok,
        client_errors=bar.client_errors,
        server_errors=bar.server_errors,
    )


def _facet(counts: Mapping[str, int], most: int, names: Mapping[str, str]) -> wire_logs.Facet:
    # By name where they are equally many, so that two answers are alike.
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return wire_logs.Facet(
        values=[
            wire_logs.FacetValue(value=value, count=count, name=names.get(value, ""))
            for value, count in ranked[:most]
        ],
        distinct=len(ranked),
        others=sum(count for _, count in ranked[most:]),
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
