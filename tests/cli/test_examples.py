"""Every example of every command runs as it is printed.

Against a real server that has what the examples name (stocked.py), with the ids that nobody
chooses filled in: `k_1` is the key, and `req_01a1fdc7` the request. The examples are those of the
help, so that a command is here as soon as it has one.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.live import Live
from tests.cli.stocked import files, stock, told
from tokenhub_cli.tree import root

EXAMPLES = dict.fromkeys(example for command in root().walk() for example in command.examples)
# What conditions come to: doctor and its kin say no by their exit code, and mean no error.
NOT_SO = 8
# Those that need what only Temporal, or a plan that was carried out, would bring.
WITHOUT = {
    "tokenhubctl workflow get",
    "tokenhubctl workflow history",
    "tokenhubctl orchestration get",
}
# For those that take a secret from there.
STDIN = "sk-simulated\n"
# Lines that only a shell understands; all others are split into words, and run in this process.
SHELL = re.compile(r"[|<>$;&()]|^[A-Z]+=")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the examples are run, with the files that they name."""
    folder = tmp_path / "here"
    folder.mkdir()
    files(folder)
    return folder


@pytest.fixture
def hub(tmp_path: Path, environment: dict[str, str | None]) -> Iterator[Live]:
    with told(tmp_path, environment) as live:
        yield live


def prepare(live: Live, example: str) -> str:
    """What the examples name; the line with its ids."""
    vault = ("vault" in example and "vault init" not in example) or "doctor" in example
    return stock(live, alias="alias set" not in example, vault=vault).filled(example)


def in_a_shell(live: Live, line: str) -> tuple[int, str]:
    """The exit code and stderr of a line in bash, with the program of this environment."""
    given = {name: value for name, value in live.environment.items() if value is not None}
    machine = os.environ["PATH"]  # noqa: TID251 - of the child
    path = f"{Path(sys.executable).parent}:{machine}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        env={**given, "PATH": path, "SHELL": "/bin/bash"},
        input=STDIN,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs_as_it_is_printed(
    hub: Live, folder: Path, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    monkeypatch.chdir(folder)
    line = prepare(hub, example)

    if SHELL.search(line):
        code, stderr = in_a_shell(hub, line)
    else:
        result = hub.run(*shlex.split(line)[1:], stdin=STDIN)
        code, stderr = result.exit_code, result.stderr

    assert code in {0, NOT_SO}, stderr
    assert "error:" not in stderr.lower()


def test_every_command_has_an_example() -> None:
    verbs = [command for command in root().walk() if not command.below]

    assert WITHOUT == {command.line for command in verbs if not command.examples}


def test_every_example_is_of_its_own_command() -> None:
    for command in root().walk():
        words = set(command.line.split()[1:])
        for example in command.examples:
            assert words & set(re.split(r"[ $()]+", example)), (command.line, example)
