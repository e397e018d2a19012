"""The choice: the same for ever, complete in its reasons, and honest in what it does not know."""

from math import exp
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import (
    a_catalog,
    a_model,
    a_policy,
    a_provider,
    an_ask,
    an_intent,
    signals,
)
from tokenhub.core.catalog import MODES, Catalog, Model, Route
from tokenhub.core.decide import Decision, Record, decide, firsts
from tokenhub.core.errors import BadRequest, NoEligibleModel, NotAllowed, NotFound, VaultLocked
from tokenhub.core.learning import Arm
from tokenhub.core.policy import Intent, interpret
from tokenhub.core.scoring import BY_MODE, Weights
from tokenhub.core.signals import Closed, Kept, Signal, Signals

# original-behaviour 16: candidates a, b, c.
GOLDEN = a_catalog(
    a_model("a", "pa", weight=8, per_1k=(0.0025, 0.01)),
    a_model("b", "pb", weight=3, per_1k=(0.0005, 0.0015)),
    a_model("c", "pc", weight=10, per_1k=(0.015, 0.075)),
)
SEEN = signals({"pa/a": (0.4, 0.02), "pb/b": (0.2, 0.10), "pc/c": (0.9, 0.0)})

SCORED = tuple(mode for mode in MODES if mode != "thompson")

some_models = st.lists(
    st.builds(
        a_model,
        st.sampled_from(["m", "n", "a/m"]),
        st.sampled_from("abc"),
        per_1k=st.sampled_from([None, (0.0, 0.0), (0.001, 0.002), (0.1, 0.3)]),
        weight=st.integers(0, 10),
        max_context_tokens=st.sampled_from([0, 1_000, 100_000]),
        enabled=st.booleans(),
    ),
    max_size=9,
)
ROUTES = [f"{provider}/{model}" for provider in "abc" for model in ("m", "a/m")]
some_signals = st.builds(
    signals,
    st.dictionaries(
        st.sampled_from(ROUTES),
        st.tuples(
            st.none() | st.floats(0.001, 100), st.floats(0, 1), st.none() | st.integers(1, 5000)
        ),
    ),
    without=st.lists(st.sampled_from("abc"), max_size=1),
    arms=st.dictionaries(
        st.sampled_from(ROUTES), st.tuples(st.floats(1, 1000), st.floats(1, 1000))
    ),
)
some_intents = st.builds(
    an_intent,
    st.sampled_from(["", "m", "a/m", "b/m", "x/n", "unknown"]),
    policy=st.builds(
        a_policy,
        mode=st.sampled_from(MODES),
        max_budget_nusd=st.sampled_from([None, 0, 10**6, 10**9]),
        min_weight=st.integers(0, 10),
    ),
    substitute=st.sampled_from(["any", "same-model", "never"]),
    input_tokens=st.sampled_from([0, 10, 5_000]),
)
seeds = st.integers(0, 2**53 - 1)


def order(decision: Decision) -> list[str]:
    return [route.id for route in decision.ranked]


def of_their_model(named: tuple[Route, ...], catalog: Catalog) -> tuple[Route, ...]:
    """The routes of the model that was named, at all its providers."""
    return catalog.by_model[named[0].model.id] if named else ()


def attempted(intent: Intent, catalog: Catalog, seen: Signals, seed: int) -> Decision | Exception:
    try:
        return decide(intent, catalog, seen, seed)
    except (NotFound, BadRequest, NoEligibleModel, NotAllowed) as error:
        return error


@pytest.mark.parametrize(
    ("mode", "ranking"),
    [
        ("cheap", ["pa/a", "pb/b", "pc/c"]),
        ("normal", ["pa/a", "pb/b", "pc/c"]),
        ("high_confidence", ["pc/c", "pa/a", "pb/b"]),
        ("planning", ["pc/c", "pa/a", "pb/b"]),
        ("adversarial", ["pc/c", "pa/a", "pb/b"]),
    ],
)
def test_golden_order_and_costs(mode: str, ranking: list[str]) -> None:
    decision = decide(an_intent(policy=a_policy(mode=mode)), GOLDEN, SEEN, 1)

    assert ranking == order(decision)
    costs = {candidate.route: candidate.cost_nusd for candidate in decision.record.candidates}
    assert {"pa/a": 7_620_000, "pb/b": 1_268_000, "pc/c": 53_400_000} == costs
    assert 1.0 == decision.record.propensity


