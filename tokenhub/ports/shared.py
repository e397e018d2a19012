"""What replicas would have to share."""

from typing import Protocol

from tokenhub.core.buckets import Allowance, Limit


class RateLimits(Protocol):
    """Buckets by name, all of one kind of caller.

    Replicas need to agree only roughly, so `take` answers at once: an engine that is shared
    settles with the others afterwards.
    """

    def take(self, name: str, limit: Limit, now: float, amount: int = 1) -> Allowance:
        """Count a request at `now`, in seconds of the monotonic clock, or refuse it."""
        ...

    def correct(self, name: str, limit: Limit, now: float, more: int) -> None:
        """Count so much more of a request that was let pass; a negative number gives back."""
        ...
