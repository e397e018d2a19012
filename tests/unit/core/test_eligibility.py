"""Who may answer; and whoever may not is told why, with numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import (
    a_catalog,
    a_model,
    a_policy,
    a_provider,
    a_route,
    an_intent,
    signals,
)
from tokenhub.core.eligibility import Skip, eligible, needed_tokens
from tokenhub.core.money import cost_nusd


@pytest.mark.parametrize(
    ("prompt", "reserved", "needed"),
    [(8695, 0, 9999), (8697, 0, 10001), (0, 0, 0), (100, 50, 165)],
)
def test_headroom(prompt: int, reserved: int, needed: int) -> None:
    assert needed == needed_tokens(prompt, reserved)


@pytest.mark.parametrize(("prompt", "fits"), [(8695, True), (8697, False)])
def test_prompt_with_its_headroom_must_fit(prompt: int, fits: bool) -> None:  # noqa: FBT001 - a table's column
    route = a_route(max_context_tokens=10_000)

    able, skipped = eligible(an_intent(input_tokens=prompt), [route], signals())

    assert fits == bool(able)
    if not fits:
        assert [Skip("openai/gpt", "context_overflow", 10001, 10_000)] == skipped


def test_context_of_unknown_size_is_no_limit() -> None:
    able, _ = eligible(an_intent(input_tokens=10**9), [a_route()], signals())

    assert 1 == len(able)


@pytest.mark.parametrize(
    ("change", "policy", "without", "skip"),
    [
        ({"enabled": False}, {}, "", Skip("openai/gpt", "disabled")),
        ({"weight": 2}, {"min_weight": 3}, "", Skip("openai/gpt", "weight_below_minimum", 2, 3)),
        ({}, {}, "openai", Skip("openai/gpt", "no_credential")),
        (
            {},
            {"max_budget_nusd": 2_023_999},
            "",
            Skip("openai/gpt", "budget_exceeded", 2_024_000, 2_023_999, 512),
        ),
        (
            {"enabled": False, "weight": 2, "max_context_tokens": 1},
            {"min_weight": 3, "max_budget_nusd": 0},
            "openai",
            Skip("openai/gpt", "disabled"),
        ),
    ],
)
def test_reason_and_numbers(
    change: dict[str, Any], policy: dict[str, Any], without: str, skip: Skip
) -> None:
    intent = an_intent(policy=a_policy(**policy))

    able, skipped = eligible(intent, [a_route(**change)], signals(without=[without]))

    assert [] == able
    assert [skip] == skipped


def test_disabled_provider_disables_its_models() -> None:
    catalog = a_catalog(a_model("m", "a"), providers=[a_provider("a", enabled=False)])

    assert ([], [Skip("a/m", "disabled")]) == eligible(an_intent(), catalog.routes, signals())


@pytest.mark.parametrize("policy", [{"min_weight": 1}, {"max_budget_nusd": 2_024_000}, {}])
def test_what_just_fits_is_eligible(policy: dict[str, Any]) -> None:
    intent = an_intent(policy=a_policy(**policy))

    able, skipped = eligible(intent, [a_route(weight=1)], signals())

    assert ([2_024_000], []) == ([one.cost_nusd for one in able], skipped)


def test_unknown_price_is_no_breach_of_the_budget_and_stays_unknown() -> None:
    able, _ = eligible(
        an_intent(policy=a_policy(max_budget_nusd=0)), [a_route(per_1k=None)], signals()
    )

    assert [None] == [one.cost_nusd for one in able]


some_prices = st.none() | st.integers(0, 10**15)


@given(st.integers(0, 10**6), st.integers(0, 10**6), some_prices, some_prices)
def test_estimate_is_the_cost_of_its_tokens(
    put_in: int, got_out: int, in_price: int | None, out_price: int | None
) -> None:
    route = a_route(input_price=in_price, output_price=out_price)
    intent = an_intent(input_tokens=put_in, output_tokens=got_out)

    able, _ = eligible(intent, [route], signals())

    assert cost_nusd(put_in, got_out, in_price, out_price) == able[0].cost_nusd


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10), st.sampled_from([0, 500, 5000]))),
    st.integers(0, 10),
    st.sampled_from([None, 0, 10**6, 10**9]),
)
def test_every_route_is_either_able_or_skipped_with_a_reason(
    rows: list[tuple[bool, int, int]], min_weight: int, budget: int | None
) -> None:
    models = [
        a_model(f"m{place}", "p", enabled=on, weight=weight, max_context_tokens=size)
        for place, (on, weight, size) in enumerate(rows)
    ]
    routes = a_catalog(*models).routes
    intent = an_intent(policy=a_policy(min_weight=min_weight, max_budget_nusd=budget))

    able, skipped = eligible(intent, routes, signals())

    found = [one.route.id for one in able] + [skip.route for skip in skipped]
    assert sorted(route.id for route in routes) == sorted(found)
    for skip in skipped:
        if skip.reason == "weight_below_minimum":
            assert skip.value is not None
            assert skip.limit is not None
            assert skip.value < skip.limit
        elif skip.reason != "disabled":
            assert skip.value is not None
            assert skip.limit is not None
            assert skip.value > skip.limit


# --- Health

TWO = a_catalog(a_model("m", "a"), a_model("m", "b"), a_model("n", "a"))


def sorted_out(closed: dict[str, tuple[str, float]]) -> tuple[list[tuple[str, bool]], list[Skip]]:
    able, skipped = eligible(an_intent(), TWO.routes, signals(closed=closed))
    return [(one.route.id, one.last_resort) for one in able], skipped


def test_routes_that_are_down_stay_as_last_resorts() -> None:
    able, skipped = sorted_out({"a": ("health_down", 2.5)})

    assert [("a/m", True), ("a/n", True), ("b/m", False)] == able
    assert [] == skipped


def test_a_last_resort_knows_when_it_opens() -> None:
    able, _ = eligible(an_intent(), TWO.routes, signals(closed={"a/m": ("health_down", 2.5)}))

    assert {"a/m": 2500, "a/n": 0, "b/m": 0} == {one.route.id: one.closed_ms for one in able}


@pytest.mark.parametrize("reason", ["cooling_down", "credential_out"])
def test_who_throttles_or_refused_our_key_is_no_resort(reason: str) -> None:
    able, skipped = sorted_out({"a": (reason, 1.0)})

    assert [("b/m", False)] == able
    assert [Skip("a/m", reason, 1000, None, 512), Skip("a/n", reason, 1000, None, 512)] == skipped


def test_what_forbids_a_call_counts_more_than_what_advises_against_it() -> None:
    _, skipped = sorted_out({"a": ("health_down", 60), "a/n": ("cooling_down", 1)})

    assert Skip("a/n", "cooling_down", 1000, None, 512) in skipped
