"""Which model a request meets under an alias, and that it meets it again."""

from collections import Counter

import pytest

from tokenhub.core.aliases import Alias, Variant, checked_alias, fnv1a
from tokenhub.core.errors import BadRequest


def an_alias(*weights: int, sticky_by: str = "request") -> Alias:
    variants = [Variant(model_id="abcdef"[n], weight=weight) for n, weight in enumerate(weights)]
    return Alias(name="fast", variants=tuple(variants), sticky_by=sticky_by)


def met(alias: Alias, *, request_id: str = "req", key_id: str = "key", turn: int = 0) -> str:
    return alias.variant(request_id=request_id, key_id=key_id, turn=turn).model_id


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("req-1", 3675655953),
        ("req-2", 3625323096),
        ("req-3", 3642100715),
        ("host/abc-000001", 787314732),
        ("key-a", 668985526),
    ],
)
def test_hash_is_that_of_the_original(name: str, value: int) -> None:
    assert value == fnv1a(name)


def test_requests_meet_the_variants_of_the_original() -> None:
    alias = an_alias(50, 50)

    assert ["b", "b", "a"] == [met(alias, request_id=f"req-{n}") for n in (1, 2, 3)]


def test_key_meets_its_variant_whatever_the_request() -> None:
    alias = an_alias(50, 50, sticky_by="api_key")

    assert {"a"} == {met(alias, request_id=f"req-{n}", key_id="key-a") for n in range(20)}


def test_turns_are_taken_by_weight() -> None:
    alias = an_alias(2, 1, sticky_by="round_robin")

    assert "aabaab" == "".join(met(alias, turn=turn) for turn in range(6))


def test_shares_are_as_the_weights() -> None:
    alias = an_alias(7, 2, 1)

    counted = Counter(met(alias, request_id=f"request {n}") for n in range(10_000))

    assert 7000 == pytest.approx(counted["a"], rel=0.05)
    assert 1000 == pytest.approx(counted["c"], rel=0.15)


@pytest.mark.parametrize(
    ("field", "alias"),
    [
        ("name", Alias(name=" fast", variants=(Variant(model_id="a"),))),
        ("name", Alias(name="", variants=(Variant(model_id="a"),))),
        ("name", Alias(name="a\nb", variants=(Variant(model_id="a"),))),
        ("variants", Alias(name="fast", variants=())),
        ("variants", Alias(name="fast", variants=(Variant(model_id="a"), Variant(model_id="a")))),
        ("variants[0].weight", Alias(name="fast", variants=(Variant(model_id="a", weight=0),))),
        ("variants[0].model_id", Alias(name="fast", variants=(Variant(model_id="fast"),))),
        ("variants[0].model_id", Alias(name="fast", variants=(Variant(model_id=" "),))),
        ("sticky_by", Alias(name="fast", variants=(Variant(model_id="a"),), sticky_by="moon")),
    ],
)
def test_alias_that_makes_no_sense_is_refused(field: str, alias: Alias) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_alias(alias)

    assert field == refused.value.field
