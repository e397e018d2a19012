"""What each vendor's structured output takes of a schema, and what must go in words."""

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.dialects.structured import in_words, said, strict

STRING = {"type": "string"}
ANYTHING = True
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": ["string", "null"]}, "b": {"enum": [1, 2], "type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
OPTIONAL = {**CLOSED, "required": ["a"]}
OPEN = {"type": "object", "required": ["answer"]}


def with_a(form: Any, **more: Any) -> dict[str, Any]:
    return {**CLOSED, "properties": {"a": form, "b": STRING}, **more}


def raw(schema: Any) -> bytes:
    return json.dumps(schema).encode()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CLOSED, True),
        ({**CLOSED, "$defs": {"d": CLOSED}}, True),
        (with_a({"$ref": "#"}), True),
        (OPTIONAL, False),
        (OPEN, False),
        ({"type": "object"}, False),
        (with_a(OPEN), False),
        (with_a({}), False),
        (with_a({"type": "array"}), False),
        (with_a({"type": "string", "minLength": 1}), False),
        (with_a(ANYTHING), False),
        (with_a({"properties": {}}), False),
        ({**CLOSED, "anyOf": [CLOSED]}, False),
        ({**CLOSED, "$defs": {"d": OPTIONAL}}, False),
        ({"type": "array", "items": CLOSED}, False),
        (True, False),
    ],
)
def test_strict_mode_takes_closed_objects_with_each_member_required(
    schema: Any, *, expected: bool
) -> None:
    assert expected == strict(raw(schema))


def test_strict_mode_does_not_take_what_is_too_deep() -> None:
    deep: dict[str, Any] = STRING
    for _ in range(10):
        deep = with_a(deep)

    assert not strict(raw(deep))


@pytest.mark.parametrize("schema", [CLOSED, OPTIONAL, OPEN, with_a({"$ref": "#"})])
def test_openai_takes_every_object_as_it_is(schema: dict[str, Any]) -> None:
    assert raw(schema) == said(raw(schema), "openai", "gpt-4o")


@pytest.mark.parametrize("schema", [{"type": "array"}, {}, {"anyOf": [CLOSED]}, True])
@pytest.mark.parametrize("speech", ["openai", "anthropic"])
def test_what_is_no_object_goes_in_words(schema: Any, speech: str) -> None:
    assert said(raw(schema), speech, "m") is None


@pytest.mark.parametrize(
    ("speech", "model"),
    [
        ("openai", "gpt-3.5-turbo"),
        ("openai", "gpt-4-0613"),
        ("openai", "gpt-4o-2024-05-13"),
        ("anthropic", "claude-3-7-sonnet-20250219"),
        ("anthropic", "claude-sonnet-4-20250514"),
        ("anthropic", "us.anthropic.claude-opus-4-1-20250805-v1:0"),
    ],
)
def test_models_before_structured_outputs_are_told_in_words(speech: str, model: str) -> None:
    assert said(raw(CLOSED), speech, model) is None


@pytest.mark.parametrize(
    ("speech", "model"),
    [
        ("openai", "gpt-4.1"),
        ("openai", "o3"),
        ("openai", "meta/llama"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-opus-4-7"),
        ("anthropic", "claude-opus-10"),
        ("anthropic", "somebody-elses"),
    ],
)
def test_later_models_and_those_of_others_get_the_schema(speech: str, model: str) -> None:
    assert raw(CLOSED) == said(raw(CLOSED), speech, model)


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        OPTIONAL,
        with_a({"type": "string", "format": "date", "default": "x"}),
        with_a({"type": "array", "items": STRING, "minItems": 1}),
        with_a(
            {"$ref": "#/$defs/one"},
            **{"$defs": {"one": with_a({"$ref": "#/$defs/two"}), "two": CLOSED}},
        ),
        with_a({"$ref": "#/definitions/one"}, definitions={"one": CLOSED}),
    ],
)
def test_anthropic_takes_these_as_they_are(schema: dict[str, Any]) -> None:
    assert raw(schema) == said(raw(schema), "anthropic", "claude-sonnet-4-5")


