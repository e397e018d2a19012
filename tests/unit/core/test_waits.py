"""Waits are counted in steps of a ninth, and percentiles come out within one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.waits import BOUNDS_S, Waits, percentile_s


def test_nothing_waited_for_is_no_wait() -> None:
    assert 0.0 == percentile_s(Waits().counts, 0.99)


@given(
    waits=st.lists(st.floats(1e-4, BOUNDS_S[-1]), min_size=1),
    part=st.sampled_from([0.01, 0.5, 0.99, 1.0]),
)
def test_percentile_is_right_within_a_step(waits: list[float], part: float) -> None:
    counted = Waits()
    for wait_s in waits:
        counted.note(wait_s)

    found = percentile_s(counted.counts, part)

    right = sorted(waits)[max(0, -int(-part * len(waits) // 1) - 1)]
    assert right <= found * (1 + 1e-4)
    assert found <= max(right, BOUNDS_S[0]) * 2 ** (1 / 6) * (1 + 1e-4)


@pytest.mark.parametrize("wait_s", [0.0, 1e-5, 100.0])
def test_what_is_beyond_the_steps_is_at_their_ends(wait_s: float) -> None:
    counted = Waits()
    counted.note(wait_s)

    assert (BOUNDS_S[0] if wait_s < 1 else BOUNDS_S[-1]) == percentile_s(counted.counts, 0.5)
    assert wait_s == counted.sum_s
