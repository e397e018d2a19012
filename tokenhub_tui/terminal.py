"""The terminal, and how long it takes to take what is written to it."""

import time
from collections.abc import Callable
from io import TextIOBase, TextIOWrapper
from typing import Any, TextIO, cast

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver


class Timed(TextIOBase):
    """A file that tells how many seconds each flush took, with the writing before it."""

    def __init__(self, file: TextIO, told: Callable[[float], None]) -> None:
        self._file = file
        self._told = told
        self._spent_s = 0.0

    def write(self, text: str) -> int:
        began = time.perf_counter()
        count = self._file.write(text)
        self._spent_s += time.perf_counter() - began
        return count

    def flush(self) -> None:
        began = time.perf_counter()
        self._file.flush()
        self._told(self._spent_s + time.perf_counter() - began)
        self._spent_s = 0.0

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


def timed(told: Callable[[float], None]) -> type[Driver]:
    """Textual's driver, with a terminal that is timed. `told` hears of it in the writing thread."""

    class TimedDriver(LinuxDriver):
        def __init__(self, *args: Any, **given: Any) -> None:
            super().__init__(*args, **given)
            self._file = cast("TextIOWrapper", Timed(cast("TextIO", self._file), told))

    return TimedDriver
