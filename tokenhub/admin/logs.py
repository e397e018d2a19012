"""The request log, newest first, and the reasons of each request."""

import logging
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from tokenhub.core.decide import Record
from tokenhub.core.errors import NotFound
from tokenhub.core.outcome import Outcome
from tokenhub.ports.journal import Journal, LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery, OrchestrationStore

_log = logging.getLogger(__name__)


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the `before` of the following page, None at the end; `total` is of all pages."""

    rows: Sequence[Outcome]
    total: int
    next: str | None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its decision; None where none was taken, or its record has been lost."""

    row: Outcome
    decision: Record | None


class Logs:
    """Read the request log. A plan is none of its rows: its steps are."""

    def __init__(self, *, journal: Journal, orchestrations: OrchestrationStore) -> None:
        self._journal = journal
        self._orchestrations = orchestrations

    async def page(self, query: LogQuery) -> LogPage:
        # One more than asked for tells whether there is a next page.
        rows = await self._journal.page(replace(query, limit=query.limit + 1))
        shown = rows[: query.limit]
        total = await self._journal.count(replace(query, before=""))
        more = len(rows) > len(shown) and len(shown) > 0
        return LogPage(rows=shown, total=total, next=shown[-1].request_id if more else None)

    async def get(self, request_id: str) -> Explained:
        """One request with the reasons of its route. Raises NotFound."""
        rows = await self._journal.page(LogQuery(request_id=request_id, limit=1))
        if not rows:
            raise await self._missing(request_id)
        record = await self._journal.decision(request_id)
        return Explained(row=rows[0], decision=_read(request_id, record) if record else None)

    async def _missing(self, request_id: str) -> NotFound:
        """Callers of a plan were told its id as that of their request."""
        if await self._orchestrations.count(OrchestrationQuery(id=request_id)):
            return NotFound(
                f"{request_id!r} is a plan; its steps are the requests, and the log lists them "
                f"with ?parent_id={request_id}"
            )
        return NotFound(f"request {request_id!r} not found")


def _read(request_id: str, record: bytes) -> Record | None:
    """The record, unless it was written in a form that we do not know."""
    try:
        return msgspec.json.decode(record, type=Record)
    except msgspec.DecodeError as error:
        _log.warning("decision_unreadable", extra={"request_id": request_id, "reason": str(error)})
        return None
