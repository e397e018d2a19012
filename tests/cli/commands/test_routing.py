"""`tokenhubctl routing` and `explain` at the real server."""

import json

import pytest

from tests.cli.live import Live


def test_the_policy_is_shown_and_set_as_a_whole(live: Live) -> None:
    head, row = live.run("routing", "get").stdout.splitlines()
    told = live.run("routing", "set", "--mode", "cheap", "--budget", "0.02", "--latency", "20000")
    shown = json.loads(live.run("routing", "-o", "json").stdout)

    assert ["MODE", "BUDGET", "LATENCY", "VERSION"] == head.split()
    assert ["normal", "$0.0500", "120.0s"] == row.split()[:3]
    version = shown["version"]
    assert f"routing updated: mode cheap, budget $0.0200, latency 20.0s, version {version}\n" == (
        told.stdout
    )
    assert live.admin("GET", "routing-config") == shown
    # What is left out goes back to the server's own.
    again = json.loads(live.run("routing", "set", "--mode", "normal", "-o", "json").stdout)
    assert ("normal", 0.05) == (again["default_mode"], again["default_max_budget_usd"])


@pytest.mark.parametrize("line", [("--mode", "nonsense"), ("--budget", "-1"), ("--latency", "-1")])
def test_a_policy_that_is_none_changes_nothing(live: Live, line: tuple[str, ...]) -> None:
    before = live.admin("GET", "routing-config")

    result = live.run("routing", "set", *line)

    assert (1, "") == (result.exit_code, result.stdout)
    assert "(HTTP 400, request req_" in result.stderr
    assert before == live.admin("GET", "routing-config")


def test_a_stale_policy_is_not_set(live: Live) -> None:
    live.run("routing", "set", "--mode", "cheap")

    result = live.run("routing", "set", "--mode", "normal", "--if-match", "99")

    assert 6 == result.exit_code
    assert "cheap" == live.admin("GET", "routing-config")["default_mode"]


@pytest.mark.parametrize("line", [("explain",), ("routing", "explain")])
def test_a_request_is_explained_in_words_and_verified(live: Live, line: tuple[str, ...]) -> None:
    live.provider("one", "gpt", "large")
    request = live.ask()

    told = live.run(*line, request, "--verify")
    shown = json.loads(live.run(*line, request, "-o", "json").stdout)

    lines = told.stdout.splitlines()
    assert lines[0].startswith(f"{request}, 2")
    assert "The caller asked for gpt; any other model may take its place." in lines
    assert ["1", "one/gpt"] == lines[lines.index("#  ROUTE      WHY") + 1].split()[:2]
    assert (0, "Verified: yes: computed again, it is the same to the last bit") == (
        told.exit_code,
        lines[-1],
    )
    assert (request, "one") == (shown["request"]["request_id"], shown["request"]["provider_id"])
