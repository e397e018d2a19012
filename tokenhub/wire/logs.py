"""The request log beside its rows: attempts one by one, charts and facets."""

import msgspec

from tokenhub.wire.observe import AttemptLog


class AttemptRow(AttemptLog, kw_only=True):
    """An attempt with what it needs to stand alone: the request that it was made for."""

    request_id: str
    timestamp: str
    api_key_id: str
    api_key_name: str
    mode: str
    requested_model: str
    stream: bool
    parent_id: str


class AttemptPage(msgspec.Struct, kw_only=True):
    """The attempts of a page of requests, newest request first; the rest is as in LogPage."""

    attempts: list[AttemptRow]
    total: int
    total_exact: bool
    limit: int
    offset: int
    next: str | None
    cursor: str | None


class LogBar(msgspec.Struct, kw_only=True):
    """The requests that began from `timestamp` on, by the class of their status."""

    timestamp: str
    total: int
    ok: int
    client_errors: int
    server_errors: int


class LogHistogram(msgspec.Struct, kw_only=True):
    """Bars of `step_s` seconds each, oldest first, empty ones among them.

    Bars are whole: the first begins at or before `since`, the last ends at or after `until`.
    Where not `exact`, there were more rows than were looked at, and the oldest bars lack some.
    """

    since: str
    until: str
    step_s: float
    total: int
    exact: bool
    buckets: list[LogBar]


class FacetValue(msgspec.Struct, kw_only=True):
    """A value, and how many requests have it. `name` is that of a key."""

    value: str
    count: int
    name: str = ""


class Facet(msgspec.Struct, kw_only=True):
    """The most frequent values of a field; `others` is how many requests have none of them.

    `distinct` is how many values there are.
    """

    values: list[FacetValue]
    distinct: int
    others: int


class LogFacets(msgspec.Struct, kw_only=True):
    """What the requests of a time have in common, each field under the same filter.

    Where not `exact`, only the newest `total` were looked at.
    """

    since: str
    until: str
    total: int
    exact: bool
    facets: dict[str, Facet]
