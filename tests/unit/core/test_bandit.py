"""Arms, draws, and how probable a choice by draws was."""

import statistics
from math import exp, lgamma, log, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.bandit import UNTRIED, Arm, bucket, drawn, probability, reward, rewarded
from tokenhub.core.money import NANO

arms = st.builds(Arm, st.floats(1, 100_000), st.floats(1, 100_000))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(0, "small"), (999, "small"), (1000, "medium"), (10_000, "medium"), (10_001, "large")],
)
def test_golden_buckets(tokens: int, expected: str) -> None:
    """original-behaviour 16."""
    assert expected == bucket(tokens)


@pytest.mark.parametrize(
    ("latency_s", "cost_usd", "max_latency_s", "expected"),
    [
        (0.5, 0.01, 0.0, 0.82),
        (2.5, 0.01, 0.0, 0.67),
        (2.5, 0.01, 10.0, 0.895),
        (0.5, 0.2, 2, 0.625),
    ],
)
def test_golden_rewards(
    latency_s: float, cost_usd: float, max_latency_s: float, expected: float
) -> None:
    """original-behaviour 16."""
    found = reward(
        latency_s=latency_s, cost_nusd=round(cost_usd * NANO), max_latency_s=max_latency_s
    )

    assert pytest.approx(expected) == found


def test_unknown_cost_earns_what_the_dearest_does() -> None:
    dear = reward(latency_s=1.0, cost_nusd=NANO, max_latency_s=10.0)

    assert dear == reward(latency_s=1.0, cost_nusd=None, max_latency_s=10.0)


def test_arm_counts_rewards_and_what_they_lack() -> None:
    arm = rewarded(rewarded(UNTRIED, 0.75), 0.0)

    assert Arm(1.75, 2.25) == arm


@given(st.lists(st.floats(0, 1)))
def test_arm_never_falls_under_1(rewards: list[float]) -> None:
    arm = UNTRIED
    for one in rewards:
        arm = rewarded(arm, one)

    assert arm.alpha >= 1
    assert arm.beta >= 1


@pytest.mark.parametrize("arm", [Arm(), Arm(1, 5), Arm(30, 10), Arm(2000, 1000)])
def test_draws_have_the_mean_and_the_spread_of_a_beta(arm: Arm) -> None:
    draws = [drawn(arm, seed) for seed in range(4000)]

    total = arm.alpha + arm.beta
    mean = arm.alpha / total
    spread = (arm.alpha * arm.beta / (total * total * (total + 1))) ** 0.5
    assert mean == pytest.approx(statistics.fmean(draws), abs=4 * spread / 4000**0.5)
    assert spread == pytest.approx(statistics.stdev(draws), rel=0.08)
    assert draws == [drawn(arm, seed) for seed in range(4000)]


@given(arms, st.integers(0, 2**53 - 1))
def test_draw_is_a_part_of_one(arm: Arm, seed: int) -> None:
    assert 0 <= drawn(arm, seed) <= 1


# --- How probable a choice was


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Arm(), Arm(), 0.5),
        (Arm(2, 1), Arm(1, 1), 2 / 3),
        (Arm(3, 1), Arm(1, 1), 3 / 4),
        (Arm(3, 1), Arm(1, 3), 19 / 20),
        (Arm(50_000, 1), Arm(1, 1), 50_000 / 50_001),
        (Arm(9, 1), Arm(8, 1), 9 / 17),
    ],
)
def test_probability_where_it_is_known_exactly(one: Arm, other: Arm, expected: float) -> None:
    """Beta(a, 1) is the largest of `a` uniform draws: it wins a of a + b times over Beta(b, 1)."""
    assert pytest.approx(expected, abs=0.001) == probability([one, other], 0)


def test_probability_of_many_alike() -> None:
    crowd = [Arm(2, 1)] * 99

    assert pytest.approx(1 / 199, abs=0.001) == probability([Arm(1, 1), *crowd], 0)
    assert pytest.approx(2 / 199, abs=0.001) == probability([Arm(1, 1), *crowd], 5)
    assert 1 / 99 == probability(crowd, 5)


@pytest.mark.parametrize(
    "given_arms",
    [
        [Arm(1, 50), Arm(1, 1000), Arm(1.4, 30)],
        [Arm(80_000, 20_000), Arm(80_100, 19_900), Arm(2, 1)],
        [Arm(50, 1), Arm(50, 1.5), Arm(500, 3)],
        [Arm(), Arm(900, 100), Arm(90, 10)],
    ],
)
def test_probability_is_how_often_it_happens(given_arms: list[Arm]) -> None:
    tries = 6000
    wins = [0] * len(given_arms)
    for seed in range(tries):
        draws = [drawn(arm, seed * 16 + place) for place, arm in enumerate(given_arms)]
        wins[draws.index(max(draws))] += 1

    for place, count in enumerate(wins):
        # Four standard errors of the count.
        assert count / tries == pytest.approx(probability(given_arms, place), abs=0.026)


@given(st.lists(arms, min_size=2, max_size=5))
def test_probabilities_of_all_sum_to_1(several: list[Arm]) -> None:
    found = [probability(several, place) for place in range(len(several))]

    assert pytest.approx(1.0, abs=0.001 * len(several)) == sum(found)
    assert found == [probability(several, place) for place in range(len(several))]


def test_probability_is_as_near_to_the_integral_as_it_says() -> None:
    """Against the same integral with eighty times as many nodes, in plain steps."""
    several = [Arm(3, 2), Arm(40, 12), Arm(900, 240), Arm(1, 1), Arm(15, 3.5)]

    for place in range(len(several)):
        exact = integral(several, place)
        assert exact == pytest.approx(probability(several, place), abs=0.0002)


def integral(several: list[Arm], place: int) -> float:
    """P(the arm at this place draws the largest), by the midpoints of x in 0..1."""
    cells = 4_000
    under = [0.0] * len(several)
    total = 0.0
    for cell in range(cells):
        x = (cell + 0.5) / cells
        masses = [
            exp(
                lgamma(arm.alpha + arm.beta)
                - lgamma(arm.alpha)
                - lgamma(arm.beta)
                + (arm.alpha - 1) * log(x)
                + (arm.beta - 1) * log(1 - x)
            )
            / cells
            for arm in several
        ]
        below = [least + mass / 2 for least, mass in zip(under, masses, strict=True)]
        total += masses[place] * prod(below[:place] + below[place + 1 :])
        under = [least + mass for least, mass in zip(under, masses, strict=True)]
    return total
