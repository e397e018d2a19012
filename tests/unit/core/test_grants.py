"""Who a key's lists let answer, and which lists make sense."""

import pytest

from tests.support.builders import a_model, a_provider
from tokenhub.core.catalog import Route
from tokenhub.core.errors import BadRequest
from tokenhub.core.grants import Grant, Lists, checked_grant


def route(name: str) -> Route:
    provider_id, _, model_id = name.partition("/")
    return Route(id=name, provider=a_provider(provider_id), model=a_model(model_id, provider_id))


@pytest.mark.parametrize(
    ("entry", "name", "allowed"),
    [
        ("gpt-4o", "openai/gpt-4o", True),
        ("openai/gpt-4o", "openai/gpt-4o", True),
        ("openai/gpt-4o", "azure/gpt-4o", False),
        ("gpt-*", "openai/gpt-4o", True),
        ("openai/*", "openai/gpt-4o", True),
        ("openai/gpt-*", "openai/o3", False),
        ("org/*", "router/org/model", True),
        ("*", "openai/o3", True),
    ],
)
def test_an_entry_is_a_model_a_route_or_the_beginning_of_one(
    entry: str, name: str, *, allowed: bool
) -> None:
    assert allowed is Lists((entry,), ()).allow(route(name))


@pytest.mark.parametrize(
    ("models", "providers", "expected"),
    [((), (), True), ((), ("b",), False), (("m",), ("b",), False), (("n", "m"), ("b", "a"), True)],
)
def test_both_lists_must_allow_a_route_and_an_empty_one_allows_all(
    models: tuple[str, ...], providers: tuple[str, ...], *, expected: bool
) -> None:
    assert expected is Lists(models, providers).allow(route("a/m"))


def test_the_beginning_of_a_models_name_allows_no_provider_that_begins_so() -> None:
    """What was meant for the models gpt-4o and gpt-5 is not to open a server called gpt-farm."""
    assert not Lists(("gpt-*",), ()).allow(route("gpt-farm/secret"))


@pytest.mark.parametrize(
    ("grant", "field"),
    [
        (Grant(models=("*-mini",)), "allowed_models"),
        (Grant(models=("gpt-*-mini*",)), "allowed_models"),
        (Grant(providers=("open*",)), "allowed_providers"),
        (Grant(providers=("*",)), "allowed_providers"),
    ],
)
def test_a_star_where_it_would_stand_for_itself_is_refused(grant: Grant, field: str) -> None:
    with pytest.raises(BadRequest, match=r"\*") as refused:
        checked_grant(grant)

    assert field == refused.value.field
