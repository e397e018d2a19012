"""What of a Talk each of OpenAI's models is sent, and what is named as left out."""

import json
from typing import Any

import pytest
from msgspec import Raw

from tokenhub.core.talk import (
    Call,
    Choice,
    Format,
    Part,
    Result,
    Talk,
    Text,
    Tool,
    Turn,
)
from tokenhub.dialects.openai.names import short_name
from tokenhub.dialects.openai.writing import write
from tokenhub.dialects.pairing import INTERRUPTED

HI = Turn(role="user", parts=(Text(text="hi"),))
TOOL = Tool(name="f")


def sent(model: str, **said: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    written = write(Talk(turns=said.pop("turns", (HI,)), **said), model=model)
    body = json.loads(written.body)
    assert isinstance(body, dict)
    return body, written.dropped


@pytest.mark.parametrize(
    ("model", "said", "effort", "dropped"),
    [
        # One that does not reason.
        ("gpt-4o", {"thinks": True, "thinking_tokens": 4000}, None, ("thinking",)),
        ("gpt-4o", {"thinks": True}, None, ("thinking",)),
        ("gpt-4o", {"effort": "low"}, None, ("output_config.effort",)),
        (
            "gpt-4o",
            {"effort": "low", "thinks": True},
            None,
            ("thinking", "output_config.effort"),
        ),
        ("gpt-4o", {"thinks": False}, None, ()),
        ("gpt-4.1", {"effort": "none"}, None, ()),
        ("ft:gpt-4o:me::1", {"thinks": True}, None, ("thinking",)),
        ("gpt-5.2-chat-latest", {"thinks": True}, None, ("thinking",)),
        # Those that do.
        ("o3", {"thinks": True, "thinking_tokens": 4000}, "low", ()),
        ("o3", {"thinks": True}, "medium", ()),
        ("o3", {"effort": "max"}, "high", ()),
        ("o3", {"thinks": False}, "low", ("thinking",)),
        ("gpt-5", {"thinks": False}, "minimal", ("thinking",)),
        ("gpt-5.1", {"thinks": False}, "none", ()),
        ("gpt-5.1", {"effort": "xhigh"}, "high", ()),
        ("gpt-5.2", {"effort": "max"}, "xhigh", ()),
        ("gpt-5.2", {"effort": "minimal"}, "none", ()),
        ("gpt-5", {}, None, ()),
        # Others, which take what they are sent.
        ("qwen", {"thinks": True, "thinking_tokens": 4000}, "low", ()),
        ("qwen", {"thinks": False}, "none", ()),
        ("qwen", {"effort": "max", "thinks": True}, "max", ()),
        ("qwen", {"thinks": True}, None, ("thinking",)),
    ],
)
def test_thinking_is_told_as_the_model_takes_it(
    model: str, said: dict[str, Any], effort: str | None, dropped: tuple[str, ...]
) -> None:
    body, names = sent(model, **said)

    assert (effort, dropped) == (body.get("reasoning_effort"), names)


@pytest.mark.parametrize("model", ["o1", "o3", "o4-mini", "gpt-5", "gpt-5.1", "gpt-5.2"])
def test_sampling_is_not_sent_where_it_is_refused(model: str) -> None:
    body, dropped = sent(model, temperature=0.5, top_p=0.9)

    assert ("temperature", "top_p") == dropped
    assert {"temperature", "top_p"}.isdisjoint(body)


@pytest.mark.parametrize(
    ("model", "thinks"), [("gpt-4o", None), ("qwen", True), ("gpt-5.2", False)]
)
def test_sampling_is_sent_where_it_is_taken(model: str, thinks: bool | None) -> None:  # noqa: FBT001 - a table's column
    body, dropped = sent(model, temperature=0.5, top_p=0.9, thinks=thinks, effort=None)

    assert (0.5, 0.9) == (body["temperature"], body["top_p"])
    assert {"temperature", "top_p"}.isdisjoint(dropped)


def test_what_is_taken_for_granted_is_left_out_without_a_word() -> None:
    body, dropped = sent("o3", temperature=1.0, top_p=1.0, tools=(TOOL,), parallel=True)

    assert () == dropped
    assert {"model", "messages", "tools"} == set(body)


def test_sequences_and_calls_one_at_a_time_are_not_sent_where_they_are_refused() -> None:
    body, dropped = sent("o3", stop=("a",), tools=(TOOL,), parallel=False)

    assert ("stop_sequences", "tool_choice.disable_parallel_tool_use") == dropped
    assert {"model", "messages", "tools"} == set(body)


def test_long_names_are_short_wherever_they_stand() -> None:
    name = "mcp__server__" + "a" * 60
    call = Call(id="c" * 41, name=name, arguments="{}")
    result = Result(id=call.id, parts=(Text(text="r"),))

    body, _ = sent(
        "gpt-4o",
        turns=(Turn(role="assistant", parts=(call,)), Turn(role="user", parts=(result,))),
        tools=(Tool(name=name),),
        choice=Choice(kind="tool", name=name),
        user="u" * 65,
    )

    short = short_name(name)
    called, told = body["messages"]
    assert short == body["tools"][0]["function"]["name"]
    assert short == body["tool_choice"]["function"]["name"]
    assert short == called["tool_calls"][0]["function"]["name"]
    assert called["tool_calls"][0]["id"] == told["tool_call_id"]
    assert len(told["tool_call_id"]) <= 40
    assert 64 == len(body["user"])


def turns_after_a_call(*parts: Part) -> list[dict[str, Any]]:
    call = Call(id="c", name="f", arguments="{}")
    turns = [Turn(role="assistant", parts=(call,))]
    turns += [Turn(role="user", parts=parts)] if parts else []
    messages = sent("gpt-4o", turns=tuple(turns))[0]["messages"]
    assert isinstance(messages, list)
    return messages[1:]


def test_call_without_a_result_is_answered_as_interrupted() -> None:
    missing = {"role": "tool", "tool_call_id": "c", "content": INTERRUPTED}

    assert [missing] == turns_after_a_call()
    assert [missing, {"role": "user", "content": "hi"}] == turns_after_a_call(Text(text="hi"))


def test_results_without_a_call_and_second_ones_are_told_as_content() -> None:
    results = [Result(id=id_, parts=(Text(text=text),)) for id_, text in ("ca", "cb", "xd")]

    assert [
        {"role": "tool", "tool_call_id": "c", "content": "a"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "d"}],
        },
    ] == turns_after_a_call(*results)


@pytest.mark.parametrize(
    "schema", [b'{"type":"array","items":{}}', b'{"anyOf":[{"type":"object"}]}', b"{}"]
)
def test_schema_that_the_vendor_refuses_is_told_in_words(schema: bytes) -> None:
    body, dropped = sent("gpt-4o", format=Format(schema=Raw(schema)))

    orders, asked = body["messages"]
    assert ("system", "hi") == (orders["role"], asked["content"])
    assert schema.decode() in orders["content"]
    assert "response_format" not in body
    assert () == dropped


def test_schema_is_strict_where_the_vendor_takes_it_so() -> None:
    closed = b'{"type":"object","properties":{},"required":[],"additionalProperties":false}'

    strict, loose = (
        sent("gpt-4o", format=Format(schema=Raw(schema)))[0]["response_format"]["json_schema"]
        for schema in (closed, b'{"type":"object"}')
    )

    assert (True, False) == (strict["strict"], loose["strict"])
