"""`--curl`: a line that does what the command would have done, and shows no secret."""

import shlex
import subprocess

import httpx
import pytest

from tests.cli.live import Live
from tests.support.server import ADMIN_TOKEN

SECRET = "sk-never-to-be-shown"


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        (["provider", "add", "--id", "one", "--type", "openai", "--api-key-stdin"], "API_KEY"),
        (["provider", "edit", "one", "--api-key", SECRET], "API_KEY"),
        (["apply", "-f", "-"], "API_KEY"),
        (["vault", "init", "--password-stdin"], "VAULT_PASSWORD"),
        (["vault", "secrets", "set", "mail", "-"], "SECRET"),
        (["admin-token", "rotate", "--stdin"], "NEW_TOKEN"),
    ],
)
def test_a_variable_stands_for_a_secret(live: Live, line: list[str], variable: str) -> None:
    file = f"providers: [{{id: one, base_url: 'http://a', api_key: {SECRET}}}]"

    result = live.run(*line, "--curl", stdin=file if line[0] == "apply" else SECRET)

    assert 0 == result.exit_code, result.stderr
    assert f"${{{variable}:?}}" in result.stdout
    assert SECRET not in result.output


def test_the_line_runs_as_it_is_printed_once_the_variable_is_set(live: Live) -> None:
    line = ("--id", "o'ne", "--base-url", live.sim.url, "--api-key-stdin", "--curl")
    printed = live.run("provider", "add", *line, stdin=SECRET).stdout
    # Words instead of a request: no curl need be there.
    shown = printed.replace("curl ", "printf '%s\\n' ", 1)
    known = {"TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN}

    unset = subprocess.run(["/bin/sh", "-c", shown], env=known, capture_output=True, check=False)
    given = subprocess.run(
        ["/bin/sh", "-c", shown], env=known | {"API_KEY": SECRET}, capture_output=True, check=True
    )

    assert 0 != unset.returncode
    assert f'"api_key":"{SECRET}"'.encode() in given.stdout
    assert b'{"id":"o\'ne"' in given.stdout


def sent(line: str) -> httpx.Request:
    """What curl would send for a line."""
    words = shlex.split(line.replace("$TOKENHUB_ADMIN_TOKEN", ADMIN_TOKEN))
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    return httpx.Request(words[3], words[4], headers=[(name, value) for name, value in headers])


def test_what_is_followed_is_printed_as_the_list_and_the_stream(live: Live) -> None:
    live.provider()
    request = live.ask()
    live.ask()

    printed = live.run("logs", "-f", "--request-id", request, "--curl").stdout.splitlines()
    kept = live.run("events", "--no-follow", "--type=route_success", "--curl").stdout
    with httpx.Client() as client:
        rows = client.send(sent(printed[0])).json()["logs"]
        answer = client.send(sent(kept), stream=True)
        told = next(line for line in answer.iter_lines() if request in line)
        answer.close()

    assert [request] == [row["request_id"] for row in rows]
    assert "text/event-stream" == sent(printed[1]).headers["accept"]
    assert "types=route_success%2Croute_error" in printed[1]
    assert 2 == len(printed)
    assert '"type":"route_success"' in told
