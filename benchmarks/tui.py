"""What the console costs: its first frame, 200 events a second, idleness, and how fast keys are.

    python benchmarks/tui.py [--starts N] [--seconds S] [--idle S] [--rate EVENTS_PER_S]

A real `tokenhub-tui` in a pseudo-terminal, before a real server with a simulated provider. The CPU
is that of the console's process alone, on a core that server and provider do not use; memory is
what it held at most. A key's time is from its byte to the first byte that shows what it does.
Linux only. Exit code 1 where a limit is missed.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cases import PROMPT
from targets import Process, Sim, TokenHub, call, cores

ROWS, COLUMNS = 36, 120
# Limits of the console (docs/developer/tui.md).
FIRST_FRAME_S, BUSY, IDLE, MEMORY_BYTES, KEY_S = 1.2, 0.35, 0.01, 120e6, 0.05
# A request is told four times: that it came, was decided, tried, and committed.
OF_A_REQUEST = 4
SETTLE_S = 4.0
PATIENCE_S = 30.0
# What is measured, the key, what it shows, and the key that takes it away: a cursor that moves, and
# a line that moves all others.
KEYS = (
    ("cursor to screen", b"k", "f follows", b"f"),
    ("filter to screen", b"/", "model:…", b"\x1b"),
)
_STEERING = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_].*?(?:\x07|\x1b\\)|\x1b[()][0-9A-B]")


class Console(Process):
    """A console in a pseudo-terminal of its own. `read` waits until a text has been drawn."""

    def __init__(self, server: TokenHub, home: Path, *, core: int) -> None:
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],  # noqa: TID251 - a child's environment
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "TOKENHUB_URL": f"http://127.0.0.1:{server.port}",
            "TOKENHUB_ADMIN_TOKEN": server.token,
        }
        self.began = time.perf_counter()
        streams = {"stdin": far, "stdout": far, "stderr": far}
        super().__init__(["-m", "tokenhub_tui"], core=core, env=env, **streams)
        os.close(far)
        self._near = near
        self._drawn = b""

    def press(self, keys: bytes) -> None:
        os.write(self._near, keys)

    def read(self, wanted: bytes) -> float:
        """When the text was there; the time is that of the bytes that made it whole."""
        until = time.perf_counter() + PATIENCE_S
        while time.perf_counter() < until:
            self.drain(0.5)
            if wanted in _STEERING.sub(b"", self._drawn):
                return self._at
        shown = _STEERING.sub(b"", self._drawn)[-2000:].decode(errors="replace")
        raise SystemExit(f"the console never showed {wanted.decode()!r}: {shown}")

    def drain(self, wait_s: float) -> None:
        """Take what was drawn, waiting at most so long for its first byte."""
        if select.select([self._near], [], [], wait_s)[0]:
            self._drawn = (self._drawn + os.read(self._near, 1 << 16))[-(1 << 18) :]
            self._at = time.perf_counter()

    def rest(self, seconds: float) -> None:
        """Let it be for so long; what it draws is taken, as a terminal takes it."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.drain(left)

    def forget(self) -> None:
        """From here on only what is drawn anew counts."""
        self.rest(0.05)
        self._drawn = b""

    def most_bytes(self) -> int:
        """The most memory that it has held."""
        status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def stop(self) -> None:
        super().stop()
        os.close(self._near)


class Figure(NamedTuple):
    """What was measured, and what it may be at most."""

    what: str
    value: float
    limit: float
    shown: str
    more: str = ""


