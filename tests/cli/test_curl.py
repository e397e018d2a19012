"""`--curl`: a line that does what the command would have done, and shows no secret."""

import subprocess

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
