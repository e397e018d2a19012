"""A time is made up of slots without a gap, without an overlap, and never over a step's border."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.core.levels import DAY_S, LEVELS, MOST_POINTS, Span, cover, step_of

DAY = 19_675 * DAY_S
marks = st.fixed_dictionaries(
    {level.step_s: st.integers(0, 3 * DAY_S // level.step_s) for level in LEVELS[1:]}
).map(lambda made: {step: DAY + count * step for step, count in made.items()})
borders = st.tuples(st.integers(0, 3 * 8640), st.integers(0, 3 * 8640)).map(
    lambda pair: (DAY + 10 * min(pair), DAY + 10 * max(pair))
)
steps = st.sampled_from([0, 10, 20, 60, 90, 600, 3600, 7200, DAY_S])


@given(time=borders, step_s=steps, made=marks)
def test_the_spans_follow_on_each_other_and_are_what_was_made(
    time: tuple[int, int], step_s: int, made: dict[int, int]
) -> None:
    spans = cover(*time, step_s=step_s, marks=made)

    at = time[0]
    for span in spans:
        assert at == span.start < span.end
        assert 0 == span.start % span.step_s == span.end % span.step_s
        assert 10 == span.step_s or span.end <= made[span.step_s]
        assert not step_s or 0 == step_s % span.step_s
        at = span.end
    assert time[1] == at or time[0] == time[1]


def test_the_coarsest_that_was_made_is_taken() -> None:
    made = {60: DAY + 7260, 600: DAY + 7200, 3600: DAY + 7200, DAY_S: DAY}

    found = cover(DAY + 3000, DAY + 7280, step_s=0, marks=made)

    assert [
        Span(600, DAY + 3000, DAY + 3600),
        Span(3600, DAY + 3600, DAY + 7200),
        Span(60, DAY + 7200, DAY + 7260),
        Span(10, DAY + 7260, DAY + 7280),
    ] == found


@pytest.mark.parametrize(
    ("days", "asked_s", "step_s"),
    [
        (1 / 24, 0, 10),
        (1, 0, 300),
        (7, 0, 3600),
        (90, 0, DAY_S),
        (1000, 0, 3 * DAY_S),
        (1, 15, 20),
        (7, 90, 120),
        (8, 60, 600),
        (31, 5400, 7200),
    ],
)
def test_a_step_is_what_is_kept_of_that_time(days: float, asked_s: int, step_s: int) -> None:
    now = float(DAY)

    assert step_s == step_of(asked_s, start=now - days * DAY_S, end=now, now=now)


def test_too_many_points_are_refused_with_a_step_that_will_do() -> None:
    now = float(DAY)
    with pytest.raises(BadRequest, match="step of 10800000 ms") as refused:
        step_of(3600, start=now - 1000 * DAY_S, end=now, now=now)

    assert "step" == refused.value.field
    assert 10_800 == step_of(10_800, start=now - 1000 * DAY_S, end=now, now=now)
    assert 1000 * DAY_S / 10_800 <= MOST_POINTS
