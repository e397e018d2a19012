"""A person at a terminal: signs in, sets a vault up, unlocks it, and leaves in the middle.

In a pseudo-terminal, with a process of its own, against a real server.
"""

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.live import Live
from tests.support.server import ADMIN_TOKEN

# A session of its own, whose terminal is the one on stdin: prompts for secrets ask for that.
MAIN = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); from tokenhub_cli.main import main"
PASSWORD = "correct horse battery"
UNSET = {"TOKENHUB_URL": "", "TOKENHUB_ADMIN_TOKEN": ""}
CTRL_C = "\x03"


class Seen(NamedTuple):
    """`echoes` is whether the terminal shows what is typed, as a shell would find it."""

    code: int
    terminal: str
    echoes: bool


Sit = Callable[..., Seen]


@pytest.fixture
def sit(live: Live) -> Sit:
    """Runs `tokenhubctl` at a terminal; `typed` are the answers, one for each prompt."""

    def tokenhubctl(*args: str, typed: tuple[str, ...] = (), **env: str) -> Seen:
        given = {key: value for key, value in live.environment.items() if value is not None}
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", f"{MAIN}; main()", *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**given, "TERM": "dumb", **env},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        ) as command:
            os.close(theirs)
            try:
                seen = _talked(ours, list(typed))
            finally:
                command.kill()  # it has ended, unless the talk was cut short
        echoes = bool(termios.tcgetattr(ours)[3] & termios.ECHO)
        os.close(ours)
        return Seen(command.returncode, seen.replace("\r\n", "\n"), echoes)

    return tokenhubctl


def _talked(terminal: int, answers: list[str]) -> str:
    """What the terminal showed until the last writer left, which Linux tells as EIO.

    Types once it is asked: what was typed before a prompt for a secret is thrown away.
    """
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            return seen.decode()
        if answers and seen.endswith((b": ", b"[y/N] ")):
            os.write(terminal, answers.pop(0).encode())


def test_a_person_signs_in_and_the_token_is_not_shown(sit: Sit, live: Live) -> None:
    seen = sit("login", live.hub.url, "-c", "here", typed=(f"{ADMIN_TOKEN}\n",), **UNSET)
    after = sit("token", "list", "-o", "value", **UNSET)

    assert (0, True) == (seen.code, seen.echoes), seen.terminal
    assert "token: " in seen.terminal
    assert "context/here used from now on" in seen.terminal
    assert ADMIN_TOKEN not in seen.terminal
    assert 0 == after.code


def test_a_vault_is_set_up_locked_and_unlocked(sit: Sit) -> None:
    differs = sit("vault", "init", typed=(f"{PASSWORD}\n", "something else\n"))
    made = sit("vault", "init", typed=(f"{PASSWORD}\n", f"{PASSWORD}\n"))
    locked = sit("vault", "lock")
    wrong = sit("vault", "unlock", typed=("wrong password\n",))
    unlocked = sit("vault", "unlock", typed=(f"{PASSWORD}\n",))

    assert [2, 0, 0, 4, 0] == [one.code for one in (differs, made, locked, wrong, unlocked)], (
        unlocked.terminal
    )
    assert "New password, once more: " in made.terminal
    assert "Password: \nvault unlocked\n" == unlocked.terminal
    assert PASSWORD not in made.terminal + unlocked.terminal


def test_a_password_on_the_line_works_and_draws_one_hint(sit: Sit) -> None:
    seen = sit("vault", "unlock", PASSWORD)

    assert (0, 1) == (seen.code, seen.terminal.count("hint: "))
    assert "--password-stdin does not" in seen.terminal
    assert PASSWORD not in seen.terminal


@pytest.mark.parametrize("line", [("vault", "unlock"), ("login",), ("admin-token", "rotate")])
def test_leaving_at_a_prompt_is_an_interrupt_and_the_terminal_echoes_again(
    sit: Sit, line: tuple[str, ...]
) -> None:
    stdin = ("--stdin",) if line[-1] == "rotate" else ()

    seen = sit(*line, *stdin, typed=(CTRL_C,))

    assert (130, True) == (seen.code, seen.echoes), seen.terminal
    assert "Traceback" not in seen.terminal


def test_a_context_is_forgotten_after_a_yes(sit: Sit, live: Live) -> None:
    live.run("context", "add", "far", "--url", "http://127.0.0.1:9")

    kept = sit("context", "remove", "far", typed=("n\n",))
    gone = sit("context", "remove", "far", typed=("y\n",))

    assert (2, 0) == (kept.code, gone.code)
    assert "Forget context far? [y/N]" in gone.terminal
    assert "context/far deleted" in gone.terminal


def test_an_empty_answer_signs_nobody_in(sit: Sit, live: Live, tmp_path: Path) -> None:
    seen = sit("login", live.hub.url, typed=("\n",), **UNSET)

    assert 2 == seen.code
    assert not (tmp_path / ".config").exists()