def test_record_holds_all_that_the_choice_was_made_of() -> None:
    policy = a_policy(mode="cheap", max_budget_nusd=10**9)
    intent = an_intent("b", policy=policy, input_tokens=1000, output_tokens=512)

    record = decide(intent, GOLDEN, SEEN, 77).record

    assert (1, 77, "b", "any") == (
        record.catalog_version,
        record.seed,
        record.hint,
        record.substitute,
    )
    assert (policy, BY_MODE["cheap"]) == (record.policy, record.weights)
    assert (1000, 512) == (record.input_tokens, record.output_tokens)
    best = record.candidates[0]
    assert ("pb/b", 0.2, 0.10, 3) == (
        best.route,
        best.latency_s,
        best.failure_rate,
        best.weight,
    )


def test_record_can_be_stored_and_read_again() -> None:
    record = decide(an_intent(), GOLDEN, SEEN, 1).record

    assert record == msgspec.json.decode(msgspec.json.encode(record), type=type(record))


@given(some_intents, some_models, some_signals, seeds)
def test_same_arguments_give_the_same_decision(
    intent: Intent, models: list[Model], seen: Signals, seed: int
) -> None:
    backwards = models[::-1]
    keys = {model.key for model in models}

    one = attempted(intent, a_catalog(*models), seen, seed)
    if len(keys) == len(models):
        other = attempted(intent, a_catalog(*backwards), seen, seed)
    else:
        other = attempted(intent, a_catalog(*models), seen, seed)

    if isinstance(one, Decision):
        assert isinstance(other, Decision)
        assert (order(one), one.record) == (order(other), other.record)
    else:
        assert (type(one), str(one)) == (type(other), str(other))


@given(some_intents, some_models, some_signals, seeds)
def test_every_considered_route_is_a_candidate_or_skipped(
    intent: Intent, models: list[Model], seen: Signals, seed: int
) -> None:
    catalog = a_catalog(*models)

    decision = attempted(intent, catalog, seen, seed)

    considered = catalog.routes
    if intent.hint and intent.substitute != "any":
        named = catalog.routes_of(intent.hint)
        considered = named if intent.substitute == "never" else of_their_model(named, catalog)
    if isinstance(decision, Decision):
        record = decision.record
        told = [one.route for one in record.candidates] + [one.route for one in record.skipped]
        assert sorted(route.id for route in considered) == sorted(told)
        assert order(decision) == [one.route for one in record.candidates][: len(order(decision))]
    elif isinstance(decision, NoEligibleModel):
        assert sorted(route.id for route in considered) == sorted(
            skip.route for skip in decision.skipped
        )


@given(some_intents, some_models, some_signals, seeds)
def test_scores_rise_within_the_hinted_their_model_and_the_others(
    intent: Intent, models: list[Model], seen: Signals, seed: int
) -> None:
    catalog = a_catalog(*models)
    decision = attempted(intent, catalog, seen, seed)
    if not isinstance(decision, Decision) or intent.policy.mode not in SCORED:
        return

    named = catalog.routes_of(intent.hint)
    wanted = {route.id for route in named}
    same = {route.id for route in of_their_model(named, catalog)} - wanted
    candidates = decision.record.candidates

    hinted = [one.score for one in candidates if one.route in wanted]
    elsewhere = [one.score for one in candidates if one.route in same]
    others = [one.score for one in candidates if one.route not in wanted | same]
    assert hinted + elsewhere + others == [one.score for one in candidates]
    assert sorted(hinted) == hinted
    assert sorted(elsewhere) == elsewhere
    assert sorted(others) == others


@given(some_intents, some_models, some_signals, seeds)
def test_hard_limits_hold_for_every_route_that_may_be_tried(
    intent: Intent, models: list[Model], seen: Signals, seed: int
) -> None:
    decision = attempted(intent, a_catalog(*models), seen, seed)
    if not isinstance(decision, Decision):
        return

    policy = intent.policy
    for candidate, route in zip(decision.record.candidates, decision.ranked, strict=False):
        assert route.model.enabled
        assert route.model.weight >= policy.min_weight
        assert route.provider.id not in seen.without_credential
        if policy.max_budget_nusd is not None and candidate.cost_nusd is not None:
            assert candidate.cost_nusd <= policy.max_budget_nusd


