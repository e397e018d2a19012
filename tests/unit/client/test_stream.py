"""Answers that come bit by bit: their parsers under any cut of the bytes, and both drivers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.client.call import Call
from tokenhub.client.calls.events import follow_events
from tokenhub.client.errors import Refused, Unauthorized, Unreachable, Unreadable
from tokenhub.client.link import Change, Connecting, Live, Missed, Retrying
from tokenhub.client.profile import Profile
from tokenhub.client.stream import (
    MAX_LINE_BYTES,
    STEADY_S,
    EventReader,
    LineReader,
    Run,
    Stream,
)
from tokenhub.client.transport import AsyncClient, Client
from tokenhub.wire.sse import MAX_EVENT_BYTES

PROFILE = Profile(url="http://hub.example:8080", token="t0ken")


class Row(msgspec.Struct):
    n: int


LINES: Stream[Row] = Stream(
    call=Call(method="GET", path="/rows", returns=Row),
    reader=lambda: LineReader(Row),
    accept="application/x-ndjson",
)
Handler = Callable[[httpx.Request], httpx.Response]
Gather = Callable[..., Any]


def framed(event_id: int, kind: str, **fields: object) -> bytes:
    data = msgspec.json.encode({"type": kind, "timestamp": "t", **fields})
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event_id, kind.encode(), data)


def connected(event_id: int) -> bytes:
    return b'id: %d\nevent: connected\ndata: {"status":"ok"}\n\n' % event_id


def beat(event_id: int) -> bytes:
    return b": heartbeat\nid: %d\n\n" % event_id


def ended(reason: str) -> bytes:
    return framed(0, "end", reason=reason).partition(b"\n")[2]


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return (data[start:end] for start, end in pairwise(ends))


class Portions(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in portions, which may fail behind the last."""

    def __init__(self, *parts: bytes, fails: httpx.RequestError | None = None) -> None:
        self.parts = parts
        self.fails = fails

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        if self.fails is not None:
            raise self.fails

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def answers(*bodies: Portions | Exception | int, sent: list[httpx.Request]) -> Handler:
    """Each request gets the next: a body, a failure, or a status with a problem."""
    left = list(bodies)

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        body = left.pop(0)
        if isinstance(body, Exception):
            raise body
        if isinstance(body, int):
            said = {"type": "about:blank", "title": "no", "status": body, "detail": "not now"}
            more = {"code": "c", "error": "not now", "request_id": "r"}
            return httpx.Response(body, json=said | more)
        return httpx.Response(200, stream=body)

    return handler


def blocking(
    stream: Stream[Any],
    handler: Handler,
    waits: list[float],
    most: int = 99,
    found: list[Any] | None = None,
    **how: Any,
) -> list[Any]:
    found = [] if found is None else found
    with Client(PROFILE, transport=httpx.MockTransport(handler), pause=waits.append) as client:
        for rows in client.stream(stream, **how):
            found += rows
            if len(found) >= most:
                break
    return found


def in_a_loop(
    stream: Stream[Any],
    handler: Handler,
    waits: list[float],
    most: int = 99,
    found: list[Any] | None = None,
    **how: Any,
) -> list[Any]:
    every: list[Any] = [] if found is None else found

    async def pause(wait_s: float) -> None:
        waits.append(wait_s)

    async def gather() -> list[Any]:
        transport = httpx.MockTransport(handler)
        async with (
            AsyncClient(PROFILE, transport=transport, pause=pause) as client,
            aclosing(client.stream(stream, **how)) as portions,
        ):
            async for rows in portions:
                every.extend(rows)
                if len(every) >= most:
                    break
        return every

    return asyncio.run(gather())


@pytest.fixture(params=[blocking, in_a_loop])
def gather(request: pytest.FixtureRequest) -> Gather:
    """Both drivers, for they must not differ."""
    driver: Gather = request.param
    return driver


@given(st.lists(st.integers(0, 400)))
def test_events_are_the_same_however_their_bytes_are_cut(places: list[int]) -> None:
    reader = EventReader()
    data = b"".join(
        [connected(6), framed(7, "route_error", model_id="m"), beat(9), b": only a word\n\n"]
    ) + framed(10, "attempt", attempt=2).replace(b"\n", b"\r\n")

    heard = [one for part in cut(data, places) for one in reader.feed(part)]

    assert [("6", "connected"), ("7", "route_error"), ("10", "attempt")] == [
        (one.id, one.type) for one in heard
    ]
    assert ("m", 2, "10") == (heard[1].model_id, heard[2].attempt, reader.last_id)


