"""Simulated policies side by side: their places, their sums, and why they differ."""

import pytest

from tests.unit.tui.simulated import candidate, result
from tokenhub.wire.observe import Skipped, Terms
from tokenhub_tui.state import compared, sheet
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.compared import against, best, cost, expected, latency, ranking, ranks
from tokenhub_tui.state.differing import difference, standing
from tokenhub_tui.state.policies import usual

SMALL = candidate("one/small", 0.1, usd=0.001, ms=100.0, cost=0.1, weight=0.2)
LARGE = candidate("two/large", 0.4, usd=0.004, ms=300.0, cost=1.0, weight=1.0)
OVER = Skipped(route="two/large", reason="budget_exceeded", value=0.004, limit=0.002)


def told(lines: list[sheet.Line]) -> str:
    """The lines as text, a cell beside the other."""
    return "\n".join(
        f"{line.label}|" + "|".join("".join(natural(one) for one in cell) for cell in line.cells)
        for line in lines
    )


def test_a_policy_that_draws_is_ranked_by_its_draws() -> None:
    drawn = result(SMALL, LARGE, mode="thompson", shares=[("two/large", 0.7), ("one/small", 0.3)])

    assert ["two/large", "one/small"] == [place.route for place in ranking(drawn)]
    assert LARGE == best(drawn)
    assert pytest.approx(0.7 * 0.004 + 0.3 * 0.001) == expected(drawn, cost)


def test_what_few_draws_come_to_may_be_unknown_and_what_many_do_may_not() -> None:
    unknown = candidate("two/large", 0.4, ms=None)
    few = result(SMALL, unknown, shares=[("one/small", 0.95), ("two/large", 0.05)])
    many = result(SMALL, unknown, shares=[("one/small", 0.5), ("two/large", 0.5)])

    assert pytest.approx(100.0) == expected(few, latency)
    assert expected(many, latency) is None


def test_routes_left_out_stand_below_with_the_reason() -> None:
    lines = told(ranks([result(SMALL, skipped=[OVER])], width=34, room=10))

    assert "1|▶ one/small" in lines
    assert "2|✗ two/large" in lines
    assert "over budget $0.0040 > $0.0020" in lines


def test_what_does_not_fit_is_counted() -> None:
    several = result(*(candidate(f"one/m{n}", n / 10) for n in range(9)))

    lines = ranks([several], width=34, room=7)

    assert 7 == len(lines)
    assert "+3 more" in told(lines)


def test_room_is_used_for_the_terms_of_each_score() -> None:
    assert "cost .025" in told(ranks([result(SMALL, LARGE)], width=40, room=20))
    assert "one/small" in told(ranks([result(SMALL, LARGE)], width=60, room=2))


def test_a_policy_under_which_nobody_answers_says_so() -> None:
    refused = result(error="no model fits, none at all, of so many")

    assert "✗ no model fits, none" in told(ranks([result(SMALL), refused], width=34, room=8))
    assert "B would answer nobody: no model fits, none at all, of so many" == difference(
        [result(SMALL), refused], 1
    )


@pytest.mark.parametrize(
    ("ours", "shown"),
    [
        (result(LARGE, SMALL), "\N{MULTIPLICATION SIGN}4 $  \N{MULTIPLICATION SIGN}3 time  "),
        (result(candidate("one/x", 0.1, usd=0.0012, ms=90.0)), "+20% $  -10% time  "),
        (result(SMALL), "the same"),
        (result(candidate("one/x", 0.1)), "another, for the same"),
    ],
)
def test_choices_are_held_against_the_first(ours: compared.Result, shown: str) -> None:
    assert shown == "".join(one.text for one in against(ours, result(SMALL)))


@pytest.mark.parametrize(
    ("one", "two", "says"),
    [
        (result(LARGE, SMALL), result(SMALL, skipped=[OVER]), "B leaves two/large out, over"),
        (result(SMALL, skipped=[OVER]), result(LARGE), "A leaves two/large out, over"),
        (result(SMALL), result(SMALL, skipped=[OVER]), "choose one/small; B leaves two/large out"),
        (result(SMALL), result(SMALL), "choose the same, one/small, and in the same order"),
        (result(SMALL, LARGE), result(SMALL), "who comes after it differs"),
        (
            result(SMALL, LARGE),
            result(SMALL, LARGE, mode="thompson", shares=[("two/large", 0.64), ("one/small", 0.3)]),
            "B draws by what it has learned; two/large comes first in 64% of 1,000 draws",
        ),
        (
            result(SMALL, LARGE, weights=Terms(cost=0.7, latency=0.1, failure=0.1, weight=0.1)),
            result(LARGE, SMALL, weights=Terms(cost=0.1, latency=0.1, failure=0.1, weight=0.7)),
            "cost counts 10% of the score in B and 70% in A; one/small is cheaper",
        ),
    ],
)
def test_why_two_policies_differ_is_one_sentence(
    one: compared.Result, two: compared.Result, says: str
) -> None:
    assert says in difference([one, two], 1)


def test_the_first_is_held_against_the_next_that_chooses_otherwise() -> None:
    said = difference([result(SMALL), result(SMALL), result(LARGE)], 0)

    assert said.startswith("A and C differ")


def test_why_a_candidate_is_where_it_is_is_one_sentence() -> None:
    it = result(SMALL, LARGE)

    assert "nobody has a lower score than its .100" in standing(it, "one/small")
    assert ".300 behind one/small, most of it for cost: .250" in standing(it, "two/large")
    assert "two/large is left out: over budget" in standing(
        result(SMALL, skipped=[OVER]), "two/large"
    )


def test_the_head_tells_what_counts_where_a_policy_says_nothing() -> None:
    lines = told(compared.head(usual(), [result(SMALL, mode="normal")] * 4, [0, 1], 79))

    assert "2 of 4 ←→|A default (normal)|B cheap" in lines
    assert "budget|$0.0500|$0.0500" in lines
    assert "latency|5.0s|5.0s" in lines


@pytest.mark.parametrize(
    ("count", "at", "room", "shown"),
    [
        (4, 0, 79, [0, 1]), (4, 3, 79, [0, 3]), (4, 2, 119, [0, 2, 3]), (4, 1, 119, [0, 1, 2]),
        (4, 1, 199, [0, 1, 2, 3]), (2, 1, 40, [1]),
    ],
)  # fmt: skip
def test_the_first_stays_where_not_all_fit(
    count: int, at: int, room: int, shown: list[int]
) -> None:
    assert shown == sheet.visible(count, at, room)
