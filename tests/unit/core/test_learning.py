"""What a judgement teaches, and how probable a drawn choice was."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.core.learning import (
    EMPTY,
    HALF_S,
    MEMORY,
    Arm,
    Cell,
    Draw,
    after,
    as_beta,
    corrected,
    draw_of,
    drawn,
    faded,
    noise_of,
    of_model,
    of_route,
    of_said,
    probability,
    said_of,
    worth,
)
from tokenhub.core.rng import split, uniform


def judged(scores: list[float], cell: Cell = EMPTY) -> Cell:
    for score in scores:
        cell = after(cell, score, weight=1.0, at=0.0)
    return cell


def test_a_mean_and_its_noise_are_those_of_the_scores() -> None:
    cell = judged([0.4, 0.8] * 10)

    assert pytest.approx(0.6, abs=0.01) == cell.mean
    assert 0.2 < sqrt(noise_of(cell)) < 0.25


def test_memory_is_of_about_three_hundred() -> None:
    cell = judged([0.9, 0.7] * 2000)

    assert pytest.approx(MEMORY, rel=0.01) == cell.n


def test_weights_count_as_so_many_judgements() -> None:
    light = after(judged([0.5] * 4), 1.0, weight=0.5, at=0.0)
    heavy = after(judged([0.5] * 4), 1.0, weight=2.0, at=0.0)

    assert 0.5 < light.mean < heavy.mean < 1.0


def test_a_judgement_that_is_corrected_is_as_if_it_had_been_said_so() -> None:
    said = after(after(EMPTY, 0.2, weight=1.0, at=0.0), 0.6, weight=1.0, at=0.0)
    meant = after(after(EMPTY, 0.2, weight=1.0, at=0.0), 0.9, weight=1.0, at=0.0)

    found = corrected(said, 0.9, by=0.3, weight=1.0, worst=0.0)

    assert pytest.approx((meant.n, meant.mean, meant.squares), rel=0.01) == (
        found.n,
        found.mean,
        found.squares,
    )


def test_a_sudden_change_is_believed_within_a_dozen() -> None:
    cell = judged([0.95, 0.9, 0.85] * 60)

    cell = judged([0.6, 0.65] * 6, cell)

    assert cell.n < 20
    assert cell.mean < 0.75


def test_chance_is_not_taken_for_a_change() -> None:
    scores = [float(uniform(7, number) < 0.7) for number in range(3000)]

    cell = judged(scores)

    assert cell.n > 0.9 * MEMORY


def test_what_is_old_counts_half_after_a_fortnight() -> None:
    cell = judged([0.9] * 10)

    assert pytest.approx(cell.n / 2) == faded(cell, HALF_S)


def test_a_route_starts_from_its_model_and_a_model_from_all() -> None:
    said_high, said_low = said_of(100.0, 0.95), said_of(100.0, 0.6)
    high, low = [of_said(4 * counts, 4 * part) for counts, part in (said_high, said_low)]
    sibling = of_model(low, [(200.0, 0.9)])

    assert low.mean < high.mean
    assert pytest.approx(0.9, abs=0.02) == of_route(sibling, EMPTY, 0.0).mean
    assert sibling.variance < low.variance


def test_a_route_of_its_own_evidence_leaves_its_parents() -> None:
    near = of_model(of_said(*said_of(100.0, 0.95)), [(200.0, 0.9)])

    found = of_route(near, judged([0.5, 0.6] * 100), 0.0)

    assert pytest.approx(0.55, abs=0.03) == found.mean
    assert found.prior < 0.1


@pytest.mark.parametrize(("quality", "spread"), [(0.9, 0.02), (0.5, 0.1), (0.8, 0.2)])
def test_a_beta_has_the_same_mean_and_spread(quality: float, spread: float) -> None:
    alpha, beta = as_beta(quality, spread)

    total = alpha + beta
    assert pytest.approx(quality, abs=1e-6) == alpha / total
    assert pytest.approx(spread, rel=1e-6) == sqrt(alpha * beta / (total**2 * (total + 1)))


def test_no_answer_is_hoped_to_be_better_than_right() -> None:
    """A model that costs more than any answer is worth is not tried, however little is known."""
    dear = draw_of(Arm(0.8, 0.2, 1.0, 0.04, 1.0), weight=10, price=0.3)
    good = draw_of(Arm(0.9, 0.01, 0.0, 0.001, 1.0), weight=1, price=0.0)

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
        draw_of(Arm(0.5, 0.1, 0.0, 0.01, hope), weight=1, price=0.0) for hope in (0, 1)
    )

    assert (0.5, 0.1) == (plain.middle, plain.width)
    assert (pytest.approx(0.63), pytest.approx(0.02)) == (hopeful.middle, hopeful.width)
