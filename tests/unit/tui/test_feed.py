import pytest

from tokenhub.wire.events import Event
from tokenhub.wire.observe import AttemptLog, RequestLog
from tokenhub_tui.state.decisions import filled, row
from tokenhub_tui.state.feed import RING, Feed, Gap, unix


def at(second: int) -> str:
    return f"2026-11-22T08:00:{second:02}.000Z"


def event(kind: str, request_id: str = "", second: int = 0, **fields: object) -> Event:
    return Event(type=kind, request_id=request_id, timestamp=at(second), **fields)


def logged(request_id: str, second: int, **fields: object) -> RequestLog:
    row: dict[str, object] = {
        "model_id": "gpt", "provider_id": "one", "mode": "normal", "requested_model": "auto",
        "reason": "routed-weight-5", "estimated_cost_usd": 0.001, "latency_ms": 20.0,
        "overhead_ms": 1.0, "status_code": 200, "error_class": "", "api_key_id": "k",
        "input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "stream": False,
        "estimated": False, "attempts": [],
    }  # fmt: skip
    return RequestLog(request_id=request_id, timestamp=at(second), **{**row, **fields})


def attempt(error_class: str = "", cost_usd: float | None = 0) -> AttemptLog:
    return AttemptLog(
        attempt=1, provider_id="one", model_id="gpt", state="settled", status_code=200,
        error_class=error_class, latency_ms=1, input_tokens=1, output_tokens=1,
        cost_usd=cost_usd, estimated=False,
    )  # fmt: skip


def states(feed: Feed) -> dict[str, str]:
    return {line.request_id: line.state for line in feed.lines}


def test_a_request_goes_through_its_states() -> None:
    feed, seen = Feed(), []

    for kind, fields in (
        ("request_started", {"api_key_name": "ci", "mode": "cheap"}),
        ("attempt", {"model_id": "gpt", "provider_id": "one"}),
        ("stream_started", {"model_id": "gpt", "provider_id": "one", "latency_ms": 40.0}),
        ("route_success", {"latency_ms": 90.0, "attempts": [attempt("throttled"), attempt()]}),
    ):
        feed.apply([event(kind, "a", **fields)])
        seen.append(feed.lines[0].state)

    assert ["running", "running", "streaming", "rescued"] == seen
    assert (40.0, 90.0, "ci", 4) == (
        feed.lines[0].first_ms, feed.lines[0].latency_ms, feed.lines[0].key, feed.lines[0].turn,
    )  # fmt: skip
    assert (1, 0) == (feed.heard, feed.errors)


@pytest.mark.parametrize(
    ("last", "told", "shown"), [(None, 0, "?"), (0.0, 0, "$0"), (0.5, 0.5, "$0.5000")]
)
def test_a_cost_that_nobody_knows_is_not_zero(last: float | None, told: float, shown: str) -> None:
    feed = Feed()
    attempts = [attempt("overloaded"), attempt(cost_usd=last)]

    feed.apply([event("route_success", "a", attempts=attempts, cost_usd=told)])

    assert shown in row(feed.lines[0], now=0.0).cells


def test_rows_of_the_log_stand_at_their_times_and_count_for_less_than_what_was_heard() -> None:
    feed = Feed()
    feed.apply([event("route_error", "b", 5, error_class="timeout")])

    feed.seed([logged("c", 7), logged("b", 5), logged("a", 3)])

    assert {"a": "ok", "b": "failed", "c": "ok"} == states(feed)
    assert ["a", "b", "c"] == [line.request_id for line in feed.lines]


def test_what_the_log_had_told_is_nothing_new() -> None:
    feed = Feed()
    feed.seed([logged("a", 3)])

    feed.apply([event("request_started", "a", 2), event("route_success", "a", 3)])
    feed.apply([event("route_error", "b", 5), event("route_error", "b", 5)])

    assert (1, 1) == (feed.heard, feed.errors)


def test_a_gap_is_filled_from_the_log() -> None:
    feed = Feed()
    feed.apply([event("request_started", "a", 1), event("request_started", "b", 2)])
    feed.apply([event("gap", second=9, after_id="4", dropped=12)])
    gap = feed.gap
    assert gap is not None

    since = feed.filled_from()
    found = feed.fill([logged("c", 5), logged("a", 1, error_class="timeout")], gap)

    assert (unix(at(1)), 1, None) == (since, found, feed.gap)
    assert {"a": "failed", "b": "running", "c": "ok"} == states(feed)
    assert "12 events missed; 1 request filled in from the log." == filled(gap, found)


def test_what_went_on_when_the_server_was_started_anew_is_lost() -> None:
    feed = Feed()
    feed.apply([event("request_started", "a", 1)])
    feed.apply([event("gap", second=9, after_id="4"), event("request_started", "b", 9)])
    gap = feed.gap
    assert gap is not None

    feed.fill([], gap)

    assert {"a": "lost", "b": "running"} == states(feed)
    assert "The server was started anew; 0 requests filled in from the log." == filled(gap, 0)


def test_gaps_that_follow_each_other_are_one_and_one_of_all_that_is_kept_is_none() -> None:
    feed = Feed()
    feed.apply([event("gap", second=1, dropped=3)])
    none = feed.gap
    feed.apply([event("request_started", "a", 2), event("dropped", second=4, dropped=2)])
    feed.apply([event("gap", second=6, after_id="9", dropped=5)])

    assert none is None
    assert Gap(since=unix(at(2)), until=unix(at(6)), count=7) == feed.gap


def test_an_orchestration_is_the_parent_of_its_steps() -> None:
    feed = Feed()
    step = {"workflow_id": "p", "workflow_type": "vote"}
    feed.apply(
        [
            event("workflow_started", "p", 1, workflow_id="p", workflow_type="vote"),
            event(
                "orchestration_step", "s", 1, **step, activity_type="vote-1", new_state="started"
            ),
            event("route_success", "s", 2),
            event("workflow_completed", "p", 3, **step, reason="partial", latency_ms=900.0),
        ]
    )
    parent, child = feed.lines

    assert (True, "vote", 1, "ok", 900.0) == (
        parent.parent, parent.plan, parent.steps, parent.state, parent.latency_ms,
    )  # fmt: skip
    assert (False, "vote-1", "p") == (child.parent, child.step, child.parent_id)


def test_the_oldest_go_where_there_are_too_many() -> None:
    feed = Feed()

    feed.apply(event("request_started", f"{number:05}") for number in range(RING + 5))

    assert (RING, "00005") == (len(feed), feed.lines[0].request_id)


def test_order_is_of_time_whether_the_log_or_the_events_come_first() -> None:
    events = [event("request_started", "early", 1), event("request_started", "plan", 2)]
    log = [logged("late", 9), logged("early", 1)]
    one, other = Feed(), Feed()

    one.apply(events)
    one.seed(log)
    other.seed(log)
    other.apply(events)

    assert ["early", "plan", "late"] == [line.request_id for line in one.lines]
    assert ["early", "plan", "late"] == [line.request_id for line in other.lines]


def test_requests_of_one_moment_stand_alike_whoever_told_first() -> None:
    by_events, by_log = Feed(), Feed()

    by_events.apply(
        [
            event("workflow_started", "plan", 3, workflow_type="vote"),
            *(event("request_started", name, 3, parent_id="plan") for name in ("b", "a")),
        ]
    )
    by_log.seed([logged("b", 3), logged("a", 3)])

    assert ["plan", "a", "b"] == list(states(by_events))
    assert ["a", "b"] == list(states(by_log))