def main() -> int:
    options = arguments().parse_args()
    own, other = cores()
    with tempfile.TemporaryDirectory(prefix="tokenhub-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        sim = stack.enter_context(Sim(folder, core=other))
        server = stack.enter_context(TokenHub(sim, folder, core=other))
        figures = [first_frame(server, folder, options.starts, core=own)]
        with Console(server, folder, core=own) as console:
            console.read("● live".encode())
            figures.append(idle(console, options.idle))
            with traffic(server, options.rate / OF_A_REQUEST) as sent:
                figures += busy(console, options.seconds, sent)
    print(f"\n{'':<44}{'measured':>12}{'limit':>12}")
    for one in figures:
        over = "  MISSED" if one.value > one.limit else ""
        said = f"{one.shown.format(one.value):>12}{one.shown.format(one.limit):>12}"
        print(f"{one.what:<44}{said}{over}  {one.more}".rstrip())
    return int(any(one.value > one.limit for one in figures))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=int, default=7, help="consoles that are started")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of events")
    parser.add_argument("--idle", type=float, default=20, help="seconds without any")
    parser.add_argument("--rate", type=float, default=200, help="events a second")
    return parser


def first_frame(server: TokenHub, home: Path, starts: int, *, core: int) -> Figure:
    """From the command to the first line of the first screen; the first start is not counted."""
    frames, lives = [], []
    for _ in range(starts + 1):
        with Console(server, home, core=core) as console:
            frames.append(console.read(b"TokenHub") - console.began)
            lives.append(console.read("● live".encode()) - console.began)
    what = f"first frame, s (median of {starts})"
    live = f"live after {median(lives[1:]):.2f} s"
    return Figure(what, median(frames[1:]), FIRST_FRAME_S, "{:.2f}", live)


def idle(console: Console, seconds: float) -> Figure:
    """Nothing happens, and the console is on the screen."""
    console.rest(SETTLE_S)
    share = cpu_share(console, seconds)
    return Figure(f"idle for {seconds:.0f} s, share of a core", share, IDLE, "{:.2%}")


def busy(console: Console, seconds: float, sent: list[int]) -> Iterator[Figure]:
    """Events come: without a hand on the keys, and then with keys."""
    console.rest(SETTLE_S)
    before = len(sent)
    share = cpu_share(console, seconds)
    rate = (len(sent) - before) * OF_A_REQUEST / seconds
    yield Figure(f"{rate:.0f} events/s for {seconds:.0f} s, share of a core", share, BUSY, "{:.1%}")
    for what, *keys in KEYS:
        waits = sorted(key_s(console, *keys) * 1000 for _ in range(20))
        more = f"90 % within {waits[17]:.0f} ms, longest {waits[-1]:.0f}"
        yield Figure(f"{what} meanwhile, ms (median)", median(waits), KEY_S * 1000, "{:.0f}", more)
    yield Figure("memory at most, MB", console.most_bytes() / 1e6, MEMORY_BYTES / 1e6, "{:.0f}")


def cpu_share(console: Console, seconds: float) -> float:
    """The part of a core that the console takes meanwhile."""
    clock = console.clock()
    began, before = time.perf_counter(), time.clock_gettime(clock)
    console.rest(seconds)
    return (time.clock_gettime(clock) - before) / (time.perf_counter() - began)


def key_s(console: Console, key: bytes, shows: str, back: bytes) -> float:
    """How long it takes until a key shows what it does; `back` takes that away again."""
    console.forget()
    began = time.perf_counter()
    console.press(key)
    took_s = console.read(shows.encode()) - began
    console.press(back)
    console.rest(0.7)
    return took_s


@contextmanager
def traffic(server: TokenHub, per_s: float) -> Iterator[list[int]]:
    """Requests at a steady pace, until the block ends; the statuses of the answers so far."""
    statuses: list[int] = []
    stop = threading.Event()
    body = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 16}

    def send() -> None:
        began = time.perf_counter()
        number = 0
        while not stop.wait(max(0.0, began + number / per_s - time.perf_counter())):
            path = "/v1/chat/completions"
            statuses.append(call(server.port, "POST", path, body, token=server.key)[0])
            number += 1

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield statuses
    finally:
        stop.set()
        sender.join()
        if bad := [one for one in statuses if one != 200]:
            raise SystemExit(f"{len(bad)} requests failed, with status {bad[0]}")


if __name__ == "__main__":
    sys.exit(main())
