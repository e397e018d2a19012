"""Where curves are drawn, and what their axes say."""

from math import log10

from hypothesis import given
from hypothesis import strategies as st

from tokenhub_tui.state.plot import (
    MS,
    SHARE,
    USD,
    Curve,
    Plot,
    across,
    dots,
    exact,
    moment,
    nice,
    placed,
    runs,
    upwards,
    written,
)

HOUR = 1_767_225_600.0


def plot(*values: float | None, log: bool = False) -> Plot:
    points = tuple((HOUR + 60 * n, value) for n, value in enumerate(values))
    curve = Curve(name="gpt", points=points, colour=0)
    return Plot(curves=(curve,), left=HOUR, right=HOUR + 3600, form=MS, log=log)


def test_axis_begins_at_nothing_and_ends_above_all() -> None:
    axis = upwards(plot(610, 1240, None), 9)

    assert (0.0, 1500.0) == (axis.low, axis.high)
    assert ["0", "500", "1k", "1.5k"] == [label.strip() for _, label in axis.ticks]


def test_axis_of_nothing_still_has_a_length() -> None:
    assert upwards(plot(), 9).high > 0
    assert upwards(plot(0.0, 0.0), 9).high > 0


def test_axis_of_no_errors_is_no_axis_of_all_of_them() -> None:
    errors = Plot(curves=plot(0.0, 0.0).curves, form=SHARE)

    assert 0.1 > upwards(errors, 9).high


def test_log_axis_shows_decades_and_leaves_out_what_it_cannot_show() -> None:
    drawn = plot(0.0, 5.0, 900.0, log=True)

    axis = upwards(drawn, 20)

    assert (log10(5), 3.0) == (axis.low, axis.high)
    assert (HOUR, None) == placed(drawn.curves[0], log=True).points[0]


def test_labels_are_equally_wide_so_that_pictures_stand_below_each_other() -> None:
    for value in (0.02, 3.0, 700.0, 9e6):
        assert {5} == {len(label) for _, label in upwards(plot(value), 9).ticks}


def test_time_axis_has_round_times_of_the_reader() -> None:
    labels = [label for _, label in across(plot(1.0), 76).ticks]

    assert 4 <= len(labels) <= 6
    assert all(label[-1] in "05" for label in labels)
    assert moment(HOUR) in labels


def test_days_are_named_where_the_time_is_long() -> None:
    week = Plot(left=HOUR, right=HOUR + 7 * 86_400)

    assert {6} == {len(label) for _, label in across(week, 120).ticks}


def test_gap_ends_a_stretch() -> None:
    points = ((0.0, 1.0), (1.0, 2.0), (2.0, None), (3.0, 4.0))

    assert [([0.0, 1.0], [1.0, 2.0]), ([3.0], [4.0])] == list(runs(points))


def test_dots_lie_on_the_line() -> None:
    assert ([0.0, 1.0, 2.0], [0.0, 5.0, 10.0]) == dots([0.0, 2.0], [0.0, 10.0], 1.0)
    assert ([3.0], [4.0]) == dots([3.0], [4.0], 1.0)


def test_values_are_written_in_few_characters_and_said_exactly() -> None:
    assert ["0", "1.2k", "4%", "0.05"] == [
        written(0, MS), written(1200, MS), written(0.04, SHARE), written(0.05, USD),
    ]  # fmt: skip
    assert ["1,240", "1.92", "0.0123", "0.4%", "-", "2.5"] == [
        exact(1240.4, MS), exact(1.92, USD), exact(0.0123, USD), exact(0.004, SHARE),
        exact(None, MS), exact(2.5, "rate"),
    ]  # fmt: skip


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_nice_number_is_no_smaller_and_not_much_larger(value: float) -> None:
    assert value * (1 - 1e-6) <= nice(value) <= value * 2.6


@given(
    st.lists(st.floats(min_value=1e-6, max_value=1e9), min_size=1, max_size=20),
    st.booleans(),
    st.integers(min_value=3, max_value=60),
)
def test_everything_is_within_the_axis(values: list[float], log: bool, height: int) -> None:  # noqa: FBT001 - hypothesis
    drawn = plot(*values, log=log)

    axis = upwards(drawn, height)

    for _, y in placed(drawn.curves[0], log=log).points:
        assert y is not None
        assert axis.low - 1e-6 <= y <= axis.high + 1e-6 * abs(axis.high)
    assert 2 <= len(axis.ticks) <= height
