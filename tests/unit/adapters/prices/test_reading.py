"""The look-up in genai-prices: exact names, whole hosts, and only prices that we can hold."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from tokenhub.adapters.prices.reading import entry, names, serves

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENAI = r"https://api\.openai\.com"
GOOGLE = r"https://(.*\.)?googleapis\.com"
CEREBRAS = r"https://router\.huggingface\.co/cerebras"
ENDED = r"https://api\.example(?:/|$)"
RULE = ClauseOr(
    or_=[
        ClauseEquals(equals="big-1"),
        ClauseStartsWith(starts_with="big-one"),
        ClauseOr(or_=[ClauseRegex(regex=r"^big-x\d$")]),
        ClauseContains(contains="huge"),
        ClauseStartsWith(starts_with="big-2026"),
    ]
)


def usd(*by_class: str, **more):
    put_in, got_out = by_class
    return ModelPrice(input_mtok=Decimal(put_in), output_mtok=Decimal(got_out), **more)


def listed(prices, *, at=AT, vendor="openai", context=1000):
    model = ModelInfo(
        id="big", match=ClauseEquals(equals="big"), prices=prices, context_window=context
    )
    vendors = [Provider(id=vendor, name=vendor, api_pattern=OPENAI, models=[model])]
    return entry(vendors, "https://api.openai.com", "big", at)


@pytest.mark.parametrize(
    ("pattern", "url", "its"),
    [
        (OPENAI, "https://api.openai.com", True),
        (OPENAI, "https://API.openai.com/v1", True),
        (OPENAI, "https://api.openai.com.example", False),
        (OPENAI, "https://example/api.openai.com", False),
        (OPENAI, "http://api.openai.com", False),
        (OPENAI, "https://api.openai.com:8443", False),
        (GOOGLE, "https://generativelanguage.googleapis.com/v1beta/openai", True),
        (GOOGLE, "https://example.com/x.googleapis.com", False),
        (CEREBRAS, "https://router.huggingface.co/cerebras/v1", True),
        (CEREBRAS, "https://router.huggingface.co/v1", False),
        (CEREBRAS, "https://router.huggingface.co/cerebras2", False),
        (ENDED, "https://api.example/v1", True),
        (ENDED, "https://api.example", True),
    ],
)
def test_a_vendor_is_known_by_its_whole_host(pattern, url, its):
    assert its == serves(pattern, url)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("big-1", True),
        ("BIG-1", True),
        ("models/big-1", True),
        ("big-1-20260101", False),  # the list says: this name, and no other
        ("big-one", True),
        ("big-one-20260101", True),
        ("big-one@20260101", True),
        ("big-one-2026-01-01", True),
        ("big-one-two", False),
        ("big-one-1", False),
        ("big-x7", True),
        ("big-x77", False),
        ("very-huge", False),
        ("other", False),
    ],
)
def test_a_model_is_known_by_its_name_with_or_without_a_date(asked, known):
    model = ModelInfo(id="big-1", match=RULE)

    assert known == names(model, asked)


def test_prices_are_nano_usd_of_a_million_tokens():
    found = listed(
        usd("0.15", "0.6", cache_read_mtok=Decimal("0.075"), output_reasoning_mtok=Decimal(1))
    )

    assert {
        "input_price": 150_000_000,
        "output_price": 600_000_000,
        "cached_price": 75_000_000,
        "cache_write_price": None,
        "cache_write_1h_price": None,
        "reasoning_price": 1_000_000_000,
        "tiers": [],
        "max_context_tokens": 1000,
    } == found


def test_prices_of_long_prompts_are_tiers():
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=200, price=Decimal(2))])
    longer = TieredPrices(
        base=Decimal(3),
        tiers=[Tier(start=200, price=Decimal(4)), Tier(start=500, price=Decimal(5))],
    )

    found = listed(ModelPrice(input_mtok=tiered, output_mtok=longer, cache_read_mtok=Decimal(0)))

    assert (1_000_000_000, 3_000_000_000, 0) == (
        found["input_price"],
        found["output_price"],
        found["cached_price"],
    )
    assert [(200, 2, 4, 0), (500, 2, 5, 0)] == [
        (
            tier["above_tokens"],
            tier["input_price"] // 10**9,
            tier["output_price"] // 10**9,
            tier["cached_price"],
        )
        for tier in found["tiers"]
    ]


@pytest.mark.parametrize(("day", "price"), [(20, 1), (21, 1), (22, 2)])
def test_a_price_counts_from_its_day_on(day, price):
    later = StartDateConstraint(start_date=date(2026, 11, 22))
    prices = [
        ConditionalPrice(prices=usd("1", "1")),
        ConditionalPrice(constraint=later, prices=usd("2", "2")),
    ]

    found = listed(prices, at=AT.replace(day=day))

    assert price * 10**9 == found["input_price"]


def test_of_the_hours_of_a_day_the_dearest_counts():
    night = TimeOfDateConstraint(start_time=time(16, 30), end_time=time(0, 30))
    prices = [
        ConditionalPrice(prices=usd("2", "4")),
        ConditionalPrice(constraint=night, prices=usd("1", "5", cache_read_mtok=Decimal("0.5"))),
    ]

    found = listed(prices)

    assert found["dearest_hours"]
    # By day a cached token costs what any other does.
    assert (2, 5, 2, None) == (
        found["input_price"] // 10**9,
        found["output_price"] // 10**9,
        found["cached_price"] // 10**9,
        found["cache_write_price"],
    )


def test_hours_and_long_prompts_at_once_cannot_be_held():
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=200, price=Decimal(2))])
    night = TimeOfDateConstraint(start_time=time(1), end_time=time(2))
    prices = [
        ConditionalPrice(prices=usd("2", "4")),
        ConditionalPrice(constraint=night, prices=ModelPrice(input_mtok=tiered)),
    ]

    assert "other_units" == listed(prices)["missing"]


@pytest.mark.parametrize(
    "prices",
    [
        usd("1", "1", requests_kcount=Decimal(5)),
        ModelPrice(audio_hours=Decimal(1)),
        usd("1000001", "1"),
        ModelPrice(output_mtok=Decimal(1)),
    ],
)
def test_what_tokens_do_not_say_has_no_price(prices):
    assert {"missing": "other_units", "max_context_tokens": 1000} == listed(prices)


def test_an_embedding_has_no_price_for_what_it_does_not_write():
    found = listed(ModelPrice(input_mtok=Decimal("0.02")), context=None)

    assert (20_000_000, None, 0) == (
        found["input_price"],
        found["output_price"],
        found["max_context_tokens"],
    )


def test_where_the_address_does_not_tell_the_price_nothing_is_said():
    assert {"missing": "vendor_not_listed"} == listed(usd("1", "1"), vendor="azure")
