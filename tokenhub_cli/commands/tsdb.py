"""`tokenhubctl tsdb ...`."""

from typing import Annotated

import msgspec
import typer

from tokenhub.client.calls import tsdb as calls
from tokenhub.client.text import from_ms, local, seconds
from tokenhub.wire.tsdb import Chart, MetricInfo, Pruned, Retention, Series
from tokenhub_cli.figures import sparkline
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_LABELS = ("model_id", "provider_id", "api_key_id", "mode", "status", "error_class", "reason")
# As many bars as stand beside figures on a line of 80.
_BARS = 40


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a series."""

    series: str
    time: str
    value: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A series in figures."""

    series: str
    low: float
    high: float
    last: float
    chart: str


_METRICS: View[MetricInfo] = View(
    kind="metric",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name, head="METRIC"),
        Column("unit", lambda it: it.unit),
        Column("aggs", lambda it: it.aggs, head="AGG"),
        Column("help", lambda it: it.help, head="WHAT IT IS"),
    ),
)
_SAMPLES: View[Sample] = View(
    kind="sample",
    name=lambda it: f"{it.series}@{it.time}",
    value=lambda it: f"{it.value:g}",
    columns=(
        Column("time", lambda it: it.time, local),
        Column("series", lambda it: it.series),
        Column("value", lambda it: it.value, lambda value: f"{value:g}", right=True),
    ),
)


def _figure(value: float) -> str:
    return f"{value:.6g}"


_LINES: View[Line] = View(
    kind="series",
    name=lambda it: it.series,
    columns=(
        Column("series", lambda it: it.series),
        Column("low", lambda it: it.low, _figure, right=True),
        Column("high", lambda it: it.high, _figure, right=True),
        Column("last", lambda it: it.last, _figure, right=True),
        Column("chart", lambda it: it.chart),
    ),
)
_RETENTION: View[Retention] = View(
    kind="retention",
    name=lambda it: str(it.retention_days),
    columns=(Column("retention_days", lambda it: it.retention_days, right=True, head="DAYS"),),
)
_PRUNED: View[Pruned] = View(
    kind="pruned",
    name=lambda it: str(it.deleted),
    columns=(Column("deleted", lambda it: it.deleted, right=True),),
)


@app.callback(invoke_without_command=True)
def tsdb(ctx: typer.Context) -> None:
    """Charts over time: metrics, queries, how long they are kept. Alone, it lists the metrics."""
    if ctx.invoked_subcommand is None:
        metrics(ctx)


@app.command("metrics")
def metrics(ctx: typer.Context) -> None:
    """List what can be asked for.

    Example: tokenhubctl tsdb metrics
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.list_metrics())
        tokenhub.output.show(found, _METRICS, found.details)
        sets = "; ".join(",".join(labels) for labels in found.labels if labels)
        tokenhub.output.note(f"labels that go together: {sets}")


@app.command("query")
def query(
    ctx: typer.Context,
    asked: Annotated[
        list[str],
        typer.Argument(
            metavar="METRIC [NAME=VALUE]...",
            help="Then agg, group_by, start, end, step, limit, or a label with its value.",
        ),
    ],
) -> None:
    """Show a metric over time. Times are RFC 3339, Unix milliseconds, or as long ago as 24h.

    Example: tokenhubctl tsdb query requests group_by=model start=1h step=1m
    Example: tokenhubctl tsdb query metric=latency agg=p95 start=24h -o csv
    """
    pairs = _pairs(asked)
    with session(ctx) as tokenhub:
        chart = tokenhub(calls.query_series(pairs))
        rows = [
            Sample(series=_name(one), time=from_ms(point.t), value=point.v)
            for one in chart.series
            for point in one.points
        ]
        tokenhub.output.show(chart, _SAMPLES, rows, lines=table(_LINES, _lines(chart)))
        step = seconds(chart.step_ms / 1000)
        begin, end = local(from_ms(chart.start)), local(from_ms(chart.end))
        tokenhub.output.note(f"{chart.agg} in {chart.unit}, each {step}, {begin} to {end}")


@app.command("prune")
def prune(ctx: typer.Context) -> None:
    """Delete what is older than its time now, and not at the next hour.

    Example: tokenhubctl tsdb prune
    """
    with session(ctx) as tokenhub:
        done = tokenhub(calls.prune_series())
        tokenhub.output.show(done, _PRUNED, [done], lines=[f"{done.deleted} rows deleted"])


@app.command("retention")
def retention(
    ctx: typer.Context,
    days: Annotated[
        int | None, typer.Argument(metavar="[DAYS]", min=1, help="Keep points for so many days.")
    ] = None,
) -> None:
    """Show for how many days points are kept, or set it.

    Example: tokenhubctl tsdb retention
    Example: tokenhubctl tsdb retention 30
    """
    if days is None:
        with session(ctx) as tokenhub:
            kept = tokenhub(calls.get_retention())
            tokenhub.output.show(kept, _RETENTION, [kept], lines=[_kept(kept)])
        return
    confirm(ctx, f"Keep points for {days} days, and delete what is older?")
    with session(ctx) as tokenhub:
        kept = tokenhub(calls.put_retention(days))
        lines = [f"{_kept(kept)}{tokenhub.output.of_dry_run}"]
        tokenhub.output.show(kept, _RETENTION, [kept], lines=lines)


def _kept(kept: Retention) -> str:
    return f"points are kept for {kept.retention_days} days"


def _pairs(asked: list[str]) -> dict[str, str]:
    """The query of a line. Raises a usage error."""
    pairs: dict[str, str] = {}
    for place, word in enumerate(asked):
        name, equals, value = word.partition("=")
        if not equals and not place:
            name, value = "metric", word
        elif not equals or not name:
            raise typer.BadParameter(f"{word!r} is no NAME=VALUE, such as group_by=model")
        if name in pairs:
            raise typer.BadParameter(f"{name} is given twice")
        pairs[name] = value
    return pairs


def _name(series: Series) -> str:
    """Its labels, else its metric."""
    labels = [getattr(series, label) for label in _LABELS]
    return "/".join(label for label in labels if label is not None) or series.metric


def _lines(chart: Chart) -> list[Line]:
    found = []
    for series in chart.series:
        values = [point.v for point in series.points]
        if values:
            found.append(
                Line(
                    series=_name(series),
                    low=min(values),
                    high=max(values),
                    last=values[-1],
                    chart=sparkline(values[-_BARS:]),
                )
            )
    return found
