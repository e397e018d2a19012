"""Events come out whole and unchanged, however the bytes were cut on their way."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tokenhub.wire import sse
from tokenhub.wire.sse import MAX_EVENT_BYTES, EventTooLong, Splitter

streams = st.lists(
    st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"data: x", b": note", b"data:"])
).map(b"".join)


def fed(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """The events of a stream that is cut at these places, and what is left."""
    splitter = Splitter()
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    events = [
        event for start, end in pairwise(places) for event in splitter.feed(stream[start:end])
    ]
    return events, splitter.rest


@given(streams, st.lists(st.integers(0, 80)))
@example(b"\n\ndata: x\r\n\r\n", [1, 2])
@example(b"data: x\n\r\ndata: y\r\n\n", [8])
@example(b"data: x\r\n\r\ndata: y\n\n", [10, 11])
def test_any_cut_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    whole = fed(stream, [])

    assert whole == fed(stream, cuts)
    assert whole == fed(stream, list(range(len(stream))))


@given(streams)
def test_portions_hold_one_blank_line_at_most_and_at_their_end(stream: bytes) -> None:
    portions = sse.portions(stream)

    assert stream == b"".join(portions)
    for portion in portions:
        assert len(fed(portion, [])[0]) <= 1


@given(streams)
def test_no_byte_is_lost_or_added(stream: bytes) -> None:
    events, rest = fed(stream, [])

    assert stream == b"".join(events) + rest
    for event in events:
        assert event.endswith((b"\n\n", b"\n\r\n"))


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\r\n\n"])
def test_each_form_of_blank_line_ends_an_event(end: bytes) -> None:
    splitter = Splitter()

    events = splitter.feed(b"data: one" + end + b"data: two" + end + b"data: thr")

    assert [b"data: one" + end, b"data: two" + end] == events
    assert b"data: thr" == splitter.rest
    assert [b"one", b"two"] == [sse.payload(event) for event in events]


def test_empty_portion_changes_nothing() -> None:
    splitter = Splitter()
    splitter.feed(b"data: x")

    assert [] == splitter.feed(b"")
    assert [b"data: x\n\n"] == splitter.feed(b"\n\n")
    assert b"" == splitter.rest


@pytest.mark.parametrize("line", [b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("portion", [MAX_EVENT_BYTES * 2, 1 << 16])
def test_event_may_be_as_long_as_the_limit_and_not_one_byte_longer(
    line: bytes, portion: int
) -> None:
    longest = b"data: " + b"x" * (MAX_EVENT_BYTES - 6 - len(line)) + line

    assert ([longest], b"") == fed(longest, list(range(0, len(longest), portion)))

    with pytest.raises(EventTooLong):
        fed(b"x" + longest, list(range(0, len(longest), portion)))


def test_line_that_never_ends_is_given_up() -> None:
    splitter = Splitter()
    splitter.feed(b"x" * MAX_EVENT_BYTES)

    with pytest.raises(EventTooLong):
        splitter.feed(b"x")


def test_many_events_may_be_longer_together() -> None:
    event = b"data: " + b"x" * 1000 + b"\n\n"

    assert 1200 == len(Splitter().feed(event * 1200))


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: x\n\n", b"x"),
        (b"data:x\n\n", b"x"),
        (b"data:  x\n\n", b" x"),
        (b"data: x\r\n\r\n", b"x"),
        (b"data: x\r\n\n", b"x"),
        (b"data: x\n", b"x"),
        (b"data: x", b"x"),
        (b"data: one\ndata: two\n\n", b"one\ntwo"),
        (b"event: ping\ndata: x\n\n", b"x"),
        (b"data: x\nid: 7\n\n", b"x"),
        (b"data: \n\n", b""),
        (b"data:\n\n", b""),
        (b": comment\n\n", b""),
        (b"event: data: x\n\n", b""),
        (b"database: x\n\n", b""),
        (b"\ndata: x\n\n", b"x"),
        (b"\n\n", b""),
        (b"\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_data_of_an_event(event: bytes, data: bytes) -> None:
    assert data == sse.payload(event)


@given(st.binary().filter(lambda data: not {10, 13} & set(data)), st.sampled_from(["", "ping"]))
def test_what_is_written_is_read_again(data: bytes, name: str) -> None:
    event = sse.event(data, name=name)

    assert [event] == Splitter().feed(event)
    assert data == sse.payload(event)


def test_named_event_and_comment() -> None:
    assert b"event: error\ndata: {}\n\n" == sse.event(b"{}", name="error")
    assert b": keep-alive\n\n" == sse.comment("keep-alive")
    assert b"" == sse.payload(sse.comment("data: x"))


def test_byte_order_mark_at_the_beginning_hides_nothing() -> None:
    (event,) = Splitter().feed(b"\xef\xbb\xbfdata: one\n\n")

    assert b"one" == sse.payload(event)


def test_event_in_many_portions_is_whole() -> None:
    splitter = Splitter()
    event = b"data: " + b"x" * 5_000 + b"\n\n"

    assert [] == [found for n in range(len(event) - 1) for found in splitter.feed(event[n : n + 1])]
    assert [event] == splitter.feed(event[-1:])
