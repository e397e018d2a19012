"""One number for each candidate: the golden table, the bounds, and what is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.catalog import MODES
from tokenhub.core.plans.steps import COMPOSED
from tokenhub.core.scoring import BY_MODE, Terms, score, terms

# original-behaviour 16: candidates a, b, c.
COSTS = (7_620_000, 1_268_000, 53_400_000)
LATENCIES = (0.4, 0.2, 0.9)
FAILURES = (0.02, 0.10, 0.0)
WEIGHTS = (8, 3, 10)

some_costs = st.none() | st.integers(0, 10**15)
some_latencies = st.none() | st.floats(0, 300)
candidates = st.lists(
    st.tuples(some_costs, some_latencies, st.floats(0, 1), st.integers(0, 10)),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("mode", "scores", "order"),
    [
        ("cheap", (0.084332, 0.108844, 0.700000), "abc"),
        ("normal", (-0.003215, 0.236492, 0.250000), "abc"),
        ("high_confidence", (-0.478421, -0.036591, -0.550000), "cab"),
        ("planning", (-0.381286, 0.044597, -0.400000), "cab"),
        ("adversarial", (-0.381286, 0.044597, -0.400000), "cab"),
    ],
)
def test_golden_table(mode: str, scores: tuple[float, ...], order: str) -> None:
    every = terms(COSTS, LATENCIES, FAILURES, WEIGHTS)

    found = [score(term, BY_MODE[mode]) for term in every]

    assert pytest.approx(scores, abs=5e-7) == found
    assert order == "".join(name for _, name in sorted(zip(found, "abc", strict=True)))


def test_every_mode_has_weights_that_sum_to_one() -> None:
    assert {*MODES, *COMPOSED} == set(BY_MODE)
    for weights in BY_MODE.values():
        assert pytest.approx(1.0) == (
            weights.cost + weights.latency + weights.failure + weights.weight
        )


def test_unknown_cost_counts_as_the_dearest() -> None:
    found = terms([100, None, 50], [None] * 3, [0.0] * 3, [1] * 3)

    assert [1.0, 1.0, 0.5] == [term.cost for term in found]


def test_unknown_cost_is_dear_even_where_all_others_are_free() -> None:
    found = terms([0, None, 0], [None] * 3, [0.0] * 3, [1] * 3)

    assert [0.0, 1.0, 0.0] == [term.cost for term in found]


def test_unknown_latency_counts_as_the_mean() -> None:
    found = terms([1, 1, 1], [0.2, None, 0.6], [0.0] * 3, [1] * 3)

    assert pytest.approx([1 / 3, 2 / 3, 1.0]) == [term.latency for term in found]


def test_candidates_of_which_nothing_is_known_are_alike() -> None:
    first, second = terms([None, None], [None, None], [0.0, 0.0], [0, 0])

    assert first == second


def test_zeroes_are_no_division_by_zero() -> None:
    assert [Terms(0.0, 0.0, 0.0, 0.0)] == terms([0], [0.0], [0.0], [0])


@given(candidates)
def test_terms_lie_between_zero_and_one(rows: list[tuple[int, float, float, int]]) -> None:
    for term in terms(*zip(*rows, strict=True)):
        assert 0 <= term.cost <= 1
        assert 0 <= term.latency <= 1.0000001
        assert 0 <= term.failure <= 1
        assert 0 <= term.weight <= 1


@given(candidates)
def test_unknown_cost_is_never_better_than_a_known_one(
    rows: list[tuple[int | None, float, float, int]],
) -> None:
    costs = [cost for cost, *_ in rows]

    found = terms(*zip(*rows, strict=True))

    unknown = [term.cost for term, cost in zip(found, costs, strict=True) if cost is None]
    known = [term.cost for term, cost in zip(found, costs, strict=True) if cost is not None]
    assert all(mine >= theirs for mine in unknown for theirs in known)


@given(candidates, st.sampled_from(MODES))
def test_better_in_everything_is_never_scored_worse(
    rows: list[tuple[int | None, float | None, float, int]], mode: str
) -> None:
    known = [(c or 0, lat or 0.0, f, w) for c, lat, f, w in rows]
    worse = (max(r[0] for r in known) + 1, 301.0, 1.0, min(r[3] for r in known))

    found = terms(*zip(*[*known, worse], strict=True))

    scores = [score(term, BY_MODE[mode]) for term in found]
    assert max(scores) == scores[-1]
