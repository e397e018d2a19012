"""How a route is drawn, and how probable a drawn choice was."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.core.learning import (
    Arm,
    Draw,
    as_beta,
    doubt_of,
    draw_of,
    drawn,
    hoped_tokens,
    probability,
    worth,
)
from tokenhub.core.rng import split, uniform


@pytest.mark.parametrize(("quality", "spread"), [(0.9, 0.02), (0.5, 0.1), (0.8, 0.2)])
def test_a_beta_has_the_same_mean_and_spread(quality: float, spread: float) -> None:
    alpha, beta = as_beta(quality, spread)

    total = alpha + beta
    assert pytest.approx(quality, abs=1e-6) == alpha / total
    assert pytest.approx(spread, rel=1e-6) == sqrt(alpha * beta / (total**2 * (total + 1)))


def test_no_answer_is_hoped_to_be_better_than_right() -> None:
    """A model that costs more than any answer is worth is not tried, however little is known."""
    dear = draw_of(Arm(0.8, 0.2, 1.0, 0.04, 1.0, 2.0), weight=10, price=0.3)
    good = draw_of(Arm(0.9, 0.01, 0.0, 0.001, 1.0, 1.0), weight=1, price=0.0)

    draws = [dear, good]

    assert probability(draws, 0) < 0.001
    assert all(drawn(dear, seed) < drawn(good, seed) for seed in range(500))


def test_an_operators_weight_counts_until_somebody_judged() -> None:
    unknown, known = Arm(0.8, 0.1, 1.0, 0.01), Arm(0.8, 0.1, 0.01, 0.01)

    shifts = [
        draw_of(arm, weight=10, price=0.0).middle - draw_of(arm, weight=1, price=0.0).middle
        for arm in (unknown, known)
    ]

    assert [pytest.approx(0.18), pytest.approx(0.0018)] == shifts


some_draws = st.lists(
    st.builds(
        Draw,
        st.floats(0.2, 1.3),
        st.floats(1e-4, 0.2),
        st.floats(0.5, 1.0),
        st.floats(0.0, 0.5),
    ),
    min_size=1,
    max_size=6,
)


@given(some_draws)
def test_probabilities_of_all_sum_to_one(draws: list[Draw]) -> None:
    total = sum(probability(draws, place) for place in range(len(draws)))

    assert pytest.approx(1.0, abs=0.004) == total


@pytest.mark.parametrize("number", range(6))
def test_a_probability_is_how_often_the_draw_is_the_largest(number: int) -> None:
    draws = [
        Draw(
            0.8 + 0.3 * uniform(number, 4 * place),
            0.01 + 0.1 * uniform(number, 4 * place + 1),
            0.9 + 0.1 * uniform(number, 4 * place + 2),
            0.1 * uniform(number, 4 * place + 3),
        )
        for place in range(4)
    ]

    wins = [0] * 4
    for seed in range(4000):
        values = [drawn(one, split(seed, place)) for place, one in enumerate(draws)]
        wins[values.index(max(values))] += 1

    for place, won in enumerate(wins):
        assert probability(draws, place) == pytest.approx(won / 4000, abs=0.03)


@pytest.mark.parametrize("given_", [{"usd": -1.0}, {"usd": float("nan")}, {"euro": 1.0}])
def test_worths_without_sense_are_refused(given_: dict[str, float]) -> None:
    with pytest.raises(BadRequest):
        worth(given_, field="policy.worth")


def test_hope_moves_the_draw_up_and_makes_it_narrow() -> None:
    plain, hopeful = (
        draw_of(Arm(0.5, 0.1, 0.0, 0.01, hope, 1.5), weight=1, price=0.0) for hope in (0, 1)
    )

    assert (0.5, 0.1) == (plain.middle, plain.width)
    assert (pytest.approx(0.65), pytest.approx(0.015)) == (hopeful.middle, hopeful.width)


@given(st.floats(0.0, 300.0), st.floats(0.0, 3000.0), st.floats(1.0, 300.0))
def test_doubt_grows_with_what_is_learned_of_others(n: float, others: float, more: float) -> None:
    doubt = doubt_of(n, n + others)

    assert 0.0 <= doubt < doubt_of(n, n + others + more)
    assert doubt_of(n + more, n + others + more) <= max(doubt, doubt_of(n, n + others + more))


def test_lengths_of_which_few_are_known_are_hoped_to_be_shorter() -> None:
    found = [hoped_tokens(1000, written) for written in (0, 1, 4, 200)]

    assert [1000, 607, 779, 966] == found
