"""The counter-based generator, against published vectors and its own laws."""

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core import rng

SEEDS = st.integers(-(2**70), 2**70)
COUNTERS = st.integers(0, 2**64)


def test_draws_are_the_published_vectors_of_splitmix64() -> None:
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]

    drawn = [rng.draw(1234567, counter) for counter in range(5)]

    assert published == drawn


def test_draws_do_not_change_between_releases() -> None:
    assert 16294208416658607535 == rng.splitmix64(0)
    assert 0.8833108082136426 == rng.uniform(0, 0)
    assert rng.draw(0, 0) * 10 >> 64 == rng.below(0, 0, 10)


@given(SEEDS, COUNTERS)
def test_a_uniform_draw_is_at_least_zero_and_below_one(seed: int, counter: int) -> None:
    assert 0.0 <= rng.uniform(seed, counter) < 1.0


@given(SEEDS, COUNTERS, st.integers(1, 2**40))
def test_a_draw_below_a_count_is_below_it(seed: int, counter: int, count: int) -> None:
    assert 0 <= rng.below(seed, counter, count) < count


@given(SEEDS, COUNTERS)
def test_only_64_bits_of_a_seed_count(seed: int, counter: int) -> None:
    assert rng.draw(seed % 2**64, counter) == rng.draw(seed, counter)


def test_two_streams_of_a_seed_share_no_draws() -> None:
    one, other = rng.split(7, 1), rng.split(7, 2)

    shared = {rng.draw(one, n) for n in range(1000)} & {rng.draw(other, n) for n in range(1000)}

    assert set() == shared


def test_normal_draws_have_mean_zero_and_spread_one() -> None:
    draws = [rng.normal(11, 2 * n) for n in range(20_000)]

    mean = sum(draws) / len(draws)
    variance = sum((value - mean) ** 2 for value in draws) / len(draws)

    assert abs(mean) < 0.03
    assert abs(variance - 1) < 0.04
