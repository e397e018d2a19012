"""`tokenhubctl top` and `health --watch` where somebody looks: one screen, then all as it was."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.live import Live

BEGIN, END = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """What a person sees and does. `seen` is all that was written so far."""

    def __init__(self, ours: int, theirs: int, process: subprocess.Popen[bytes]) -> None:
        self.seen = ""
        self.process = process
        self._ours = ours
        self._theirs = theirs

    def wait_for(self, *words: str) -> None:
        """Read on until all of these stand behind what was waited for before."""
        seen = ""
        while not all(word in seen for word in words):
            data = os.read(self._ours, 65_536).decode("utf-8", "replace")
            assert data, f"{words} never came: {self.seen}"
            seen += data
            self.seen += data

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def modes(self) -> list[object]:
        """How the terminal is set: echo, whole lines, and so on."""
        return termios.tcgetattr(self._theirs)


@contextmanager
def sitting(variables: Mapping[str, str], *args: str) -> Iterator[Terminal]:
    """`tokenhubctl` at a terminal of 100 columns and 30 lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", *args],
        env={**variables, "TERM": "xterm", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    try:
        yield Terminal(ours, theirs, process)
    finally:
        process.kill()
        process.wait()
        os.close(theirs)
        os.close(ours)


def test_top_keeps_up_until_q(live: Live) -> None:
    live.provider("one", "gpt", "large")
    live.ask()

    with sitting(live.variables, "top", "-n", "0.2") as terminal:
        before = terminal.modes()
        terminal.wait_for(BEGIN, "1 of 1 providers healthy", "MODEL", "gpt")
        inside = terminal.modes()
        live.ask(model="large")
        terminal.wait_for("large")
        terminal.press("b")
        terminal.wait_for("PROVIDER")
        terminal.press("sw")
        terminal.wait_for("sorted by errors")
        terminal.press("q")
        terminal.wait_for(END)
        code = terminal.process.wait(timeout=30)
        after = terminal.modes()

    assert 0 == code
    assert before == after
    assert before != inside
    assert terminal.seen.endswith(END)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_terminal_is_as_it_was_however_top_ends(
    live: Live, how: signal.Signals, code: int
) -> None:
    with sitting(live.variables, "top", "--every", "1h") as terminal:
        before = terminal.modes()
        terminal.wait_for(BEGIN, "q quit")
        terminal.process.send_signal(how)
        terminal.wait_for(END)
        ended = terminal.process.wait(timeout=30)
        after = terminal.modes()

    assert code == ended
    assert before == after


def test_health_keeps_up_until_q(live: Live) -> None:
    live.provider()

    with sitting(live.variables, "health", "--watch=0.1s") as terminal:
        terminal.wait_for(BEGIN, "one", "healthy", "q quit")
        live.provider("two", "large")
        terminal.wait_for("two")
        terminal.press("q")
        terminal.wait_for(END)
        code = terminal.process.wait(timeout=30)

    assert 0 == code


def test_stats_keep_up_every_two_seconds(live: Live) -> None:
    live.provider()
    live.ask()

    with sitting(live.variables, "stats", "--watch", "--by", "model") as terminal:
        terminal.wait_for(BEGIN, "gpt", "every 2s")
        terminal.press("q")
        terminal.wait_for(END)
        code = terminal.process.wait(timeout=30)

    assert 0 == code


def test_events_at_a_terminal_are_a_table(live: Live) -> None:
    live.provider()

    with sitting(live.variables, "events", "--since", "1h", "--type", "config_changed") as terminal:
        terminal.wait_for("TIME", "config_changed", "provider.")
        terminal.process.send_signal(signal.SIGINT)
        terminal.wait_for("go on with --since")
        code = terminal.process.wait(timeout=30)

    assert 130 == code
