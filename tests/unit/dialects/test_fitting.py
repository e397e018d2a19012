"""A body with a schema for its answer: the vendor's own structured output, or words."""

import json
from typing import Any

import msgspec
import pytest

from tokenhub.core.ask import Rework
from tokenhub.dialects.fitting import with_rework, with_schema

CLOSED = {
    "type": "object",
    "properties": {
        "a": {"type": ["string", "null"]},
        "b": {"type": "array", "items": {"enum": [1, 2]}},
    },
    "required": ["a", "b"],
    "additionalProperties": False,
}
OPTIONAL = {**CLOSED, "required": ["a"]}
OPEN = {"type": "object", "required": ["answer"]}
BODY = b'{"x":[ 1.0 ],"messages":[ {"role":"user","content":"\\u00e9"} ],"stream":true}'


def with_(schema: Any, speech: str, payload: bytes = BODY) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(with_schema(payload, speech, json.dumps(schema), model_id="m"))
    return out


def body(**fields: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "hi"}], **fields}).encode()


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), (OPTIONAL, False), (OPEN, False)])
def test_openai_gets_the_schema_and_strict_where_its_rules_hold(
    schema: dict[str, Any], *, strict: bool
) -> None:
    sent = with_(schema, "openai")

    named = {"name": "answer", "schema": schema, "strict": strict}
    assert {"type": "json_schema", "json_schema": named} == sent["response_format"]


@pytest.mark.parametrize("schema", [{"type": "array"}, {}, {"anyOf": [CLOSED]}])
def test_openai_is_told_in_words_of_what_is_no_object(schema: dict[str, Any]) -> None:
    sent = with_(schema, "openai")

    told, asked = sent["messages"]
    assert "response_format" not in sent
    assert ("system", "é") == (told["role"], asked["content"])
    assert told["content"].endswith(json.dumps(schema))


@pytest.mark.parametrize("schema", [CLOSED, OPTIONAL])
def test_anthropic_gets_the_schema(schema: dict[str, Any]) -> None:
    sent = with_(schema, "anthropic", body(output_config={"effort": "low"}))

    format_ = {"type": "json_schema", "schema": schema}
    assert {"effort": "low", "format": format_} == sent["output_config"]
    assert "system" not in sent


@pytest.mark.parametrize(
    "schema",
    [
        OPEN,
        {"type": "array", "items": CLOSED},
        {**CLOSED, "properties": {"a": {"not": {}}, "b": {"type": "null"}}},
    ],
)
@pytest.mark.parametrize(
    ("system", "first"),
    [(None, []), ("Be kind.", ["Be kind.\n\n"]), ([{"type": "text", "text": "Be kind."}], [])],
)
def test_anthropic_is_told_in_words_of_what_it_refuses(
    schema: dict[str, Any], system: Any, first: list[str]
) -> None:
    sent = with_(schema, "anthropic", body(system=system))

    told = sent["system"][-1]["text"] if isinstance(system, list) else sent["system"]
    assert "output_config" not in sent
    assert told.startswith("".join([*first, "Answer with JSON only"]))
    assert told.endswith(json.dumps(schema))


@pytest.mark.parametrize(
    ("speech", "fields"),
    [
        ("openai", {"response_format": {"type": "text"}}),
        ("anthropic", {"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
        ("anthropic", {"output_format": {"type": "json_schema", "schema": {}}}),
    ],
)
def test_callers_own_wish_for_a_format_stays(speech: str, fields: dict[str, Any]) -> None:
    payload = body(**fields)

    assert payload == with_schema(payload, speech, json.dumps(CLOSED), model_id="m")


@pytest.mark.parametrize("speech", ["openai", "anthropic"])
def test_schema_that_says_nothing_changes_nothing(speech: str) -> None:
    assert BODY == with_schema(BODY, speech, "true", model_id="m")


@pytest.mark.parametrize("speech", ["openai", "anthropic"])
def test_all_other_bytes_are_kept(speech: str) -> None:
    rework = Rework(said="{}", complaint="at /a: no")

    for changed in (
        with_schema(BODY, speech, json.dumps(CLOSED), model_id="m"),
        with_rework(BODY, rework),
    ):
        fields = msgspec.json.decode(changed, type=dict[str, msgspec.Raw])
        assert (b"[ 1.0 ]", b"true") == (bytes(fields["x"]), bytes(fields["stream"]))
        assert b'{"role":"user","content":"\\u00e9"}' in bytes(fields["messages"])


def test_rework_adds_what_was_said_and_what_is_wrong() -> None:
    sent = json.loads(with_rework(BODY, Rework(said='{"a":1}', complaint="at /a: no")))

    _, said, wrong = sent["messages"]
    assert {"role": "assistant", "content": '{"a":1}'} == said
    assert "user" == wrong["role"]
    assert "at /a: no" in wrong["content"]


def test_rework_of_an_empty_answer_adds_no_empty_turn() -> None:
    sent = json.loads(with_rework(BODY, Rework(said=" ", complaint="is empty")))

    assert ["user", "user"] == [turn["role"] for turn in sent["messages"]]
