"""A quantile is within ERROR of the value it stands for, whatever was merged to get it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core import sketch as module
from tokenhub.core.sketch import (
    ERROR,
    LEAST_S,
    MOST_S,
    count_of,
    packed,
    quantile_s,
    sketch_of,
    unpacked,
)

seconds = st.floats(LEAST_S, MOST_S)
parts = st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0])


def whole(values: list[float]) -> int:
    return sum(sketch_of(value) for value in values)


def test_nothing_has_no_quantile() -> None:
    assert quantile_s(0, 0.5) is None
    assert 0 == count_of(0)


@given(values=st.lists(seconds, min_size=1), part=parts)
def test_a_quantile_is_within_its_error(values: list[float], part: float) -> None:
    found = quantile_s(whole(values), part)

    right = sorted(values)[min(int(len(values) * part), len(values) - 1)]
    assert found is not None
    assert abs(found - right) <= right * ERROR * (1 + 1e-9)


@given(first=st.lists(seconds), second=st.lists(seconds))
def test_merged_is_the_sketch_of_all_values(first: list[float], second: list[float]) -> None:
    merged = whole(first) + whole(second)

    assert whole([*first, *second]) == merged
    assert len(first) + len(second) == count_of(merged)


@given(values=st.lists(seconds))
def test_packed_comes_back(values: list[float]) -> None:
    assert whole(values) == unpacked(*packed(whole(values)))


def test_what_is_out_of_range_counts_at_its_ends() -> None:
    assert sketch_of(0.0) == sketch_of(LEAST_S) == sketch_of(-1.0)
    assert sketch_of(MOST_S) == sketch_of(1e9)


@pytest.mark.parametrize("times", [255, 256, 70_000, 2**32 - 1])
def test_a_count_has_room_beside_the_others(times: int) -> None:
    sketch = times * sketch_of(1.0) + sketch_of(2.0) + sketch_of(0.5)

    assert times + 2 == count_of(sketch)
    assert sketch == unpacked(*packed(sketch))
    assert pytest.approx(1.0, rel=ERROR) == quantile_s(sketch, 0.5)


def test_a_machine_of_the_other_byte_order_reads_the_same_counts() -> None:
    sketch = 3 * sketch_of(LEAST_S) + sketch_of(LEAST_S * 1.05)

    little, big = (module._content(sketch, order) for order in ("little", "big"))

    assert b"\x03\0\0\0\0\0\0\0\x01\0\0\0" == little
    assert b"\0\0\0\x03\0\0\0\0\0\0\0\x01" == big
