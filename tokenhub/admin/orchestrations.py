"""The record of orchestrations, newest first, and the steps of each."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from tokenhub.core.errors import NotFound
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.outcome import Outcome
from tokenhub.ports.journal import Journal, LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery, OrchestrationStore

# More than the most expensive plan has.
_MAX_STEPS = 100


class OrchestrationPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the `before` of the following page, None at the end; `total` is of all pages."""

    rows: Sequence[Orchestration]
    total: int
    next: str | None


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """An orchestration and its steps, in the order in which they were asked."""

    row: Orchestration
    steps: Sequence[Outcome]


class Orchestrations:
    """Read the record of orchestrations."""

    def __init__(self, *, store: OrchestrationStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def page(self, query: OrchestrationQuery) -> OrchestrationPage:
        # One more than asked for tells whether there is a next page.
        rows = await self._store.page(replace(query, limit=query.limit + 1))
        shown = rows[: query.limit]
        total = await self._store.count(replace(query, before=""))
        more = len(rows) > len(shown) and len(shown) > 0
        return OrchestrationPage(rows=shown, total=total, next=shown[-1].id if more else None)

    async def get(self, orchestration_id: str) -> Stepped:
        """One orchestration with its steps. Raises NotFound."""
        rows = await self._store.page(OrchestrationQuery(id=orchestration_id, limit=1))
        if not rows:
            raise NotFound(f"orchestration {orchestration_id!r} not found")
        query = LogQuery(parent_id=orchestration_id, limit=_MAX_STEPS)
        steps = await self._journal.page(query)
        return Stepped(row=rows[0], steps=steps[::-1])
