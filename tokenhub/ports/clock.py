"""Time, so that tests can hold it in their hands."""

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds. It may jump; use it for records and calendar questions only."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow. Durations and deadlines are taken from it."""
        ...

    async def sleep(self, seconds: float) -> None: ...