@given(some_models, st.sampled_from(SCORED), seeds)
def test_unknown_price_never_beats_a_known_one_that_is_else_alike(
    models: list[Model], mode: str, seed: int
) -> None:
    alike = [msgspec.structs.replace(model, weight=5, enabled=True) for model in models]
    decision = attempted(
        an_intent(policy=a_policy(mode=mode), input_tokens=10), a_catalog(*alike), signals(), seed
    )
    if not isinstance(decision, Decision):
        return

    costs = [candidate.cost_nusd for candidate in decision.record.candidates]

    known = [cost for cost in costs if cost is not None]
    if len(set(known)) > 1 or 0 in known:
        assert costs[0] is not None


def test_unknown_price_does_not_pass_for_free_beside_a_free_model() -> None:
    catalog = a_catalog(
        a_model("free", "local", per_1k=(0.0, 0.0)), a_model("secret", "far", per_1k=None)
    )

    firsts = {order(decide(an_intent(), catalog, signals(), seed))[0] for seed in range(30)}

    assert {"local/free"} == firsts


def test_tie_is_broken_by_the_seed_and_the_propensity_says_so() -> None:
    catalog = a_catalog(*[a_model("m", provider) for provider in "abcd"])

    decisions = [decide(an_intent(), catalog, signals(), seed) for seed in range(200)]

    assert {0.25} == {decision.record.propensity for decision in decisions}
    firsts = [order(decision)[0] for decision in decisions]
    for provider in "abcd":
        assert 25 <= firsts.count(f"{provider}/m") <= 75


def test_tie_among_the_rest_leaves_the_best_certain() -> None:
    catalog = a_catalog(
        a_model("m", "a", weight=9), a_model("m", "b", weight=1), a_model("m", "c", weight=1)
    )

    decisions = [decide(an_intent(), catalog, signals(), seed) for seed in range(30)]

    assert {1.0} == {decision.record.propensity for decision in decisions}
    assert {"a/m"} == {order(decision)[0] for decision in decisions}
    assert {"b/m", "c/m"} == {order(decision)[1] for decision in decisions}


def test_propensity_of_a_hint_counts_only_the_hinted() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b"), a_model("n", "c"))

    record = decide(an_intent("m"), catalog, signals(), 1).record

    assert 0.5 == record.propensity


@pytest.mark.parametrize(
    ("hint", "first", "reason"),
    [
        ("gpt", "openai/gpt", "routed-hint-exact"),
        ("openai/gpt", "openai/gpt", "routed-hint-exact"),
        ("proxy/gpt", "openai/gpt", "routed-hint-exact"),
        ("meta/llama", "vllm/meta/llama", "routed-hint-exact"),
        ("vllm/meta/llama", "vllm/meta/llama", "routed-hint-exact"),
        ("", "best/star", "routed-weight-10"),
        ("*", "best/star", "routed-weight-10"),
        ("nobody-knows-me", "best/star", "routed-weight-10"),
        ("off", "best/star", "routed-weight-10"),
    ],
)
def test_hint_goes_first_and_all_others_may_step_in(hint: str, first: str, reason: str) -> None:
    catalog = a_catalog(
        a_model("gpt", "openai"),
        a_model("meta/llama", "vllm"),
        a_model("star", "best", weight=10),
        a_model("off", "openai", enabled=False),
    )

    decision = decide(interpret(an_ask(model=hint), catalog.defaults), catalog, signals(), 1)

    assert (first, reason) == (order(decision)[0], decision.record.reason)
    assert 3 == len(decision.ranked)


def test_hint_that_is_a_model_and_a_route_goes_to_the_model() -> None:
    catalog = a_catalog(a_model("b", "a", weight=10), a_model("a/b", "c"))

    decision = decide(an_intent("a/b", substitute="same-model"), catalog, signals(), 1)

    assert ["c/a/b"] == order(decision)


def test_same_model_stays_with_the_model_at_all_its_providers() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b", weight=9), a_model("n", "c"))

    decision = decide(an_intent("m", substitute="same-model"), catalog, signals(), 1)

    assert ["b/m", "a/m"] == order(decision)


@pytest.mark.parametrize("why_not", [{"enabled": False}, {}])
def test_the_model_of_a_named_route_goes_before_other_models(why_not: dict[str, Any]) -> None:
    catalog = a_catalog(
        a_model("m", "a", **why_not), a_model("m", "b"), a_model("n", "c", weight=10)
    )
    closed = {} if why_not else {"a": ("cooling_down", 9.0)}

    any_ = decide(an_intent("a/m"), catalog, signals(closed=closed), 1)
    same = decide(an_intent("a/m", substitute="same-model"), catalog, signals(closed=closed), 1)

    assert (["b/m", "c/n"], "routed-weight-1") == (order(any_), any_.record.reason)
    assert ["b/m"] == order(same)
    with pytest.raises(NoEligibleModel) as refused:
        decide(an_intent("a/m", substitute="never"), catalog, signals(closed=closed), 1)
    assert ["a/m"] == [skip.route for skip in refused.value.skipped]


