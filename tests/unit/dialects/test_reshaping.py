"""Between equals only the text of an answer is touched, whole or as it streams."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.ask import Ask, Shape
from tokenhub.core.outcome import Usage
from tokenhub.core.shaping import MAX_HELD
from tokenhub.dialects.exchange import exchange
from tokenhub.dialects.translation import Follower, Unsayable

JSON = Shape(type="json")
THINK = Shape(strip_think=True)
BODY = b'{"messages":[{"role":"user","content":"hi"}],"model":"m"}'
SCHEMA = '{"type":"object"}'
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "extra": 1.0}
COMPLETION: dict[str, Any] = {
    "id": "c1",
    "object": "chat.completion",
    "created": 17,
    "model": "m",
    "service_tier": "default",
    "system_fingerprint": "fp",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Here:\n```json\n{}\n```",
                "annotations": [{"type": "url_citation"}],
                "audio": {"id": "a"},
            },
            "logprobs": {"content": []},
            "finish_reason": "stop",
        },
        {"index": 1, "message": {"role": "assistant", "content": " [1] "}, "finish_reason": "stop"},
    ],
    "usage": USAGE,
}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "m1",
    "model": "m",
    "role": "assistant",
    "container": {"id": "box"},
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "I will search."},
        {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": []},
        {"type": "text", "text": '```json\n{"a":', "citations": [{"url": "u"}]},
        {"type": "text", "text": "1}\n```"},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 4, "server_tool_use": {"web_search_requests": 1}},
}


def ask(shape: Shape | None = JSON, speech: str = "openai", **fields: Any) -> Ask:
    return Ask(payload=BODY, model="m", speech=speech, shape=shape, **fields)


def whole(given: dict[str, Any], to: Ask) -> Any:
    return json.loads(exchange(to, to.speech, created=0).answer(json.dumps(given).encode()).body)


def follower(to: Ask) -> Follower:
    return exchange(to, to.speech, created=0).follower()


def sse(*chunks: Any) -> bytes:
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


def chunk(*choices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "system_fingerprint": "fp", "choices": choices, **fields}


def piece(content: str | None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": {"content": content}, "finish_reason": None, **fields}


def last(index: int = 0, reason: str = "stop") -> dict[str, Any]:
    return {"index": index, "delta": {}, "finish_reason": reason}


def read(events: bytes) -> list[dict[str, Any]]:
    return [
        json.loads(line.removeprefix("data: "))
        for line in events.decode().splitlines()
        if line.startswith("data: ")
    ]


def texts(events: bytes) -> dict[int, str]:
    said: dict[int, str] = {}
    for choice in [choice for event in read(events) for choice in event["choices"]]:
        text = choice["delta"].get("content") or ""
        said[choice["index"]] = said.get(choice["index"], "") + text
    return said


def reasons(events: bytes) -> list[str]:
    choices = [choice for event in read(events) for choice in event["choices"]]
    return [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]


# --- whole answers


def test_only_the_texts_of_a_completion_change() -> None:
    first, second = COMPLETION["choices"]
    expected = {
        **COMPLETION,
        "choices": [
            {**first, "message": {**first["message"], "content": "{}"}},
            {**second, "message": {"role": "assistant", "content": "[1]"}},
        ],
    }

    assert expected == whole(COMPLETION, ask())


def test_only_the_texts_of_a_message_change() -> None:
    """The text is one: what is held back in a block is told in a later one."""
    thinking, _, use, result, cited, _ = MESSAGE["content"]
    kept = [thinking, use, result, {**cited, "text": '{"a":'}, {"type": "text", "text": "1}"}]

    assert {**MESSAGE, "content": kept} == whole(MESSAGE, ask(None, "anthropic", schema=SCHEMA))


@pytest.mark.parametrize(
    "message",
    [
        {"content": "a", "reasoning_content": "b", "reasoning": "b", "reasoning_details": [{}]},
        {"content": "<think>b</think> a"},
        {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}]},
    ],
)
def test_reasoning_is_stripped_wherever_it_stands(message: dict[str, Any]) -> None:
    answer = whole({"choices": [{"message": message}]}, ask(THINK))

    said = answer["choices"][0]["message"]
    assert said in ({"content": "a"}, {"content": [{"type": "text", "text": "a"}]})


def test_thinking_blocks_are_stripped() -> None:
    answer = whole(MESSAGE, ask(THINK, "anthropic"))

    assert MESSAGE["content"][1:] == answer["content"]


@pytest.mark.parametrize(
    ("fields", "finish", "expected"),
    [
        ({}, "stop", "length"),
        ({}, None, "length"),
        ({}, "content_filter", "content_filter"),
        ({"tool_calls": [{"id": "t"}]}, "stop", "stop"),
        ({"tool_calls": []}, "stop", "length"),
    ],
)
def test_cut_text_ends_for_its_length_unless_something_weighs_more(
    fields: dict[str, Any], finish: str | None, expected: str
) -> None:
    choice = {"message": {"content": "abcdefgh", **fields}, "finish_reason": finish}

    answer = whole({"choices": [choice]}, ask(Shape(max_tokens=1)))

    (told,) = answer["choices"]
    assert ("abcd...", expected) == (told["message"]["content"], told["finish_reason"])


def test_cut_message_ends_for_its_length() -> None:
    answer = whole(MESSAGE, ask(Shape(max_tokens=4), "anthropic"))

    assert ("max_tokens", None) == (answer["stop_reason"], answer["stop_sequence"])
    assert "I will search.``..." == "".join(b.get("text", "") for b in answer["content"])


def test_content_that_is_null_stays_so() -> None:
    choice = {"message": {"content": None, "tool_calls": [{"id": "t"}]}}

    assert [choice] == whole({"choices": [choice]}, ask())["choices"]


@pytest.mark.parametrize("speech", ["openai", "anthropic"])
@pytest.mark.parametrize("body", [b"[]", b"{", b'{"choices":[]}'])
def test_no_answer_is_refused(speech: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a|without a"):
        exchange(ask(JSON, speech), speech, created=0).answer(body)


# --- streams


def test_texts_of_a_stream_change_each_choice_by_itself() -> None:
    given_ = sse(
        chunk({"index": 0, "delta": {"role": "assistant", "content": ""}}),
        chunk(piece("Here: ``"), piece(" [1", 1)),
        chunk(piece("`\n{}")),
        chunk(piece("] ", 1)),
        chunk(piece("\n```", 0)),
        chunk(last(1), last(0)),
        chunk(usage=USAGE),
    )

    out = follower(ask(stream=True, wants_usage=True)).feed(given_)

    assert {0: "{}", 1: "[1]"} == texts(out)
    assert ["stop", "stop"] == reasons(out)
    assert USAGE == read(out)[-1]["usage"]
    assert {"fp"} == {event["system_fingerprint"] for event in read(out)}


def test_events_without_text_pass_untouched() -> None:
    events = [
        b'data: {"choices": [ ], "prompt_filter_results": [ ]}\n\n',
        b": a comment\n\n",
    ]

    assert b"".join(events) == follower(ask(stream=True)).feed(b"".join(events))


def test_all_other_fields_of_a_choice_are_kept() -> None:
    call = {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "t"}]}, "extra": 1}
    odd = {"index": 0, "delta": {"content": "x", "annotations": [{}]}, "logprobs": {"content": [1]}}

    out = follower(ask(stream=True)).feed(sse(chunk(call), chunk(odd)))

    first, second, rest = read(out)
    assert [call] == first["choices"]
    assert [{**odd, "delta": {"content": "", "annotations": [{}]}}] == second["choices"]
    assert {0: "x"} == texts(sse(rest)[:-14])


def test_cut_stream_ends_for_its_length() -> None:
    stream = follower(ask(Shape(max_tokens=1), stream=True))

    out = stream.feed(sse(chunk(piece("abc")), chunk(piece("def")), chunk(last())))

    assert ({0: "abcd..."}, ["length"]) == (texts(out), reasons(out))


def test_reasoning_of_a_stream_is_stripped() -> None:
    thought = {"index": 0, "delta": {"reasoning_content": "Hm.", "reasoning_details": [{}]}}

    out = follower(ask(THINK, stream=True)).feed(sse(chunk(thought), chunk(piece("a"), last())))

    assert b"reasoning" not in out
    assert {0: "a"} == texts(out)


def test_usage_is_shown_only_to_those_who_asked() -> None:
    stream = follower(ask(stream=True))

    out = stream.feed(sse(chunk(piece("a")), chunk(last()), chunk(usage=USAGE)))

    assert b"usage" not in out.replace(b'"usage":null', b"")
    assert (Usage(3, 4), True, 1) == (stream.usage, stream.done, stream.output_tokens)


def test_held_text_comes_even_without_a_reason_for_the_end() -> None:
    stream = follower(ask(stream=True))

    assert b"" == stream.feed(sse(chunk(piece("talk")))[:-14])
    assert {0: "talk"} == texts(stream.feed(b"data: [DONE]\n\n"))


def test_what_all_choices_hold_is_bounded() -> None:
    stream = follower(ask(stream=True))
    half = sse(*[chunk(piece("word " * 100_000, index)) for index in range(9)])[:-14]

    def pour() -> None:
        for _ in range(MAX_HELD // 4_500_000 + 1):
            stream.feed(half)

    with pytest.raises(ValueError, match="too much text"):
        pour()


@pytest.mark.parametrize("index", [-1, 128, "x"])
def test_choice_that_cannot_be_is_refused(index: Any) -> None:
    with pytest.raises(ValueError, match=r"beyond|not a chunk|invalid literal"):
        follower(ask(stream=True)).feed(sse(chunk({"index": index, "delta": {"content": "x"}})))


@given(st.lists(st.sampled_from(["```", "json\n", "{", "}", '"a"', " ", "\n", "é"])), st.data())
def test_any_split_of_the_bytes_gives_the_text_of_the_whole(
    pieces: Sequence[str], data: st.DataObject
) -> None:
    events = sse(*[chunk(piece(text)) for text in pieces], chunk(last()))
    cut = data.draw(st.integers(0, len(events)))
    stream = follower(ask(stream=True))

    out = stream.feed(events[:cut]) + stream.feed(events[cut:])

    choice = {"message": {"content": "".join(pieces)}}
    expected = whole({"choices": [choice]}, ask())["choices"][0]["message"]["content"]
    assert expected == texts(out).get(0, "")


# --- schemas


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_one_answer_only_can_fit_a_schema(to: str) -> None:
    words = exchange(ask(None, schema=SCHEMA, answers=2), to, created=0)

    with pytest.raises(Unsayable, match="n must be 1") as refused:
        words.payload("m")

    assert "n" == refused.value.field


def test_stream_with_a_schema_is_asked_for_whole_and_told_as_one() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    first = COMPLETION["choices"][0]
    given_ = {
        **COMPLETION,
        "choices": [{**first, "message": {**first["message"], "tool_calls": [call]}}],
    }
    words = exchange(ask(None, stream=True, wants_usage=True, schema=SCHEMA), "openai", created=0)

    sent = json.loads(words.payload("m"))
    answer = words.answer(json.dumps(given_).encode())

    assert "stream" not in sent
    opened, closed, counted = read(answer.body)
    delta = opened["choices"][0]["delta"]
    assert ("{}", [{"index": 0, **call}]) == (delta["content"], delta["tool_calls"])
    assert first["message"]["annotations"] == delta["annotations"]
    assert (first["logprobs"], None) == (
        opened["choices"][0]["logprobs"],
        opened["choices"][0]["finish_reason"],
    )
    assert "stop" == closed["choices"][0]["finish_reason"]
    assert (USAGE, []) == (counted["usage"], counted["choices"])
    assert {("fp", 17, "chat.completion.chunk")} == {
        (event["system_fingerprint"], event["created"], event["object"])
        for event in (opened, closed, counted)
    }
    assert ("{}", b"data: [DONE]\n\n") == (answer.text, answer.terminal)


def test_message_with_a_schema_is_told_as_a_stream() -> None:
    words = exchange(ask(None, "anthropic", stream=True, schema=SCHEMA), "anthropic", created=0)

    answer = words.answer(json.dumps(MESSAGE).encode())

    events = read(answer.body)
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            _gather(blocks[event["index"]], event["delta"])
    assert whole(MESSAGE, ask(None, "anthropic", schema=SCHEMA))["content"] == blocks
    assert ([], None) == (events[0]["message"]["content"], events[0]["message"]["stop_reason"])
    assert MESSAGE["usage"] == events[-1]["usage"]
    late = {"stop_reason": "end_turn", "stop_sequence": None, "container": {"id": "box"}}
    assert late == events[-1]["delta"]
    assert '{"a":1}' == answer.text


def _gather(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "citations_delta":
            block["citations"].append(delta["citation"])
        case "input_json_delta":
            block["input"] = json.loads(delta["partial_json"])
        case _:
            name = delta["type"].removesuffix("_delta")
            block[name] += delta[name]
