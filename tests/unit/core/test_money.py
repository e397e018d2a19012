"""Money never rounds in the caller's favour, and goes over the wire and back unchanged."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.ask import MAX_TOKENS
from tokenhub.core.failover import MAX_ATTEMPTS
from tokenhub.core.money import MILLION, NANO, cost_nusd, nusd, price, usd, usd_per_1k

tokens = st.integers(0, MAX_TOKENS)
# USD 1,000 per 1,000 tokens: the control plane accepts no more.
DEAREST = 1000 * 1000 * NANO
prices = st.integers(0, DEAREST)


@given(tokens, tokens, prices, prices)
def test_cost_is_the_exact_value_or_less_than_one_nano_above(
    put_in: int, got_out: int, in_price: int, out_price: int
) -> None:
    exact = Fraction(put_in * in_price + got_out * out_price, MILLION)

    cost = cost_nusd(put_in, got_out, in_price, out_price)

    assert cost is not None
    assert exact <= cost < exact + 1


@pytest.mark.parametrize(
    ("put_in", "got_out", "in_price", "out_price", "cost"),
    [
        (1000, 512, price(0.0025), price(0.01), 7_620_000),
        (1000, 512, price(0.0005), price(0.0015), 1_268_000),
        (1000, 512, price(0.015), price(0.075), 53_400_000),
        (1, 0, 1, 0, 1),
        (0, 0, 5, 5, 0),
        (0, 0, None, None, 0),
        (0, 3, None, MILLION, 3),
        (3, 0, MILLION, None, 3),
        (1, 0, None, 5, None),
        (0, 1, 5, None, None),
    ],
)
def test_cost_table(
    put_in: int, got_out: int, in_price: int | None, out_price: int | None, cost: int | None
) -> None:
    assert cost == cost_nusd(put_in, got_out, in_price, out_price)


def test_the_dearest_request_fits_the_ledger() -> None:
    one = cost_nusd(MAX_TOKENS, 0, DEAREST, DEAREST)

    assert one is not None
    assert one * MAX_ATTEMPTS < 2**63


@given(st.integers(-(10**15), 10**15))
def test_amount_survives_the_wire(amount: int) -> None:
    assert amount == nusd(usd(amount))


@given(prices)
def test_price_survives_the_wire(amount: int) -> None:
    assert amount == price(usd_per_1k(amount))


@pytest.mark.parametrize(
    ("per_1k", "nano_per_million"),
    [(0.0025, 2_500_000_000), (0.00015, 150_000_000), (0.0000375, 37_500_000), (0.0, 0)],
)
def test_published_prices_are_exact(per_1k: float, nano_per_million: int) -> None:
    assert nano_per_million == price(per_1k)
