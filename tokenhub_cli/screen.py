"""The whole terminal as one page that is drawn again and again, and is as it was afterwards.

The page stands on the terminal's second screen, so that what was there before is there again.
"""

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from typing import NoReturn

from tokenhub_cli.output import draw

# ECMA-48 and xterm: second screen, no cursor, lines that are too long are cut; and back.
_BEGIN = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_END = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_PAGE = "\x1b[H", "\x1b[K", "\x1b[J"
LEAVE = "q"
_ENDED = 128 + signal.SIGTERM
_PIECE_S = 0.5


def at_terminal() -> bool:
    """Whether somebody looks, and can press keys."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Screen:
    """Shows pages, and hears keys."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal

    @property
    def height(self) -> int:
        """Lines that there is room for."""
        return os.get_terminal_size(self._terminal).lines

    def show(self, lines: Sequence[str]) -> None:
        """Draw a page: as many lines as there is room for."""
        height = self.height
        # Each line is erased before it is written: behind a full one, its last cell would go.
        page = "\r\n".join(f"{_REST_OF_LINE}{line}" for line in lines[:height])
        below = f"\r\n{_REST_OF_PAGE}" if len(lines) < height else ""
        draw(f"{_HOME}{page}{below}")

    def key(self, wait_s: float) -> str:
        """The key that is pressed within so many seconds; empty where none is, LEAVE at the end."""
        # In pieces: a signal that came just before a wait is met after it.
        left_s = wait_s
        while not select.select([self._terminal], [], [], min(_PIECE_S, max(0.0, left_s)))[0]:
            left_s -= _PIECE_S
            if left_s <= 0:
                return ""
        return os.read(self._terminal, 64).decode("utf-8", "replace")[:1] or LEAVE


@contextlib.contextmanager
def screen() -> Iterator[Screen]:
    """The terminal of this process. It is restored however the block ends."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    ended = signal.signal(signal.SIGTERM, _leave)
    # Whoever stops the program would be left with a terminal that shows nothing they type.
    stopped = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        tty.setcbreak(terminal)
        draw(_BEGIN)
        yield Screen(terminal)
    finally:
        draw(_END)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTERM, ended)
        signal.signal(signal.SIGTSTP, stopped)


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(_ENDED)