def test_never_is_not_answered_by_another_provider_than_the_named_one() -> None:
    """A model that was removed from the provider where it had to stay is not looked for."""
    catalog = a_catalog(a_model("n", "eu"), a_model("m", "us"))

    with pytest.raises(NotFound, match="'eu/m' does not exist"):
        decide(an_intent("eu/m", substitute="never"), catalog, signals(), 1)

    for substitute in ("any", "same-model"):
        assert (
            "us/m"
            == order(decide(an_intent("eu/m", substitute=substitute), catalog, signals(), 1))[0]
        )
    vendor = decide(an_intent("openai/m", substitute="never"), catalog, signals(), 1)
    assert ["us/m"] == order(vendor)


def test_a_named_route_goes_before_its_model_elsewhere() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b", weight=9), a_model("n", "c"))

    decision = decide(an_intent("a/m", substitute="same-model"), catalog, signals(), 1)

    assert (["a/m", "b/m"], "routed-hint-exact") == (order(decision), decision.record.reason)
    assert ["a/m"] == order(decide(an_intent("a/m", substitute="never"), catalog, signals(), 1))


def test_never_tries_one_route_and_shows_what_it_was_preferred_to() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b", weight=9), a_model("n", "c"))

    decision = decide(an_intent("m", substitute="never"), catalog, signals(), 1)

    assert ["b/m"] == order(decision)
    assert ["b/m", "a/m"] == [candidate.route for candidate in decision.record.candidates]


@pytest.mark.parametrize("substitute", ["same-model", "never"])
def test_unknown_model_is_not_found_where_nothing_may_stand_in(substitute: str) -> None:
    with pytest.raises(NotFound, match="'gpt-9'") as caught:
        decide(an_intent("gpt-9", substitute=substitute), GOLDEN, signals(), 1)

    assert "model_not_found" == caught.value.code


def test_a_model_for_embeddings_is_asked_only_by_its_name() -> None:
    catalog = a_catalog(
        a_model("text-embedding-3-small", "a", weight=10, per_1k=(0.0, 0.0)), a_model("m", "a")
    )

    chosen = decide(an_intent(), catalog, signals(), 0).record
    named = decide(an_intent(hint="text-embedding-3-small"), catalog, signals(), 0).record

    assert ["a/m"] == [one.route for one in chosen.candidates]
    assert [("a/text-embedding-3-small", "embeddings_only")] == [
        (one.route, one.reason) for one in chosen.skipped
    ]
    assert "a/text-embedding-3-small" == named.candidates[0].route


@pytest.mark.parametrize("substitute", ["same-model", "never"])
def test_without_a_hint_there_is_nothing_to_substitute(substitute: str) -> None:
    assert 3 == len(decide(an_intent(substitute=substitute), GOLDEN, signals(), 1).ranked)


@pytest.mark.parametrize("substitute", ["same-model", "never"])
def test_known_model_that_may_not_answer_is_no_unknown_one(substitute: str) -> None:
    catalog = a_catalog(a_model("m", "a", enabled=False), a_model("n", "b"))

    with pytest.raises(NoEligibleModel, match="a/m: disabled") as caught:
        decide(an_intent("m", substitute=substitute), catalog, signals(), 1)

    assert ["a/m"] == [skip.route for skip in caught.value.skipped]


def test_empty_catalog_says_what_to_do() -> None:
    with pytest.raises(NoEligibleModel, match="tokenhubctl model add") as caught:
        decide(an_intent(), a_catalog(), signals(), 1)

    assert "no_provider_available" == caught.value.code


def test_prompt_too_long_for_all_is_the_callers_to_mend() -> None:
    catalog = a_catalog(
        a_model("m", "a", max_context_tokens=100),
        a_model("n", "a", max_context_tokens=900),
        a_model("off", "a", max_context_tokens=10**6, enabled=False),
    )

    with pytest.raises(BadRequest, match="largest has 900 tokens") as caught:
        decide(an_intent(input_tokens=1000), catalog, signals(), 1)

    assert ("context_length_exceeded", "messages") == (caught.value.code, caught.value.field)


