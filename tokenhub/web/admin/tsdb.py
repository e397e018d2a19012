"""`/admin/v1/tsdb`: charts over time, and for how long they are kept.

Parameters go by the names that the original read and by those that its pages told.
"""

from litestar import Response, get, post, put
from litestar.di import NamedDependency

from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import By
from tokenhub.admin.charts import KNOWN, Chart, ChartQuery, Charts
from tokenhub.admin.durations import seconds
from tokenhub.core.charts import METRICS, Line
from tokenhub.core.errors import BadRequest
from tokenhub.core.levels import DAY_S, LEVELS
from tokenhub.core.series import CUTS, KEY, MODEL, PROVIDER
from tokenhub.core.sketch import ERROR
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import number, queried
from tokenhub.web.tags import answer
from tokenhub.wire import tsdb as wire

# What a label is called in an answer, and as a parameter beside its own name.
_FIELDS = {MODEL: "model_id", PROVIDER: "provider_id", KEY: "api_key_id"}
_LABELS = {label: label for label in KNOWN} | {name: label for label, name in _FIELDS.items()}
_MOST_SERIES = 500
_SERIES = 50
_MILLI = 1000
# Milliseconds have so many digits at most: the year 5138.
_MAX_DIGITS = 14


@get("/tsdb/query", opt=needs("viewer"))
async def query_series(
    request: Http, charts: NamedDependency[Charts], trail: NamedDependency[Trail]
) -> Response[bytes]:
    query = queried(
        request,
        {"metric", "agg", "group_by", "start", "end", "step", "step_ms", "limit", *_LABELS},
    )
    if not query.get("metric"):
        raise BadRequest("metric parameter required", field="metric")
    wanted = [_label(name) for name in query.get("group_by", "").split(",") if name]
    found = await charts.query(
        ChartQuery(
            metric=query["metric"],
            agg=query.get("agg", ""),
            by=tuple(wanted),
            only=_only(query),
            start=_moment(query, "start", trail),
            end=_moment(query, "end", trail),
            step_s=_step_s(query),
            limit=number(query, "limit", default=_SERIES, least=1, most=_MOST_SERIES),
        )
    )
    return answer(_shown(found))


@get("/tsdb/metrics", opt=needs("viewer"))
async def list_metrics(request: Http, charts: NamedDependency[Charts]) -> Response[bytes]:
    queried(request, ())
    kept_s = charts.retention_days * DAY_S
    return answer(
        wire.Metrics(
            metrics=list(METRICS),
            details=[
                wire.MetricInfo(
                    name=metric.name, unit=metric.unit, help=metric.help, aggs=list(metric.aggs)
                )
                for metric in METRICS.values()
            ],
            labels=[list(labels) for labels in CUTS.values()],
            levels=[
                wire.LevelInfo(step_ms=level.step_s * _MILLI, days=level.kept_s(kept_s) / DAY_S)
                for level in LEVELS
            ],
            quantile_error=ERROR,
        )
    )


@post("/tsdb/prune", status_code=200, opt=needs("operator"))
async def prune_series(request: Http, charts: NamedDependency[Charts]) -> Response[bytes]:
    queried(request, ())
    return answer(wire.Pruned(deleted=await charts.prune()))


@get("/tsdb/retention", opt=needs("viewer"))
async def get_retention(request: Http, charts: NamedDependency[Charts]) -> Response[bytes]:
    queried(request, ())
    return answer(wire.Retention(ok=True, retention_days=charts.retention_days))


@put("/tsdb/retention", opt=needs("owner", rehearses=True))
async def put_retention(
    request: Http, charts: NamedDependency[Charts], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    body = await body_of(request, wire.RetentionChange)
    given = {days for days in (body.days, body.retention_days) if days is not None}
    if len(given) != 1:
        raise BadRequest("say how many days points are to be kept, in days", field="days")
    await charts.keep(given.pop(), by)
    return answer(wire.Retention(ok=True, retention_days=charts.retention_days))


def _shown(found: Chart) -> wire.Chart:
    question = found.question
    by = [_FIELDS.get(label, label) for label in question.by]
    # A label that all must have is one of every series, too.
    fixed = {_FIELDS.get(label, label): value for label, value in question.only.items()}
    return wire.Chart(
        series=[_series(question.metric.name, line, by, fixed) for line in found.lines],
        metric=question.metric.name,
        agg=question.agg,
        unit=question.metric.unit,
        group_by=by,
        start=found.start * _MILLI,
        end=found.end * _MILLI,
        step_ms=found.step_s * _MILLI,
    )


def _series(metric: str, line: Line, by: list[str], fixed: dict[str, str]) -> wire.Series:
    labels = fixed | dict(zip(by, line.labels, strict=True))
    points = [wire.Point(at * _MILLI, value) for at, value in line.points]
    return wire.Series(metric=metric, points=points, **labels)


def _label(name: str) -> str:
    if name not in _LABELS:
        raise BadRequest(f"group_by must be one of {', '.join(KNOWN)}", field="group_by")
    return _LABELS[name]


def _only(query: dict[str, str]) -> dict[str, str]:
    """The values that labels must have; an empty one says nothing, as in the original."""
    only: dict[str, str] = {}
    for name, label in _LABELS.items():
        value = query.get(name)
        if value and only.setdefault(label, value) != value:
            raise BadRequest(f"{name} and {label} say different things", field=name)
    return only


def _moment(query: dict[str, str], name: str, trail: Trail) -> float | None:
    """A time: RFC 3339, Unix milliseconds, or so long ago as `24h`."""
    text = query.get(name, "")
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text) / _MILLI
    return trail.moment(text, field=name)


def _step_s(query: dict[str, str]) -> float:
    """The step: milliseconds, or a duration as `5m`; 0 where nothing is said."""
    if "step" in query and "step_ms" in query:
        raise BadRequest("give step or step_ms, not both", field="step")
    name = "step" if "step" in query else "step_ms"
    text = query.get(name, "")
    if not text:
        return 0.0
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        # What is shorter than the finest step is that step; 0 is no step, as in the original.
        return max(1.0, int(text) / _MILLI) if int(text) else 0.0
    return max(1.0, seconds(text, field=name))
