"""What the simulated Anthropic refuses for one model and takes for another."""

from typing import Any

import msgspec
import pytest

from tokenhub.sim.anthropic_read import from_anthropic
from tokenhub.sim.call import Refused

USER = {"role": "user", "content": "Hello"}
BEGUN = [USER, {"role": "assistant", "content": "Well"}]
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
ADAPTIVE = {"thinking": {"type": "adaptive"}}
CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
OLDEST, OPUS41 = "claude-3-5-haiku-20241022", "claude-opus-4-1-20250805"
SONNET45, OPUS45 = "claude-sonnet-4-5-20250929", "claude-opus-4-5"
OPUS46, SONNET46, OPUS47, LATER = (
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-opus-4-7",
    "claude-sonnet-5",
)


def raw(model: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"model": model, "max_tokens": 9, "messages": [USER]} | fields)


def output(**config: Any) -> dict[str, Any]:
    return {"output_config": config}


def schema(form: dict[str, Any]) -> dict[str, Any]:
    return output(format={"type": "json_schema", "schema": form})


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        (OPUS47, {"temperature": 1.0}, "`temperature` is not supported on this model."),
        (LATER, {"top_p": 0.9}, "`top_p` is not supported on this model."),
        (OPUS41, {"temperature": 0.5, "top_p": 0.9}, "`temperature` and `top_p` cannot both"),
        (OPUS46, {"messages": BEGUN}, "This model does not support assistant message prefill."),
        (SONNET46, {"messages": BEGUN}, "This model does not support assistant message prefill."),
        (SONNET45, {"messages": BEGUN, **BUDGET}, "Prefilling the assistant's message"),
        (OLDEST, BUDGET, '"thinking.type.enabled" is not supported'),
        (SONNET45, ADAPTIVE, '"thinking.type.adaptive" is not supported'),
        (OPUS47, BUDGET, '"thinking.type.enabled" is not supported'),
        (SONNET45, output(effort="low"), "This model does not support the effort parameter."),
        (OPUS45, output(effort="max"), "This model does not support effort level 'max'."),
        (OPUS46, output(effort="xhigh"), "This model does not support effort level 'xhigh'."),
        (OPUS41, schema(CLOSED), f"'{OPUS41}' does not support output format."),
        (OPUS41, {"max_tokens": 32_001}, "32001 > 32000, which is the maximum allowed number"),
        (SONNET45, {"max_tokens": 64_001}, "64001 > 64000, which is the maximum allowed number"),
        (SONNET45, {"metadata": {"user_id": "x" * 257}}, "String should have at most 256"),
        (SONNET45, {"metadata": {"user_id": "a@example.com"}}, "user_id appears to contain an e"),
    ],
)
def test_what_a_model_does_not_know_is_refused(
    model: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        from_anthropic(raw(model, **fields))

    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (OLDEST, {"temperature": 0.5, "top_p": 0.9, "messages": BEGUN}),
        (OPUS41, {"temperature": 0.5, "max_tokens": 32_000}),
        (SONNET45, {"messages": BEGUN, "metadata": {"user_id": "x" * 256}}),
        (SONNET45, {**BUDGET, **schema(CLOSED)}),
        (OPUS45, output(effort="high")),
        (OPUS46, {**BUDGET, **output(effort="max"), "max_tokens": 128_000}),
        (SONNET46, {**ADAPTIVE, "temperature": 1.0}),
        (OPUS47, {**ADAPTIVE, **output(effort="xhigh")}),
        (LATER, {"thinking": {"type": "disabled"}, "max_tokens": 1_000_000}),
    ],
)
def test_what_a_model_knows_is_taken(model: str, fields: dict[str, Any]) -> None:
    assert model == from_anthropic(raw(model, **fields)).model


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({**CLOSED, "properties": {"a": {"$ref": "#"}}}, "Circular reference"),
        (
            {**CLOSED, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
            "Circular reference",
        ),
        ({"type": "array", "minItems": 2}, "For 'array' type, 'minItems' values other than"),
        ({"oneOf": []}, "Schema type 'oneOf' is not supported"),
    ],
)
def test_schema_beyond_the_grammar_is_refused(form: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        from_anthropic(raw("m", **schema(form)))


def test_definitions_that_lead_to_an_end_are_taken() -> None:
    definitions = {"a": {"$ref": "#/$defs/b"}, "b": {"type": "string"}}

    from_anthropic(raw("m", **schema({**CLOSED, "$defs": definitions})))


@pytest.mark.parametrize("model", ["m", "claude", "claude-test"])
def test_names_that_are_not_the_vendors_are_under_no_rule_of_a_model(model: str) -> None:
    fields = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 10_000_000, **schema(CLOSED)}

    assert model == from_anthropic(raw(model, messages=BEGUN, **fields)).model
