"""The request's wishes over the defaults, and where each field came from."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_policy, an_ask
from tokenhub.core.ask import Directed, Wish
from tokenhub.core.catalog import MODES, Defaults
from tokenhub.core.policy import Policy, interpret, merged

DEFAULTS = Defaults(mode="cheap", max_budget_nusd=7, max_latency_s=9.0)


def test_request_that_wishes_nothing_gets_the_defaults() -> None:
    policy = merged(an_ask(), DEFAULTS)

    assert ("cheap", 7, 9.0, 0) == (
        policy.mode,
        policy.max_budget_nusd,
        policy.max_latency_s,
        policy.min_weight,
    )
    assert {"default"} == set(policy.origin.values())


def test_each_wish_goes_over_its_default_and_says_so() -> None:
    wish = Wish(mode="planning", max_budget_nusd=1, max_latency_s=2.0, min_weight=3)

    policy = merged(an_ask(wish=wish), DEFAULTS)

    assert ("planning", 1, 2.0, 3) == (
        policy.mode,
        policy.max_budget_nusd,
        policy.max_latency_s,
        policy.min_weight,
    )
    assert {"body"} == set(policy.origin.values())


@given(
    st.builds(
        Wish,
        mode=st.none() | st.sampled_from(MODES),
        max_budget_nusd=st.none() | st.integers(1, 10**11),
        max_latency_s=st.none() | st.floats(0.001, 300),
        min_weight=st.none() | st.integers(1, 10),
    )
)
def test_origin_tells_of_each_field_alone(wish: Wish) -> None:
    policy = merged(an_ask(wish=wish), DEFAULTS)

    wished = {
        "mode": wish.mode,
        "max_budget_usd": wish.max_budget_nusd,
        "max_latency_ms": wish.max_latency_s,
        "min_weight": wish.min_weight,
    }
    told = {name: "default" if value is None else "body" for name, value in wished.items()}
    assert told == policy.origin


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("", ""),
        ("*", ""),
        (" * ", ""),
        ("  ", ""),
        ("gpt", "gpt"),
        (" gpt ", "gpt"),
        ("**", "**"),
        ("a/*", "a/*"),
    ],
)
def test_hint(model: str, hint: str) -> None:
    assert hint == interpret(an_ask(model=model), DEFAULTS).hint


@pytest.mark.parametrize(
    ("limit", "output", "reserved"), [(None, 512, 0), (0, 0, 0), (100, 100, 100)]
)
def test_limit_of_the_answer_is_its_estimate_and_its_place(
    limit: int | None, output: int, reserved: int
) -> None:
    intent = interpret(an_ask(max_tokens=limit, input_tokens=5, substitute="never"), DEFAULTS)

    assert (output, reserved) == (intent.output_tokens, intent.reserved_tokens)
    assert (5, "never") == (intent.input_tokens, intent.substitute)


# --- Directives


def directed(*notes: str, **wish: Any) -> Directed:
    return Directed(payload=b"", input_tokens=0, wish=Wish(**wish), notes=notes)


def test_directives_that_are_not_obeyed_change_nothing() -> None:
    ask = an_ask(directed=directed(mode="planning", max_budget_nusd=1))

    assert merged(an_ask(), DEFAULTS) == merged(ask, DEFAULTS)


def test_a_directive_narrows_what_stands_and_says_so() -> None:
    orders = directed(mode="planning", max_budget_nusd=1, max_latency_s=2.0, min_weight=3)

    policy = interpret(an_ask(orders=orders), DEFAULTS).policy

    assert ("planning", 1, 2.0, 3) == (
        policy.mode,
        policy.max_budget_nusd,
        policy.max_latency_s,
        policy.min_weight,
    )
    assert {"directive"} == set(policy.origin.values())
    assert () == policy.notes


def test_a_directive_cannot_widen_and_a_note_says_what_stands() -> None:
    wish = Wish(max_budget_nusd=2 * 10**9, max_latency_s=5.0, min_weight=4)
    orders = directed("a clamp", max_budget_nusd=5 * 10**9, max_latency_s=9.5, min_weight=1)

    policy = merged(an_ask(wish=wish, orders=orders), DEFAULTS)

    assert (2 * 10**9, 5.0, 4) == (policy.max_budget_nusd, policy.max_latency_s, policy.min_weight)
    assert {
        "mode": "default",
        "max_budget_usd": "body",
        "max_latency_ms": "body",
        "min_weight": "body",
    } == policy.origin
    assert (
        "a clamp",
        "budget: the directive asked for USD 5, 2 stands",
        "latency: the directive asked for 9500 ms, 5000 stands",
        "min_weight: the directive asked for 1, 4 stands",
    ) == policy.notes


def test_a_budget_counts_where_there_was_none() -> None:
    unlimited = Defaults(mode="cheap", max_budget_nusd=None, max_latency_s=9.0)

    policy = merged(an_ask(orders=directed(max_budget_nusd=3)), unlimited)

    assert (3, "directive") == (policy.max_budget_nusd, policy.origin["max_budget_usd"])


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(MODES),
        "max_budget_nusd": st.integers(1, 10**11),
        "max_latency_s": st.floats(0.001, 300),
        "min_weight": st.integers(0, 10),
    },
)


@given(WISHES, WISHES)
def test_no_directive_loosens_a_limit(wish: dict[str, Any], ordered: dict[str, Any]) -> None:
    ask = an_ask(wish=Wish(**wish))
    stood = merged(ask, DEFAULTS)

    policy = merged(msgspec.structs.replace(ask, orders=directed(**ordered)), DEFAULTS)

    assert (policy.max_budget_nusd or 0) <= (stood.max_budget_nusd or 0)
    assert policy.max_latency_s <= stood.max_latency_s
    assert policy.min_weight >= stood.min_weight
    assert policy.mode == ordered.get("mode", stood.mode)


def test_a_record_from_before_there_were_notes_can_be_read() -> None:
    stored = msgspec.json.encode(a_policy())

    assert b"notes" not in stored
    assert a_policy() == msgspec.json.decode(stored, type=Policy)
    noted = a_policy(notes=("a clamp",))
    assert noted == msgspec.json.decode(msgspec.json.encode(noted), type=Policy)
