"""What is counted adds up, what is timed is averaged over its count or told by its quantile."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.requests import BEGAN, ended
from tokenhub.core import series
from tokenhub.core.charts import METRICS, Line, Question, charted
from tokenhub.core.errors import BadRequest
from tokenhub.core.outcome import Outcome
from tokenhub.core.sketch import ERROR

START = int(BEGAN) // 60 * 60
LATER = START + 3600.0


def asked(metric: str, agg: str = "sum", **changes: Any) -> Question:
    return Question(metric=METRICS[metric], agg=agg, **changes)


def lines(
    question: Question, outcomes: Sequence[Outcome], *, step_s: int = 60, now: float = LATER
) -> list[Line]:
    slots: dict[int, series.Slot] = {}
    for outcome in outcomes:
        slots.setdefault(series.ended_at(outcome), series.slot()).count(outcome)
    dated = [(at, slot.cut(question.cut).items()) for at, slot in slots.items()]
    return charted(question, dated, step_s=step_s, now=now)


THREE = (
    ended(1, at=START, latency_s=1.0, first_token_s=0.2),
    ended(2, at=START + 30.0, latency_s=3.0, error_class="timeout"),
    ended(3, at=START + 60.0, latency_s=5.0, model_id="b"),
)


@pytest.mark.parametrize(
    ("metric", "agg", "first", "second"),
    [
        ("requests", "sum", 2, 1),
        ("requests", "rate", 2 / 60, 1 / 60),
        ("errors", "sum", 1, 0),
        ("errors", "mean", 0.5, 0),
        ("latency", "mean", 2000, 5000),
        ("cost", "sum", 2e-6, 1e-6),
        ("cost", "mean", 1e-6, 1e-6),
        ("tokens", "sum", 220, 110),
        ("tokens", "rate", 220 / 60, 110 / 60),
        ("input_tokens", "mean", 100, 100),
        ("output_tokens", "sum", 20, 10),
    ],
)
def test_points_of_a_metric(metric: str, agg: str, first: float, second: float) -> None:
    (line,) = lines(asked(metric, agg), THREE)

    assert [(START, pytest.approx(first)), (START + 60, pytest.approx(second))] == line.points


def test_quantiles_are_those_of_all_values() -> None:
    many = [ended(n, at=START, latency_s=n / 10, model_id=f"m{n % 3}") for n in range(1, 101)]

    found = {agg: lines(asked("latency", agg), many, step_s=3600) for agg in ("p50", "p95", "p99")}

    for agg, right in (("p50", 5100), ("p95", 9600), ("p99", 10_000)):
        ((_, value),) = found[agg][0].points
        assert pytest.approx(right, rel=ERROR * 1.001) == value


def test_a_step_without_a_stream_has_no_first_token() -> None:
    (line,) = lines(asked("first_token", "mean"), THREE)

    assert [(START, 200.0)] == line.points
    assert [] == lines(asked("first_token", "p95"), THREE[1:])


def test_series_by_label_come_with_the_largest_first() -> None:
    found = lines(asked("requests", by=("model",)), THREE)

    assert [("a",), ("b",)] == [line.labels for line in found]
    assert [[(START, 2.0)], [(START + 60, 1.0)]] == [line.points for line in found]


def test_a_filter_leaves_what_has_the_value() -> None:
    question = asked("requests", by=("status",), only={"model": "a", "error_class": "timeout"})

    assert [Line(("200",), [(START, 1.0)])] == lines(question, THREE)


def test_series_beyond_the_limit_become_one() -> None:
    many = [ended(n, at=START, key_id=f"k{n}") for n in range(5)]

    found = lines(asked("requests", by=("key",), limit=2), many)

    assert [("k0",), ("k1",), (series.OTHER,)] == [line.labels for line in found]
    assert 5 == sum(value for line in found for _, value in line.points)


def test_a_rate_of_the_step_under_way_is_over_what_is_over_of_it() -> None:
    found = lines(asked("requests", "rate"), THREE[2:], now=START + 70.0)

    assert [(START + 60, pytest.approx(0.1))] == found[0].points


def test_labels_that_are_not_kept_together_are_refused() -> None:
    with pytest.raises(BadRequest, match="key and mode together"):
        _ = asked("cost", by=("key",), only={"mode": "cheap"}).cut
    with pytest.raises(BadRequest, match="skips are known by"):
        _ = asked("skips", by=("key",)).cut


@pytest.mark.parametrize(
    ("labels", "cut"),
    [
        ((), "modes"),
        (("model",), "routes"),
        (("model", "status"), "ends_of_routes"),
        (("error_class",), "ends_of_modes"),
        (("key",), "keys"),
        (("mode", "model"), "uses"),
        (("key", "provider"), "callers"),
    ],
)
def test_the_smallest_cut_is_read(labels: tuple[str, ...], cut: str) -> None:
    assert cut == asked("cost", by=labels).cut
