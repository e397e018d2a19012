"""Where the rows of the log and of the audit trail come from: pages, and whole exports."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import msgspec

from tokenhub.client.call import Call
from tokenhub.client.calls.observe import LOGS, list_logs, log_histogram
from tokenhub.filters import LEAST, parse
from tokenhub.wire.audit import AuditEntry
from tokenhub_tui.link import Link
from tokenhub_tui.state import audit, exporting
from tokenhub_tui.state.requests import Bars, bars, counted, filled

PAGE = 100
EXPORTED_PAGE = 1000
REQUESTS, AUDIT = "requests", "audit"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rows of `tab`, as `wanted` meant: the one `after` a cursor, else the first.

    `fresh` is a first one in the place of all that is here. `next` is where the following page
    begins, None at the end; `total` is of all that are meant, with a `+` where there may be more.
    """

    tab: str
    wanted: str
    rows: Sequence[Any]
    next: str | None
    total: str
    after: str | None = None
    fresh: bool = False
    chart: Bars | None = None


class Source(Protocol):
    """A list of the screen."""

    async def page(self, wanted: str, *, after: str | None, width: int) -> Answer:
        """The first page, or the one `after` a cursor. Raises ClientError."""

    def portions(self, wanted: str, form: str) -> AsyncGenerator[bytes, None]:
        """All rows as a file, bit by bit. Raises ClientError."""


class Requests:
    """The request log, with its chart. `now` is what a filter's `since:1h` counts from."""

    def __init__(self, link: Link, now: float) -> None:
        self._link = link
        self._now = now

    async def page(self, wanted: str, *, after: str | None, width: int) -> Answer:
        """The first page with the chart, or the one `after` a cursor."""
        found = await self._link(list_logs(limit=PAGE, wanted=wanted, before=after or ""))
        chart = None
        if after is None:
            chart = await self._chart(wanted, width)
        return Answer(
            tab=REQUESTS, wanted=wanted, rows=found.logs, next=found.next,
            total=counted(found), after=after, chart=chart,
        )  # fmt: skip

    async def _chart(self, wanted: str, width: int) -> Bars:
        """A minute a bar, where the filter tells no time; the last day where that has nothing.

        Where most of that is empty, as on a young server, just the part that is not.
        """
        low, _ = parse(wanted, now=self._now).window
        if low > LEAST:
            return bars(await self._link(log_histogram(wanted=wanted, buckets=width)))
        text = f"{wanted} since:{width - 1}m".strip()
        lately = bars(await self._link(log_histogram(wanted=text, step="1m")))
        if any(lately.requests):
            minutes = filled(lately.requests)
            if minutes * 2 > width:
                return lately
            text = f"{wanted} since:{minutes}m".strip()
            return bars(await self._link(log_histogram(wanted=text, buckets=width)))
        day = bars(await self._link(log_histogram(wanted=wanted, buckets=width)))
        return day if any(day.requests) else lately

    async def portions(self, wanted: str, form: str) -> AsyncGenerator[bytes, None]:
        """As the server writes them."""
        query = (("format", form), *([("filter", wanted)] if wanted else []))
        call = Call(method="GET", path=LOGS, query=query, returns=bytes)
        async with self._link.opened(call) as answer:
            async for portion in answer.portions:
                yield portion


class Trail:
    """The audit trail. `now` is the same."""

    def __init__(self, link: Link, now: float) -> None:
        self._link = link
        self._now = now

    async def page(self, wanted: str, *, after: str | None, width: int) -> Answer:
        """The first page, or the one `after` a cursor; it may be short, and not the last."""
        del width
        meant = audit.wanted(wanted, self._now)
        found = await self._link(meant.call(limit=PAGE, before=after))
        rows = meant.of(found)
        # What the server cannot count, nobody can.
        total = "" if meant.rest.terms else f"{found.total:,}"
        return Answer(
            tab=AUDIT, wanted=wanted, rows=rows, next=found.next, total=total,
            after=after,
        )  # fmt: skip

    async def portions(self, wanted: str, form: str) -> AsyncGenerator[bytes, None]:
        """Page by page: the server has no file of these."""
        meant, after = audit.wanted(wanted, self._now), None
        if form == "csv":
            yield exporting.head()
        while True:
            found = await self._link(meant.call(limit=EXPORTED_PAGE, before=after))
            rows: list[AuditEntry] = meant.of(found)
            yield exporting.rows(rows, form)
            after = found.next
            if after is None:
                return
