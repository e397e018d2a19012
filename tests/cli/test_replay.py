"""`tokenhubctl replay`: what other policies would have made of logged requests."""

import json

import pytest

from tests.cli.live import Live


def asked(live: Live, times: int) -> None:
    live.provider("one", "gpt", "large")
    key = live.do(live.hub.key())
    for _ in range(times):
        live.ask(key=key)


@pytest.mark.parametrize("line", [["replay"], ["routing", "replay"], ["simulate", "--replay", "9"]])
def test_requests_are_decided_again(live: Live, line: list[str]) -> None:
    asked(live, 3)

    result = live.run(*line, "--mode", "cheap", "--mode", "normal")

    first, _, head, *rows = result.stdout.splitlines()
    assert 0 == result.exit_code
    assert first.startswith("3 requests from ")
    assert [
        "POLICY",
        "QUALITY",
        "FAILURES",
        "LATENCY",
        "COST",
        "A",
        "REQUEST",
        "REFUSED",
    ] == head.split()
    assert ["as it was", "cheap", "normal"] == [row.partition("  ")[0] for row in rows[:3]]
    assert "  one/gpt  100% -> 100%" in rows


def test_what_the_log_cannot_tell_is_told_with_the_reason(live: Live) -> None:
    asked(live, 1)

    shown = live.run("replay", "--mode", "cheap").stdout

    assert "\n? is: " in shown


def test_an_estimate_comes_with_its_interval(live: Live) -> None:
    asked(live, 60)

    shown = live.run("replay", "--mode", "cheap", "--limit", "60").stdout

    row = next(line for line in shown.splitlines() if line.startswith("cheap  "))
    assert "0.0% (0.0% to " in row


def test_json_is_the_answer_of_the_api(live: Live) -> None:
    asked(live, 1)

    shown = json.loads(live.run("replay", '{"policies":[{"mode":"cheap"}]}', "-o", "json").stdout)

    assert {"requests", "left_out", "since", "until", "was", "policies"} == set(shown)


def test_an_empty_log_says_so(live: Live) -> None:
    result = live.run("replay", "--mode", "cheap")

    assert (0, 1) == (result.exit_code, len(result.stdout.splitlines()))
    assert result.stdout.startswith("0 requests from ")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["replay"], 2, "say which policies"),
        (["replay", "--mode", "vote"], 1, "answers one request by several"),
        (["replay", "--mode", "cheap", "--since", "yesterday"], 1, "since"),
        (["simulate", "--mode", "cheap", "--replay", "5", "--tokens", "9"], 2, "does not go with"),
    ],
)
def test_what_cannot_be_asked_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run(*line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