def test_prompt_too_long_for_some_and_others_barred_is_not_the_callers_fault() -> None:
    catalog = a_catalog(a_model("m", "a", max_context_tokens=100), a_model("n", "a", weight=0))

    with pytest.raises(NoEligibleModel, match=r"a/m: context_overflow, a/n: weight_below_minimum"):
        decide(an_intent(input_tokens=1000, policy=a_policy(min_weight=1)), catalog, signals(), 1)


def test_long_list_of_reasons_is_cut_in_the_message_and_whole_in_the_error() -> None:
    models: list[Any] = [a_model(f"m{place}", "a", enabled=False) for place in range(9)]

    with pytest.raises(NoEligibleModel) as caught:
        decide(an_intent(), a_catalog(*models), signals(), 1)

    assert 5 == str(caught.value).count("disabled")
    assert 9 == len(caught.value.skipped)


def test_provider_that_lost_its_credential_is_left_out() -> None:
    catalog = a_catalog(
        a_model("m", "a", weight=10), a_model("m", "b"), providers=[a_provider("a")]
    )

    decision = decide(an_intent("m"), catalog, signals(without=["a"]), 1)

    assert ["b/m"] == order(decision)
    assert ["no_credential"] == [skip.reason for skip in decision.record.skipped]


def test_a_credential_that_is_locked_away_has_a_reason_of_its_own() -> None:
    catalog = a_catalog(a_model("m", "a", weight=10), a_model("m", "b"))

    decision = decide(an_intent("m"), catalog, signals(away=["a"]), 1)

    assert ["b/m"] == order(decision)
    assert ["vault_locked"] == [skip.reason for skip in decision.record.skipped]


def test_where_all_that_could_answer_are_locked_away_that_is_the_error() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b"), a_model("off", "b", enabled=False))

    with pytest.raises(VaultLocked) as refused:
        decide(an_intent(), catalog, signals(away=["a", "b"]), 1)

    assert ["vault_locked", "vault_locked", "disabled"] == [
        skip.reason for skip in refused.value.skipped
    ]
    assert "tokenhubctl vault unlock" in str(refused.value)


def test_where_another_reason_stands_beside_it_the_vault_is_not_to_blame() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b"))

    with pytest.raises(NoEligibleModel):
        decide(an_intent(), catalog, signals(away=["a"], without=["b"]), 1)


# --- Health

DOWN = {"pb": ("health_down", 4.0)}


def test_last_resort_comes_after_all_that_are_well_even_when_it_was_asked_for() -> None:
    decision = decide(an_intent("b"), GOLDEN, signals(closed=DOWN), 1)

    assert "pb/b" == order(decision)[-1]
    assert [False, False, True] == [one.last_resort for one in decision.record.candidates]
    assert "routed-weight-8" == decision.record.reason


def test_last_resort_is_chosen_where_nothing_else_is_allowed() -> None:
    intent = an_intent("b", substitute="same-model")

    decision = decide(intent, GOLDEN, signals(closed=DOWN), 1)

    assert (["pb/b"], "routed-hint-exact") == (order(decision), decision.record.reason)


def test_nobody_left_tells_when_to_come_again() -> None:
    closed = {
        "pa": ("cooling_down", 7.0),
        "pb": ("credential_out", 600.0),
        "pc": ("cooling_down", 3),
    }

    with pytest.raises(NoEligibleModel) as refused:
        decide(an_intent(), GOLDEN, signals(closed=closed), 1)

    assert 3.0 == refused.value.retry_after_s
    assert {"cooling_down", "credential_out"} == {skip.reason for skip in refused.value.skipped}


def test_ties_among_the_well_are_not_shared_with_the_last_resort() -> None:
    catalog = a_catalog(a_model("x", "a"), a_model("y", "b"), a_model("z", "c"))

    record = decide(an_intent(), catalog, signals(closed={"c": ("health_down", 1)}), 1).record

    assert 0.5 == record.propensity


# --- What an answer will come to


def test_estimate_is_what_the_route_usually_writes_within_what_it_may() -> None:
    seen = signals({"pa/a": (None, 0.0, 100), "pb/b": (None, 0.0, 9000)})
    intent = an_intent(output_tokens=2000, output_limit=2000, answers=2)

    found = {one.route: one for one in decide(intent, GOLDEN, seen, 1).record.candidates}

    assert {"pa/a": 200, "pb/b": 2000, "pc/c": 2000} == {
        name: one.output_tokens for name, one in found.items()
    }
    assert 1000 * 2500 + 200 * 10_000 == found["pa/a"].cost_nusd


