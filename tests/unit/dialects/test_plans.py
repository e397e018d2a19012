"""The words of a step: what of the caller's request stays, and what comes to it."""

import pytest
from msgspec import json
from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Ask, Shape
from tokenhub.core.plans.steps import Order, Seat, Step
from tokenhub.dialects.plans import text_in, whole, worded

SYSTEM = {"role": "system", "content": "Be brief."}
DEVELOPER = {"role": "developer", "content": "Mind the style."}
HELLO = {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
REVIEW = Step(name="critique-1", seat=Seat(), system="You review.", user="Review it.")
ANSWER = Step(name="vote-1", seat=Seat(model="gpt"), final=True)
JUDGE = Step(name="judge", seat=Seat(), user="Choose.", schema='{"type":"object"}')


def asked(*turns, **fields):
    body = {**fields, "messages": list(turns) or [HELLO]}
    return Ask(
        payload=json.encode(body), input_tokens=10, max_tokens=20, schema='{"type":"string"}'
    )


def body(ask):
    return json.decode(ask.payload)


def test_a_steps_role_stands_behind_the_callers_and_its_task_at_the_end():
    found = body(worded(asked(SYSTEM, DEVELOPER, HELLO), REVIEW))

    assert [
        SYSTEM,
        DEVELOPER,
        {"role": "system", "content": "You review."},
        HELLO,
        {"role": "user", "content": "Review it."},
    ] == found["messages"]


def test_a_step_without_words_is_the_callers_own_request():
    ask = asked(SYSTEM, HELLO, temperature=0.5, x_unknown=[1])

    found = body(worded(ask, ANSWER))

    assert {**body(ask), "model": "gpt"} == found


@pytest.mark.parametrize(
    "name", ["stream", "stream_options", "n", "logprobs", "audio", "tools", "tool_choice"]
)
def test_what_no_step_can_answer_is_left_out(name):
    assert name not in body(worded(asked(**{name: 1}), ANSWER))


@pytest.mark.parametrize("name", ["response_format", "stop", "logit_bias", "prediction"])
def test_the_form_of_the_answer_is_for_steps_that_may_be_it(name):
    ask = asked(**{name: "x"})

    assert "x" == body(worded(ask, ANSWER))[name]
    assert name not in body(worded(ask, REVIEW))


def test_the_callers_limit_is_not_the_judges():
    ask = asked(max_tokens=1, max_completion_tokens=1)

    judged, reviewed = worded(ask, JUDGE), worded(ask, REVIEW)

    assert not {"max_tokens", "max_completion_tokens"} & set(body(judged))
    assert 1 == body(reviewed)["max_tokens"]
    assert (None, 20) == (judged.max_tokens, reviewed.max_tokens)


def test_each_step_has_the_schema_of_its_text():
    ask = asked()

    assert ['{"type":"string"}', "", '{"type":"object"}'] == [
        worded(ask, step).schema for step in (ANSWER, REVIEW, JUDGE)
    ]


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f"}},
        {"role": "tool", "content": "x", "tool_call_id": "1"},
        {"role": "function", "content": "x", "name": "f"},
    ],
)
def test_tools_that_were_called_before_are_still_known(turn):
    given = {"tools": [1], "tool_choice": "auto", "functions": [2], "function_call": "auto"}

    found = body(worded(asked(HELLO, turn, **given), ANSWER))

    assert ([1], "none") == (found["tools"], found["tool_choice"])
    assert ([2], "none") == (found["functions"], found["function_call"])


@pytest.mark.parametrize("empty", [None, []])
def test_an_empty_list_of_calls_is_none(empty):
    turn = {"role": "assistant", "content": "Hi", "tool_calls": empty}

    assert "tools" not in body(worded(asked(HELLO, turn, tools=[1]), ANSWER))


def test_a_step_is_as_large_as_its_words():
    found = worded(asked(), REVIEW)

    added = tokens.of_text(REVIEW.system) + tokens.of_text(REVIEW.user) + 2 * tokens.PER_MESSAGE
    assert 10 + added == found.input_tokens


def test_only_thoughts_are_taken_out_on_the_way():
    ask = asked()
    shaped = replace(ask, shape=Shape(strip_think=True, max_tokens=3))

    assert Shape(strip_think=True) == worded(shaped, ANSWER).shape
    assert worded(ask, ANSWER).shape is None


def test_the_whole_request_streams_no_more_and_is_put_to_its_seat():
    ask = asked(stream=True, stream_options={"include_usage": True}, model="old", n=2)
    streaming = replace(ask, stream=True, wants_usage=True, order=Order())

    found = whole(streaming, ANSWER)

    assert {"messages": [HELLO], "model": "gpt", "n": 2} == body(found)
    assert (False, False, None) == (found.stream, found.wants_usage, found.order)


def test_the_text_of_an_answer_is_what_was_said_aloud():
    message = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    assert "Yes." == text_in(json.encode(answer))


@pytest.mark.parametrize("answer", [b"{}", b'{"choices":[]}', b"no", b'{"error":{"message":"x"}}'])
def test_what_is_no_answer_has_no_text(answer):
    with pytest.raises(ValueError):
        text_in(answer)
