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
# So many looks without a move, and a cursor has come to where it goes.
_STILL = 6
# A key that does nothing but where text is written.
_NOBODYS = "~"


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

    def enter(self, key: str) -> None:
        """Press a key that leads into a field, and empty the field once it takes what is typed.

        Whatever is typed before that goes to who had the keys until then.
        """
        self.press(key)
        before, looks = self._cursor(), 0

        def taken() -> bool:
            nonlocal looks
            if looks % _STILL == 0:
                self.press(_NOBODYS)
            looks += 1
            return self._cursor() != before

        self._until(taken, f"{key} leads into no field")
        self._still()
        self.press("C-u")
        self._still()

    def type(self, text: str) -> None:
        """Type a text into a field, and wait until the cursor stands behind it."""
        self._run("send-keys", "-l", text)
        self._still()

    def _still(self) -> None:
        """Wait until the cursor moves no more."""
        seen = [""]

        def rests() -> bool:
            seen.append(self._cursor())
            return len(seen) > _STILL and len(set(seen[-_STILL:])) == 1

        self._until(rests, "the cursor never rests")

    def _cursor(self) -> str:
        return self._run("display", "-p", "#{cursor_x} #{cursor_y}").strip()

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
            return told.startswith("1 ") and told.strip() != "1"

        self._until(dead, "it never ended")
        return int(told.split()[1])

    def _until(self, holds: Callable[[], bool], else_: str) -> None:
        """Wait; where it never holds, say so and show the screen."""
        ends = time.monotonic() + PATIENCE_S  # noqa: TID251 - a real terminal has real time
        while not holds():
            if time.monotonic() > ends:  # noqa: TID251
                pytest.fail(f"{else_}:\n{self.text()}")
            time.sleep(LOOK_S)

    def _run(self, *args: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *args], capture_output=True, text=True, check=False, timeout=20, env=env
        )
        if check and done.returncode:
            pytest.fail(f"tmux {args[0]} failed: {done.stderr}")
        return done.stdout
