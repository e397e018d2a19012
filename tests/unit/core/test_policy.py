"""The request's wishes over the defaults, and where each field came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import an_ask
from tokenhub.core.ask import Wish
from tokenhub.core.catalog import MODES, Defaults
from tokenhub.core.policy import interpret, merged

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
    assert {"request"} == set(policy.origin.values())


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
    told = {name: "default" if value is None else "request" for name, value in wished.items()}
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
