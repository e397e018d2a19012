"""A recording, the place in it, and what its events say to questions."""

import msgspec
import pytest

from tokenhub.wire.logs import LogHistogram
from tokenhub.wire.observe import LogPage, RequestDetail
from tokenhub.wire.stats import Stats
from tokenhub_tui.state.replay import Player, Tape, read
from tokenhub_tui.state.retold import retold


def line(second: int, kind: str = "route_success", **fields: object) -> bytes:
    at = f"2026-01-01T00:00:{second:02}.000Z"
    return msgspec.json.encode({"type": kind, "timestamp": at, **fields}) + b"\n"


def answered(second: int, body: object, path: str = "/admin/v1/stats") -> bytes:
    return line(second, "answer", path=path, query="", body=body)


def told(player: Player, path: str) -> tuple[float, bytes]:
    at, body = player.answer(path, "") or (0.0, b"")
    return at, bytes(body)


def tape(*more: bytes) -> Tape:
    return read([
        line(0, "request_started", request_id="a"),
        line(10, request_id="a", latency_ms=100, cost_usd=0.5, total_tokens=7, model_id="gpt"),
        line(20, "route_error", request_id="b", error_class="late", status_code=504, latency_ms=9),
        *more,
    ])  # fmt: skip


def test_events_come_when_they_came() -> None:
    player = Player(tape())

    assert ["request_started"] == [one.type for one in player.move(1.0)]
    assert [] == player.move(8.9)
    assert ["route_success"] == [one.type for one in player.move(0.1)]
    assert not player.over


def test_speed_is_by_steps_and_the_slowest_holds_it() -> None:
    player = Player(tape())
    player.faster(1)

    assert 2 == player.speed
    player.move(5.0)
    assert 10.0 == player.at - player.tape.begin

    player.faster(-1)
    player.faster(-1)
    player.faster(-1)
    assert 0 == player.speed
    assert [] == player.move(100.0)


def test_going_back_gives_all_from_the_begin() -> None:
    player = Player(tape())
    player.move(100.0)

    assert player.over
    assert 2 == len(player.seek(player.tape.begin + 12))
    assert ["route_error"] == [one.type for one in player.seek_part(1.0)]
    assert 1.0 == player.part


def test_an_answer_is_the_last_by_then() -> None:
    player = Player(tape(answered(5, {"n": 1}), answered(15, {"n": 2})))
    path = "/admin/v1/stats"

    begin = player.tape.begin
    assert (begin + 5, b'{"n":1}') == told(player, path)
    player.seek(begin + 16)
    assert (begin + 15, b'{"n":2}') == told(player, path)
    assert player.answer(path, "window=1h") is None
    assert player.since(begin + 9)
    assert not player.since(begin + 15)


def test_words_of_the_stream_are_no_events() -> None:
    assert 3 == len(tape(line(30, "gap"), line(31, "heartbeat"), b"\n").events)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no event"),
        ([line(0), b"{\n"], "line 2"),
        ([b"[]"], "line 1"),
        ([b'{"a":1}'], "line 1"),
        ([b'{"type":"route_error","timestamp":"noon"}\n'], "no time: 'noon'"),
    ],
)
def test_a_file_that_is_none_is_told(lines: list[bytes], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read(lines)


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    found = tape(line(30, request_id="c")[:-9])

    assert ["a", "a", "b"] == [one.request_id for one in found.events]


def test_requests_figures_and_details_are_made_of_the_events() -> None:
    events, now = tape().events, tape().end

    page = retold("/admin/v1/logs", "limit=200", events, now)
    wanted = retold("/admin/v1/logs", "filter=status%3Aerror", events, now)
    stats = retold("/admin/v1/stats", "", events, now)
    detail = retold("/admin/v1/requests/a", "", events, now)

    bars = retold("/admin/v1/logs/histogram", "buckets=10", events, now)

    assert isinstance(bars, LogHistogram)
    assert [0, 0, 0, 0, 0, 1, 0, 0, 0, 1] == [bar.total for bar in bars.buckets]
    assert 1 == bars.buckets[-1].server_errors
    assert isinstance(page, LogPage)
    assert isinstance(wanted, LogPage)
    assert isinstance(stats, Stats)
    assert isinstance(detail, RequestDetail)
    assert ["b", "a"] == [row.request_id for row in page.logs]
    assert ["b"] == [row.request_id for row in wanted.logs]
    assert [(2, 0.5, 100.0)] == [
        (one.request_count, one.error_rate, one.p95_latency_ms)
        for one in stats.total or []
        if one.window == "1m"
    ]
    assert "gpt" == detail.model_id


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/admin/v1/providers", ""),
        ("/admin/v1/requests/never", ""),
        ("/admin/v1/logs", "cursor=x"),
        ("/admin/v1/logs", "filter=ms%3E%3E"),
    ],
)
def test_what_no_event_says_is_not_made_up(path: str, query: str) -> None:
    assert retold(path, query, tape().events, 0.0) is None
