import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_model
from tokenhub.core.budget import (
    FLOOR_TOKENS,
    PROMPT_FACTOR,
    UNSAID_TOKENS,
    Prices,
    bound,
    dearest,
    wanted_tokens,
)
from tokenhub.core.catalog import Tier
from tokenhub.core.money import MILLION
from tokenhub.core.outcome import Usage
from tokenhub.core.pricing import estimated_nusd, spent_nusd

# USD 1 and 2 for a million tokens.
PRICES = Prices(10**9, 2 * 10**9)


def nusd(prompt_tokens, answer_tokens):
    return 1_000 * prompt_tokens + 2_000 * answer_tokens


def the_bound(left_nusd, *, wanted=1_000, input_tokens=100, answers=1):
    return bound(
        PRICES, input_tokens=input_tokens, wanted=wanted, answers=answers, left_nusd=left_nusd
    )


def test_a_call_may_cost_twice_the_prompt_and_the_whole_answer():
    assert nusd(200, 1_000) == the_bound(None).amount_nusd


def test_every_answer_is_paid_for():
    assert nusd(200, 3_000) == the_bound(None, answers=3).amount_nusd


def test_an_answer_is_cut_to_what_is_left():
    found = the_bound(nusd(200, 600) + 1)

    assert (600, nusd(200, 600)) == (found.max_tokens, found.amount_nusd)


def test_no_answer_is_cut_below_the_floor():
    assert the_bound(nusd(200, FLOOR_TOKENS)) is not None
    assert the_bound(nusd(200, FLOOR_TOKENS) - 1) is None


def test_an_answer_shorter_than_the_floor_is_not_cut_at_all():
    assert the_bound(nusd(200, 50), wanted=50) is not None
    assert the_bound(nusd(200, 50) - 1, wanted=50) is None


def test_a_prompt_alone_is_whole_or_not_at_all():
    assert the_bound(nusd(200, 0), wanted=0) is not None
    assert the_bound(nusd(200, 0) - 1, wanted=0) is None


def test_where_answers_are_free_only_the_prompt_is_in_the_way():
    prompts = Prices(10**9, 0)

    enough = bound(prompts, input_tokens=100, wanted=9, answers=1, left_nusd=nusd(200, 0))
    less = bound(prompts, input_tokens=100, wanted=9, answers=1, left_nusd=nusd(200, 0) - 1)

    assert (9, None) == (enough.max_tokens, less)


def test_what_is_free_needs_no_money():
    free = Prices(0, 0)

    found = bound(free, input_tokens=9, wanted=9, answers=1, left_nusd=0)

    assert (0, 9) == (found.amount_nusd, found.max_tokens)


@given(
    left=st.integers(0, 10**8),
    input_tokens=st.integers(0, 10_000),
    wanted=st.integers(0, 10_000),
    answers=st.integers(1, 8),
)
def test_no_bound_is_beyond_what_is_left(left, input_tokens, wanted, answers):
    found = the_bound(left, wanted=wanted, input_tokens=input_tokens, answers=answers)

    if found is not None:
        assert found.amount_nusd <= left
        assert min(wanted, FLOOR_TOKENS) <= found.max_tokens <= wanted


def test_the_dearest_price_of_each_class_counts():
    model = a_model(cache_write_1h_price=5 * 10**9, reasoning_price=9 * 10**9)

    assert Prices(5 * 10**9, 9 * 10**9) == dearest(model, 10, writes=True)


def test_the_prices_are_those_of_the_longest_prompt_that_it_may_be():
    tier = Tier(above_tokens=150, input_price=7 * MILLION, output_price=8 * MILLION)
    model = a_model(tiers=(tier,))

    assert Prices(7 * MILLION, 8 * MILLION) == dearest(model, 100, writes=True)
    assert 7 * MILLION != dearest(model, 75, writes=True).prompt


def test_a_price_that_is_needed_and_unknown_leaves_no_bound():
    reads_only = a_model(output_price=None)

    assert dearest(a_model(per_1k=None), 10, writes=True) is None
    assert dearest(reads_only, 10, writes=True) is None
    assert Prices(reads_only.input_price, 0) == dearest(reads_only, 10, writes=False)


@pytest.mark.parametrize(
    ("context", "asked", "wanted"),
    [(0, None, UNSAID_TOKENS), (1_000, None, 900), (128_000, None, UNSAID_TOKENS), (0, 7, 7)],
)
def test_what_nobody_said_is_what_the_model_has_room_for(context, asked, wanted):
    assert wanted == wanted_tokens(a_model(max_context_tokens=context), 100, asked)


@given(
    tokens_in=st.integers(0, 5_000),
    tokens_out=st.integers(0, 5_000),
    cached=st.integers(0, 5_000),
    written=st.integers(0, 5_000),
    reasoned=st.integers(0, 5_000),
)
def test_nothing_within_the_bound_costs_more(tokens_in, tokens_out, cached, written, reasoned):
    model = a_model(
        cached_price=10**8,
        cache_write_price=2 * 10**9,
        cache_write_1h_price=3 * 10**9,
        reasoning_price=4 * 10**9,
    )
    prices = dearest(model, tokens_in, writes=True)
    usage = Usage(
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written,
        reasoning_tokens=reasoned,
    )

    most = prices.nusd(tokens_in * PROMPT_FACTOR, tokens_out)

    assert spent_nusd(model, tokens_in * PROMPT_FACTOR, tokens_out, of_them=usage) <= most
    assert estimated_nusd(model, tokens_in, tokens_out) <= most
