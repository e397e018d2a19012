"""Points over time, made of cells: which metrics there are, and how each may be put together.

What can be counted is added up, or told for each second; what is a duration is averaged by its
exact sum, or told by a quantile of the merged sketches. Nothing is an average of averages.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from tokenhub.core import series
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import usd
from tokenhub.core.series import CUTS, OTHER, Cell, Labels
from tokenhub.core.sketch import quantile_s

SUM, RATE, MEAN = "sum", "rate", "mean"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_COUNTED = (SUM, RATE)
_SPENT = (SUM, RATE, MEAN)
_TIMED = (MEAN, *QUANTILES)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked for. `aggs` are the ways to put it together, the usual one first.

    `sums` are the counts that it is the sum of, `scale` makes its unit of theirs, and `of` is the
    count that its mean is over; `sketch` is where its quantiles are.
    """

    name: str
    unit: str
    help: str
    aggs: tuple[str, ...]
    sums: tuple[int, ...]
    of: int = series.REQUESTS
    scale: Callable[[int], float] = float
    sketch: Literal["latencies", "firsts", ""] = ""


def _ms(micros: int) -> float:
    return micros / 1000


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            name="requests",
            unit="requests",
            help="requests that ended",
            aggs=_COUNTED,
            sums=(series.REQUESTS,),
        ),
        Metric(
            name="errors",
            unit="requests",
            help="requests that failed; their mean is the share of all requests, 0 to 1",
            aggs=_SPENT,
            sums=(series.ERRORS,),
        ),
        Metric(
            name="latency",
            unit="ms",
            help="time from the admission of a request to its end",
            aggs=_TIMED,
            sums=(series.LATENCY,),
            scale=_ms,
            sketch="latencies",
        ),
        Metric(
            name="first_token",
            unit="ms",
            help="time from the admission of a stream to its first events",
            aggs=_TIMED,
            sums=(series.FIRST,),
            of=series.FIRSTS,
            scale=_ms,
            sketch="firsts",
        ),
        Metric(
            name="cost",
            unit="USD",
            help="what attempts cost, each with the model that it went to",
            aggs=_SPENT,
            sums=(series.COST,),
            scale=usd,
        ),
        Metric(
            name="tokens",
            unit="tokens",
            help="tokens of all attempts, prompts and answers",
            aggs=_SPENT,
            sums=(series.INPUT, series.OUTPUT),
        ),
        Metric(
            name="input_tokens",
            unit="tokens",
            help="tokens of prompts",
            aggs=_SPENT,
            sums=(series.INPUT,),
        ),
        Metric(
            name="output_tokens",
            unit="tokens",
            help="tokens of answers",
            aggs=_SPENT,
            sums=(series.OUTPUT,),
        ),
        Metric(
            name="skips",
            unit="times",
            help="times that a route was left out of a decision, or passed over",
            aggs=_COUNTED,
            sums=(series.SKIPS,),
        ),
    )
}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to chart: `by` are labels to make series of, `only` the values that others must have."""

    metric: Metric
    agg: str
    by: tuple[str, ...] = ()
    only: Mapping[str, str] = {}
    limit: int = 50

    @property
    def sketches(self) -> tuple[str, ...]:
        """The sketches that it needs; mostly none, but sums alone."""
        return (self.metric.sketch,) if self.agg in QUANTILES else ()

    @property
    def cut(self) -> str:
        """The smallest cut that knows its labels. Raises BadRequest where none does."""
        wanted = {*self.by, *self.only}
        for name, labels in CUTS.items():
            if wanted <= set(labels) and (name == "skips") == (self.metric.name == "skips"):
                return name
        if self.metric.name == "skips":
            raise BadRequest(
                f"skips are known by {', '.join(CUTS['skips'])} alone", field="group_by"
            )
        raise BadRequest(
            f"nothing is kept by {' and '.join(sorted(wanted))} together; what goes together is "
            + "; ".join(", ".join(labels) for name, labels in CUTS.items() if name != "skips"),
            field="group_by",
        )


class Line(msgspec.Struct, frozen=True):
    """A series: the values of `by`, and its points, each the Unix second of its step's beginning.

    A step in which nothing was is no point.
    """

    labels: Labels
    points: list[tuple[int, float]]


Dated = Iterable[tuple[int, Iterable[tuple[Labels, Cell]]]]


def charted(question: Question, slots: Dated, *, step_s: int, now: float) -> list[Line]:
    """The series of a question, those with the most in them first.

    Beyond its limit they become one, OTHER. A rate of the step that is under way is over the part
    of it that is over.
    """
    found = _gathered(question, slots, step_s)
    kept = _limited(question, found)
    lines = []
    for labels, cells in kept.items():
        points = [
            (at, value)
            for at in sorted(cells)
            if (value := _value(question, cells[at], _seconds(at, step_s, now))) is not None
        ]
        if points:
            lines.append(Line(labels, points))
    return lines


def _gathered(question: Question, slots: Dated, step_s: int) -> dict[Labels, dict[int, Cell]]:
    known = CUTS[question.cut]
    by = [known.index(label) for label in question.by]
    only = [(known.index(label), value) for label, value in question.only.items()]
    found: dict[Labels, dict[int, Cell]] = {}
    for at, cells in slots:
        start = at // step_s * step_s
        for labels, cell in cells:
            if any(labels[place] != value for place, value in only):
                continue
            line = found.setdefault(tuple([labels[place] for place in by]), {})
            there = line.get(start)
            if there is None:
                line[start] = cell
            else:
                series.add(there, cell)
    return found


def _limited(
    question: Question, found: dict[Labels, dict[int, Cell]]
) -> dict[Labels, dict[int, Cell]]:
    weights = {
        labels: sum(_sum(question.metric, cell) for cell in cells.values())
        for labels, cells in found.items()
    }
    ranked = sorted(found, key=lambda labels: (-weights[labels], labels))
    kept = {labels: found[labels] for labels in ranked[: question.limit]}
    for labels in ranked[question.limit :]:
        rest = kept.setdefault((OTHER,) * len(labels), {})
        for at, cell in found[labels].items():
            if at in rest:
                series.add(rest[at], cell)
            else:
                rest[at] = cell
    return kept


def _sum(metric: Metric, cell: Cell) -> int:
    return sum([cell.sums[place] for place in metric.sums])


def _seconds(at: int, step_s: int, now: float) -> float:
    return min(float(step_s), max(1.0, now - at))


def _value(question: Question, cell: Cell, seconds: float) -> float | None:
    """What a point shows; None where there was nothing that it could tell of."""
    metric, agg = question.metric, question.agg
    if agg in QUANTILES:
        sketch = cell.latencies if metric.sketch == "latencies" else cell.firsts
        found_s = quantile_s(sketch, QUANTILES[agg])
        return None if found_s is None else found_s * 1000
    total = metric.scale(_sum(metric, cell))
    if agg == MEAN:
        count = cell.sums[metric.of]
        return total / count if count else None
    return total if agg == SUM else total / seconds
