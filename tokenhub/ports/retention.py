"""Forgetting what is older than its time."""

from typing import Protocol

# So many rows in one transaction. The writer's other jobs wait for it: 200,000 rows in chunks of
# 500 held it up for 6 ms at most, in one piece for 220 ms (reliability.md 5.3).
CHUNK = 500


class Retention(Protocol):
    """Each call deletes at most CHUNK rows, the oldest first, and gives how many there were.

    `before` is Unix seconds. All raise Unavailable where nothing can be deleted now.
    """

    async def decisions(self, before: float) -> int:
        """Delete decision records."""
        ...

    async def requests(self, before: float) -> int:
        """Delete requests with their attempts; what they came to is added to the day's totals."""
        ...

    async def orchestrations(self, before: float) -> int:
        """Delete orchestrations that are not under way."""
        ...

    async def catalogs(self) -> int:
        """Forget old catalogs that no decision record names any more, all of them."""
        ...
