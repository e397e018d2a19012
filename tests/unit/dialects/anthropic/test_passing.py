"""Anthropic's format between equals: bytes untouched, errors and usage understood."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.dialects.anthropic.said import (
    MESSAGE_STOP,
    PING,
    began,
    body,
    delta,
    ended,
    event,
    start,
    stop,
    text,
)
from tokenhub.core.outcome import Usage
from tokenhub.dialects.anthropic.ask import to_ask
from tokenhub.dialects.anthropic.passing import (
    StreamReader,
    counted,
    error_of,
    payload,
    usage_of,
)
from tokenhub.dialects.told import Told, ToldError

STREAM = (
    began(input_tokens=3, cache_read_input_tokens=5, output_tokens=1)
    + start(0, type="text", text="")
    + PING
    + text("日本")
    + text("!")
    + stop(0)
    + ended(output_tokens=7)
    + MESSAGE_STOP
)


def test_the_callers_bytes_go_up_where_nothing_differs() -> None:
    sent = body("hi", model="m", x=[1.0])

    assert sent is payload(to_ask(sent), "m")


def test_only_the_model_is_replaced() -> None:
    sent = b'{"max_tokens":1, "x": 1.50,"messages":[{"role":"user","content":"\\u00e9"}]}'

    got = payload(to_ask(sent), "m")

    assert {**json.loads(sent), "model": "m"} == json.loads(got)
    assert b'"x":1.50' in got
    assert b"\\u00e9" in got


def test_usage_of_an_answer_sums_the_prompt() -> None:
    usage = {
        "input_tokens": 1,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }

    got = usage_of(json.dumps({"content": [], "usage": usage}).encode())

    assert Usage(321, 9, 20, 300, 4) == got


@pytest.mark.parametrize(
    ("by_life", "hour"),
    [
        ({"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, 200),
        ({"ephemeral_1h_input_tokens": "x"}, None),
        ([], None),
    ],
)
def test_usage_tells_what_was_cached_for_an_hour(by_life: object, hour: int | None) -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 300, "cache_creation": by_life}

    got = usage_of(json.dumps({"content": [], "usage": usage}).encode())

    assert Usage(301, None, None, 300, None, hour) == got


@pytest.mark.parametrize("usage", [None, 7, [], "x"])
def test_usage_that_cannot_be_read_is_none(usage: object) -> None:
    assert usage_of(json.dumps({"content": [], "usage": usage}).encode()) is None


@pytest.mark.parametrize("sent", [b"", b"[]", b"{}", b'{"content":1}', b'{"choices":[]}', b"\xff"])
def test_what_is_no_message_is_refused(sent: bytes) -> None:
    for read in (usage_of, counted):
        with pytest.raises(ValueError, match="not a "):
            read(sent)


ERRORS = [
    (b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}', "Busy", 529),
    (b'{"error":{"message":"No","type":"invalid_request_error","code":"c"}}', "No", 400),
    (b'{"error":{"message":"No","type":"odd","code":418}}', "No", 418),
    (b'{"error":"No"}', "No", 502),
    (b'{"message":"No","type":"api_error"}', "No", 500),
    (b'{"error":{"type":"billing_error","message":7}}', "", 402),
]


@pytest.mark.parametrize(("sent", "message", "status"), ERRORS)
def test_an_error_is_told_with_its_status(sent: bytes, message: str, status: int) -> None:
    with pytest.raises(ToldError) as caught:
        usage_of(sent)

    assert (message, status) == (caught.value.error.message, caught.value.status)
    assert message == error_of(sent).message


def test_an_unreadable_error_is_empty() -> None:
    assert {Told()} == {error_of(sent) for sent in (b"", b"[]", b'{"type":"message"}', b"<html>")}


def test_a_count_is_read() -> None:
    assert 7 == counted(b'{"input_tokens":7}')
    with pytest.raises(ValueError, match="count"):
        counted(b'{"input_tokens":-7}')


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_any_split_gives_the_same_bytes(at: list[int]) -> None:
    places = [0, *sorted(at), len(STREAM)]
    reader = StreamReader()

    got = b"".join([reader.feed(STREAM[a:b]) for a, b in itertools.pairwise(places)])

    assert STREAM == got + reader.terminal
    assert reader.done
    assert Usage(8, 7, 5, None, None) == reader.usage
    assert 2 == reader.output_tokens


def test_the_terminal_event_is_the_providers_own() -> None:
    last = b'event: message_stop\r\ndata: {"type": "message_stop" }\r\n\r\n'
    reader = StreamReader()

    reader.feed(began() + last)

    assert last == reader.terminal


def test_a_last_event_may_lack_its_blank_line() -> None:
    reader = StreamReader()
    reader.feed(began() + ended(output_tokens=2) + MESSAGE_STOP[:-2])
    assert not reader.done

    rest = reader.end()

    assert (b"", True, MESSAGE_STOP) == (rest, reader.done, reader.terminal)


def test_nothing_follows_the_end() -> None:
    reader = StreamReader()
    reader.feed(MESSAGE_STOP)

    assert b"" == reader.feed(PING + b"data: [DONE]\n\n")


STARTS = [
    (text("x"), True),
    (text(""), False),
    (delta("input_json_delta", "partial_json", "{"), True),
    (delta("thinking_delta", "thinking", "x"), True),
    (delta("signature_delta", "signature", "x"), True),
    (
        event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}}),
        True,
    ),
    (start(0, type="text", text=""), False),
    (start(0, type="thinking", thinking=""), False),
    (start(0, type="tool_use", id="a", name="b", input={}), True),
    (ended(), True),
    (PING, False),
    (began(), False),
    (b": comment\n\n", False),
]


@pytest.mark.parametrize(("sent", "started"), STARTS)
def test_a_stream_starts_with_its_first_content(sent: bytes, started: bool) -> None:  # noqa: FBT001 - a row
    reader = StreamReader()

    assert sent == reader.feed(sent)
    assert started == reader.started


@pytest.mark.parametrize(
    "sent",
    [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n',
        b"data: nonsense\n\n",
        b'data: {"choices":[]}\n\n',
        b"data: [DONE]\n\n",
        b'data: {"type":"content_block_delta","delta":{"text":7}}\n\n',
        event("message_start"),
        b'data: {"type":7}\n\n',
        b'data: {"type":"content_block_delta","delta":"str"}\n\n',
        start(0, type="text", text=7),
    ],
)
def test_what_is_no_event_is_refused(sent: bytes) -> None:
    with pytest.raises(ValueError, match="not "):
        StreamReader().feed(sent)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (event("error", error={"type": "overloaded_error", "message": "Busy"}), 529),
        (event("error", error={"type": "rate_limit_error", "message": "Slow"}), 429),
        (event("error", error={"type": "new_error", "message": "?"}), 502),
        (b'data: {"error":{"message":"x","code":503}}\n\n', 503),
        (b"event: error\ndata: {}\n\n", 502),
        (event("overloaded_error", error={"type": "overloaded_error", "message": "x"}), 529),
        (event("ping", error={"type": "api_error", "message": "x"}), 500),
    ],
)
def test_an_error_event_is_raised_with_its_status(sent: bytes, status: int) -> None:
    with pytest.raises(ToldError) as caught:
        StreamReader().feed(sent)

    assert status == caught.value.status


NEW = [
    event("new_event", delta="str", index="x", message=7),
    event("new_event", error={"type": "overloaded_error", "message": "of another"}),
    event("new_event", error="x", delta=[]),
    start(0, type="new", name={}, text=7),
    event("content_block_delta", index=0, delta={"type": "new_delta", "text": {}}),
    event("content_block_delta", index=0, delta={"type": "new_delta", "text": "x"}),
    event("ping", error=None),
]


@pytest.mark.parametrize("sent", NEW)
def test_what_is_new_to_us_is_handed_on(sent: bytes) -> None:
    reader = StreamReader()
    reader.feed(began(input_tokens=3))

    assert sent == reader.feed(sent)
    assert (Usage(3), 0) == (reader.usage, reader.output_tokens)


def test_later_counts_win_where_they_are_not_zero() -> None:
    reader = StreamReader()
    reader.feed(began(input_tokens=4, cache_creation_input_tokens=6, output_tokens=1))
    assert Usage(10, None, None, 6, None) == reader.usage

    reader.feed(text("x") + ended(input_tokens=0, output_tokens=5))
    assert Usage(10, 5, None, 6, None) == reader.usage

    reader.feed(ended(input_tokens=12, output_tokens=8))
    assert Usage(12, 8, None, 6, None) == reader.usage


def test_output_that_came_after_its_count_is_not_counted_for() -> None:
    reader = StreamReader()

    reader.feed(began(input_tokens=4) + ended(output_tokens=1) + text("more"))

    assert Usage(4, None) == reader.usage
