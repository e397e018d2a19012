"""Request ids sort by the time at which they were made."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.ids import RequestIds, made_at, request_id

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


@given(st.lists(st.integers(0, 2**42), min_size=2, max_size=40), st.integers())
def test_each_id_sorts_after_all_before_it(times_ms: list[int], seed: int) -> None:
    """Many of one millisecond, and a clock that is set back."""
    clock = iter([at_ms / 1000 for at_ms in times_ms for _ in range(3)])
    ids = RequestIds(lambda: next(clock), Random(seed).getrandbits)

    made = [ids() for _ in times_ms * 3]

    assert sorted(set(made)) == made
    assert {32} == {len(one) for one in made}


def test_a_millisecond_that_is_full_runs_on_into_the_next() -> None:
    ids = RequestIds(lambda: 1.0, lambda bits: (1 << bits) - 1)

    made = [ids() for _ in range(1 << 10)]
    ids._noise = (1 << 64) - 1  # as after 2**31 ids of one millisecond

    assert made[-1] < ids()
    assert made == sorted(set(made))
    assert 32 == len(ids())


def test_the_first_id_of_a_millisecond_has_its_time() -> None:
    ids = RequestIds(lambda: 1_700_000_000.0, lambda _: 0xABCD)

    assert request_id(1_700_000_000.0, 0xABCD) == ids()


@given(times, noise)
def test_an_id_tells_when_it_was_made(at_ms: int, bits: int) -> None:
    """To the millisecond, of which floats may miss one."""
    made = made_at(request_id(at_ms / 1000, bits))

    assert made == pytest.approx(at_ms / 1000, rel=0, abs=0.0011)


@given(st.text(max_size=40))
def test_other_names_tell_nothing(name: str) -> None:
    assert made_at(name) is None


def test_what_only_looks_like_an_id_tells_nothing() -> None:
    assert [None, None] == [made_at("req_" + "z" * 28), made_at("0" * 28)]
