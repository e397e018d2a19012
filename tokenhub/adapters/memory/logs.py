"""Searching a request log in memory: the tests' twin of that in SQLite."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.core.outcome import Outcome
from tokenhub.filters import Filter
from tokenhub.ports.logs import FACETS, Bar, Facets, Found, Histogram, LogSearch, Span, Total

_SERVER_ERROR, _CLIENT_ERROR = 500, 400
_VALUES: Mapping[str, Callable[[Outcome], Any]] = dict(
    zip(
        FACETS,
        map(attrgetter, ("model_id", "provider_id", "key_id", "mode", "status", "error_class")),
        strict=True,
    )
)


class MemoryLogIndex:
    """A LogIndex that holds the filter against each row."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

    async def search(self, search: LogSearch) -> Found:
        found = sorted(self._matching(search.filter), key=attrgetter("request_id"), reverse=True)
        older = [row for row in found if not search.before or row.request_id < search.before]
        rows = older[search.offset : search.offset + search.limit]
        more = len(older) > search.offset + search.limit
        return Found(rows=rows, next=rows[-1].request_id if more else "")

    async def total(self, wanted: Filter) -> Total:
        return Total(requests=sum(1 for _ in self._matching(wanted)))

    async def histogram(self, wanted: Filter, span: Span, *, step_s: float) -> Histogram:
        bars = [Counter[str]() for _ in range(round((span.until - span.since) / step_s))]
        for row in self._matching(wanted.timeless):
            if span.since <= row.at < span.until:
                bars[int((row.at - span.since) / step_s)][_class(row.status)] += 1
        return Histogram(
            bars=[
                Bar(at=span.since + number * step_s, **counts) for number, counts in enumerate(bars)
            ],
            step_s=step_s,
        )

    async def facets(self, wanted: Filter, span: Span) -> Facets:
        matching = self._matching(wanted.timeless)
        rows = [row for row in matching if span.since <= row.at < span.until]
        return Facets(
            counts={
                name: Counter(str(value(row)) for row in rows) for name, value in _VALUES.items()
            },
            total=len(rows),
        )

    def _matching(self, wanted: Filter) -> Iterator[Outcome]:
        return (row for row in self._journal.outcomes() if wanted.matches(_shown(row)))


def _class(status: int) -> str:
    if status >= _SERVER_ERROR:
        return "server_errors"
    return "client_errors" if status >= _CLIENT_ERROR else "ok"


def _shown(row: Outcome) -> dict[str, Any]:
    """What a filter looks at of a row, by the names of the API."""
    cost = row.cost_nusd
    return {
        "request_id": row.request_id,
        "timestamp": row.at,
        "model_id": row.model_id,
        "provider_id": row.provider_id,
        "api_key_id": row.key_id,
        "mode": row.mode,
        "task": row.task,
        "status_code": row.status,
        "error_class": row.error_class,
        "latency_ms": row.latency_s * 1000,
        "overhead_ms": row.overhead_s * 1000,
        "estimated_cost_usd": None if cost is None else cost / 10**9,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "total_tokens": row.input_tokens + row.output_tokens,
        "attempts": row.attempts,
        "stream": row.stream,
        "requested_model": row.requested_model,
        "reason": row.reason,
        "parent_id": row.parent_id,
    }
