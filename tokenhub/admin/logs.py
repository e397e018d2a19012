"""The request log, newest first."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from tokenhub.core.outcome import Outcome
from tokenhub.ports.journal import Journal, LogQuery


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the `before` of the following page, None at the end; `total` is of all pages."""

    rows: Sequence[Outcome]
    total: int
    next: str | None


class Logs:
    """Read the request log."""

    def __init__(self, *, journal: Journal) -> None:
        self._journal = journal

    async def page(self, query: LogQuery) -> LogPage:
        # One more than asked for tells whether there is a next page.
        rows = await self._journal.page(replace(query, limit=query.limit + 1))
        shown = rows[: query.limit]
        total = await self._journal.count(replace(query, before=""))
        more = len(rows) > len(shown) and len(shown) > 0
        return LogPage(rows=shown, total=total, next=shown[-1].request_id if more else None)
