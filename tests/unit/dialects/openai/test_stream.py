"""Streams of chunks: read from any server however they are cut, written as OpenAI writes them."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from tests.support.talks import merged, streams
from tokenhub.core.outcome import Usage
from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Finish,
    RefusalPiece,
    SealedPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.openai.stream import Reader, Writer
from tokenhub.dialects.told import ToldError
from tokenhub.wire import sse
from tokenhub.wire.sse import EventTooLong

DONE = b"data: [DONE]\n\n"
BEGAN = Began(id="i", model="m")


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def chunk(finish: str | None = None, *, index: int = 0, **delta: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return event({"id": "i", "model": "m", "choices": [choice]})


def read(stream: bytes, cuts: list[int] | None = None) -> list[Delta]:
    reader = Reader()
    places = sorted({min(cut, len(stream)) for cut in cuts or []} | {0, len(stream)})
    deltas = [delta for a, b in pairwise(places) for delta in reader.feed(stream[a:b])]
    return deltas + reader.end()


def said(*chunks: bytes) -> list[Delta]:
    """What a stream of these chunks says between its first and its last."""
    first, *rest, last = read(b"".join([chunk(role="assistant"), *chunks, chunk("stop"), DONE]))
    assert BEGAN == first
    assert isinstance(last, Ended)
    return rest


def call(index: int | str | None = 0, **fields: Any) -> bytes:
    function = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    at = {} if index is None else {"index": index}
    return chunk(tool_calls=[{**at, **fields, "function": function}])


def write(*deltas: Delta, show_usage: bool = False) -> list[dict[str, Any]]:
    out = Writer(show_usage=show_usage, created=7).write(deltas)
    assert not out or out.endswith(b"\n\n")
    return [json.loads(sse.payload(one)) for one in sse.Splitter().feed(out)]


# --- Laws -------------------------------------------------------------------------------------


@given(streams(thinking=True), st.lists(st.integers(0, 2000)), st.booleans())
def test_what_is_written_is_read_as_the_same_pieces(
    deltas: list[Delta],
    cuts: list[int],
    crlf: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    writer = Writer(show_usage=True, created=1)
    stream = b"".join([writer.write([delta]) for delta in deltas]) + writer.terminal
    stream = stream.replace(b"\n", b"\r\n") if crlf else stream

    assert merged(deltas) == merged(read(stream, cuts))


CHUNKS = st.sampled_from(
    [
        chunk(role="assistant", content=""),
        chunk(content="日本"),
        chunk(content="\n\ndata: [DONE]"),
        chunk(reasoning="hm"),
        chunk("stop"),
        call(0, id="a", name="f"),
        call(0, arguments="{"),
        call(1, id="b", name="g", arguments="{}"),
        event({"id": "", "choices": [], "prompt_filter_results": []}),
        event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        b": ping\r\n\r\n",
        b"event: x\n\n",
        DONE,
    ]
)


@given(st.lists(CHUNKS).map(b"".join), st.lists(st.integers(0, 1500)))
def test_any_cut_gives_the_same_deltas(stream: bytes, cuts: list[int]) -> None:
    stream = chunk(content="a") + stream
    whole = read(stream)

    assert whole == read(stream, cuts)
    assert whole == read(stream, list(range(len(stream))))


@given(streams())
def test_each_chunk_is_one_to_the_vendor_s_own_types(deltas: list[Delta]) -> None:
    chunks = [
        ChatCompletionChunk.model_validate(one, strict=True)
        for one in write(*deltas, show_usage=True)
    ]

    first, last, usage = chunks[0], chunks[-2], chunks[-1]
    assert ("assistant", "") == (first.choices[0].delta.role, first.choices[0].delta.content)
    assert last.choices[0].finish_reason is not None
    assert [] == usage.choices
    assert 1 == len({(one.id, one.model, one.created) for one in chunks})


# --- Reading ----------------------------------------------------------------------------------


def test_end_comes_with_the_terminal_and_the_usage_before_it() -> None:
    reader = Reader()

    before = reader.feed(
        chunk(content="a")
        + chunk("length")
        + event(
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 9,
                    "completion_tokens": 5,
                    "prompt_tokens_details": {"cached_tokens": 4},
                    "completion_tokens_details": {"reasoning_tokens": 2},
                },
            }
        )
    )
    assert ([BEGAN, TextPiece("a")], False) == (before, reader.done)

    end = reader.feed(DONE)

    assert [Ended(finish=Finish.LENGTH, usage=Usage(9, 5, 4, None, 2))] == end
    assert reader.done
    assert [] == reader.feed(chunk(content="more") + DONE)


def test_stream_without_its_terminal_has_no_end() -> None:
    assert [BEGAN, TextPiece("a")] == read(chunk(content="a") + chunk("stop"))


def test_terminal_may_lack_its_blank_line() -> None:
    assert Ended(finish=Finish.STOP) == read(chunk("stop") + b"data: [DONE]")[-1]


@pytest.mark.parametrize(
    "before",
    [
        b"",
        chunk(role="assistant", content=""),
        event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}),
    ],
)
def test_end_of_an_answer_that_has_not_begun_is_none(before: bytes) -> None:
    with pytest.raises(ValueError, match="without an answer"):
        read(before + DONE)


def test_answer_of_nothing_that_ends_for_a_reason_is_one() -> None:
    assert [BEGAN, Ended(finish=Finish.STOP)] == read(chunk("stop") + DONE)


COUNTS = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}


def test_usage_ahead_of_the_answer_does_not_count_it() -> None:
    ahead = event({"id": "i", "model": "m", "choices": [], "usage": COUNTS})

    *_, last = read(ahead + chunk(content="x" * 10_000) + chunk("stop") + DONE)

    assert Ended(finish=Finish.STOP, usage=Usage(5, None, 2)) == last


@pytest.mark.parametrize("after", [b"", chunk("stop"), chunk(content="")])
def test_usage_with_or_after_the_last_piece_counts_it(after: bytes) -> None:
    delta = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    both = event({"id": "i", "model": "m", "choices": [delta], "usage": COUNTS})

    assert Ended(finish=Finish.STOP, usage=Usage(5, 1, 2)) == read(both + after + DONE)[-1]


def test_answers_but_the_first_are_not_followed() -> None:
    assert [TextPiece("a")] == said(chunk(content="b", index=1), chunk(content="a"))


@pytest.mark.parametrize(
    ("delta", "pieces"),
    [
        ({"content": "a"}, [TextPiece("a")]),
        ({"content": ""}, []),
        ({"content": [{"type": "text", "text": "a"}]}, [TextPiece("a")]),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
            [ThinkingPiece("hm")],
        ),
        ({"reasoning_content": "hm"}, [ThinkingPiece("hm")]),
        ({"reasoning": "hm", "content": "a"}, [ThinkingPiece("hm"), TextPiece("a")]),
        (
            {
                "reasoning": "hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
            },
            [ThinkingPiece("hm"), SignaturePiece("s")],
        ),
        (
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
            [SealedPiece("x")],
        ),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "index": "0"},
                    {"type": "reasoning.text", "signature": "s", "format": "google-gemini-v1"},
                    {"type": "reasoning.encrypted", "data": "x", "format": "openai-responses-v1"},
                ]
            },
            [ThinkingPiece("hm")],
        ),
        ({"reasoning_details": {"odd": 1}}, []),
        ({"reasoning_details": ["odd", {"text": 1, "signature": [], "data": None}]}, []),
        ({"refusal": "no"}, [RefusalPiece("no")]),
        ({"refusal": {"odd": 1}}, []),
    ],
)
def test_each_piece_is_read(delta: dict[str, Any], pieces: list[Delta]) -> None:
    assert pieces == said(chunk(**delta))


F0, G1 = CallBegan(0, "a", "fetch"), CallBegan(1, "b", "get")


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [
        # As OpenAI does.
        (
            [
                call(0, id="a", name="fetch", arguments=""),
                call(0, arguments="{"),
                call(0, arguments="}"),
            ],
            [F0, CallPiece(0, "{"), CallPiece(0, "}")],
        ),
        # In parallel, one after the other and mixed.
        (
            [
                call(0, id="a", name="fetch", arguments="{"),
                call(1, id="b", name="get", arguments="{"),
                call(0, arguments="}"),
                call(1, arguments="}"),
            ],
            [F0, CallPiece(0, "{"), G1, CallPiece(1, "{"), CallPiece(0, "}"), CallPiece(1, "}")],
        ),
        # Without arguments.
        ([call(0, id="a", name="fetch"), call(1, id="b", name="get")], [F0, G1]),
        # Id and name in each piece.
        (
            [
                call(0, id="a", name="fetch", arguments="{"),
                call(0, id="a", name="fetch", arguments="}"),
            ],
            [F0, CallPiece(0, "{"), CallPiece(0, "}")],
        ),
        # The name in pieces, and growing.
        ([call(0, id="a", name="fe"), call(0, name="tch")], [F0]),
        ([call(0, id="a", name="fe"), call(0, name="fetch")], [F0]),
        # A new id for each piece, without a name.
        (
            [call(0, id="a", name="fetch"), call(0, id="z", arguments="{}")],
            [F0, CallPiece(0, "{}")],
        ),
        # All counted as 0, not counted, and counted from 1.
        (
            [
                call(0, id="a", name="fetch", arguments="{}"),
                call(0, id="b", name="get", arguments="{}"),
            ],
            [F0, CallPiece(0, "{}"), G1, CallPiece(1, "{}")],
        ),
        (
            [call(None, id="a", name="fetch"), call(None, arguments="{}")],
            [F0, CallPiece(0, "{}")],
        ),
        ([call(1, id="a", name="fetch", arguments="{}")], [F0, CallPiece(0, "{}")]),
        # No id.
        (
            [call(0, name="fetch", arguments="{}")],
            [CallBegan(0, "call_i_0", "fetch"), CallPiece(0, "{}")],
        ),
        # No id, and not counted or all counted as 0: by name, or by arguments alone.
        (
            [
                call(None, name="fetch", arguments="{}"),
                call(None, name="get", arguments=""),
                call(None, arguments="{}"),
            ],
            [
                CallBegan(0, "call_i_0", "fetch"),
                CallPiece(0, "{}"),
                CallBegan(1, "call_i_1", "get"),
                CallPiece(1, "{}"),
            ],
        ),
        (
            [
                call(0, name="fetch", arguments='{"a": "}'),
                call(0, name="fetch", arguments='{\\"{"}'),
                call(0, name="fetch", arguments=""),
                call(0, name="fetch", arguments=' {"b'),
                call(0, arguments='":[{'),
                call(0, arguments="}]}"),
                call(0, arguments='{"c": 1}'),
            ],
            [
                CallBegan(0, "call_i_0", "fetch"),
                CallPiece(0, '{"a": "}'),
                CallPiece(0, '{\\"{"}'),
                CallBegan(1, "call_i_1", "fetch"),
                CallPiece(1, ' {"b'),
                CallPiece(1, '":[{'),
                CallPiece(1, "}]}"),
                CallBegan(2, "call_i_2", "fetch"),
                CallPiece(2, '{"c": 1}'),
            ],
        ),
        # Id and name once more behind the whole.
        (
            [
                call(0, id="a", name="fetch", arguments="{}"),
                call(0, id="a", name="fetch", arguments=""),
                call(0, id="a", arguments=""),
            ],
            [F0, CallPiece(0, "{}")],
        ),
        # Numbers and lists where texts belong, and texts where numbers do.
        (
            [call("0", id=7, name="fetch", arguments=[1]), call("1", id=8, name="get")],
            [CallBegan(0, "7", "fetch"), CallPiece(0, "[1]"), CallBegan(1, "8", "get")],
        ),
        # Arguments as an object, and the functions of old.
        (
            [call(0, id="a", name="fetch", arguments={"a": 1})],
            [F0, CallPiece(0, '{"a":1}')],
        ),
        (
            [
                chunk(function_call={"name": "fetch", "arguments": ""}),
                chunk(function_call={"arguments": "{}"}),
            ],
            [CallBegan(0, "call_i_0", "fetch"), CallPiece(0, "{}")],
        ),
    ],
)
def test_calls_are_put_together_from_what_servers_send(
    chunks: list[bytes], pieces: list[Delta]
) -> None:
    assert pieces == said(*chunks, chunk("tool_calls"))


def test_name_that_never_ends_is_refused() -> None:
    reader = Reader()
    reader.feed(call(0, id="a", name="f"))

    with pytest.raises(ValueError, match="name does not end"):
        reader.feed(b"".join([call(0, name="abcd" * 16) for _ in range(32)]))


def test_call_that_ends_with_stop_ends_for_its_tool() -> None:
    stream = call(0, id="a", name="fetch", arguments="{}") + chunk("stop") + DONE

    assert Ended(finish=Finish.TOOLS) == read(stream)[-1]


@pytest.mark.parametrize("text", [b"\\ud83d", b"\\ude00", b"\\ud83dA"])
def test_half_a_character_is_told_as_unreadable(text: bytes) -> None:
    data = b'data: {"id":"i","model":"m","choices":[{"delta":{"content":"a\\\\ud83d%b"}}]}\n\n'

    [piece] = read(data % text)[1:]

    assert TextPiece("a\\ud83d\ufffd" + ("A" if text.endswith(b"A") else "")) == piece


@pytest.mark.parametrize("index", ["0", None])
def test_odd_types_do_not_cost_the_answer(index: object) -> None:
    odd = {"id": 5, "model": None, "choices": [{"index": index, "delta": {"content": "a"}}]}

    assert [Began(id="5", model=""), TextPiece("a")] == read(event(odd))


def test_first_chunk_that_says_nothing_does_not_begin() -> None:
    azure = event({"id": "", "model": "", "choices": [], "prompt_filter_results": []})

    assert [BEGAN, TextPiece("a")] == read(azure + chunk(content="a"))


@pytest.mark.parametrize(
    "data", [b"data: {\n\n", b"data: []\n\n", b"data: \xff\n\n", b"data: 1\n\n"]
)
def test_what_is_no_chunk_ends_it(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a chunk"):
        Reader().feed(data)


def test_error_in_a_stream_ends_it() -> None:
    with pytest.raises(ToldError) as caught:
        Reader().feed(event({"error": {"message": "overloaded", "code": 503}}))

    assert 503 == caught.value.status


def test_line_without_end_ends_it() -> None:
    with pytest.raises(EventTooLong):
        Reader().feed(b"data: " + b"x" * sse.MAX_EVENT_BYTES)


# --- Writing ----------------------------------------------------------------------------------


def deltas_of(chunks: list[dict[str, Any]]) -> list[Any]:
    return [choice["delta"] for one in chunks for choice in one["choices"]]


def test_each_piece_is_written_as_the_vendor_does() -> None:
    chunks = write(
        BEGAN,
        TextPiece('a"'),
        RefusalPiece("no"),
        CallBegan(0, "c", "f"),
        CallPiece(0, '{"a"'),
        Ended(finish=Finish.TOOLS, usage=Usage(1, 2)),
    )

    begun = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": 'a"'},
        {"refusal": "no"},
        {"tool_calls": [begun]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {},
    ] == deltas_of(chunks)
    assert {
        "id": "i",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}],
    } == chunks[-1]
    assert {None} == {one["choices"][0]["finish_reason"] for one in chunks[:-1]}


def test_usage_is_shown_in_its_own_chunk_to_who_asked() -> None:
    end = Ended(finish=Finish.STOP, usage=Usage(1, 2, cached_tokens=1))

    began, last, usage = write(BEGAN, end, show_usage=True)

    assert (None, None) == (began["usage"], last["usage"])
    assert [] == usage["choices"]
    assert {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 1},
    } == usage["usage"]
    assert all("usage" not in one for one in write(BEGAN, end))


OURS = {"format": "anthropic-claude-v1"}


def test_blocks_of_thought_are_numbered_and_keep_their_signatures() -> None:
    chunks = write(
        BEGAN,
        ThinkingPiece("a"),
        ThinkingPiece("b"),
        SignaturePiece("s"),
        SealedPiece("x"),
        ThinkingPiece("c"),
        SignaturePiece("t"),
    )

    details = [one["reasoning_details"][0] for one in deltas_of(chunks)[1:]]
    assert [
        {"type": "reasoning.text", "text": "a", "index": 0},
        {"type": "reasoning.text", "text": "b", "index": 0},
        {"type": "reasoning.text", "signature": "s", **OURS, "index": 0},
        {"type": "reasoning.encrypted", "data": "x", **OURS, "index": 1},
        {"type": "reasoning.text", "text": "c", "index": 2},
        {"type": "reasoning.text", "signature": "t", **OURS, "index": 2},
    ] == details
    assert ["a", "b", None, None, "c", None] == [
        one.get("reasoning_content") for one in deltas_of(chunks)[1:]
    ]


def test_stream_without_an_id_gets_one() -> None:
    assert "chatcmpl-7" == write(Began(id="", model="m"))[0]["id"]


def test_usage_of_the_beginning_is_shown_where_the_end_has_none() -> None:
    began = Began(id="i", model="m", usage=Usage(3))

    assert {"prompt_tokens": 3} == write(began, Ended(), show_usage=True)[-1]["usage"]


def test_caller_of_old_is_told_of_its_call_as_it_asked() -> None:
    writer = Writer(show_usage=False, created=7, legacy=True)
    out = writer.write(
        [
            BEGAN,
            CallBegan(0, "c", "f"),
            CallPiece(0, '{"a"'),
            CallBegan(1, "d", "g"),
            CallPiece(1, "{}"),
            Ended(finish=Finish.TOOLS),
        ]
    )

    chunks = [json.loads(sse.payload(one)) for one in sse.Splitter().feed(out)]
    assert [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"a"'}},
        {},
        {},
        {},
    ] == deltas_of(chunks)[1:]
    assert "function_call" == chunks[-1]["choices"][0]["finish_reason"]
