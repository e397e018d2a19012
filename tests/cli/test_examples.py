"""Every example of every command runs as it is printed.

Against a real server that has what the examples name: the providers `one` and `openai` with models,
a key, a request in the log, an admin token, a context, and a vault. Two ids are filled in, since
nobody chooses them: `k_1` is the key, and `req_01a1fdc7` the request. The examples are those of
the help, so that a command is here as soon as it has one.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.live import Live, living
from tests.support.server import ADMIN_TOKEN
from tokenhub_cli.tree import root

EXAMPLES = dict.fromkeys(example for command in root().walk() for example in command.examples)
PASSWORD = "correct horse battery"
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
    (folder / "password.txt").write_text(f"{PASSWORD}\n")
    (folder / "new.txt").write_text("battery horse correct\n")
    (folder / "token.txt").write_text(f"{ADMIN_TOKEN}\n")
    return folder


@pytest.fixture
def told(tmp_path: Path, environment: dict[str, str | None]) -> Iterator[Live]:
    """A server that made its token itself, so that this can be rotated."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    file = data / ".admin-token"
    file.touch(mode=0o600)
    file.write_text(ADMIN_TOKEN)
    with living(tmp_path, environment, ADMIN_TOKEN="") as live:
        yield live


def prepare(live: Live, example: str) -> str:
    """What the examples name; the line with its ids."""
    if ("vault" in example and "vault init" not in example) or "doctor" in example:
        live.run("vault", "init", PASSWORD)
        live.run("vault", "secrets", "set", "ci-token", stdin="a secret")
    live.provider("one", "gpt", "org/small", "large")
    live.provider("openai", "gpt-4o")
    made = live.admin("POST", "apikeys", {"name": "k", "scopes": ["chat", "plan", "embeddings"]})
    request_id = live.ask(key=made["key"])
    live.run("token", "create", "--name", "alice")
    live.run("view", "set", "slow", "ms>2000")
    if "alias set" not in example:
        live.run("alias", "set", "fast", "--variant", "gpt=1")
    live.run("context", "add", "local", "--url", live.hub.url, "--token-file", "token.txt", "--use")
    live._environment |= {"TOKENHUB_API_KEY": made["key"], "TOKEN": "a value"}
    return example.replace("k_1", made["id"]).replace("req_01a1fdc7", request_id)


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
    told: Live, folder: Path, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    monkeypatch.chdir(folder)
    line = prepare(told, example)

    if SHELL.search(line):
        code, stderr = in_a_shell(told, line)
    else:
        result = told.run(*shlex.split(line)[1:], stdin=STDIN)
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
