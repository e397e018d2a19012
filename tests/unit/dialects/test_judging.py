"""Answers read after they were given: calls, prompts, and cases in words.

What comes over the wire, whole and as a stream: tests/e2e/test_feedback.py.
"""

import json

import pytest

from tokenhub.core.ask import Ask
from tokenhub.core.judging import Case
from tokenhub.dialects.judging import called_well, case_of, judging, offers_tools, prompt_of

HELLO = {"role": "user", "content": "Hello"}
PICTURE = {
    "role": "user",
    "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
}


def ask(speech="openai", **fields):
    body = {"messages": [HELLO], "max_tokens": 9, **fields}
    return Ask(payload=json.dumps(body).encode(), speech=speech)


def completion(content=None, calls=()):
    told = [
        {"id": "c", "type": "function", "function": {"name": name, "arguments": words}}
        for name, words in calls
    ]
    message = {"role": "assistant", "content": content, "tool_calls": told or None}
    return json.dumps({"id": "x", "choices": [{"index": 0, "message": message}]}).encode()


def message(*blocks):
    return json.dumps(
        {"id": "x", "type": "message", "role": "assistant", "model": "m", "content": blocks}
    ).encode()


def test_parameters_are_no_part_of_a_prompt():
    assert prompt_of(ask(temperature=1, model="a")) == prompt_of(ask(stream=True, model="b"))
    assert prompt_of(ask()) != prompt_of(ask(messages=[HELLO, HELLO]))
    assert prompt_of(ask("anthropic", system="a")) != prompt_of(ask("anthropic", system="b"))


@pytest.mark.parametrize(
    ("speech", "offer", "body", "well"),
    [
        ("openai", {"tools": [{"function": {"name": "f"}}]}, completion(calls=[("f", "{}")]), True),
        ("openai", {"functions": [{"name": "f"}]}, completion(calls=[("f", "{}")]), True),
        ("openai", {}, completion(calls=[("f", "{}")]), False),
        (
            "openai",
            {"tools": [{"function": {"name": "f"}}]},
            completion(calls=[("f", "{}"), ("f", "[")]),
            False,
        ),
        ("openai", {"tools": [{"function": {"name": "f"}}]}, completion("no call"), None),
        ("openai", {"tools": [{"function": {"name": "f"}}]}, b'{"arguments" broken', None),
        ("openai", {"tools": "odd"}, completion(calls=[("f", "{}")]), None),
        (
            "anthropic",
            {"tools": [{"name": "f", "input_schema": {}}]},
            message({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
            True,
        ),
        (
            "anthropic",
            {"tools": [{"name": "f", "input_schema": {}}]},
            message({"type": "tool_use", "id": "t", "name": "g", "input": {}}),
            False,
        ),
    ],
)
def test_calls_are_good_where_all_can_be_carried_out(speech, offer, body, well):
    assert well is called_well(ask(speech, **offer), body, stream=False)


def test_tools_are_offered_where_the_payload_says_so():
    assert [True, True, False] == [
        offers_tools(ask(tools=[])), offers_tools(ask(functions=[])), offers_tools(ask())
    ]  # fmt: skip


def test_a_case_is_told_in_words():
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "rain"},
    ]

    case = case_of(ask(messages=turns), completion("It rains."), stream=False)

    assert case == Case(
        'system: Be brief.\n\nuser: Weather?\n\nassistant: [calls f with {"a":1}]\n\n'
        "user: [result: rain]",
        "It rains.",
    )


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"store": False}, completion("fine")),
        ({"messages": [PICTURE]}, completion("a cat")),
        ({}, completion("")),
        ({}, b"no answer"),
        ({}, b'{"error": {"message": "no"}}'),
    ],
)
def test_what_is_forbidden_or_cannot_be_told_is_no_case(fields, body):
    assert case_of(ask(**fields), body, stream=False) is None


def test_a_judge_is_asked_for_a_grade_and_no_other_may_answer():
    asked = judging("wise", "How good?")

    assert ("wise", "same-model", "judge") == (asked.model, asked.substitute, asked.dialect)
    assert ["system", "user"] == [t["role"] for t in json.loads(asked.payload)["messages"]]
    assert '"grade"' in asked.schema
    assert asked.input_tokens > 50
