"""Chat completions: read from any server, written as OpenAI writes them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from openai.types.chat import ChatCompletion

from tests.support.talks import saids
from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Call, Finish, Part, Refusal, Said, Sealed, Text, Thinking
from tokenhub.dialects.openai.answer import read, write
from tokenhub.dialects.openai.reasoning import FORMAT
from tokenhub.dialects.told import ToldError


def said_of(message: dict[str, Any], finish: Any = "stop", **fields: Any) -> Said:
    choice = {"index": 0, "message": message, "finish_reason": finish, **fields}
    return read(msgspec.json.encode({"id": "i", "model": "m", "choices": [choice]}))


def written(*parts: Part, finish: Finish | None = None, usage: Usage | None = None) -> Any:
    said = Said(id="i", model="m", parts=parts, finish=finish, usage=usage)
    return json.loads(write(said, created=7))


@given(saids(thinking=True))
def test_what_both_can_say_comes_back_the_same(said: Said) -> None:
    assert said == read(write(said, created=1))


@given(saids())
def test_answer_is_one_to_the_vendor_s_own_types(said: Said) -> None:
    body = json.loads(write(said, created=1))

    completion = ChatCompletion.model_validate(body, strict=True)

    assert said.model == completion.model
    assert body["choices"][0]["message"]["content"] == completion.choices[0].message.content


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": "a"}, (Text(text="a"),)),
        ({"content": None}, ()),
        ({"content": [{"type": "text", "text": "a"}]}, (Text(text="a"),)),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            (Thinking(text="hm"), Text(text="a")),
        ),
        ({"content": "a", "reasoning": "hm"}, (Thinking(text="hm"), Text(text="a"))),
        ({"content": "a", "reasoning": {"odd": 1}}, (Text(text="a"),)),
        ({"refusal": "no"}, (Refusal(text="no"),)),
        (
            {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
            (Call(id="call_i_0", name="f", arguments='{"a":1}'),),
        ),
        (
            {"tool_calls": [{"id": 7, "function": {"name": "f", "arguments": [1]}, "index": "0"}]},
            (Call(id="7", name="f", arguments="[1]"),),
        ),
        (
            {
                "reasoning_details": [
                    {"text": "hm", "signature": "s", "format": "google-gemini-v1", "index": "0"},
                    {"type": "reasoning.encrypted", "data": "x", "format": "openai-responses-v1"},
                    7,
                ]
            },
            (Thinking(text="hm"),),
        ),
        (
            {"function_call": {"name": "f", "arguments": "{}"}},
            (Call(id="call_i_0", name="f", arguments="{}"),),
        ),
    ],
)
def test_each_shape_of_a_message_is_read(message: dict[str, Any], parts: tuple[Part, ...]) -> None:
    assert parts == said_of({"role": "assistant", **message}).parts


CALLS = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("message", "reason", "finish"),
    [
        ({}, "stop", Finish.STOP),
        ({}, "length", Finish.LENGTH),
        ({}, "content_filter", Finish.FILTERED),
        ({}, "model_length", Finish.CONTEXT),
        ({}, "eos_token", Finish.STOP),
        ({}, "odd", None),
        ({}, None, None),
        ({}, 7, None),
        ({"refusal": "no"}, "stop", Finish.REFUSAL),
        ({"tool_calls": CALLS}, "tool_calls", Finish.TOOLS),
        ({"function_call": {"name": "f"}}, "function_call", Finish.TOOLS),
        # A forced call ends with `stop`; a cut one stays cut.
        ({"tool_calls": CALLS}, "stop", Finish.TOOLS),
        ({"tool_calls": CALLS}, "length", Finish.LENGTH),
    ],
)
def test_each_reason_is_read(message: dict[str, Any], reason: Any, finish: Finish | None) -> None:
    assert finish == said_of(message, reason).finish


@pytest.mark.parametrize(
    ("told", "finish", "stop"), [("END", Finish.STOP_SEQUENCE, "END"), (128009, Finish.STOP, "")]
)
def test_sequence_that_ended_it_is_read_where_it_is_told(
    told: object, finish: Finish, stop: str
) -> None:
    said = said_of({"content": "a"}, stop_reason=told)

    assert (finish, stop) == (said.finish, said.stop)


@pytest.mark.parametrize(
    ("finish", "parts", "word"),
    [
        (Finish.STOP, (), "stop"),
        (Finish.STOP_SEQUENCE, (), "stop"),
        (Finish.LENGTH, (), "length"),
        (Finish.CONTEXT, (), "length"),
        (Finish.TOOLS, (), "tool_calls"),
        (Finish.REFUSAL, (), "content_filter"),
        (Finish.REFUSAL, (Refusal(text="no"),), "stop"),
        (Finish.FILTERED, (), "content_filter"),
        (Finish.PAUSE, (), "stop"),
        (None, (), "stop"),
        (None, (Call(id="c", name="f", arguments="{}"),), "tool_calls"),
    ],
)
def test_each_reason_is_written(finish: Finish | None, parts: tuple[Part, ...], word: str) -> None:
    assert word == written(*parts, finish=finish)["choices"][0]["finish_reason"]


def test_whole_answer_is_written_as_the_vendor_does() -> None:
    body = written(
        Thinking(text="hm", signature="s"),
        Sealed(data="x"),
        Text(text="a"),
        Text(text="b"),
        Call(id="c", name="f", arguments="{}"),
        finish=Finish.TOOLS,
        usage=Usage(10, 5, 4, 3, 2),
    )

    message = {
        "role": "assistant",
        "content": "ab",
        "refusal": None,
        "tool_calls": CALLS,
        "reasoning_content": "hm",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "signature": "s", "format": FORMAT},
            {"type": "reasoning.encrypted", "data": "x", "format": FORMAT},
        ],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    assert {
        "id": "i",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [choice],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    } == body


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (Usage(10, 5), {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}),
        (Usage(10), {"prompt_tokens": 10}),
        (
            Usage(0, 0, 0),
            {
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "total_tokens": 0,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        ),
    ],
)
def test_usage_tells_only_what_is_known(usage: Usage, told: dict[str, Any]) -> None:
    assert told == written(usage=usage)["usage"]


def test_answer_without_text_or_id_has_a_null_and_an_id() -> None:
    body = json.loads(write(Said(id="", model="m", parts=()), created=7))

    assert "chatcmpl-7" == body["id"]
    assert body["choices"][0]["message"]["content"] is None
    assert "usage" not in body


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"<html>", b'{"choices":[]}', b"{}"])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="chat completion"):
        read(body)


def test_error_in_place_of_an_answer_is_told() -> None:
    with pytest.raises(ToldError) as caught:
        read(b'{"error":{"message":"too long","code":400}}')

    assert ("too long", 400) == (caught.value.error.message, caught.value.status)


def test_odd_types_around_an_answer_do_not_cost_it() -> None:
    message = {"content": "a", "refusal": {}, "reasoning_details": "x", "annotations": 1}
    body = {"id": 1, "model": ["m"], "choices": [{"index": "0", "message": message}]}

    said = read(msgspec.json.encode(body))

    assert Said(id="1", model="", parts=(Text(text="a"),)) == said


@pytest.mark.parametrize(("first", "text"), [(1, "b"), ("x", "b"), (0, "a"), (None, "b")])
def test_answer_with_index_0_is_the_first(first: object, text: str) -> None:
    choices = [
        {"index": first, "message": {"content": "a"}},
        {"index": 0, "message": {"content": "b"}},
    ]

    assert (Text(text=text),) == read(msgspec.json.encode({"choices": choices})).parts


def test_first_answer_counts_where_none_has_index_0() -> None:
    choices = [{"index": at, "message": {"content": str(at)}} for at in (2, 1)]

    assert (Text(text="2"),) == read(msgspec.json.encode({"choices": choices})).parts


def test_half_a_character_is_told_as_unreadable() -> None:
    body = rb'{"choices":[{"message":{"content":"\ud83d\ude00\\ud83d \ud83d"},"x":"\udc00"}]}'

    assert (Text(text="\U0001f600\\ud83d \ufffd"),) == read(body).parts


def test_id_that_is_made_up_is_short_enough_for_the_vendor() -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    choice = {"message": {"tool_calls": [call, call]}}

    said = read(msgspec.json.encode({"id": "chatcmpl-" + "a" * 32, "choices": [choice]}))

    first, second = [part.id for part in said.parts if isinstance(part, Call)]
    assert first != second
    assert max(len(first), len(second)) <= 40


def test_caller_of_old_is_told_of_its_call_as_it_asked() -> None:
    said = Said(id="i", model="m", parts=(Call(id="c", name="f", arguments="{}"),))

    choice = json.loads(write(said, created=1, legacy=True))["choices"][0]

    assert "function_call" == choice["finish_reason"]
    assert {"name": "f", "arguments": "{}"} == choice["message"]["function_call"]
    assert "tool_calls" not in choice["message"]
