"""What a call costs: exact, by the class of its tokens, and None where a price is unknown."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_model
from tokenhub.core.ask import MAX_TOKENS
from tokenhub.core.catalog import Model, Tier
from tokenhub.core.money import MILLION, NANO, cost_nusd
from tokenhub.core.outcome import Usage
from tokenhub.core.pricing import estimated_nusd, rates, spent_nusd

# USD of a million tokens, as the vendors' pages had them in November 2026.
USD = NANO
GPT_4O = a_model(per_1k=(0.0025, 0.01), cached_price=1_250_000_000)
HAIKU = a_model(
    per_1k=(0.001, 0.005),
    cached_price=USD // 10,
    cache_write_price=5 * USD // 4,
    cache_write_1h_price=2 * USD,
)
GEMINI = a_model(
    per_1k=(0.00125, 0.01),
    cached_price=USD // 8,
    tiers=(
        Tier(
            above_tokens=200_000,
            input_price=5 * USD // 2,
            output_price=15 * USD,
            cached_price=USD // 4,
        ),
    ),
)
tokens = st.integers(0, MAX_TOKENS)
prices = st.integers(0, 1000 * 1000 * NANO)
told = st.none() | tokens


@pytest.mark.parametrize(
    ("model", "usage", "micro_usd"),
    [
        (GPT_4O, Usage(1000, 100), 2500 + 1000),
        (GPT_4O, Usage(1000, 100, 800), 500 + 1000 + 1000),
        # OpenAI writes to its cache at the price of input.
        (GPT_4O, Usage(1000, 100, 0, 800), 2500 + 1000),
        # Reasoning without a price of its own is output.
        (GPT_4O, Usage(1000, 100, None, None, 60), 2500 + 1000),
        (HAIKU, Usage(1000, 100, 300, 200), 500 + 30 + 250 + 500),
        (HAIKU, Usage(1000, 100, 300, 200, None, 200), 500 + 30 + 400 + 500),
        (HAIKU, Usage(1000, 100, 300, 200, None, 80), 500 + 30 + 150 + 160 + 500),
        (GEMINI, Usage(200_000, 100), 250_000 + 1000),
        (GEMINI, Usage(200_001, 100), 500_002.5 + 1500),
        (GEMINI, Usage(300_000, 0, 100_000), 500_000 + 25_000),
        (a_model(per_1k=(0, 0)), Usage(1000, 100, 800), 0),
    ],
)
def test_tokens_cost_what_the_vendor_asks_for_their_class(
    model: Model, usage: Usage, micro_usd: float
) -> None:
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None

    cost = spent_nusd(model, usage.input_tokens, usage.output_tokens, of_them=usage)

    assert round(micro_usd * 1000) == cost


@pytest.mark.parametrize(
    ("changes", "usage", "known"),
    [
        ({"input_price": None}, Usage(10, 5, 10), False),
        ({"input_price": None, "cached_price": 7}, Usage(10, 5, 10), True),
        ({"input_price": None, "cached_price": 7}, Usage(10, 5, 9), False),
        ({"output_price": None}, Usage(10, 5, 3), False),
        ({"output_price": None, "reasoning_price": 7}, Usage(10, 5, None, None, 5), True),
        ({"output_price": None}, Usage(10, 0, 3), True),
    ],
)
def test_cost_is_unknown_where_the_price_of_one_token_is(
    changes: dict[str, int | None],
    usage: Usage,
    known: bool,  # noqa: FBT001 - a table's column
) -> None:
    cost = spent_nusd(
        a_model(**changes), usage.input_tokens or 0, usage.output_tokens or 0, of_them=usage
    )

    assert known == (cost is not None)


@given(
    st.tuples(tokens, tokens),
    st.tuples(told, told, told, told),
    st.lists(prices, min_size=6, max_size=6),
)
def test_cost_is_the_exact_sum_or_less_than_one_nano_above(
    whole: tuple[int, int], classes: tuple[int | None, ...], six: list[int]
) -> None:
    put_in, got_out = whole
    cached, written, reasoned, for_an_hour = classes
    names = ("input", "output", "cached", "cache_write", "cache_write_1h", "reasoning")
    by_class = {f"{name}_price": price for name, price in zip(names, six, strict=True)}
    usage = Usage(*whole, *classes)
    read = min(cached or 0, put_in)
    wrote = min(written or 0, put_in - read)
    hour = min(for_an_hour or 0, wrote)
    thought = min(reasoned or 0, got_out)
    counts = (put_in - read - wrote, got_out - thought, read, wrote - hour, hour, thought)
    exact = Fraction(sum(n * price for n, price in zip(counts, six, strict=True)), MILLION)

    cost = spent_nusd(a_model(**by_class), put_in, got_out, of_them=usage)

    assert cost is not None
    assert exact <= cost < exact + 1
    assert cost < 2**62


@given(tokens, tokens, told, told, told)
def test_without_prices_of_their_own_classes_change_nothing(
    put_in: int, got_out: int, cached: int | None, written: int | None, reasoned: int | None
) -> None:
    model = a_model()
    usage = Usage(put_in, got_out, cached, written, reasoned)

    cost = spent_nusd(model, put_in, got_out, of_them=usage)

    assert cost_nusd(put_in, got_out, model.input_price, model.output_price) == cost


@given(st.integers(0, 1_000_000))
def test_estimate_is_at_full_price_of_the_tier(put_in: int) -> None:
    dear = put_in > 200_000

    cost = estimated_nusd(GEMINI, put_in, 100)

    assert put_in * (2500 if dear else 1250) + 100 * (15_000 if dear else 10_000) == cost


def test_the_highest_tier_that_is_exceeded_counts() -> None:
    tiers = tuple(Tier(above_tokens=above, input_price=above) for above in (10, 20))
    model = msgspec.structs.replace(GPT_4O, tiers=tiers)

    found = [rates(model, n).input_price for n in (10, 11, 20, 21)]

    assert [model.input_price, 10, 10, 20] == found
