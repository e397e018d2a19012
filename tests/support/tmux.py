"""A program in a real terminal: tmux draws it, keys go in, and what stands there is read.

with Terminal([...], 80, 24, environment) as terminal:
    terminal.press("7")
    terminal.seen("Requests")
"""

import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

# Half a minute on a machine that does much else.
PATIENCE_S = 30.0
LOOK_S = 0.05


def needed() -> str:
    """Where tmux is. Skips the test where there is none."""
    found = shutil.which("tmux")
    if found is None:
        pytest.skip("tmux is not installed")
    return found


class Terminal:
    """A terminal of `width` times `height` cells, with one program in it."""

    def __init__(
        self,
        line: Sequence[str],
        width: int,
        height: int,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        # A server of its own, whose socket nobody else finds.
        self._tmux = [needed(), "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._line, self._size = line, (width, height)
        self._environment = {"TERM": "xterm-256color", **environment}

    def __enter__(self) -> Self:
        width, height = self._size
        # What it printed stays to be read after its end.
        settings = (
            "set -g remain-on-exit on ; set -g status off ; set -g default-terminal tmux-256color"
        )
        line = " ".join(map(shlex.quote, self._line))
        self._run(
            *settings.split(), ";", "new-session", "-d", "-x", str(width), "-y", str(height), line,
            env=self._environment,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server", check=False)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: `Enter`, `Escape`, `C-s`, letters."""
        for key in keys:
            self._run("send-keys", key)

    def leave(self, key: str) -> None:
        """Press a key that leads to another line, and wait until the cursor is there.

        What is typed before that would still go to the line before.
        """
        before = self._line_of_cursor()
        self.press(key)
        ends = time.monotonic() + PATIENCE_S  # noqa: TID251 - a real terminal has real time
        while self._line_of_cursor() in {before, ""}:
            if time.monotonic() > ends:  # noqa: TID251
                pytest.fail(f"{key} leads nowhere:\n{self.text()}")
            time.sleep(LOOK_S)

    def _line_of_cursor(self) -> str:
        return self._run("display", "-p", "#{cursor_y}").strip()

    def type(self, text: str) -> None:
        """Type a text."""
        self._run("send-keys", "-l", text)

    def text(self) -> str:
        """What stands there."""
        return self._run("capture-pane", "-p")

    def seen(self, *wanted: str, gone: Sequence[str] = ()) -> str:
        """The screen, as soon as it shows all of these, and nothing that is to be `gone`."""
        ends = time.monotonic() + PATIENCE_S  # noqa: TID251 - a real terminal has real time
        while True:
            shown = self.text()
            if all(one in shown for one in wanted) and not any(one in shown for one in gone):
                return shown
            if time.monotonic() > ends:  # noqa: TID251
                pytest.fail(f"never saw {wanted} without {list(gone)}:\n{shown}")
            time.sleep(LOOK_S)

    def over(self) -> int:
        """The exit code of the program, as soon as it has ended."""
        ends = time.monotonic() + PATIENCE_S  # noqa: TID251
        while (told := self._run("display", "-p", "#{pane_dead} #{pane_dead_status}"))[:1] != "1":
            if time.monotonic() > ends:  # noqa: TID251
                pytest.fail(f"it never ended:\n{self.text()}")
            time.sleep(LOOK_S)
        return int(told.split()[1])

    def _run(self, *args: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *args], capture_output=True, text=True, check=False, timeout=20, env=env
        )
        if check and done.returncode:
            pytest.fail(f"tmux {args[0]} failed: {done.stderr}")
        return done.stdout
