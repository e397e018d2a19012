"""Each request is counted once in every cut, with the route that it belongs to."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.requests import ended
from tokenhub.core import series
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.series import (
    COST,
    CUTS,
    ERRORS,
    FIRSTS,
    INPUT,
    LATENCY,
    MOST_LIVE,
    OTHER,
    REQUESTS,
    SKIPS,
    UNPRICED,
    Cell,
    Cells,
    Slot,
    slot,
)
from tokenhub.core.sketch import count_of

requests = st.builds(
    ended,
    st.integers(0, 99),
    model_id=st.sampled_from(["a", "b", ""]),
    key_id=st.sampled_from(["k", "l"]),
    mode=st.sampled_from(["cheap", "normal"]),
    error_class=st.sampled_from(["", "timeout"]),
    latency_s=st.floats(0, 300),
    first_token_s=st.floats(0, 300),
)

SIZES = (("k1", 3), ("k2", 9), (OTHER, 5))


def counted(outcomes: Iterable[Outcome]) -> Slot:
    found = slot()
    for outcome in outcomes:
        found.count(outcome)
    return found


def total(cells: Iterable[Cell]) -> Cell:
    whole = series.empty()
    for cell in cells:
        series.add(whole, cell)
    return whole


@given(outcomes=st.lists(requests))
def test_every_cut_has_the_same_sums_and_sketches(outcomes: list[Outcome]) -> None:
    found = counted(outcomes)

    wholes = [total(found.cut(name).values()) for name in CUTS if name != "skips"]

    assert all(whole == wholes[0] for whole in wholes)
    assert len(outcomes) == wholes[0].sums[REQUESTS] == count_of(wholes[0].latencies)


@given(first=st.lists(requests), second=st.lists(requests))
def test_slots_add_up(first: list[Outcome], second: list[Outcome]) -> None:
    found = counted(first)

    found.add(counted(second))

    assert counted([*first, *second]) == found


@given(outcomes=st.lists(requests))
def test_cells_come_back_as_they_were_written(outcomes: list[Outcome]) -> None:
    for name in CUTS:
        cells = counted(outcomes).cut(name)

        written = series.encoded(cells)

        assert cells == dict(series.decoded(written))
        bare = dict(series.decoded(series.Encoded(written.sums)))
        assert {labels: cell.sums for labels, cell in cells.items()} == {
            labels: cell.sums for labels, cell in bare.items()
        }


def test_a_failover_charges_each_attempt_to_its_own_route() -> None:
    lost = Attempt(
        number=1, provider_id="q", model_id="b", state="unknown", input_tokens=7, cost_nusd=70
    )
    outcome = ended(1, model_id="a", provider_id="p")
    found = counted([replace(outcome, attempts=(lost, *outcome.attempts))])

    routes = found.cut("uses")

    answered, failed = routes["normal", "a", "p"].sums, routes["normal", "b", "q"].sums
    assert (1, 100, 1000) == (answered[REQUESTS], answered[INPUT], answered[COST])
    assert (0, 7, 70) == (failed[REQUESTS], failed[INPUT], failed[COST])


def test_a_request_that_nobody_answered_counts_with_the_route_that_was_asked_last() -> None:
    tried = [
        Attempt(number=number, provider_id="p", model_id=model, state="voided", kind="timeout")
        for number, model in enumerate(("a", "b"), start=1)
    ]
    failed = ended(1, model_id="", provider_id="", error_class="timeout", status=504)

    found = counted([replace(failed, attempts=tuple(tried))]).cut("ends_of_routes")

    assert 1 == found["b", "p", "504", "timeout"].sums[ERRORS]


def test_an_unknown_price_is_counted_and_costs_nothing() -> None:
    outcome = ended(1)
    (attempt,) = outcome.attempts

    (cell,) = (
        counted([replace(outcome, attempts=(replace(attempt, cost_nusd=None),))])
        .cut("modes")
        .values()
    )

    assert (1, 0) == (cell.sums[UNPRICED], cell.sums[COST])


def test_a_whole_answer_has_no_first_token() -> None:
    (cell,) = (
        counted([ended(1, first_token_s=0.0), ended(2, first_token_s=0.5)]).cut("modes").values()
    )

    assert (1, 1) == (cell.sums[FIRSTS], count_of(cell.firsts))
    assert 2_000_000 == cell.sums[LATENCY]


def test_skips_are_counted_by_route_and_reason() -> None:
    skipped = (("p/org/big", "health_down"), ("q/small", "budget_exceeded"))

    found = counted([ended(1, skipped=skipped), ended(2, skipped=skipped[:1])]).cut("skips")

    assert {
        ("org/big", "p", "health_down"): 2,
        ("small", "q", "budget_exceeded"): 1,
    } == {labels: cell.sums[SKIPS] for labels, cell in found.items()}


def test_keys_beyond_the_bound_become_one_and_are_counted_all_the_same() -> None:
    found = counted([ended(number, key_id=f"key_{number}") for number in range(3 * MOST_LIVE)])

    keys = found.cut("ends_of_keys")

    assert MOST_LIVE + 1 == len(keys)
    assert 2 * MOST_LIVE == keys[OTHER, "200", ""].sums[REQUESTS]
    assert 3 * MOST_LIVE == total(found.cut("routes").values()).sums[REQUESTS]


def test_names_beyond_every_bound_become_one() -> None:
    found = counted([ended(number, mode=f"m{number}") for number in range(4 * MOST_LIVE)])

    assert 2 * MOST_LIVE + 1 == len(found.requests)
    assert 4 * MOST_LIVE == total(found.cut("modes").values()).sums[REQUESTS]


def test_the_smallest_cells_of_a_roll_up_become_one() -> None:
    cells: Cells = {}
    for number in range(10):
        for _ in range(number + 1):
            series.put(cells, (f"k{number}",), counted([ended(1)]).requests.popitem()[1])

    kept = series.bounded(cells, 3)

    assert {("k9",): 10, ("k8",): 9, (OTHER,): 36} == {
        labels: cell.sums[REQUESTS] for labels, cell in kept.items()
    }
    assert cells == series.bounded(cells, 10)


def test_what_is_folded_joins_what_was_and_leaves_the_cells_as_they_were() -> None:
    cells = {(name,): counted([ended(1)] * count).cut("keys")["key_1",] for name, count in SIZES}

    kept = series.bounded(cells, 2)

    assert {("k2",): 9, (OTHER,): 8} == {
        labels: cell.sums[REQUESTS] for labels, cell in kept.items()
    }
    assert 5 == cells[OTHER,].sums[REQUESTS]
