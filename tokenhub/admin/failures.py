"""Failures of those who try to get in, counted apart from successes.

Each peer (an address, or its /64) may fail ten times a minute, and all of them together sixty
times (reliability.md 4.5). Successes cost nothing, so whoever works here is not slowed by it.
"""

from collections import OrderedDict

from tokenhub.core.buckets import FULL, Limit, take

# A limit counts by its own unit of time; these are asked with minutes instead of seconds.
PER_PEER = Limit(rps=10, burst=10)
OF_ALL = Limit(rps=60, burst=60)
_MINUTE_S = 60.0
# Peers that are remembered; past that many at once the limit of all has long taken over.
CAPACITY = 10_000


class Failures:
    """Counts by the monotonic clock."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._of_peers: OrderedDict[str, float] = OrderedDict()
        self._of_all = FULL

    def wait_s(self, peer: str, now: float) -> float:
        """How long nothing of a peer is looked at; 0 where it may try."""
        full_at = self._of_peers.get(peer, FULL)
        allowance, _ = take(PER_PEER, full_at, now / _MINUTE_S)
        return 0.0 if allowance.allowed else allowance.retry_after_s * _MINUTE_S

    def crowded(self, now: float) -> bool:
        """Whether all together fail too often."""
        allowance, _ = take(OF_ALL, self._of_all, now / _MINUTE_S)
        return not allowance.allowed

    def count(self, peer: str, now: float) -> None:
        """Note a failure."""
        minutes = now / _MINUTE_S
        _, self._of_peers[peer] = take(PER_PEER, self._of_peers.get(peer, FULL), minutes)
        self._of_peers.move_to_end(peer)
        if len(self._of_peers) > self._capacity:
            self._of_peers.popitem(last=False)
        _, self._of_all = take(OF_ALL, self._of_all, minutes)