def test_budget_stands_on_the_estimate_and_the_skip_shows_it() -> None:
    seen = signals({"pc/c": (None, 0.0, 100)})
    policy = a_policy(max_budget_nusd=25_000_000)

    short = decide(an_intent(policy=policy), GOLDEN, seen, 1).record
    unknown = decide(an_intent(policy=policy), GOLDEN, signals(), 1).record

    assert [] == list(short.skipped)
    assert [("budget_exceeded", 512)] == [(o.reason, o.output_tokens) for o in unknown.skipped]


def test_context_stands_on_what_was_reserved_whatever_is_usual() -> None:
    catalog = a_catalog(a_model("m", "a", max_context_tokens=2000), a_model("n", "b"))
    seen = signals({"a/m": (None, 0.0, 1)})

    record = decide(an_intent(reserved_tokens=1900), catalog, seen, 1).record

    assert ["context_overflow"] == [skip.reason for skip in record.skipped]


def test_refusal_with_many_reasons_says_how_many_it_leaves_out() -> None:
    catalog = a_catalog(*[a_model(f"m{n}", "a", enabled=False) for n in range(7)])

    with pytest.raises(NoEligibleModel, match=r"a/m4: disabled and 2 more\)$"):
        decide(an_intent(), catalog, SEEN, 1)


# --- Too slow


def test_usually_too_slow_comes_after_all_that_fit_and_is_still_there() -> None:
    intent = an_intent(policy=a_policy(max_latency_s=0.5, mode="planning"))

    record = decide(intent, GOLDEN, SEEN, 1).record

    assert [("pa/a", False), ("pb/b", False), ("pc/c", True)] == [
        (one.route, one.too_slow) for one in record.candidates
    ]


def test_a_hint_counts_more_than_its_slowness() -> None:
    intent = an_intent("c", policy=a_policy(max_latency_s=0.5))

    assert "pc/c" == order(decide(intent, GOLDEN, SEEN, 1))[0]


# --- What the key may use


@pytest.mark.parametrize(
    ("models", "providers", "left"),
    [
        (("a",), (), ["pa/a"]),
        (("pb/b", "nobody"), (), ["pb/b"]),
        (("*",), (), ["pa/a", "pb/b", "pc/c"]),
        (("pa/*", "c*"), (), ["pa/a", "pc/c"]),
        ((), ("pc",), ["pc/c"]),
        (("a", "c"), ("pb", "pc"), ["pc/c"]),
    ],
)
def test_lists_of_a_key_are_hard(models: Any, providers: Any, left: list[str]) -> None:
    intent = an_intent("b", allowed_models=models, allowed_providers=providers)

    decision = decide(intent, GOLDEN, SEEN, 1)

    assert left == sorted(order(decision))
    assert {"not_allowed"} >= {skip.reason for skip in decision.record.skipped}
    assert 3 == len(left) + len(decision.record.skipped)


def test_key_that_may_use_none_is_told_so() -> None:
    with pytest.raises(NotAllowed) as caught:
        decide(an_intent(allowed_providers=("pd",)), GOLDEN, SEEN, 1)

    assert "model_not_allowed" == caught.value.code
    assert 3 == len(caught.value.skipped)


def test_prompt_too_long_for_all_that_a_key_may_use_is_the_callers_to_mend() -> None:
    catalog = a_catalog(a_model("m", "a", max_context_tokens=100), a_model("n", "b"))

    with pytest.raises(BadRequest, match="largest has 100"):
        decide(an_intent(input_tokens=1000, allowed_models=("m",)), catalog, signals(), 1)


# --- Own weights, exploration, draws


def test_own_weights_stand_in_place_of_the_modes() -> None:
    policy = a_policy(mode="cheap", weights=Weights(0.0, 0.0, 0.0, 1.0))

    record = decide(an_intent(policy=policy), GOLDEN, SEEN, 1).record

    assert ["pc/c", "pa/a", "pb/b"] == [one.route for one in record.candidates]
    assert policy.weights == record.weights


def test_exploring_moves_the_drawn_one_to_the_front_and_tells_its_chance() -> None:
    intent = an_intent(temperature=1.0)
    greedy = order(decide(an_intent(), GOLDEN, SEEN, 1))

    seen = [decide(intent, GOLDEN, SEEN, seed).record for seed in range(2000)]

    total = 1 + exp(-1) + exp(-2)
    for place, name in enumerate(greedy):
        mine = [one for one in seen if one.candidates[0].route == name]
        assert {place} == {one.explored for one in mine}
        assert [exp(-place) / total] * len(mine) == pytest.approx([one.propensity for one in mine])
        assert exp(-place) / total == pytest.approx(len(mine) / 2000, abs=0.04)
        rest = [one for one in greedy if one != name]
        assert {tuple(rest)} == {tuple(c.route for c in one.candidates[1:]) for one in mine}


