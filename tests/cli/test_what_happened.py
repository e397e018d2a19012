"""`stats`, `health`, `tsdb`, `rewards`, `feedback`, `top` and `wait`, over the real server."""

import json
import socket
import time

import pytest

from tests.cli.live import Live
from tokenhub_cli.figures import sparkline

PASSWORD = "correct horse battery"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_stats_tell_what_each_window_came_to(live: Live) -> None:
    live.provider("one", "gpt", "large")
    live.ask()
    live.ask(model="large")
    live.ask(model="large")

    whole = live.run("stats")
    models = live.run("stats", "--by", "model", "--window", "1h", "--sort", "requests")
    rows = lines(live.run("stats", "--by", "key", "--window", "24h", "-o", "jsonl").stdout)
    api = json.loads(live.run("stats", "-o", "json").stdout)

    assert ["1m", "5m", "1h", "24h"] == [line.split()[0] for line in whole.stdout.splitlines()[1:]]
    assert ["MODEL", "large", "gpt"] == [line.split()[0] for line in models.stdout.splitlines()]
    assert {"a test"} == {row["api_key_name"] for row in rows}
    assert 3 == sum(row["request_count"] for row in rows)
    assert {"global", "by_model", "by_provider", "by_api_key", "by_mode"} == set(api)
    assert 2 == live.run("stats", "--window", "2h").exit_code


def test_a_server_where_nothing_happened_has_no_rows(live: Live) -> None:
    assert 1 == len(live.run("stats", "--by", "model").stdout.splitlines())
    assert "" == live.run("top", "--no-headers").stdout
    assert 1 == len(live.run("rewards").stdout.splitlines())
    assert 1 == len(live.run("feedback", "list").stdout.splitlines())


def test_bars_stand_for_parts_of_the_largest() -> None:
    assert "▁▅█" == sparkline([0, 5, 9])
    assert "▁▁" == sparkline([0, 0])
    assert "" == sparkline([])


def test_a_provider_is_told_with_its_models(live: Live) -> None:
    live.provider("one", "gpt", "org/small")
    live.ask()

    table = live.run("health")
    one = live.run("health", "one", "-o", "name", "--exit-code")
    rows = lines(live.run("health", "list", "-o", "jsonl").stdout)
    missing = live.run("health", "nobody")

    assert ["one", "healthy", "0%"] == [table.stdout.splitlines()[1].split()[n] for n in (0, 1, 3)]
    assert ["health/one", "health/one/gpt", "health/one/org/small"] == one.stdout.split()
    assert ["one"] == [row["provider_id"] for row in rows]
    assert (5, True) == (missing.exit_code, "no provider 'nobody'" in missing.stderr)


def test_a_provider_that_is_down_can_be_told_by_the_exit_code_and_reset(live: Live) -> None:
    live.provider("gone", "gpt")
    live.admin("PATCH", "providers/gone", {"base_url": "http://127.0.0.1:1"})
    for _ in range(6):
        live.ask()

    down = live.run("health", "--exit-code")
    reset = live.run("health", "reset", "gone")
    well = live.run("health", "--exit-code", "-o", "none")

    assert 8 == down.exit_code
    assert 0 == live.run("health").exit_code
    assert (0, "health/gone reset") == (reset.exit_code, reset.stdout.splitlines()[0])
    assert (0, "") == (well.exit_code, well.stdout)
    assert 5 == live.run("health", "reset", "nobody").exit_code


def test_how_often_must_be_a_span(live: Live) -> None:
    assert 2 == live.run("health", "--watch=often").exit_code
    assert 5 == live.run("health", "--watch", "nobody").exit_code


def test_charts_are_asked_for_in_words(live: Live) -> None:
    live.provider("one", "gpt", "large")
    live.ask()
    live.ask(model="large")

    metrics = live.run("tsdb", "metrics")
    chart = live.run("tsdb", "query", "requests", "group_by=model", "start=1h")
    points = lines(live.run("tsdb", "query", "metric=requests", "model=gpt", "-o", "jsonl").stdout)
    api = json.loads(live.run("tsdb", "query", "cost", "agg=sum", "-o", "json").stdout)

    assert "requests" == metrics.stdout.splitlines()[1].split()[0]
    assert "labels that go together: " in metrics.stderr
    assert [["gpt", "1", "1", "1"], ["large", "1", "1", "1"]] == sorted(
        line.split()[:4] for line in chart.stdout.splitlines()[1:]
    )
    assert "note: sum in requests" in chart.stderr
    assert [("gpt", 1.0)] == [(row["series"], row["value"]) for row in points]
    assert ("cost", "sum", "USD") == (api["metric"], api["agg"], api["unit"])


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("query", "requests", "by"), 2, "'by' is no NAME=VALUE"),
        (("query", "metric=a", "metric=b"), 2, "metric is given twice"),
        (("query", "no-such"), 1, "metric"),
        (("retention", "0"), 2, ""),
    ],
)
def test_a_chart_that_cannot_be_is_refused(
    live: Live, line: tuple[str, ...], code: int, told: str
) -> None:
    refused = live.run("tsdb", *line)

    assert code == refused.exit_code
    assert told in refused.stderr


