"""How long things were waited for, counted in steps fine enough for percentiles."""

from bisect import bisect_left
from collections.abc import Sequence

# Seconds: from 0.1 ms, six steps to each doubling, up to 13 s.
BOUNDS_S = tuple(round(1e-4 * 2 ** (n / 6), 9) for n in range(103))


class Waits:
    """Counts of waits. `counts` has one more place than BOUNDS_S, for what took longer."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def note(self, wait_s: float) -> None:
        self.counts[bisect_left(BOUNDS_S, wait_s)] += 1
        self.sum_s += wait_s


def percentile_s(counts: Sequence[float], part: float) -> float:
    """The bound that `part` (0 to 1) of the waits did not exceed; 0 where there are none."""
    total = sum(counts)
    seen = 0.0
    for bound, count in zip(BOUNDS_S, counts, strict=False):
        seen += count
        if total and seen >= part * total:
            return bound
    return BOUNDS_S[-1] if total else 0.0
