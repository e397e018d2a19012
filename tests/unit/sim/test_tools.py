"""Tool calls: whether, which, and arguments that fit the schema."""

import msgspec
import pytest

from tokenhub.sim import tools
from tokenhub.sim.call import Call, Tool

WEATHER, CLOCK = Tool(name="get_weather"), Tool(name="get_time")
CALL = Call(model="m", prompt_tokens=1, tools=(WEATHER, CLOCK))


def changed(**fields) -> Call:
    return msgspec.structs.replace(CALL, **fields)


@pytest.mark.parametrize(
    ("call", "when", "expected"),
    [
        (CALL, "offered", WEATHER),
        (changed(last="please use get_time"), "offered", CLOCK),
        (changed(named="get_time", must_call=True), "never", CLOCK),
        (changed(must_call=True), "never", WEATHER),
        (CALL, "asked", None),
        (changed(last="please use get_time"), "asked", CLOCK),
        (CALL, "never", None),
        (changed(may_call=False), "offered", None),
        (changed(tools=()), "offered", None),
    ],
)
def test_a_tool_is_called_where_profile_and_request_say_so(call, when, expected) -> None:
    assert expected == tools.chosen(call, when)


def arguments(schema: dict, seed: int = 1) -> dict:
    return msgspec.json.decode(tools.arguments(Tool(name="t", schema=schema), seed))


def test_only_required_fields_are_filled_where_any_are() -> None:
    properties = {"city": {"type": "string"}, "unit": {"type": "string"}}

    filled = arguments({"type": "object", "properties": properties, "required": ["city"]})

    assert ["city"] == list(filled)
    assert filled["city"].isalpha()


@pytest.mark.parametrize("seed", range(20))
def test_values_keep_to_their_bounds(seed: int) -> None:
    filled = arguments(
        {
            "properties": {
                "unit": {"enum": ["C", "F"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 3},
                "after": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
                "step": {"type": "integer", "multipleOf": 5, "minimum": 7},
                "share": {"type": "number", "minimum": 0.25, "maximum": 0.75},
                "code": {"type": "string", "minLength": 12, "maxLength": 14},
                "when": {"type": "string", "format": "date"},
                "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                "kind": {"const": "fixed"},
                "maybe": {"type": ["integer", "null"]},
                "none": {"type": "null"},
                "either": {"anyOf": [{"const": 7}, {"type": "string"}]},
            }
        },
        seed,
    )

    assert filled["unit"] in {"C", "F"}
    assert filled["days"] in {1, 2, 3}
    assert 5 == filled["after"]
    assert filled["step"] % 5 == 0
    assert filled["step"] >= 7
    assert 0.25 <= filled["share"] <= 0.75
    assert 12 <= len(filled["code"]) <= 14
    assert "2026-01-31" == filled["when"]
    assert [bool, bool] == [type(tag) for tag in filled["tags"]]
    assert ("fixed", None, 7) == (filled["kind"], filled["none"], filled["either"])
    assert isinstance(filled["maybe"], int)


def test_references_and_all_of_are_followed() -> None:
    filled = arguments(
        {
            "$defs": {"place": {"type": "object", "properties": {"x": {"const": 1}}}},
            "properties": {"at": {"$ref": "#/$defs/place"}},
            "allOf": [{"properties": {"by": {"const": 2}}, "required": ["by", "at"]}],
        }
    )

    assert {"by": 2, "at": {"x": 1}} == filled


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"child": {"$ref": "#"}}},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"properties": {"child": {"$ref": "#/"}}, "required": ["child"]},
        {
            "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}},
            "properties": {"x": {"$ref": "#/$defs/a"}},
        },
        {"$ref": "#/nowhere"},
    ],
)
def test_a_schema_that_refers_to_itself_ends(schema: dict) -> None:
    assert isinstance(arguments(schema), dict)
