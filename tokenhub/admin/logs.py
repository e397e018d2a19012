"""The request log, newest first, what a filter finds in it, and the reasons of each request."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from math import ceil

import msgspec

from tokenhub.admin.durations import seconds
from tokenhub.core.decide import Record
from tokenhub.core.errors import BadRequest, NotFound
from tokenhub.core.keys import KeyTable
from tokenhub.core.outcome import Outcome
from tokenhub.core.stored import record_of
from tokenhub.filters import LEAST, Filter, FilterError, parse
from tokenhub.ports.clock import Clock
from tokenhub.ports.journal import Journal, LogQuery
from tokenhub.ports.logs import Facets, Histogram, LogIndex, LogSearch, Span, Total
from tokenhub.ports.orchestrations import OrchestrationQuery, OrchestrationStore
from tokenhub.ports.snapshot import Snapshot

_log = logging.getLogger(__name__)

DAY_S = 86_400.0
MOST_BARS = 1000
# Times are kept so finely.
LEAST_STEP_S = 0.001
# A list that has no end is read so many requests at a time. Writing them down is the loop's work,
# which requests wait for: 500 of them as CSV took it 8 to 20 ms at a time.
AT_ONCE = 100
# The steps of charts, in seconds: what a clock and a calendar have lines for.
_STEPS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800)


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the `before` of the following page, empty at the end; `total` is of all pages.

    Where not `exact`, there are at least so many.
    """

    rows: Sequence[Outcome]
    next: str
    total: int
    exact: bool


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its decision; None where none was taken, or its record has been lost."""

    row: Outcome
    decision: Record | None


class Logs:
    """Read the request log. A plan is none of its rows: its steps are."""

    def __init__(
        self,
        *,
        journal: Journal,
        orchestrations: OrchestrationStore,
        index: LogIndex,
        keys: Snapshot[KeyTable],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._orchestrations = orchestrations
        self._index = index
        self._keys = keys
        self._clock = clock

    def wanted(self, text: str, *, field: str = "filter") -> Filter:
        """The filter that a text is, by the clock of now. Raises BadRequest naming the field."""
        try:
            return parse(text, now=self._clock.now())
        except FilterError as error:
            raise BadRequest(f"{field}: {error}", field=field) from error

    def key_names(self) -> Mapping[str, str]:
        """What each API key is called, by its id."""
        return {key.id: key.name for key in self._keys.current.values()}

    async def page(self, search: LogSearch) -> LogPage:
        named = self._named(search.filter)
        found = await self._index.search(msgspec.structs.replace(search, filter=named))
        first = not search.before and not search.offset
        if first and len(found.rows) < search.limit:
            # What was found is all that was looked at: no need to look again to count it.
            total = Total(requests=len(found.rows), exact=not found.next)
        else:
            total = await self._index.total(named)
        return LogPage(rows=found.rows, next=found.next, total=total.requests, exact=total.exact)

    async def every(self, search: LogSearch) -> AsyncIterator[Sequence[Outcome]]:
        """All pages from here on, small ones one after the other, `search.limit` rows at most."""
        left, before = search.limit, search.before
        named = self._named(search.filter)
        offset = search.offset
        while left > 0:
            part = LogSearch(filter=named, before=before, limit=min(left, AT_ONCE), offset=offset)
            found = await self._index.search(part)
            yield found.rows
            left, before, offset = left - len(found.rows), found.next, 0
            if not before:
                return

    async def histogram(self, wanted: Filter, *, bars: int, step: str = "") -> Histogram:
        """How many there were when: of the last day, where the filter does not say since when.

        `step` is the length of a bar, such as `5m`; without it, that of about so many `bars`.
        Raises BadRequest.
        """
        span = self._span(wanted)
        length_s = span.until - span.since
        step_s = seconds(step, field="step") if step else _step(length_s / bars)
        if step_s < LEAST_STEP_S:
            raise BadRequest("step must be at least a millisecond: 0.001s", field="step")
        if length_s / step_s > MOST_BARS:
            raise BadRequest(
                f"that is more than {MOST_BARS} bars; give a longer step", field="step"
            )
        first = span.since // step_s
        # A time without any length has a bar too.
        last = max(ceil(span.until / step_s), first + 1)
        whole = Span(since=first * step_s, until=last * step_s)
        return await self._index.histogram(self._named(wanted), whole, step_s=step_s)

    async def facets(self, wanted: Filter) -> tuple[Span, Facets]:
        """What they have in common, and of which time: the last day, as for the histogram."""
        span = self._span(wanted)
        return span, await self._index.facets(self._named(wanted), span)

    async def get(self, request_id: str) -> Explained:
        """One request with the reasons of its route. Raises NotFound."""
        rows = await self._journal.page(LogQuery(request_id=request_id, limit=1))
        if not rows:
            raise await self._missing(request_id)
        record = await self._journal.decision(request_id)
        return Explained(row=rows[0], decision=_read(request_id, record) if record else None)

    def _named(self, wanted: Filter) -> Filter:
        return wanted.naming(self.key_names())

    def _span(self, wanted: Filter) -> Span:
        """The time that a filter names, to now at the latest: nothing is known of later."""
        low_ms, high_ms = wanted.window
        until = min(self._clock.now(), (high_ms + 1) / 1000)
        since = until - DAY_S if low_ms == LEAST else low_ms / 1000
        return Span(since=max(0.0, min(since, until)), until=max(0.0, until))

    async def _missing(self, request_id: str) -> NotFound:
        """Callers of a plan were told its id as that of their request."""
        if await self._orchestrations.count(OrchestrationQuery(id=request_id)):
            return NotFound(
                f"{request_id!r} is a plan; its steps are the requests, and the log lists them "
                f"with ?parent_id={request_id}"
            )
        return NotFound(f"request {request_id!r} not found")


def _step(least_s: float) -> float:
    """The shortest step of a chart that is not below this."""
    week_s = _STEPS[-1]
    return float(
        next((step for step in _STEPS if step >= least_s), ceil(least_s / week_s) * week_s)
    )


def _read(request_id: str, record: bytes) -> Record | None:
    """The record, unless it was written in a form that we do not know."""
    try:
        return record_of(record)
    except msgspec.DecodeError as error:
        _log.warning("decision_unreadable", extra={"request_id": request_id, "reason": str(error)})
        return None
