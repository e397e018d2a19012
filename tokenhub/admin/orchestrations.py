"""The record of orchestrations, newest first, and the steps of each."""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from tokenhub.admin.paging import Page, page_of
from tokenhub.core.errors import NotFound
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.outcome import Outcome
from tokenhub.ports.journal import Journal, LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery, OrchestrationStore

# More than the most expensive plan has.
_MAX_STEPS = 100


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """An orchestration and its steps, in the order in which they were asked."""

    row: Orchestration
    steps: Sequence[Outcome]


class Orchestrations:
    """Read the record of orchestrations."""

    def __init__(self, *, store: OrchestrationStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def page(self, query: OrchestrationQuery) -> Page[Orchestration]:
        return await page_of(self._store, query, id_of=attrgetter("id"))

    async def get(self, orchestration_id: str) -> Stepped:
        """One orchestration with its steps. Raises NotFound."""
        rows = await self._store.page(OrchestrationQuery(id=orchestration_id, limit=1))
        if not rows:
            raise NotFound(f"orchestration {orchestration_id!r} not found")
        query = LogQuery(parent_id=orchestration_id, limit=_MAX_STEPS)
        steps = await self._journal.page(query)
        return Stepped(row=rows[0], steps=steps[::-1])
