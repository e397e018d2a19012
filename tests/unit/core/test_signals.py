"""How a route's past moves what is known of it, and how it is forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.signals import (
    FAILURE_HALF_S,
    LATENCY_HALF_S,
    LENGTHS,
    UNKNOWN,
    UNMET,
    Learned,
    after_failure,
    after_success,
    after_writing,
    signal,
)


def test_first_answer_sets_the_latency_and_later_ones_move_it_by_a_tenth() -> None:
    first = after_success(UNMET, 0.100, 5.0)
    second = after_success(first, 0.200, 5.0)

    assert 0.100 == first.latency_s
    assert pytest.approx(0.110) == second.latency_s


def test_failure_raises_the_rate_and_leaves_the_latency() -> None:
    failed = after_failure(Learned(latency_s=0.5, timed_at=3.0), 7.0)

    assert (0.5, 3.0, 0.1) == (failed.latency_s, failed.timed_at, failed.failure_rate)
    assert pytest.approx(0.09) == after_success(failed, 0.5, 7.0).failure_rate


def test_route_that_never_answered_has_no_latency() -> None:
    assert signal(after_failure(UNMET, 0.0), 0.0).latency_s is None
    assert UNKNOWN == signal(UNMET, 1e9)


def test_failures_are_forgotten_by_half_in_ten_minutes() -> None:
    failed = Learned(failure_rate=0.8, rated_at=100.0)

    seen = [signal(failed, 100.0 + n * FAILURE_HALF_S).failure_rate for n in (0, 1, 2, 20)]

    assert [0.8, 0.4, 0.2, 0.0] == pytest.approx(seen)


def test_latency_of_long_ago_counts_less_than_a_new_one() -> None:
    old = Learned(latency_s=1.0, timed_at=0.0)

    moved = [after_success(old, 2.0, hours * LATENCY_HALF_S).latency_s for hours in (0, 1, 10)]

    assert pytest.approx([1.1, 1.55, 2.0], abs=0.001) == moved


def test_a_clock_that_stands_forgets_nothing() -> None:
    known = after_failure(Learned(failure_rate=0.5, rated_at=10.0), 9.0)

    assert pytest.approx(0.55) == known.failure_rate


# --- What a route writes


def test_usual_answer_is_the_mean_of_the_answers() -> None:
    first = after_writing(UNMET, 100.0, cut=False)
    second = after_writing(first, 201.0, cut=False)

    assert (None, 100, 151) == (
        signal(UNMET, 0.0).output_tokens,
        signal(first, 0.0).output_tokens,
        signal(second, 0.0).output_tokens,
    )


def test_answer_that_was_cut_short_makes_nobody_laconic() -> None:
    known = after_writing(UNMET, 400.0, cut=False)

    assert known == after_writing(known, 10.0, cut=True)
    assert 500.0 == after_writing(known, 600.0, cut=True).output_tokens


def test_usual_answer_follows_a_change_within_a_few_hundred() -> None:
    known = UNMET
    for _ in range(2 * LENGTHS):
        known = after_writing(known, 100.0, cut=False)

    for _ in range(LENGTHS):
        known = after_writing(known, 200.0, cut=False)

    assert 160 <= (signal(known, 0.0).output_tokens or 0) <= 166


@given(st.lists(st.tuples(st.none() | st.floats(0, 300), st.floats(0, 1e6))))
def test_rate_stays_a_rate_and_latency_within_what_was_seen(
    seen: list[tuple[float | None, float]],
) -> None:
    known, now = UNMET, 0.0

    for sample, passed_s in seen:
        now += passed_s
        known = after_failure(known, now) if sample is None else after_success(known, sample, now)

    timed = [sample for sample, _ in seen if sample is not None]
    assert 0.0 <= signal(known, now).failure_rate <= 1.0
    assert bool(timed) == (known.latency_s is not None)
    if known.latency_s is not None:
        assert min(timed) - 1e-9 <= known.latency_s <= max(timed) + 1e-9
