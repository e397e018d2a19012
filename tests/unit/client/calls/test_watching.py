"""The endpoints of what happens and what happened."""

import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls import events, observe, rewards, stats, tsdb
from tokenhub.client.stream import Heard
from tokenhub.wire.observe import RequestLog
from tokenhub.wire.rewards import Arms, Reset, RewardPage, WasReset
from tokenhub.wire.stats import Stats
from tokenhub.wire.tsdb import Chart, Metrics, Pruned, Retention, RetentionChange

V1 = "/admin/v1"
ALL = Reset(all=True)
DAYS = RetentionChange(days=3)
CALLS = [
    (stats.get_stats(), "GET", f"{V1}/stats", None, Stats),
    (rewards.list_rewards(), "GET", f"{V1}/rewards", None, RewardPage),
    (rewards.list_arms(), "GET", f"{V1}/rewards/arms", None, Arms),
    (rewards.reset_rewards(every=True), "POST", f"{V1}/rewards/reset", ALL, WasReset),
    (tsdb.list_metrics(), "GET", f"{V1}/tsdb/metrics", None, Metrics),
    (tsdb.query_series({}), "GET", f"{V1}/tsdb/query", None, Chart),
    (tsdb.prune_series(), "POST", f"{V1}/tsdb/prune", None, Pruned),
    (tsdb.get_retention(), "GET", f"{V1}/tsdb/retention", None, Retention),
    (tsdb.put_retention(3), "PUT", f"{V1}/tsdb/retention", DAYS, Retention),
]


@pytest.mark.parametrize(("call", "method", "path", "body", "returns"), CALLS)
def test_call_is_what_the_endpoint_wants(
    call: Call[object], method: str, path: str, body: object, returns: type
) -> None:
    assert Call(method=method, path=path, body=body, returns=returns) == call


def test_queries_hold_what_was_given() -> None:
    found = rewards.list_rewards(source="key", before="7", limit=2)

    assert (("source", "key"), ("limit", "2"), ("before", "7")) == found.query
    assert (("metric", "cost"),) == tsdb.query_series({"metric": "cost"}).query


def test_events_are_asked_for_by_type_and_filter() -> None:
    call = events.follow_events(types=("attempt", "decision"), wanted="ms>5").call

    assert ("GET", f"{V1}/events", Heard) == (call.method, call.path, call.returns)
    assert (("types", "attempt,decision"), ("filter", "ms>5")) == call.query


def test_an_export_asks_for_what_its_list_would_without_its_page() -> None:
    page = observe.list_logs(limit=50, wanted="ms>5", since="1h")

    whole = observe.export_logs(page).call
    some = observe.export_logs(page, limit=9).call

    assert (("filter", "ms>5"), ("since", "1h"), ("format", "ndjson")) == whole.query
    assert ("limit", "9") in some.query
    assert RequestLog is whole.returns
