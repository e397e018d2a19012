"""What requests came to over time: counted as they end, read as stats and charts.

This is detail: it may be lost by some seconds, and what is owed is in the ledger.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from tokenhub.core.charts import Dated
from tokenhub.core.outcome import Outcome
from tokenhub.ports.stores import Audit

T = TypeVar("T")
SKETCHES = ("latencies", "firsts")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of a cut from `start` to before `end`, Unix seconds that are borders of slots.

    None of them reaches over a border of `step_s`, 0 for no borders. Of their sketches they have
    those that are named: sums alone are quicker to read.
    """

    cut: str
    start: int
    end: int
    step_s: int = 0
    sketches: tuple[str, ...] = SKETCHES


class SeriesStore(Protocol):
    @property
    def retention_days(self) -> int:
        """How long the coarsest points are kept."""
        ...

    def record(self, outcome: Outcome) -> None:
        """Count a request that has ended. Never waits, never fails."""
        ...

    async def read(self, readings: Sequence[Reading], work: Callable[[Sequence[Dated]], T]) -> T:
        """What `work` makes of them, all of one moment and up to the last request.

        It may run in a thread. Raises Unavailable where they cannot be read now.
        """
        ...

    async def set_retention(self, days: int, audit: Audit) -> None:
        """Keep points for so long from now on, on disk with the entry. Raises Unavailable."""
        ...

    async def prune(self, now: float) -> int:
        """Delete what is older than its time; gives how many rows. Raises Unavailable."""
        ...
