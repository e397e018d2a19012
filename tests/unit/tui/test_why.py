import pytest
from msgspec.structs import replace

from tests.unit.tui.test_feed import attempt
from tokenhub.wire.observe import Candidate, Decision, Policy, Sample, Skipped, Terms
from tokenhub_tui.state.candidates import (
    COLUMNS,
    columns,
    part_columns,
    part_rows,
    price,
    rows,
    term,
)
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.feed import Line
from tokenhub_tui.state.why import why

EVEN = Terms(cost=0.5, latency=0.3, failure=0.1, weight=0.1)


def candidate(
    route: str, *, cost: float = 0.0, latency: float = 0.0, **fields: object
) -> Candidate:
    terms = Terms(cost=cost, latency=latency, failure=0.0, weight=0.0)
    usual = {"cost_usd": 0.001, "latency_ms": 100.0, "failure_rate": 0.0, "weight": 5}
    score = EVEN.cost * cost + EVEN.latency * latency
    return Candidate(route=route, score=score, terms=terms, **{**usual, **fields})


def decision(
    *candidates: Candidate, skipped: tuple[Skipped, ...] = (), **fields: object
) -> Decision:
    policy = Policy(
        mode="normal", max_budget_usd=None, max_latency_ms=2000, min_weight=0, origin={}
    )
    usual = {"catalog_version": 1, "seed": 1, "hint": "", "substitute": "", "input_tokens": 1,
             "output_tokens": 1, "reason": "routed-weight-5", "propensity": 1.0}  # fmt: skip
    return Decision(
        policy=policy, weights=EVEN, candidates=list(candidates), skipped=list(skipped),
        **{**usual, **fields},
    )  # fmt: skip


def asked(made: Decision | None, **fields: object) -> Line:
    return Line(
        request_id="r", at=0, provider_id="one", model_id="a", decision=made, state="ok", **fields
    )


A, B = candidate("one/a", cost=0.2, latency=0.5), candidate("one/b", cost=0.9)


BEHIND = (
    "one/b is at place 2 by its score: .450 against .250 of one/a. "
    "It loses by cost +.350. It leads by latency -.150."
)
EVENED = (
    "one/c is at place 2 by its score: .250 against .250 of one/a. "
    "They are even, and the seed has chosen."
)


@pytest.mark.parametrize(
    ("made", "route", "said"),
    [
        (decision(A, B), "one/a", "one/a has the lowest score of 2: .250."),
        (decision(A, B), "one/b", BEHIND),
        (decision(A), "one/a", "one/a was the only one that could answer."),
        (decision(A, replace(A, route="one/c")), "one/c", EVENED),
        (decision(B, A, reason="routed-hint-exact"), "one/b",
         "one/b was asked for by name, and so comes first."),
        (decision(B, A, reason="routed-hint-exact"), "one/a",
         "one/a has a better score, .250; the request, by its name, put one/b first."),
        (decision(B, A, explored=1), "one/b",
         "A draw put one/b first, to try it out; its score had place 2."),
        (decision(A, replace(B, last_resort=True, closed_ms=41_000)), "one/b",
         "one/b is down for 41.0s yet: it is tried after all that are not."),
        (decision(A, replace(B, too_slow=True)), "one/b",
         "one/b usually takes longer than 2.0s, and comes after those that do not."),
        (decision(A, skipped=(Skipped(route="one/s", reason="context_overflow", value=9100,
                                      limit=8192),)), "one/s",
         "one/s was left out: context too small 9,100 > 8,192."),
        (decision(A), "one/x", "one/x was not looked at."),
        (None, "one/a", "No decision is on record."),
    ],
)  # fmt: skip
def test_why_a_route_was_chosen_or_not(made: Decision | None, route: str, said: str) -> None:
    assert said == why(asked(made), route)


def test_a_draw_is_explained_by_what_was_drawn() -> None:
    best = replace(A, sample=Sample(alpha=3, beta=1, draw=0.93, failing=0.02, price=0.1))
    other = replace(B, sample=Sample(alpha=1, beta=1, draw=0.4))
    made = decision(best, other)

    assert "one/b drew .400, one/a .930: the highest draw wins." == why(asked(made), "one/b")
    assert "one/a drew .930, the highest of 2." == why(asked(made), "one/a")
    assert "drawn θ" in [one.title for one in columns(made)]
    assert ["3.0", "1.0", "2%", ".100", ".930"] == [
        natural(cell) for cell in rows(made)[0].cells[2:7]
    ]


def test_what_came_of_the_calls_is_said() -> None:
    line = asked(decision(A, B), attempts=[attempt("throttled"), attempt()])
    line.attempts[0].model_id = line.attempts[1].model_id = "a"
    line.attempts[1].error_class = "timeout"

    assert why(line, "one/a").endswith("It was tried and failed: rate limited, timed out.")


def test_a_route_that_was_left_out_has_the_whole_line_for_its_reason() -> None:
    left = Skipped(route="one/s", reason="cooling_down", value=41_000, limit=None)

    row = rows(decision(A, skipped=(left,)), "one/a")[1]

    assert row.tail is not None
    assert (2, "cooling down 41.0s") == (len(row.cells), row.tail.text)


def test_bars_of_parts_have_one_scale() -> None:
    first, second = part_rows(decision(A, B), "one/a")

    assert "█" * 10 == natural(second.cells[1])
    assert ["██▎", "███▍"] == [natural(one) for one in first.cells[1:3]]
    assert len(COLUMNS) == len(rows(decision(A))[0].cells)


def test_a_draw_is_made_of_what_is_believed_and_what_is_taken_off() -> None:
    sample = Sample(alpha=6, beta=2, draw=0.8, quality=None, failing=0.4)
    drawn = decision(candidate("one/a", sample=sample))

    (row,) = part_rows(drawn, "one/a")

    assert ["█████████▍", "█████", "", "█" * 10] == [natural(one) for one in row.cells[1:]]
    assert len(row.cells) == len(part_columns(drawn))


def test_numbers_are_short() -> None:
    assert ["$0", "$0.0123", "$0.0029", "$0.000012"] == [
        price(one) for one in (0, 0.0123, 0.0029, 0.000012)
    ]
    assert ["-.021", ".000", "1.250"] == [term(one) for one in (-0.0211, -0.0001, 1.25)]
