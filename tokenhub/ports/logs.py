"""Searching the request log: pages, charts and facets of what a filter means."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from tokenhub.core.outcome import Outcome
from tokenhub.filters import Filter

# What facets are of.
FACETS = ("model", "provider", "key", "mode", "status", "error")


class LogSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests, newest first. `before` is the id that the last page ended with."""

    filter: Filter = Filter()
    before: str = ""
    limit: int = 100
    offset: int = 0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page. `next` is the `before` of the following one, empty at the end.

    A filter that reads rows looks at so many of them at most: then a page may be short, or empty,
    and yet have a `next`.
    """

    rows: Sequence[Outcome]
    next: str


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are; at least so many where not `exact`."""

    requests: int
    exact: bool = True


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """The requests that began from `at` on (Unix seconds), by the class of their status."""

    at: float
    ok: int = 0
    client_errors: int = 0
    server_errors: int = 0


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Bars of `step_s` each, oldest first. Where not `exact`, the oldest may lack requests."""

    bars: Sequence[Bar]
    step_s: float
    exact: bool = True


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """For each of FACETS how many of `total` requests have each value; all are in where `exact`."""

    counts: Mapping[str, Mapping[str, int]]
    total: int
    exact: bool = True


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time from `since` to before `until`, Unix seconds."""

    since: float
    until: float


class LogIndex(Protocol):
    """Reads only, beside whatever else is read or written."""

    async def search(self, search: LogSearch) -> Found: ...

    async def total(self, wanted: Filter) -> Total: ...

    async def histogram(self, wanted: Filter, span: Span, *, step_s: float) -> Histogram:
        """Bars over a span that begins and ends at multiples of the step.

        Where there are too many rows to look at one by one, bars may be hours instead: `step_s`
        of the answer says so.
        """
        ...

    async def facets(self, wanted: Filter, span: Span) -> Facets: ...