@pytest.mark.parametrize("changes", [{"hint": "b"}, {"hint": "b", "fallbacks": ("c",)}])
def test_nobody_explores_where_the_caller_chose(changes: dict[str, Any]) -> None:
    intent = an_intent(temperature=10.0, **changes)

    records = [decide(intent, GOLDEN, SEEN, seed).record for seed in range(50)]

    assert {("pb/b", 0, 1.0)} == {
        (one.candidates[0].route, one.explored, one.propensity) for one in records
    }


def test_exploring_stays_with_those_that_are_well_and_quick() -> None:
    intent = an_intent(temperature=10.0, policy=a_policy(max_latency_s=0.5))

    records = [decide(intent, GOLDEN, SEEN, seed).record for seed in range(100)]

    assert {"pa/a", "pb/b"} == {one.candidates[0].route for one in records}


@given(
    st.integers(1, 6),
    st.floats(0, 10),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
)
def test_propensities_over_all_that_may_be_chosen_sum_to_1(
    count: int, temperature: float, weights: list[int]
) -> None:
    catalog = a_catalog(*[a_model(f"m{n}", "a", weight=weights[n]) for n in range(count)])
    intent = an_intent(temperature=temperature)

    found = {}
    for seed in range(60 * count):
        record = decide(intent, catalog, signals(), seed).record
        found[record.candidates[0].route] = record.propensity

    # One that was never met is left out, so that the sum may fall short by what it is worth.
    assert sum(found.values()) <= 1 + 1e-9
    if len(found) == count:
        assert pytest.approx(1.0, abs=1e-9) == sum(found.values())


def test_drawn_order_follows_the_arms_and_the_propensity_says_how_often() -> None:
    arms = {"pa/a": (0.8, 0.2, 0.1), "pb/b": (0.7, 0.25, 0.5)}
    intent = an_intent(policy=a_policy(mode="thompson"))

    seen = [decide(intent, GOLDEN, signals(arms=arms), seed).record for seed in range(3000)]

    chance = {one.candidates[0].route: one.propensity for one in seen}
    assert pytest.approx(1.0, abs=0.002) == sum(chance.values())
    firsts_ = [one.candidates[0].route for one in seen]
    for name, expected in chance.items():
        assert expected == pytest.approx(firsts_.count(name) / 3000, abs=0.03)
    for one in seen[:50]:
        drawn = [c.sample.draw for c in one.candidates if c.sample]
        assert 3 == len(drawn)
        assert sorted(drawn, reverse=True) == drawn


def test_a_draw_hopes_for_shorter_answers_while_few_are_known_and_the_record_says_of_how_many() -> (
    None
):
    intent = an_intent(policy=a_policy(mode="thompson"))
    once, often = ((1.0, 0.0, 1000, written) for written in (1, 200))

    few, many = (
        decide(intent, GOLDEN, signals({"pa/a": seen}), 3).record for seen in (once, often)
    )

    kept = [next(c for c in record.candidates if c.route == "pa/a") for record in (few, many)]
    assert [1, 200] == [one.sample.written for one in kept if one.sample]
    assert kept[0].cost_nusd == kept[1].cost_nusd
    prices = [one.sample.price for one in kept if one.sample]
    assert prices[0] < prices[1]


def test_draws_are_not_explored_on_top() -> None:
    plain = an_intent(policy=a_policy(mode="thompson"))
    hot = an_intent(policy=a_policy(mode="thompson"), temperature=10.0)

    for seed in range(30):
        one, other = (decide(intent, GOLDEN, SEEN, seed) for intent in (plain, hot))
        assert (order(one), one.record.propensity) == (order(other), other.record.propensity)
        assert 0 == other.record.explored


@given(some_intents, some_models, some_signals, seeds, st.sampled_from([0.0, 0.3, 10.0]))
def test_the_first_alone_is_the_first_of_the_whole(
    intent: Intent, models: list[Model], seen: Signals, seed: int, temperature: float
) -> None:
    catalog = a_catalog(*models)
    intent = msgspec.structs.replace(intent, temperature=temperature)

    decision = attempted(intent, catalog, seen, seed)

    if isinstance(decision, Decision):
        first = decision.record.candidates[0].route
        assert [first, first] == firsts(intent, catalog, seen, [seed, seed])


