"""How a route's past moves what is known of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.signals import UNKNOWN, Signal, after_failure, after_success


def test_first_answer_sets_the_latency_and_later_ones_move_it_by_a_tenth() -> None:
    first = after_success(UNKNOWN, 0.100)
    second = after_success(first, 0.200)

    assert 0.100 == first.latency_s
    assert pytest.approx(0.110) == second.latency_s


def test_failure_raises_the_rate_and_leaves_the_latency() -> None:
    failed = after_failure(Signal(0.5, 0.0))

    assert Signal(0.5, 0.1) == failed
    assert pytest.approx(0.09) == after_success(failed, 0.5).failure_rate


def test_route_that_never_answered_has_no_latency() -> None:
    assert after_failure(UNKNOWN).latency_s is None


@given(st.lists(st.none() | st.floats(0, 300)))
def test_rate_stays_a_rate_and_latency_within_what_was_seen(seen: list[float | None]) -> None:
    signal = UNKNOWN

    for sample in seen:
        signal = after_failure(signal) if sample is None else after_success(signal, sample)

    timed = [sample for sample in seen if sample is not None]
    assert 0.0 <= signal.failure_rate <= 1.0
    assert bool(timed) == (signal.latency_s is not None)
    if signal.latency_s is not None:
        assert min(timed) - 1e-9 <= signal.latency_s <= max(timed) + 1e-9