@pytest.mark.parametrize(
    ("form", "becomes"),
    [
        (
            {"type": "integer", "minimum": 0},
            {"type": "integer", "description": 'It must fit {"minimum":0}'},
        ),
        (
            {"type": "string", "description": "A name.", "minLength": 1},
            {"type": "string", "description": 'A name.\n\nIt must fit {"minLength":1}'},
        ),
        (
            {"type": "array", "items": STRING, "minItems": 2},
            {"type": "array", "items": STRING, "description": 'It must fit {"minItems":2}'},
        ),
        (
            {"type": "string", "format": "regex"},
            {"type": "string", "description": 'It must fit {"format":"regex"}'},
        ),
        ({"oneOf": [STRING, {"type": "null"}]}, {"anyOf": [STRING, {"type": "null"}]}),
        ({"type": "string", "examples": ["x"]}, STRING),
        (
            {"type": "object", "properties": {"minimum": STRING}},
            {"type": "object", "properties": {"minimum": STRING}, "additionalProperties": False},
        ),
    ],
)
def test_anthropic_gets_what_it_refuses_as_a_description_or_not_at_all(
    form: Any, becomes: Any
) -> None:
    changed = said(raw(with_a(form)), "anthropic", "claude-sonnet-4-5")

    assert changed is not None
    assert with_a(becomes) == json.loads(changed)


@pytest.mark.parametrize(
    "schema",
    [
        OPEN,
        with_a({"type": "object"}),
        with_a({**CLOSED, "additionalProperties": True}),
        with_a({**CLOSED, "additionalProperties": STRING}),
        with_a({}),
        with_a(ANYTHING),
        with_a({"type": "array"}),
        with_a({"allOf": [STRING]}),
        with_a({"type": "string", "not": {"const": "x"}}),
        with_a({"$ref": "#"}),
        with_a({"$ref": "#/$defs/d"}),
        with_a({"$ref": "https://example.com/schema"}),
        {**CLOSED, "$defs": {"d": {"type": "array", "items": {"$ref": "#/$defs/d"}}}},
        with_a({**CLOSED, "required": ["c"]}),
        {**CLOSED, "properties": {str(n): STRING for n in range(25)}, "required": []},
        with_a({**CLOSED, "properties": {str(n): {"type": ["null"]} for n in range(17)}}),
        with_a({**CLOSED, "properties": {"a": STRING}, "anyOf": [{"type": "object"}]}),
    ],
)
def test_anthropic_is_told_in_words_of_what_cannot_be_changed(schema: dict[str, Any]) -> None:
    assert said(raw(schema), "anthropic", "claude-sonnet-4-5") is None


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"{",
        b'{"type":"object","properties":{"a":"\\ud800"}}',
        b'{"type":"object","properties":[],"required":{},"additionalProperties":false,"anyOf":1}',
        b'{"type":"object","additionalProperties":false,"minItems":[],"format":{},"items":1}',
        b'{"type":"object","items":' * 900 + b"1" + b"}" * 900,
    ],
)
@pytest.mark.parametrize("speech", ["openai", "anthropic"])
def test_what_is_hardly_a_schema_does_no_harm(schema: bytes, speech: str) -> None:
    assert said(schema, speech, "m") in {None, schema}
    assert not strict(schema)


def test_the_words_hold_the_schema_as_it_came() -> None:
    assert in_words(b'{ "type" : "object" }').endswith('\n{ "type" : "object" }')


_LEAVES = st.sampled_from(
    [STRING, {"type": "integer", "minimum": 0}, {"type": "string", "maxLength": 2}]
)
_FORMS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.builds(
            lambda form, closed: {
                "type": "object",
                "properties": {"a": form},
                **({"additionalProperties": False} if closed else {}),
            },
            inner,
            st.booleans(),
        )
        | st.builds(lambda a, b: {"oneOf": [a, b]}, inner, inner)
        | st.builds(lambda a: {"type": "array", "items": a, "maxItems": 1}, inner)
    ),
    max_leaves=6,
)
_VALUES = st.recursive(
    st.sampled_from(["", "abc", -1, 1, None]),
    lambda inner: st.lists(inner, max_size=2) | st.fixed_dictionaries({"a": inner}),
    max_leaves=6,
)


@given(_FORMS, _VALUES)
def test_what_is_changed_forbids_no_answer_but_other_members(form: Any, value: Any) -> None:
    schema, answer = with_a(form), {"a": value, "b": ""}
    changed = said(raw(schema), "anthropic", "claude-sonnet-4-5")

    assert changed is not None
    if jsonschema_rs.is_valid(schema, answer):
        assert jsonschema_rs.is_valid(msgspec.json.decode(changed), answer)
