"""A program in a real terminal: tmux draws it, keys go in, and what stands there is read.

with Terminal([...], 80, 24, environment) as terminal:
    terminal.press("7")
    terminal.seen("Requests")
"""

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
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

    def type(self, text: str) -> None:
        """Type a text into a field that is seen."""
        self._run("send-keys", "-l", text)

    def text(self) -> str:
        """What stands there."""
        return self._run("capture-pane", "-p")

    def seen(self, *wanted: str, gone: Sequence[str] = ()) -> str:
        """The screen, as soon as it shows all of these, and nothing that is to be `gone`."""
        shown = ""

        def there() -> bool:
            nonlocal shown
            shown = self.text()
            return all(one in shown for one in wanted) and not any(one in shown for one in gone)

        self._until(there, f"never saw {wanted} without {list(gone)}")
        return shown

    def over(self) -> int:
        """The exit code of the program, as soon as it has ended."""
        told = ""

        def dead() -> bool:
            nonlocal told
            told = self._run("display", "-p", "#{pane_dead} #{pane_dead_status}")
            if told.strip() == "1":
                # tmux 3.3a now and then misses that its child has ended; it looks at all of them
                # when the next one does.
                self._run("run-shell", "true")
            return told.startswith("1 ") and told.strip() != "1"

        self._until(dead, "it never ended")
        return int(told.split()[1])

    def _until(self, holds: Callable[[], bool], else_: str) -> None:
        """Wait; where it never holds, say so and show the screen."""
        ends = time.monotonic() + PATIENCE_S  # noqa: TID251 - a real terminal has real time
        while not holds():
            if time.monotonic() > ends:  # noqa: TID251
                # Not pytest.fail: what is no Exception ends the loop of all tests that follow.
                raise AssertionError(f"{else_}:\n{self.text()}")
            time.sleep(LOOK_S)

    def _run(self, *args: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *args], capture_output=True, text=True, check=False, timeout=20, env=env
        )
        if check and done.returncode:
            raise AssertionError(f"tmux {args[0]} failed: {done.stderr}")
        return done.stdout
