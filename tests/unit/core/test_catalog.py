"""What there is to choose from: the index, what a name stands for, and which rows are refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_catalog, a_model, a_provider
from tokenhub.core.catalog import (
    Catalog,
    Defaults,
    Model,
    Route,
    checked_defaults,
    checked_model,
    checked_provider,
)
from tokenhub.core.errors import BadRequest

rows = st.lists(
    st.builds(a_model, st.sampled_from(["m", "n", "a/m", "x/y/z"]), st.sampled_from("abc")),
    max_size=8,
)


def ids(routes: tuple[Route, ...]) -> list[str]:
    return [route.id for route in routes]


def test_model_of_a_missing_provider_has_no_route_but_is_kept() -> None:
    catalog = Catalog.build(providers=[a_provider("a")], models=[a_model("m", "b")])

    assert () == catalog.routes
    assert [("b", "m")] == list(catalog.models)
    assert () == catalog.routes_of("m")


def test_same_model_may_stand_at_several_providers() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b"))

    assert ["a/m", "b/m"] == ids(catalog.routes_of("m"))
    assert ["b/m"] == ids(catalog.routes_of("b/m"))


def test_later_row_of_the_same_key_counts() -> None:
    catalog = a_catalog(a_model("m", "a", weight=1), a_model("m", "a", weight=7))

    assert [7] == [route.model.weight for route in catalog.routes]


def test_defaults_are_the_originals_where_none_are_given() -> None:
    defaults = a_catalog().defaults

    assert ("normal", 50_000_000, 120.0) == (
        defaults.mode,
        defaults.max_budget_nusd,
        defaults.max_latency_s,
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gpt", ["openai/gpt"]),
        ("openai/gpt", ["openai/gpt"]),
        ("elsewhere/gpt", ["openai/gpt"]),
        ("meta/llama", ["vllm/meta/llama"]),
        ("vllm/meta/llama", ["vllm/meta/llama"]),
        ("any/meta/llama", ["vllm/meta/llama"]),
        ("llama", []),
        ("openai/", []),
        ("/gpt", ["openai/gpt"]),
        ("openai", []),
        ("", []),
        ("GPT", []),
    ],
)
def test_what_a_name_stands_for(name: str, found: list[str]) -> None:
    catalog = a_catalog(a_model("gpt", "openai"), a_model("meta/llama", "vllm"))

    assert found == ids(catalog.routes_of(name))


def test_name_that_is_a_model_and_a_route_at_once_is_the_model() -> None:
    catalog = a_catalog(a_model("b", "a"), a_model("a/b", "c"))

    assert ["c/a/b"] == ids(catalog.routes_of("a/b"))
    assert ["a/b"] == ids(catalog.routes_of("b"))


def test_route_goes_before_the_part_after_the_slash() -> None:
    catalog = a_catalog(a_model("m", "a"), a_model("m", "b"))

    assert ["a/m"] == ids(catalog.routes_of("a/m"))


@given(rows, st.randoms())
def test_order_of_the_rows_does_not_matter(models: list[Model], random: Any) -> None:
    unique = list({model.key: model for model in models}.values())
    shuffled = unique.copy()
    random.shuffle(shuffled)

    one, other = a_catalog(*unique), a_catalog(*shuffled)

    assert ids(one.routes) == ids(other.routes)
    for name in ("m", "a/m", "b/m"):
        assert ids(one.routes_of(name)) == ids(other.routes_of(name))


@given(rows)
def test_every_route_is_found_by_its_id_and_its_model(models: list[Model]) -> None:
    catalog = a_catalog(*models)

    assert {model.key for model in models} == {route.model.key for route in catalog.routes}
    for route in catalog.routes:
        assert route is catalog.by_route[route.id]
        assert route in catalog.routes_of(route.model.id)


def test_good_rows_pass() -> None:
    model, provider, defaults = a_model("meta/llama-3"), a_provider(), Defaults()

    assert model is checked_model(model)
    assert provider is checked_provider(provider)
    assert defaults is checked_defaults(defaults)
    assert checked_defaults(Defaults(max_budget_nusd=None)).max_budget_nusd is None


@pytest.mark.parametrize(
    ("check", "row", "change", "field"),
    [
        (checked_model, a_model(), {"id": ""}, "id"),
        (checked_model, a_model(), {"id": "a\nb"}, "id"),
        (checked_model, a_model(), {"weight": -1}, "weight"),
        (checked_model, a_model(), {"weight": 11}, "weight"),
        (checked_model, a_model(), {"max_context_tokens": -1}, "max_context_tokens"),
        (checked_model, a_model(), {"input_price": -1}, "input_per_1k"),
        (checked_model, a_model(), {"output_price": -1}, "output_per_1k"),
        (checked_provider, a_provider(), {"id": ""}, "id"),
        (checked_model, a_model(), {"id": "  "}, "id"),
        (checked_model, a_model(), {"id": " m"}, "id"),
        (checked_provider, a_provider(), {"id": "a/b"}, "id"),
        (checked_provider, a_provider(), {"id": "."}, "id"),
        (checked_provider, a_provider(), {"id": ".."}, "id"),
        (checked_provider, a_provider(), {"id": " "}, "id"),
        (checked_provider, a_provider(), {"id": " p"}, "id"),
        (checked_provider, a_provider(), {"id": "p "}, "id"),
        (checked_provider, a_provider(), {"id": "a\0"}, "id"),
        (checked_provider, a_provider(), {"type": "cohere"}, "type"),
        (checked_provider, a_provider(), {"base_url": ""}, "base_url"),
        (checked_defaults, Defaults(), {"mode": "turbo"}, "default_mode"),
        (checked_defaults, Defaults(), {"max_budget_nusd": -1}, "default_max_budget_usd"),
        (checked_defaults, Defaults(), {"max_budget_nusd": 10**11 + 1}, "default_max_budget_usd"),
        (checked_defaults, Defaults(), {"max_latency_s": 0.0}, "default_max_latency_ms"),
        (checked_defaults, Defaults(), {"max_latency_s": 300.1}, "default_max_latency_ms"),
        (checked_defaults, Defaults(), {"max_latency_s": float("nan")}, "default_max_latency_ms"),
    ],
)
def test_bad_row_is_refused_and_its_field_named(
    check: Callable[[Any], Any], row: msgspec.Struct, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        check(msgspec.structs.replace(row, **change))

    assert field == caught.value.field
    assert "must" in str(caught.value)


@pytest.mark.parametrize(("weight", "budget"), [(0, 0), (10, 10**11)])
def test_bounds_belong_to_what_is_allowed(weight: int, budget: int) -> None:
    assert weight == checked_model(a_model(weight=weight)).weight
    assert budget == checked_defaults(Defaults(max_budget_nusd=budget)).max_budget_nusd
    assert 300.0 == checked_defaults(Defaults(max_latency_s=300.0)).max_latency_s
