"""The console in a terminal of its own: how it leaves it, and where it does not take it."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tokenhub_tui.__main__ import USAGE

EVENT = '{"type": "route_success", "timestamp": "2026-01-01T00:00:00Z"}\n'
# What a terminal is told where a program takes all of it, and where it gives it back.
TAKEN, GIVEN_BACK = b"\x1b[?1049h", b"\x1b[?1049l"


class Sitting:
    """Somebody at a terminal, who has started a console with a recording."""

    def __init__(
        self, folder: Path, *, replay: str = "tape.jsonl", stderr: int | None = None, **env: str
    ) -> None:
        (folder / "tape.jsonl").write_text(EVENT, encoding="utf-8")
        self._near, self._far = pty.openpty()
        self.shown = b""
        self._console = subprocess.Popen(
            [sys.executable, "-m", "tokenhub_tui", "--replay", str(folder / replay)],
            env={"HOME": str(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8", **env},
            cwd=Path(__file__).parents[2],
            stdin=self._far,
            stdout=self._far,
            stderr=self._far if stderr is None else stderr,
        )

    def seen(self, wanted: bytes) -> None:
        """Read what is drawn, until this was."""
        while wanted not in self.shown:
            self.shown += os.read(self._near, 4096)

    def signal(self, number: signal.Signals) -> None:
        self._console.send_signal(number)

    def over(self) -> int:
        """The exit code."""
        return self._console.wait()

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown, as a shell needs it."""
        local: int = termios.tcgetattr(self._far)[3]
        return bool(local & termios.ECHO)

    def leave(self) -> None:
        self._console.kill()
        self._console.wait()
        os.close(self._near)
        os.close(self._far)


@contextmanager
def sitting(folder: Path, **given: Any) -> Iterator[Sitting]:
    one = Sitting(folder, **given)
    try:
        yield one
    finally:
        one.leave()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    with sitting(tmp_path) as terminal:
        terminal.seen("▶ replay".encode())
        terminal.signal(number)
        terminal.seen(GIVEN_BACK)
        code, echoes = terminal.over(), terminal.echoes

    assert (128 + number, True) == (code, echoes)
    assert TAKEN in terminal.shown


@pytest.mark.parametrize(
    ("env", "remedy"),
    [
        ({"TERM": "dumb"}, b"TERM=xterm-256color tokenhub-tui"),
        ({"PYTHONIOENCODING": "latin-1"}, b"LC_ALL=C.UTF-8 tokenhub-tui"),
    ],
)
def test_a_terminal_that_cannot_show_it_is_told_what_to_do(
    tmp_path: Path, env: dict[str, str], remedy: bytes
) -> None:
    with sitting(tmp_path, **env) as terminal:
        terminal.seen(remedy)
        code = terminal.over()

    assert USAGE == code
    assert TAKEN not in terminal.shown


def test_it_does_not_draw_into_a_file_of_errors(tmp_path: Path) -> None:
    errors = tmp_path / "errors.txt"
    with errors.open("wb") as file, sitting(tmp_path, stderr=file.fileno()) as terminal:
        code = terminal.over()

    assert USAGE == code
    assert "start it without 2>" in errors.read_text(encoding="utf-8")


def test_a_recording_that_cannot_be_read_is_named_in_plain_words(tmp_path: Path) -> None:
    with sitting(tmp_path, replay="missing.jsonl") as terminal:
        terminal.seen(b"missing.jsonl: No such file or directory")
        code = terminal.over()

    assert USAGE == code
    assert b"Errno" not in terminal.shown
