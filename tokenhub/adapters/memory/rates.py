"""Rate buckets in memory: one float for each caller who was here of late."""

from collections import OrderedDict

from tokenhub.core.buckets import FULL, Allowance, Limit, corrected, take

# The original's bound (original-behaviour 6.2): 25 MB when full, measured with names of IPv6.
CAPACITY = 100_000
# Each new name makes room for itself, and a flood that is over leaves nothing behind.
_SWEPT = 2


class MemoryRates:
    """RateLimits in this process: at most `capacity` buckets, the longest unused go first.

    A bucket that is full again is as good as none, so each new name drops those of the longest
    unused that are full. One that is not full goes only where the table is, which takes that many
    addresses within the seconds that a bucket takes to fill.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str, limit: Limit, now: float, amount: int = 1) -> Allowance:
        full_at = self._full_at.get(name, FULL)
        if full_at == FULL:
            self._make_room(now)
        allowance, after = take(limit, full_at, now, amount)
        if allowance.allowed:
            self._full_at[name] = after
        if full_at != FULL:
            self._full_at.move_to_end(name)
        return allowance

    def correct(self, name: str, limit: Limit, now: float, more: int) -> None:
        """A bucket that is gone was full, or the longest unused: what it owes is kept anew."""
        after = corrected(limit, self._full_at.get(name, FULL), now, more)
        if after != FULL:
            self._full_at[name] = after
            self._full_at.move_to_end(name)
        else:
            self._full_at.pop(name, None)

    def _make_room(self, now: float) -> None:
        for _ in range(_SWEPT):
            oldest = next(iter(self._full_at), None)
            if oldest is None:
                return
            if self._full_at[oldest] > now and len(self._full_at) < self._capacity:
                return
            del self._full_at[oldest]
