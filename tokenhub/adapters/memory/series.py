"""Series that are forgotten with the process, for tests of what stands on them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tokenhub.core import series
from tokenhub.core.charts import Dated
from tokenhub.core.levels import DAY_S, RETENTION_DAYS
from tokenhub.core.outcome import Outcome
from tokenhub.core.series import Slot
from tokenhub.ports.series import Reading
from tokenhub.ports.stores import Audit

T = TypeVar("T")


class MemorySeries:
    """A SeriesStore without roll-ups. `audit` has the entries, oldest first."""

    def __init__(self) -> None:
        self.retention_days = RETENTION_DAYS
        self.audit: list[Audit] = []
        self._slots: dict[int, Slot] = {}

    def record(self, outcome: Outcome) -> None:
        self._slots.setdefault(series.ended_at(outcome), series.slot()).count(outcome)

    async def read(self, readings: Sequence[Reading], work: Callable[[Sequence[Dated]], T]) -> T:
        return work([self._dated(reading) for reading in readings])

    async def set_retention(self, days: int, audit: Audit) -> None:
        self.retention_days = days
        self.audit.append(audit)

    async def prune(self, now: float) -> int:
        over = [at for at in self._slots if at < now - self.retention_days * DAY_S]
        for at in over:
            del self._slots[at]
        return len(over)

    def _dated(self, reading: Reading) -> Dated:
        return [
            (at, slot.cut(reading.cut).items())
            for at, slot in sorted(self._slots.items())
            if reading.start <= at < reading.end
        ]
