"""Forms without a terminal: reading, comparing, and where a fault belongs."""

import msgspec
import pytest

from tokenhub.wire.catalog import ModelPatch
from tokenhub_tui.state.form import (
    CHOICE,
    LIST,
    NUMBER,
    SECRET,
    SWITCH,
    Field,
    Value,
    Wrong,
    changed,
    faults,
    first,
    merged,
    placed,
    read,
    told,
    written,
)

WEIGHT = Field(id="weight", label="Weight", kind=NUMBER, whole=True, value=8, least=0, most=10)
PRICE = Field(id="input_per_1k", label="$ in", kind=NUMBER, value=0.0025, empty="unknown")
ENABLED = Field(id="enabled", label="Enabled", kind=SWITCH, value=True)
SECRETS = Field(id="api_key", label="Key", kind=SECRET)
KIND = Field(
    id="type", label="Type", kind=CHOICE, value="a", choices=(("a", "Alpha"), ("b", "Beta"))
)
FIELDS = (WEIGHT, PRICE, ENABLED, SECRETS, KIND)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (WEIGHT, " 9 ", 9),
        (WEIGHT, "", None),
        (Field(id="n", label="N", kind=NUMBER, whole=True), "9" * 400, int("9" * 400)),
        (PRICE, "1e-06", 0.000001),
        (Field(id="t", label="T"), " a b ", "a b"),
        (SECRETS, " a ", " a "),
        (Field(id="l", label="L", kind=LIST), "a, b\tc,,", ("a", "b", "c")),
        (Field(id="l", label="L", kind=LIST, value=("a b", "c,d")), "a b, c,d", ("a b", "c,d")),
    ],
)
def test_what_is_written_is_read(field: Field, text: str, value: Value) -> None:
    assert value == read(field, text)


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        (WEIGHT, "9.5", "a whole number"),
        (WEIGHT, "11", "not more than 10"),
        (WEIGHT, "-1", "not less than 0"),
        (WEIGHT, "9" * 400, "not more than 10"),
        (PRICE, "9" * 400, "a number, such as 0.25"),
        (PRICE, "0,5", "a number, such as 0.25"),
        (PRICE, "nan", "a number, such as 0.25"),
        (Field(id="t", label="T", required=True), "  ", "is needed"),
    ],
)
def test_what_is_no_value_says_what_is_wanted(field: Field, text: str, why: str) -> None:
    with pytest.raises(Wrong, match=why):
        read(field, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.000001, "0.000001"), (2.0, "2"), (8, "8"), (("a", "b"), "a, b")],
)
def test_a_value_is_written_as_it_is_read(value: Value, text: str) -> None:
    assert text == written(value)


def test_changes_are_told_in_a_line_without_the_secret() -> None:
    before = first(FIELDS)
    now = {**before, "weight": 9, "input_per_1k": None, "enabled": False, "type": "b"}

    said = told(FIELDS, before, {**now, "api_key": "sk-very-secret"})

    assert (
        "weight 8 → 9 · $ in 0.0025 → unknown · enabled on → off · key new · type Alpha → Beta"
        == said
    )


def test_a_fault_of_the_wire_stands_under_its_field() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"weight": None}, ModelPatch)

    under, others = placed([*faults(raised.value), ("#/other", "is odd")], FIELDS)

    assert {"weight": "a number is needed"} == under
    assert ["other: is odd"] == others


def test_a_row_that_both_have_changed_keeps_ours_and_names_the_field() -> None:
    before = first(FIELDS)
    ours = {**before, "weight": 9, "enabled": False}
    theirs = {"weight": 5, "input_per_1k": 0.5, "enabled": False}

    both = merged(FIELDS, before, ours, theirs)

    assert ("weight",) == both.both
    assert {"weight": 9, "input_per_1k": 0.5, "enabled": False} == {
        name: both.values[name] for name in theirs
    }
    assert {} == changed(FIELDS, both.values, both.values)