@given(
    some_intents,
    some_models,
    some_signals,
    seeds,
    st.sampled_from([0.0, 0.3, 10.0]),
    st.none() | st.builds(Weights, *[st.floats(0, 1)] * 4),
    st.sampled_from([(), ("m",), ("a/*",)]),
)
def test_nothing_hard_is_broken_and_nobody_is_lost(  # noqa: PLR0917 - all at once
    intent: Intent,
    models: list[Model],
    seen: Signals,
    seed: int,
    temperature: float,
    weights: Weights | None,
    allowed: tuple[str, ...],
) -> None:
    policy = msgspec.structs.replace(intent.policy, weights=weights)
    wild = msgspec.structs.replace(
        intent, temperature=temperature, policy=policy, allowed_models=allowed
    )
    tame = msgspec.structs.replace(intent, allowed_models=allowed)
    catalog = a_catalog(*models)

    one, other = attempted(wild, catalog, seen, seed), attempted(tame, catalog, seen, seed)

    assert type(one) is type(other)
    if isinstance(one, Decision) and isinstance(other, Decision):
        assert sorted(c.route for c in one.record.candidates) == sorted(
            c.route for c in other.record.candidates
        )
        assert one.record.skipped == other.record.skipped
        assert 0 < one.record.propensity <= 1
        again = attempted(wild, catalog, seen, seed)
        assert isinstance(again, Decision)
        assert msgspec.json.encode(one.record) == msgspec.json.encode(again.record)


# --- The record alone


def intent_of(record: Record) -> Intent:
    kept = set(Intent.__struct_fields__) & set(Record.__struct_fields__)
    return Intent(**{name: getattr(record, name) for name in kept})


def signals_of(record: Record) -> Signals:
    """What was known, as docs/developer/decision.md says where to find it."""
    routes = {
        skip.route: Signal(None, 0.0, skip.output_tokens)
        for skip in record.skipped
        if skip.output_tokens is not None
    }
    closed = {
        skip.route: Closed(skip.reason, skip.value or 0)
        for skip in record.skipped
        if skip.reason in {"health_down", "cooling_down", "credential_out"}
    }
    arms = {}
    for one in record.candidates:
        written = one.sample.written if one.sample else 0
        routes[one.route] = Signal(one.latency_s, one.failure_rate, one.output_tokens, written)
        if one.last_resort:
            closed[one.route] = Closed("health_down", one.closed_ms)
        if one.sample:
            told = one.sample
            arms[one.route] = Arm(told.quality, told.spread, told.prior, told.failing, told.hope)
    without = [s.route.partition("/")[0] for s in record.skipped if s.reason == "no_credential"]
    return Signals(routes, frozenset(without), closed, Kept(arms))


some_closed = st.dictionaries(
    st.sampled_from([*"abc", *ROUTES]),
    st.tuples(st.sampled_from(["health_down", "cooling_down"]), st.floats(0.001, 60)),
)


@given(
    some_intents,
    some_models,
    some_signals,
    some_closed,
    seeds,
    st.sampled_from([0.0, 1.0]),
    st.none() | st.just(Weights(0.5, 0.25, 0.25, 0.0)),
    st.sampled_from([(None, 1), (300, 1), (300, 3)]),
    st.sampled_from([(), ("m",), ("a/*",)]),
)
def test_record_and_catalog_are_all_that_it_takes_to_decide_again(  # noqa: PLR0917 - all at once
    intent: Intent,
    models: list[Model],
    seen: Signals,
    shut: dict[str, tuple[str, float]],
    seed: int,
    temperature: float,
    weights: Weights | None,
    limit: tuple[int | None, int],
    allowed: tuple[str, ...],
) -> None:
    catalog = a_catalog(*models)
    most, answers = limit
    wanted = msgspec.structs.replace(
        intent,
        temperature=temperature,
        policy=msgspec.structs.replace(intent.policy, weights=weights, max_latency_s=5.0),
        output_tokens=answers * (512 if most is None else most),
        output_limit=None if most is None else answers * most,
        reserved_tokens=most or 0,
        answers=answers,
        allowed_models=allowed,
    )
    known = msgspec.structs.replace(seen, closed=signals(closed=shut).closed)
    decision = attempted(wanted, catalog, known, seed)
    if not isinstance(decision, Decision):
        return

    stored = msgspec.json.encode(decision.record)
    record = msgspec.json.decode(stored, type=Record)
    again = decide(intent_of(record), catalog, signals_of(record), record.seed)

    assert stored == msgspec.json.encode(again.record)
    assert order(decision) == order(again)
