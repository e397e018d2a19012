"""The time of day, which tests and replays set."""

import time
from typing import Protocol


class Clock(Protocol):
    """`now` is Unix seconds."""

    def now(self) -> float: ...


class SystemClock:
    """The clock of the machine that the console runs on."""

    def now(self) -> float:
        return time.time()  # noqa: TID251 - the console's one clock
