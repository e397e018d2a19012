"""Anthropic's stream, read into deltas and written from them."""

import itertools
import json
import re
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.support.talks import json_objects, merged, saids, streams
from tests.unit.dialects.anthropic.said import (
    MESSAGE_STOP,
    PING,
    began,
    delta,
    ended,
    event,
    start,
    stop,
    text,
)
from tokenhub.core.outcome import Usage
from tokenhub.core.pieces import pieces
from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Finish,
    RefusalPiece,
    Said,
    SealedPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.anthropic.calls import Coming
from tokenhub.dialects.anthropic.stream import Reader, Writer
from tokenhub.dialects.told import ToldError

BEGAN = Began(id="a", model="m")
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def json_piece(value: str, *, index: int) -> bytes:
    return delta("input_json_delta", "partial_json", value, index=index)


def wrote(deltas: list[Delta]) -> list[dict[str, Any]]:
    """The data of the events, each checked by the vendor's own types and against its name."""
    said = []
    for sent in Writer().write(deltas).split(b"\n\n")[:-1]:
        name, data = sent.split(b"\n")
        said.append(json.loads(data.removeprefix(b"data: ")))
        assert f"event: {said[-1]['type']}".encode() == name
        EVENT.validate_python(said[-1])
    return said


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The events in short: `+kind` starts a block, `-` stops it, other words are its deltas."""
    short = {"content_block_stop": "-", "message_start": "(", "message_delta": ")"}
    return [
        short.get(said["type"])
        or (f"+{said['content_block']['type']}" if "content_block" in said else None)
        or str(said["delta"]["type"]).removesuffix("_delta")
        for said in events
    ]


# --- read

STREAM = (
    began(input_tokens=3, output_tokens=1)
    + start(0, type="thinking", thinking="", signature="")
    + delta("thinking_delta", "thinking", "hm")
    + delta("signature_delta", "signature", "s1")
    + stop(0)
    + start(1, type="redacted_thinking", data="d")
    + stop(1)
    + PING
    + start(2, type="text", text="")
    + text("日本", index=2)
    + stop(2)
    + start(3, type="tool_use", id="t1", name="f", input={})
    + json_piece("", index=3)
    + json_piece('{"a":', index=3)
    + json_piece("1}", index=3)
    + stop(3)
    + start(4, type="tool_use", id="t2", name="g", input={})
    + stop(4)
    + ended("tool_use", output_tokens=9)
    + MESSAGE_STOP
)
DELTAS: list[Delta] = [
    Began(id="msg_1", model="m", usage=Usage(3)),
    ThinkingPiece("hm"),
    SignaturePiece("s1"),
    SealedPiece("d"),
    TextPiece("日本"),
    CallBegan(0, "t1", "f"),
    CallPiece(0, '{"a":'),
    CallPiece(0, "1}"),
    CallBegan(1, "t2", "g"),
    CallPiece(1, "{}"),
    Ended(finish=Finish.TOOLS, usage=Usage(3, 9)),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_any_split_gives_the_same_deltas(at: list[int]) -> None:
    places = [0, *sorted(at), len(STREAM)]
    reader = Reader()

    got = [d for a, b in itertools.pairwise(places) for d in reader.feed(STREAM[a:b])]

    assert DELTAS == got
    assert reader.done


def test_a_last_event_may_lack_its_blank_line() -> None:
    reader = Reader()
    reader.feed(STREAM[:-2])

    assert [DELTAS[-1]] == reader.end()
    assert [] == reader.feed(PING)


def test_what_a_block_starts_with_is_read() -> None:
    reader = Reader()

    got = reader.feed(
        began()
        + start(0, type="thinking", thinking="t", signature="s")
        + start(1, type="thinking", thinking="")
        + start(2, type="text", text="x")
        + start(3, type="tool_use", id="a", name="f", input={"x": 1})
        + stop(3)
    )

    expected: list[Delta] = [
        ThinkingPiece("t"),
        SignaturePiece("s"),
        ThinkingPiece(""),
        TextPiece("x"),
        CallBegan(0, "a", "f"),
        CallPiece(0, '{"x": 1}'),
    ]
    assert expected == got[1:]


def test_events_and_blocks_that_are_new_are_passed_over() -> None:
    reader = Reader()

    got = reader.feed(
        began()
        + event("new_event", x=1)
        + start(0, type="server_tool_use", id="a", name="web_search", input={})
        + json_piece("{}", index=0)
        + stop(0)
    )

    assert 1 == len(got)


def test_what_is_new_to_us_is_passed_over_whatever_its_fields() -> None:
    reader = Reader()

    got = reader.feed(
        began()
        + event("new_event", delta="str", index="x")
        + event("new_event", error={"message": "of another"})
        + start(0, type="new", name={}, text=7)
        + event("content_block_delta", index=0, delta={"type": "new_delta", "text": {}})
        + event("content_block_delta", index=0, delta={"type": "new_delta", "text": "x"})
        + stop(0)
    )

    assert 1 == len(got)


def test_why_it_refused_is_told_at_the_end() -> None:
    details = {"type": "refusal", "explanation": "no"}
    said = event(
        "message_delta", delta={"stop_reason": "refusal", "stop_details": details}, usage={}
    )

    got = Reader().feed(began() + said + MESSAGE_STOP)

    assert [RefusalPiece("no"), Ended(finish=Finish.REFUSAL, usage=Usage())] == got[1:]


def test_errors_and_garbage_are_raised() -> None:
    with pytest.raises(ToldError):
        Reader().feed(event("error", error={"type": "overloaded_error", "message": "x"}))
    with pytest.raises(ValueError, match="not an event"):
        Reader().feed(b"data: nonsense\n\n")
    with pytest.raises(ValueError, match="out of place"):
        Reader().feed(start(0, type="text", text=""))


# --- written


@given(streams(thinking=True), st.integers(1, 4))
def test_what_is_written_reads_the_same(deltas: list[Delta], size: int) -> None:
    writer = Writer()
    batches = [deltas[at : at + size] for at in range(0, len(deltas), size)]
    sent = b"".join([writer.write(batch) for batch in batches]) + writer.terminal

    got = Reader().feed(sent)

    assert merged(deltas)[1:] == merged(got)[1:]


@given(saids(thinking=True))
def test_an_answer_as_a_stream_is_the_same_message_to_the_vendors_client(said: Said) -> None:
    events = wrote(pieces(said))
    message = Message.model_validate(events[0]["message"])

    assert said.id == message.id
    indexes = [sent["index"] for sent in events if sent["type"] == "content_block_start"]
    assert list(range(len(indexes))) == indexes


GRAMMAR: list[tuple[list[Delta], str]] = [
    ([TextPiece("a"), TextPiece("b")], "+text text text -"),
    ([TextPiece(""), TextPiece("b"), RefusalPiece("c")], "+text text text -"),
    ([ThinkingPiece("a"), TextPiece("b")], "+thinking thinking - +text text -"),
    (
        [ThinkingPiece("a"), SignaturePiece("s"), SignaturePiece("t"), ThinkingPiece("b")],
        "+thinking thinking signature - +thinking thinking -",
    ),
    ([SignaturePiece("s")], "+thinking signature -"),
    ([SealedPiece("a"), SealedPiece("b")], "+redacted_thinking - +redacted_thinking -"),
    (
        [TextPiece("a"), CallBegan(0, "a", "f"), CallPiece(0, "{}"), TextPiece("b")],
        "+text text - +tool_use input_json - +text text -",
    ),
    ([CallBegan(0, "a", "f"), CallBegan(1, "b", "f")], "+tool_use - +tool_use -"),
    (
        [CallBegan(0, "a", "f"), CallPiece(0, "{}"), CallBegan(1, "b", "f"), CallPiece(1, "{}")],
        "+tool_use input_json - +tool_use input_json -",
    ),
    (
        [
            CallBegan(0, "a", "f"),
            CallBegan(1, "b", "g"),
            CallPiece(1, '{"x"'),
            CallPiece(0, "{"),
            CallPiece(1, ":1}"),
            CallPiece(0, "}"),
        ],
        "+tool_use input_json input_json - +tool_use input_json -",
    ),
    ([], ""),
]


@pytest.mark.parametrize(("deltas", "expected"), GRAMMAR)
def test_one_block_is_open_at_a_time(deltas: list[Delta], expected: str) -> None:
    events = wrote([BEGAN, *deltas, Ended(finish=Finish.STOP)])

    assert ["(", *expected.split(), ")"] == kinds(events)


def test_interleaved_calls_keep_their_own_arguments() -> None:
    deltas, _ = GRAMMAR[9]

    events = wrote([BEGAN, *deltas, Ended(finish=Finish.TOOLS)])

    said = ["", ""]
    for sent in events:
        if sent["type"] == "content_block_delta":
            said[sent["index"]] += sent["delta"]["partial_json"]
    assert ["{}", '{"x":1}'] == said


def test_the_second_call_does_not_wait_for_the_end() -> None:
    writer = Writer()
    writer.write([BEGAN, CallBegan(0, "a", "f"), CallPiece(0, '{"x":1}')])

    assert b'"tool_use"' in writer.write([CallBegan(1, "b", "f")])


def test_a_call_that_goes_on_after_its_end_is_an_error() -> None:
    writer = Writer()
    writer.write([BEGAN, CallBegan(0, "a", "f"), CallPiece(0, "{}"), TextPiece("x")])

    assert b"" == writer.write([CallPiece(0, " ")])
    with pytest.raises(ValueError, match="after its end"):
        writer.write([CallPiece(0, "}")])


BETWEEN: list[Delta] = [
    TextPiece("\n"),
    ThinkingPiece("hm"),
    SignaturePiece("s"),
    SealedPiece("d"),
    RefusalPiece("no"),
]


@pytest.mark.parametrize("between", BETWEEN)
def test_what_comes_amid_a_calls_arguments_waits_for_their_end(between: Delta) -> None:
    writer = Writer()
    writer.write([BEGAN, CallBegan(0, "a", "f"), CallPiece(0, '{"x":"}\\')])

    assert b"" == writer.write([between])
    rest = writer.write([CallPiece(0, '"{')]) + writer.write([CallPiece(0, '"}')])

    kinds_ = [line for line in rest.split(b"\n") if line.startswith(b"event: ")]
    assert [b"event: content_block_delta"] * 2 == kinds_[:2]
    assert [b"event: content_block_stop", b"event: content_block_start"] == kinds_[2:4]


def test_all_that_waits_is_said_in_its_order() -> None:
    deltas: list[Delta] = [
        CallBegan(0, "a", "f"),
        CallPiece(0, "{"),
        TextPiece("x"),
        CallBegan(1, "b", "g"),
        TextPiece("y"),
        CallPiece(1, "{}"),
        ThinkingPiece("z"),
    ]

    whole = wrote([BEGAN, *deltas, CallPiece(0, "}"), Ended(finish=Finish.TOOLS)])
    cut = wrote([BEGAN, *deltas, Ended(finish=Finish.LENGTH)])

    expected = "+text text - +tool_use input_json - +text text - +thinking thinking -"
    assert f"( +tool_use input_json input_json - {expected} )".split() == kinds(whole)
    assert f"( +tool_use input_json - {expected} )".split() == kinds(cut)


@pytest.mark.parametrize(
    ("pieces_", "expected"),
    [
        (["null"], "{}"),
        ([" nu", "ll"], "{}"),
        (["[", "1]"], '{"_raw":"[1]"}'),
        (["7"], '{"_raw":"7"}'),
        ([" ", " {", "}"], "  {}"),
        (["{", '"'], '{"'),
        (["", " "], ""),
    ],
)
def test_arguments_are_those_of_a_whole_answer(pieces_: list[str], expected: str) -> None:
    deltas: list[Delta] = [CallPiece(0, piece) for piece in pieces_]

    events = wrote([BEGAN, CallBegan(0, "a", "f"), *deltas, Ended()])

    said = [e["delta"]["partial_json"] for e in events if e["type"] == "content_block_delta"]
    assert expected == "".join(said)


@given(json_objects, st.lists(st.integers(0, 200), max_size=8))
def test_the_end_of_arguments_is_seen_however_they_are_cut(
    value: dict[str, Any], at: list[int]
) -> None:
    text_ = json.dumps([value])[1:-1]
    places = [0, *sorted(place for place in at if place < len(text_)), len(text_)]
    call = Coming(CallBegan(0, "a", "f"))

    seen = []
    for start_, end in itertools.pairwise(places):
        call.add(text_[start_:end])
        seen.append((call.whole, end == len(text_)))

    assert all(whole == ended_ for whole, ended_ in seen)


class Counting(Coming):
    """A call that counts how often a piece of it is looked at."""

    looks = 0

    def _look_at(self, piece: str) -> None:
        self.looks += 1
        super()._look_at(piece)


def test_no_piece_is_looked_at_twice() -> None:
    call = Counting(CallBegan(0, "a", "f"))
    call.add("{")

    for _ in range(1000):
        call.add("{}")
        assert not call.whole
        assert not call.whole

    assert 1001 == call.looks


def test_a_stream_without_an_id_gets_one() -> None:
    events = wrote([Began(id="", model="m"), Ended()])

    assert re.fullmatch("msg_[0-9a-f]{24}", events[0]["message"]["id"])


def test_the_end_tells_why_and_all_counts() -> None:
    events = wrote(
        [
            BEGAN,
            TextPiece("a"),
            Ended(finish=Finish.STOP_SEQUENCE, stop="x", usage=Usage(10, 5, 4, None, 2)),
        ]
    )

    assert {"stop_reason": "stop_sequence", "stop_sequence": "x"} == events[-1]["delta"]
    assert {
        "input_tokens": 6,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
    } == events[-1]["usage"]


def test_calls_end_with_tool_use_and_have_valid_ids() -> None:
    events = wrote([BEGAN, CallBegan(0, "a.b", "f"), Ended(finish=Finish.STOP)])

    assert "a_b" == events[1]["content_block"]["id"]
    assert "tool_use" == events[-1]["delta"]["stop_reason"]
