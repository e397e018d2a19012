"""Past requests in memory."""

from collections.abc import Sequence

from tokenhub.core.ids import request_id
from tokenhub.ports.traffic import Past


class MemoryTraffic:
    """`rows` are what there is, in any order."""

    def __init__(self) -> None:
        self.rows: list[Past] = []

    async def between(self, since: float, until: float, *, limit: int) -> Sequence[Past]:
        first, before = request_id(since, 0), request_id(until, 0)
        found = [row for row in self.rows if first <= row.request_id < before]
        return sorted(found, key=lambda row: row.request_id, reverse=True)[:limit]