@given(st.lists(st.integers(), max_size=20), st.lists(st.integers(0, 300)), st.booleans())
def test_lines_are_the_same_however_their_bytes_are_cut(
    numbers: list[int],
    places: list[int],
    closed: bool,  # noqa: FBT001 - hypothesis gives positions
) -> None:
    reader = LineReader(Row)
    data = b"\n".join(msgspec.json.encode(Row(n)) for n in numbers if abs(n) < 2**62)
    data += b"\n" if closed else b""

    rows = [row for part in cut(data, places) for row in reader.feed(part)] + reader.ended()

    assert [Row(n) for n in numbers if abs(n) < 2**62] == rows


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="does not end"):
        LineReader(Row).feed(b" " * (MAX_LINE_BYTES + 1))
    half = LineReader(Row)
    half.feed(b'{"n":')
    with pytest.raises(ValueError, match="truncated"):
        half.ended()
    with pytest.raises(ValueError, match="does not end"):
        EventReader().feed(b"data: " + b"x" * MAX_EVENT_BYTES + b"\n")


def test_rows_of_one_long_answer(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    body = Portions(b'{"n":1}\n{"n":', b'2}\n{"n":3}')

    found = gather(LINES, answers(body, sent=sent), [])

    assert [Row(1), Row(2), Row(3)] == found
    assert "application/x-ndjson" == sent[0].headers["accept"]


@pytest.mark.parametrize(
    ("body", "raised"),
    [
        (Portions(b'{"n":1}\n', fails=httpx.ReadError("reset")), Unreachable),
        (Portions(b"<html>\n"), Unreadable),
        (Portions(b'{"n":1'), Unreadable),
        (404, Refused),
    ],
)
def test_a_long_answer_that_breaks_is_never_taken_for_all_of_it(
    gather: Gather, body: Portions | int, raised: type[Exception]
) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(raised):
        gather(LINES, answers(body, sent=sent), [])

    assert 1 == len(sent)


def test_a_lost_connection_goes_on_behind_the_last_event(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    waits: list[float] = []
    handler = answers(
        Portions(connected(1), framed(2, "attempt"), framed(3, "attempt")[:9]),
        httpx.ConnectError("refused"),
        503,
        Portions(connected(2), framed(3, "attempt"), beat(8), fails=httpx.ReadError("reset")),
        Portions(connected(8), ended("draining")),
        Portions(connected(8), framed(9, "attempt"), ended("credential_over")),
        sent=sent,
    )

    found: list[Any] = []
    with pytest.raises(Unauthorized, match="ended the stream: credential_over"):
        gather(follow_events(types=["attempt"]), handler, waits, found=found)

    assert ["2", "3", "9"] == [one.id for one in found if one.type == "attempt"]
    assert [None, "2", "2", "2", "8", "8"] == [it.headers.get("last-event-id") for it in sent]
    assert [0.1, 0.2, 0.4, 0.1, 0.2] == waits
    assert "credential_over" == found[-1].reason
    assert "types=attempt" == sent[-1].url.query.decode()


def test_where_to_go_on_may_be_given(gather: Gather) -> None:
    sent: list[httpx.Request] = []

    gather(follow_events(after="41"), answers(Portions(connected(41)), sent=sent), [], most=1)

    assert "41" == sent[0].headers["last-event-id"]
    assert 45.0 == sent[0].extensions["timeout"]["read"]


@pytest.mark.parametrize(("first", "raised"), [(401, Unauthorized), (503, Refused), (429, Refused)])
def test_who_is_refused_at_first_is_told_at_once(
    gather: Gather, first: int, raised: type[Exception]
) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(raised, match="not now"):
        gather(follow_events(), answers(first, sent=sent), [])

    assert 1 == len(sent)


def test_a_token_that_opens_nothing_any_more_is_not_tried_for_long(gather: Gather) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(Unauthorized):
        gather(follow_events(), answers(Portions(connected(1)), 401, sent=sent), [])

    assert 2 == len(sent)


def test_a_server_that_never_comes_back_is_given_up(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    waits: list[float] = []
    gone = [httpx.ConnectError("[Errno 111] Connection refused")] * 12

    with pytest.raises(Unreachable, match="connection refused"):
        gather(follow_events(), answers(Portions(connected(1)), *gone, sent=sent), waits)

    assert (13, 5.0) == (len(sent), waits[-1])
    assert 30 < sum(waits)


def test_a_sign_of_life_is_no_success(gather: Gather) -> None:
    """A server, or what stands before it, that lets everybody in and hangs up, is not hammered."""
    sent: list[httpx.Request] = []
    waits: list[float] = []
    greeted = [Portions(b": hello\n\n" + connected(1) + beat(1)) for _ in range(13)]

    with pytest.raises(Unreachable, match="connection was closed"):
        gather(follow_events(), answers(*greeted, sent=sent), waits)

    assert [0.1, 0.2, 0.4] == waits[:3]
    assert (13, 5.0) == (len(sent), waits[-1])


@pytest.mark.parametrize(("lasted_s", "tries"), [(STEADY_S, 1), (STEADY_S / 2, 2)])
def test_a_connection_that_has_lasted_was_no_failed_try(lasted_s: float, tries: int) -> None:
    now = [100.0]
    told: list[Change] = []
    run = Run(follow_events(), retries=1, told=told.append, now=lambda: now[0])
    run.opening()
    run.let_in("text/event-stream")
    run.fed(connected(1))
    run.wait_s("reset")
    run.opening()
    run.let_in("text/event-stream; charset=utf-8")
    now[0] += lasted_s

    run.wait_s("reset")

    assert Retrying(tries=tries, wait_s=0.1 * tries, why="reset") == told[-1]


def test_every_change_is_told_in_order(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    told: list[Change] = []
    handler = answers(
        Portions(connected(1), framed(2, "attempt"), fails=httpx.ReadError("reset")),
        httpx.ConnectError("[Errno 111] Connection refused"),
        Portions(
            connected(9)
            + framed(0, "gap", after_id="2", next_id="10", dropped=7).partition(b"\n")[2]
        ),
        Portions(connected(9) + framed(15, "dropped", dropped=6) + framed(16, "attempt")),
        403,
        sent=sent,
    )

    with pytest.raises(Unauthorized):
        gather(follow_events(), handler, [], told=told.append)

    assert [
        Connecting(),
        Live(),
        Retrying(tries=1, wait_s=0.1, why="reset"),
        Connecting(tries=1),
        Retrying(tries=2, wait_s=0.2, why="connection refused"),
        Connecting(tries=2),
        Live(),
        Missed(count=7, after_id="2", next_id="10"),
        Retrying(tries=3, wait_s=0.4, why="the connection was closed"),
        Connecting(tries=3),
        Live(),
        Missed(count=6),
        Retrying(tries=1, wait_s=0.1, why="the connection was closed"),
        Connecting(tries=1),
    ] == told
    assert [None, "2", "2", "9", "16"] == [it.headers.get("last-event-id") for it in sent]


def test_a_gap_that_was_cut_off_is_told_with_the_next_connection(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    told: list[Change] = []
    gap = framed(0, "gap", after_id="2", next_id="10").partition(b"\n")[2]
    handler = answers(
        Portions(connected(9) + gap[:20]), Portions(connected(9) + gap), 401, sent=sent
    )

    with pytest.raises(Unauthorized):
        gather(follow_events(after="2"), handler, [], told=told.append)

    assert [Missed(after_id="2", next_id="10")] == [it for it in told if isinstance(it, Missed)]
    assert ["2", "2", "9"] == [it.headers.get("last-event-id") for it in sent]


def test_all_that_is_kept_leaves_nothing_out(gather: Gather) -> None:
    told: list[Change] = []
    gap = framed(0, "gap", next_id="10").partition(b"\n")[2]

    gather(
        follow_events(after="0"),
        answers(Portions(connected(9) + gap), sent=[]),
        [],
        most=1,
        told=told.append,
    )

    assert [Connecting(), Live()] == told


def test_who_was_turned_away_is_not_called_back_by_what_comes_after(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    body = Portions(connected(1) + ended("credential_over") + framed(2, "attempt"), b"unread")

    with pytest.raises(Unauthorized) as raised:
        gather(follow_events(), answers(body, sent=sent), [])

    assert (401, "credential_over") == (raised.value.status, raised.value.code)
    assert 1 == len(sent)


def test_a_stream_that_never_gives_up_waits_for_as_long_as_it_takes(gather: Gather) -> None:
    sent: list[httpx.Request] = []
    waits: list[float] = []
    gone: list[Exception | int] = [httpx.ConnectError("refused"), 503, 502, 429] * 300
    handler = answers(*gone, Portions(connected(1), framed(2, "attempt")), sent=sent)

    found = gather(follow_events(), handler, waits, most=2, gives_up=False)

    assert "2" == found[-1].id
    assert (1200, 5.0) == (len(waits), waits[-1])


def test_a_stream_that_never_gives_up_is_still_ended_by_a_refusal(gather: Gather) -> None:
    for status, raised in ((401, Unauthorized), (403, Unauthorized), (400, Refused)):
        with pytest.raises(raised):
            gather(follow_events(), answers(status, sent=[]), [], gives_up=False)


def test_a_page_for_people_is_no_stream(gather: Gather) -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html="<html>Please sign in</html>")

    for stream in (follow_events(), LINES):
        with pytest.raises(Unreadable, match="text/html"):
            gather(stream, page, [])


@pytest.mark.parametrize("hostile", ["é", "7\x00", "7\r8"])
def test_an_id_that_no_header_can_carry_is_none(gather: Gather, hostile: str) -> None:
    sent: list[httpx.Request] = []
    event = framed(0, "attempt").replace(b"id: 0", f"id: {hostile}".encode())

    with pytest.raises(Unauthorized):
        gather(follow_events(after="6"), answers(Portions(event), 401, sent=sent), [])

    assert ["6", "6"] == [it.headers["last-event-id"] for it in sent]
