"""A record and its catalog are enough to take the decision again, to the last bit."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.builders import a_catalog, a_model, a_policy, a_provider, an_intent, signals
from tokenhub.core.catalog import MODES, Catalog
from tokenhub.core.decide import Record, decide
from tokenhub.core.errors import TokenHubError
from tokenhub.core.policy import Intent
from tokenhub.core.refusal import refused
from tokenhub.core.scoring import Weights
from tokenhub.core.signals import Signals
from tokenhub.core.verify import SHOWN, checksum, differences, intent_of, recompute

PROVIDERS = "abc"
MODELS = ("m", "n", "a/m", "embed-m")
ROUTES = [f"{provider}/{model}" for provider in PROVIDERS for model in MODELS]
NAMES = [*MODELS, "b/m", "x/n", "unknown"]

catalogs = st.builds(
    lambda models, off, version: a_catalog(
        *models, providers=[a_provider(name, enabled=False) for name in off], version=version
    ),
    st.lists(
        st.builds(
            a_model,
            st.sampled_from(MODELS),
            st.sampled_from(PROVIDERS),
            per_1k=st.sampled_from([None, (0.0, 0.0), (0.001, 0.002), (0.1, 0.3)]),
            weight=st.integers(0, 10),
            max_context_tokens=st.sampled_from([0, 1_000, 10_000]),
            enabled=st.sampled_from([True, True, False]),
        ),
        max_size=9,
    ),
    st.lists(st.sampled_from(PROVIDERS), max_size=1),
    st.integers(0, 10**6),
)
all_signals = st.builds(
    signals,
    st.dictionaries(
        st.sampled_from(ROUTES),
        st.tuples(
            st.none() | st.floats(0.001, 100),
            st.floats(0, 1),
            st.none() | st.integers(0, 5_000),
            st.integers(0, 200),
        ),
    ),
    arms=st.dictionaries(
        st.sampled_from(ROUTES),
        st.tuples(
            st.floats(0, 1),
            st.floats(1e-4, 0.3),
            st.floats(0, 1),
            st.floats(0.001, 0.9),
            st.floats(0, 1),
            st.floats(0, 3),
        ),
    ),
    without=st.lists(st.sampled_from(PROVIDERS), max_size=1),
    away=st.lists(st.sampled_from(PROVIDERS), max_size=2),
    closed=st.dictionaries(
        st.sampled_from([*PROVIDERS, *ROUTES]),
        st.tuples(
            st.sampled_from(["health_down", "health_down", "cooling_down", "credential_out"]),
            st.floats(1e-6, 600) | st.sampled_from([1.009, 2.0]),
        ),
    ),
)
intents = st.builds(
    an_intent,
    st.sampled_from(["", *NAMES]),
    policy=st.builds(
        a_policy,
        mode=st.sampled_from(MODES),
        max_budget_nusd=st.sampled_from([None, 0, 10**6, 10**9]),
        min_weight=st.integers(0, 6),
        origin=st.sampled_from([{}, {"mode": "request"}]),
        notes=st.sampled_from([(), ("budget: less",)]),
        max_latency_s=st.sampled_from([0.5, 120.0]),
        weights=st.sampled_from([None, None, Weights(0.5, 0.25, 0.125, 0.125)]),
    ),
    substitute=st.sampled_from(["any", "same-model", "never"]),
    fallbacks=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    alias=st.sampled_from(["", "fast"]),
    input_tokens=st.sampled_from([0, 10, 800, 5_000]),
    output_tokens=st.integers(0, 4_000),
    reserved_tokens=st.sampled_from([0, 50, 4_000]),
    output_limit=st.sampled_from([None, None, 4_000]),
    allowed_models=st.sampled_from([(), (), ("m",), ("a/*", "n")]),
    allowed_providers=st.sampled_from([(), (), ("a", "b")]),
    temperature=st.sampled_from([0.0, 0.0, 0.7, 3.0]),
)
seeds = st.integers(0, 2**53 - 1)


def recorded(intent: Intent, catalog: Catalog, seen: Signals, seed: int) -> Record:
    """The record that a request leaves behind, answered or refused."""
    try:
        return decide(intent, catalog, seen, seed).record
    except TokenHubError as error:
        return refused(intent, catalog.version, seed=seed, error=error)


def stored(record: Record) -> Record:
    return msgspec.json.decode(msgspec.json.encode(record), type=Record)


@settings(max_examples=300)
@given(intents, st.integers(1, 3), catalogs, all_signals, seeds)
def test_every_stored_decision_comes_out_the_same(
    intent: Intent, answers: int, catalog: Catalog, seen: Signals, seed: int
) -> None:
    intent = replace(intent, answers=answers)
    kept = stored(recorded(intent, catalog, seen, seed))

    again = recompute(kept, catalog)

    assert msgspec.json.encode(kept) == msgspec.json.encode(again)
    assert [] == differences(kept, again)


@given(intents, catalogs, seeds)
def test_the_intent_comes_back_whole(intent: Intent, catalog: Catalog, seed: int) -> None:
    kept = stored(recorded(intent, catalog, signals(), seed))

    assert intent == intent_of(kept)


CATALOG = a_catalog(
    a_model("big", "a", weight=9, max_context_tokens=8_000),
    a_model("small", "a", weight=2, max_context_tokens=1_000),
    a_model("big", "b", weight=9, max_context_tokens=8_000),
    version=4,
)
SEEN = signals({"a/big": (0.3, 0.1), "b/big": (0.5, 0.0)})
RECORD = stored(recorded(an_intent(), CATALOG, SEEN, 7))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"propensity": 0.25}, "propensity: stored 0.25, computed 1.0"),
        ({"reason": "made-up"}, 'reason: stored "made-up", computed "routed-weight-9"'),
        ({"catalog_version": 5}, "catalog_version: stored 5, computed 4"),
        ({"skipped": ()}, "skipped: stored 0 of them, computed 1"),
        ({"input_tokens": 999}, "candidates[0].cost_nusd: stored "),
    ],
)
def test_what_was_changed_in_a_record_is_named(changes: dict[str, Any], told: str) -> None:
    changed = replace(RECORD, **changes)

    found = differences(changed, recompute(changed, CATALOG))

    assert any(line.startswith(told) for line in found), found


def test_a_changed_score_is_named_by_its_place() -> None:
    first, *rest = RECORD.candidates
    changed = replace(RECORD, candidates=(replace(first, score=first.score + 1e-15), *rest))

    (found,) = differences(changed, recompute(changed, CATALOG))

    assert found.startswith("candidates[0].score: stored ")


def test_a_seed_that_broke_a_tie_cannot_be_another() -> None:
    alike = a_catalog(*[a_model("m", provider) for provider in "abcdefgh"])
    kept = stored(recorded(an_intent(), alike, signals(), 1))

    changed = replace(kept, seed=2)

    assert differences(changed, recompute(changed, alike))


def test_a_changed_price_in_the_catalog_shows_in_the_costs() -> None:
    dearer = a_catalog(
        *[replace(model, input_price=3 * 10**9) for model in CATALOG.models.values()], version=4
    )

    found = differences(RECORD, recompute(RECORD, dearer))

    assert any("cost_nusd" in line for line in found)


def test_a_route_that_is_missing_from_the_catalog_is_a_difference() -> None:
    alone = a_catalog(a_model("big", "a", weight=9, max_context_tokens=8_000), version=4)

    assert differences(RECORD, recompute(RECORD, alone))


def test_of_many_differences_the_first_are_told() -> None:
    many = a_catalog(*[a_model(f"m{n}", "a", weight=n % 10) for n in range(30)])
    kept = stored(recorded(an_intent(), many, signals(), 1))

    found = differences(kept, recompute(replace(kept, input_tokens=2), many))

    assert SHOWN + 1 == len(found)
    assert found[-1].startswith("and ")


@pytest.mark.parametrize(
    ("intent", "seen", "error", "reasons"),
    [
        (an_intent("nobody", substitute="never"), SEEN, "model_not_found", []),
        (
            an_intent(input_tokens=50_000),
            SEEN,
            "context_length_exceeded",
            ["context_overflow"] * 3,
        ),
        (
            an_intent(),
            signals(without="b", closed={"a": ("cooling_down", 1.5)}),
            "no_provider_available",
            ["cooling_down", "context_overflow", "no_credential"],
        ),
        (
            an_intent(),
            signals(away="ab"),
            "no_provider_available",
            ["vault_locked", "context_overflow", "vault_locked"],
        ),
        (an_intent(input_tokens=10), signals(away="abc"), "vault_locked", ["vault_locked"] * 3),
    ],
)
def test_a_refusal_is_a_decision_with_its_reasons(
    intent: Intent, seen: Signals, error: str, reasons: list[str]
) -> None:
    record = recorded(intent, CATALOG, seen, 7)

    assert (error, (), 0.0) == (record.error, record.candidates, record.propensity)
    assert reasons == [skip.reason for skip in record.skipped]
    assert record == recompute(stored(record), CATALOG)


def test_every_flipped_bit_changes_the_checksum() -> None:
    written = msgspec.json.encode(RECORD)

    flipped = [
        written[:place] + bytes([written[place] ^ (1 << bit)]) + written[place + 1 :]
        for place in range(len(written))
        for bit in range(8)
    ]

    assert checksum(written) not in set(map(checksum, flipped))
