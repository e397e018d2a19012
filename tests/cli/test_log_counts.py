"""`tokenhubctl logs facets` and `logs histogram`: requests counted."""

import json

from tests.cli.live import Live


def asked(live: Live) -> None:
    live.provider("one", "gpt", "large")
    for model in ("gpt", "gpt", "large"):
        live.ask(model=model)


def test_what_requests_have_in_common_is_counted(live: Live) -> None:
    asked(live)

    result = live.run("logs", "facets")

    assert 0 == result.exit_code
    assert ["FIELD", "VALUE", "NAME", "REQUESTS"] == result.stdout.splitlines()[0].split()
    assert {("model", "gpt", "2"), ("model", "large", "1")} <= {
        (line.split()[0], line.split()[1], line.split()[-1]) for line in result.stdout.splitlines()
    }
    assert "note: 3 requests from " in result.stderr


def test_only_those_that_a_filter_means_are_counted(live: Live) -> None:
    asked(live)

    shown = json.loads(live.run("logs", "facets", "--filter", "model:large", "-o", "json").stdout)

    assert 1 == shown["total"]


def test_requests_are_counted_by_time(live: Live) -> None:
    asked(live)

    result = live.run("logs", "histogram", "--step", "1h")
    shown = json.loads(live.run("logs", "histogram", "--step", "1h", "-o", "json").stdout)

    assert 0 == result.exit_code
    assert ["FROM", "REQUESTS", "4XX", "5XX"] == result.stdout.splitlines()[0].split()
    assert "#" * 15 in result.stdout
    assert (3, 3600.0) == (shown["total"], shown["step_s"])
    assert 3 == sum(bar["total"] for bar in shown["buckets"])


def test_what_cannot_be_counted_is_told(live: Live) -> None:
    wrong = live.run("logs", "facets", "--filter", "status:odd")
    odd = live.run("logs", "histogram", "--step", "soon")

    assert (1, "") == (wrong.exit_code, wrong.stdout)
    assert "'odd' is not a number" in wrong.stderr
    assert (1, "") == (odd.exit_code, odd.stdout)
    assert "step" in odd.stderr
