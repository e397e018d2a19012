"""Request ids sort by the time at which they were made."""

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.ids import request_id

noise = st.integers(0, 2**64 - 1)
times = st.integers(0, 2**42)


def test_id_holds_milliseconds_and_noise() -> None:
    assert "req_018bcfe56800000000000000abcd" == request_id(1_700_000_000.0, 0xABCD)


@given(times, times, noise, noise)
def test_later_ids_sort_later(one_ms: int, other_ms: int, one: int, other: int) -> None:
    first, second = request_id(one_ms / 1000, one), request_id(other_ms / 1000, other)

    assert 32 == len(first)
    if int(one_ms / 1000 * 1000) < int(other_ms / 1000 * 1000):
        assert first < second


@given(noise, noise)
def test_noise_tells_ids_of_one_moment_apart(one: int, other: int) -> None:
    assert (one == other) == (request_id(1.0, one) == request_id(1.0, other))
