"""The draw of a rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.exploring import chances, rank


def test_golden_chances() -> None:
    """original-behaviour 16."""
    assert [0.96433, 0.03440, 0.00123, 0.00004] == [round(one, 5) for one in chances(0.3, 4)]


@pytest.mark.parametrize("temperature", [0.0, -1.0, 1e-320, 0.01])
def test_cold_is_certain_of_the_best(temperature: float) -> None:
    assert [1.0] == chances(temperature, 9)


@given(st.floats(0, 10), st.integers(1, 500))
def test_chances_fall_and_sum_to_1(temperature: float, count: int) -> None:
    found = chances(temperature, count)

    assert pytest.approx(1.0) == sum(found)
    assert sorted(found, reverse=True) == found
    assert len(found) <= count


@pytest.mark.parametrize(
    ("draw", "expected"), [(0.0, 0), (0.49, 0), (0.5, 1), (0.8, 2), (0.9999999999999999, 2)]
)
def test_rank_of_a_draw(draw: float, expected: int) -> None:
    assert expected == rank([0.5, 0.25, 0.25], draw)


def test_rest_that_rounding_left_is_the_bests() -> None:
    assert 0 == rank([0.5, 0.4999999999], 0.99999999999)