def test_how_long_charts_are_kept_can_be_set(live: Live) -> None:
    was = live.run("tsdb", "retention")
    done = live.run("tsdb", "retention", "30")
    pruned = live.run("tsdb", "prune")

    assert "points are kept for" in was.stdout
    assert "points are kept for 30 days\n" == done.stdout
    assert "30\n" == live.run("tsdb", "retention", "-o", "value").stdout
    assert "0 rows deleted\n" == pruned.stdout
    assert "points are kept for" in live.run("tsdb", "retention").stdout


def test_a_word_on_an_answer_is_kept_and_judged(live: Live) -> None:
    live.provider()
    request = live.ask()

    up = live.run("feedback", "add", request, "--up", "--label", "nice")
    again = live.run("feedback", "add", json.dumps({"request_id": request, "score": 0.25}))
    kept = live.run("feedback")
    judged = lines(live.run("rewards", "--model", "gpt", "-o", "jsonl").stdout)

    assert f"feedback/{request} noted: gpt scored 1\n" == up.stdout
    assert f"feedback/{request} replaced: gpt scored 0.25\n" == again.stdout
    assert [request, "0.25"] == [
        word for word in kept.stdout.splitlines()[1].split() if word in {request, "0.25"}
    ]
    assert {request} == {row["request_id"] for row in judged if row["source"] == "operator"}


def test_feedback_that_cannot_be_is_refused(live: Live) -> None:
    assert 5 == live.run("feedback", "add", "req_none", "--down").exit_code
    assert 2 == live.run("feedback", "add", "req_none", "--score", "2").exit_code
    twice = live.run("feedback", "add", '{"request_id":"r","score":1}', "--score", "0")
    assert (2, True) == (twice.exit_code, "given twice" in twice.stderr)
    assert 1 == live.run("rewards", "--source", "nobody").exit_code


def test_what_was_learned_is_shown_and_forgotten(live: Live) -> None:
    live.provider()
    request = live.ask()
    live.run("feedback", "add", request, "--up")

    arms = live.run("rewards", "arms", "-o", "name")
    none = live.run("rewards", "reset")
    every = live.run("rewards", "reset", "--all")

    assert 0 == arms.exit_code
    assert all(line.startswith("arm/one/gpt") for line in arms.stdout.splitlines())
    assert (2, True) == (none.exit_code, "give a route such as one/gpt" in none.stderr)
    assert (0, True) == (every.exit_code, "forgotten" in every.stdout or "nothing" in every.stdout)
    assert live.run("rewards", "reset", "no/such").exit_code in {0, 5}


def test_top_is_written_once_where_nobody_looks(live: Live) -> None:
    live.provider("one", "gpt", "large")
    live.ask()
    live.ask(model="large")
    live.ask(model="large")

    table = live.run("top", "--by", "model", "--sort", "requests")
    rows = lines(live.run("top", "--by", "provider", "-o", "jsonl").stdout)

    assert ["MODEL", "large", "gpt"] == [line.split()[0] for line in table.stdout.splitlines()]
    assert [("one", 3)] == [(row["provider_id"], row["request_count"]) for row in rows]
    assert 2 == live.run("top", "--sort", "beauty").exit_code
    assert 3 == live.run("top", "--url", "http://127.0.0.1:1", "--retries", "0").exit_code


def test_waiting_ends_when_all_is_so(live: Live) -> None:
    live.provider()

    done = live.run("wait", "--for", "ready", "--for", "provider/one=healthy", "--timeout", "50")
    rows = json.loads(live.run("wait", "--for", "ready", "-o", "json").stdout)

    assert "ready: yes\nprovider/one=healthy: yes\n" == done.stdout
    assert [{"condition": "ready", "state": "ready", "met": True}] == rows


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("vault=unlocked", "--timeout", "0"), 8, "vault=unlocked did not come true within 0s"),
        (("provider/nobody", "--timeout", "0.1s"), 8, "did not come true"),
        (("ready", "--url", "http://127.0.0.1:1", "--timeout", "0"), 8, "did not come true"),
        (("beauty",), 2, "there is no condition 'beauty'"),
        (("ready", "--timeout", "a while"), 2, "no span such as 30s"),
    ],
)
def test_what_does_not_come_true_ends_with_8(
    live: Live, line: tuple[str, ...], code: int, told: str
) -> None:
    ended = live.run("wait", "--for", *line)

    assert code == ended.exit_code
    assert told in ended.stderr


@pytest.mark.parametrize("limit", ["0.2s", "1"])
def test_a_server_that_does_not_answer_cannot_hold_it_up(live: Live, limit: str) -> None:
    """An answer may take 30 s; who waits for less does not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.perf_counter()
        ended = live.run("wait", "--for", "ready", "--url", url, "--timeout", limit)

    assert 8 == ended.exit_code
    assert 20 > time.perf_counter() - begun
    assert "ready: no answer yet\n" == ended.stdout


def test_waiting_can_be_shown_as_a_request(live: Live) -> None:
    shown = live.run("wait", "--for", "vault", "--curl").stdout

    assert f"curl -sS -X GET {live.hub.url}/admin/v1/vault/status" in shown


def test_no_waiting_helps_a_token_that_opens_nothing(live: Live) -> None:
    ended = live.run("wait", "--for", "vault", TOKENHUB_ADMIN_TOKEN="wrong")

    assert 4 == ended.exit_code
