"""What is written for a vendor's model, the simulation of this vendor takes."""

import json
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from tokenhub.core.ask import Ask
from tokenhub.dialects.exchange import exchange
from tokenhub.dialects.translation import Unsayable
from tokenhub.sim.anthropic_read import from_anthropic
from tokenhub.sim.call import Call
from tokenhub.sim.openai_read import from_openai

OPENAI = ("gpt-3.5-turbo", "gpt-4o", "gpt-4.1", "o1", "o3", "gpt-5", "gpt-5.1", "gpt-5.2")
ANTHROPIC = (
    "claude-3-5-haiku-20241022",
    "claude-3-7-sonnet-20250219",
    "claude-sonnet-4-20250514",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-5",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-opus-4-7",
    "claude",
)
USER = {"role": "user", "content": "Hello"}
OPEN = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}}
TREE = {
    "type": "object",
    "properties": {"below": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["below"],
    "additionalProperties": False,
}
SCHEMAS: tuple[dict[str, Any], ...] = (OPEN, TREE, {"type": "array"}, {"oneOf": [OPEN, TREE]}, {})
TOOL = {"name": "f", "parameters": {"type": "object"}}
CALLED = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {}}


def as_openai(schema: dict[str, Any]) -> dict[str, Any]:
    named = {"name": "x", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def as_anthropic(schema: dict[str, Any]) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


ASKED_BY_OPENAI: tuple[dict[str, Any], ...] = (
    {},
    {"temperature": 1.5, "top_p": 0.5, "stop": ["x", "\n"], "max_tokens": 9},
    {"user": "somebody@example.com"},
    {"user": "x" * 300},
    *[
        {"reasoning_effort": effort, "temperature": 0.5}
        for effort in ("none", "minimal", "low", "medium", "high", "xhigh")
    ],
    *[as_openai(schema) for schema in SCHEMAS],
    {"reasoning_effort": "high", **as_openai(OPEN)},
    {
        "tools": [{"type": "function", "function": TOOL}],
        "tool_choice": "required",
        "reasoning_effort": "low",
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
    },
)
ASKED_BY_ANTHROPIC: tuple[dict[str, Any], ...] = (
    {},
    {"temperature": 0.5, "top_k": 5, "stop_sequences": ["a", "b", "c", "d", "e"]},
    {"top_p": 0.5, "max_tokens": 1_000_000},
    {"metadata": {"user_id": "x" * 200}},
    {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000},
    {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
    {"thinking": {"type": "disabled"}, "temperature": 0.5},
    *[
        {"output_config": {"effort": effort}}
        for effort in ("low", "medium", "high", "xhigh", "max")
    ],
    {"messages": [USER, {"role": "assistant", "content": "Well"}]},
    *[as_anthropic(schema) for schema in SCHEMAS],
    {
        "tools": [{"name": "f" * 100, "input_schema": {"type": "object"}}],
        "messages": [
            USER,
            {"role": "assistant", "content": [{**USE, "name": "f" * 100, "id": "c" * 60}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c" * 60}]},
        ],
    },
)


def sent(speech: str, to: str, model: str, fields: dict[str, Any], **more: Any) -> Call:
    """The call that the vendor understands. Raises Refused."""
    limit = {"max_tokens": 50} if speech == "anthropic" else {}
    body = json.dumps({"messages": [USER], "model": "m", **limit, **fields}).encode()
    ask = Ask(payload=body, model="m", speech=speech, **more)
    payload = exchange(ask, to, created=0).payload(model)
    return from_anthropic(payload) if to == "anthropic" else from_openai(payload)


@pytest.mark.parametrize(("model", "fields"), list(product(ANTHROPIC, ASKED_BY_OPENAI)))
def test_anthropic_takes_what_a_caller_of_openai_asks(model: str, fields: dict[str, Any]) -> None:
    assert model == sent("openai", "anthropic", model, fields).model


@pytest.mark.parametrize("model", ANTHROPIC)
@pytest.mark.parametrize("fields", [{}, {"reasoning_effort": "high"}])
def test_answer_that_is_begun_goes_on_or_is_refused_by_us(
    model: str, fields: dict[str, Any]
) -> None:
    begun = {"messages": [USER, {"role": "assistant", "content": "Well "}], **fields}

    with suppress(Unsayable):
        assert model == sent("openai", "anthropic", model, begun).model


@pytest.mark.parametrize(("model", "fields"), list(product(OPENAI, ASKED_BY_ANTHROPIC)))
def test_openai_takes_what_a_caller_of_anthropic_asks(model: str, fields: dict[str, Any]) -> None:
    assert model == sent("anthropic", "openai", model, fields).model


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("speech", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("to", "model"),
    [*[("openai", model) for model in OPENAI], *[("anthropic", model) for model in ANTHROPIC]],
)
def test_both_take_an_output_schema(
    speech: str, to: str, model: str, schema: dict[str, Any]
) -> None:
    assert model == sent(speech, to, model, {}, schema=json.dumps(schema)).model
