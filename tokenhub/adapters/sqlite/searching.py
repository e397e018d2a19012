"""Searching the request log in SQLite.

Ids begin with the time, so the log is read along the primary key, newest first. Where a filter
asks for what all requests of a kind have in common, `log_hours` (migration 0018) counts them, and
tells which hours have any: only those are read. Where it asks for more, rows are looked at one by
one, so many at once (`Plan.rows_at_once`); who goes on from there finds the rest.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.journal import REQUESTS, outcomes
from tokenhub.adapters.sqlite.predicates import KINDS, Plan, Predicate, plan_of
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.filters import Filter
from tokenhub.ports.logs import FACETS, Bar, Facets, Found, Histogram, LogSearch, Span, Total

HOUR_MS = 3_600_000
# An id has the time at which it was made. That is the time of its row, but for a step of a plan,
# which is made later, and while a clock that was set back catches up.
_EARLY_MS, _LATE_MS = 1_000, HOUR_MS
_TOP = "\U0010ffff"
_DIGITS = 12
_CLASSES = {4: "client_errors", 5: "server_errors"}
_DIMENSIONS = tuple(KINDS[name] for name in FACETS)


class Stretch(msgspec.Struct, frozen=True):
    """Ids from `low` to before `high`."""

    low: str
    high: str


class SqliteLogIndex:
    """A LogIndex over the file that holds the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: LogSearch) -> Found:
        plan = plan_of(search.filter)
        return await self._database.search(partial(_search, plan=plan, search=search))

    async def total(self, wanted: Filter) -> Total:
        return await self._database.search(partial(_total, plan=plan_of(wanted)))

    async def histogram(self, wanted: Filter, span: Span, *, step_s: float) -> Histogram:
        plan = _within(plan_of(wanted), span)
        step_ms = round(step_s * MILLI)
        return await self._database.search(partial(_histogram, plan=plan, step_ms=step_ms))

    async def facets(self, wanted: Filter, span: Span) -> Facets:
        plan = _within(plan_of(wanted), span)
        return await self._database.search(partial(_facets, plan=plan))


def _within(plan: Plan, span: Span) -> Plan:
    return msgspec.structs.replace(
        plan, since_ms=round(span.since * MILLI), until_ms=round(span.until * MILLI)
    )


def _search(conn: sqlite3.Connection, *, plan: Plan, search: LogSearch) -> Found:
    whole = _stretch(plan, below=search.before)
    floor = "" if plan.of_kinds else _floor(conn, plan, whole)
    # One more than asked for tells whether there is a next page.
    wanted = search.limit + 1
    parts = [whole] if search.offset else _stretches(conn, plan, whole)
    rows: list[Sequence[Any]] = []
    for part in parts:
        rows += _rows(conn, plan, part, floor, limit=wanted - len(rows), offset=search.offset)
        if len(rows) == wanted or part.low < floor:
            break
    last = rows[search.limit - 1][0] if len(rows) == wanted else floor
    return Found(rows=outcomes(conn, rows[: search.limit]), next=last)


def _rows(
    conn: sqlite3.Connection, plan: Plan, part: Stretch, floor: str, *, limit: int, offset: int
) -> list[Sequence[Any]]:
    where = _where(plan, Stretch(max(part.low, floor), part.high))
    return conn.execute(
        f"SELECT {','.join(REQUESTS.columns)} FROM requests WHERE {where.sql} "  # noqa: S608 (values are bound)
        "ORDER BY request_id DESC LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    ).fetchall()


def _total(conn: sqlite3.Connection, *, plan: Plan) -> Total:
    if plan.of_kinds:
        ((whole_hours,),) = _hours(conn, plan, "coalesce(sum(h.requests), 0)", "")
        edges = sum(_count(conn, edge, _stretch(edge)) for edge in _edges(plan))
        return Total(requests=whole_hours + edges)
    whole = _stretch(plan)
    floor = _floor(conn, plan, whole)
    seen = Stretch(max(whole.low, floor), whole.high)
    return Total(requests=_count(conn, plan, seen), exact=not floor)


def _histogram(conn: sqlite3.Connection, *, plan: Plan, step_ms: int) -> Histogram:
    hourly = plan.of_kinds and step_ms % HOUR_MS == 0
    whole = _stretch(plan)
    floor = "" if hourly else _floor(conn, plan, whole)
    if floor and plan.of_kinds:
        # Too many rows to look at; what is known of hours is exact.
        hourly, floor, step_ms = True, "", HOUR_MS * -(-step_ms // HOUR_MS)
    since_ms = plan.since_ms // step_ms * step_ms
    until_ms = -(-plan.until_ms // step_ms) * step_ms
    plan = msgspec.structs.replace(plan, since_ms=since_ms, until_ms=until_ms)
    if hourly:
        groups = "(h.hour * 3600000 - ?) / ?, k.status / 100"
        select = f"{groups}, sum(h.requests)"
        found = _hours(conn, plan, select, "GROUP BY 1, 2", (since_ms, step_ms))
    else:
        found = _scanned(conn, plan, floor, since_ms=since_ms, step_ms=step_ms)
    bars = [dict[str, int]() for _ in range((until_ms - since_ms) // step_ms)]
    for number, hundreds, requests in found:
        name = _CLASSES.get(hundreds, "ok")
        bars[number][name] = bars[number].get(name, 0) + requests
    return Histogram(
        bars=[
            Bar(at=(since_ms + number * step_ms) / MILLI, **counts)
            for number, counts in enumerate(bars)
        ],
        step_s=step_ms / MILLI,
        exact=not floor,
    )


def _scanned(
    conn: sqlite3.Connection, plan: Plan, floor: str, *, since_ms: int, step_ms: int
) -> list[Sequence[Any]]:
    whole = _stretch(plan)
    where = _where(plan, Stretch(max(whole.low, floor), whole.high))
    return conn.execute(
        "SELECT (at_ms - ?) / ?, status / 100, count(*) FROM requests "  # noqa: S608 (values are bound)
        f"WHERE {where.sql} GROUP BY 1, 2",
        (since_ms, step_ms, *where.values),
    ).fetchall()


def _facets(conn: sqlite3.Connection, *, plan: Plan) -> Facets:
    columns = ", ".join(f"k.{name}" for name in _DIMENSIONS)
    floor = ""
    if plan.of_kinds:
        found = _hours(conn, plan, f"{columns}, sum(h.requests)", "GROUP BY h.kind")
        for edge in _edges(plan):
            found += _grouped(conn, edge, _stretch(edge))
    else:
        whole = _stretch(plan)
        floor = _floor(conn, plan, whole)
        found = _grouped(conn, plan, Stretch(max(whole.low, floor), whole.high))
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    total = 0
    for *values, requests in found:
        total += requests
        for name, value in zip(FACETS, values, strict=True):
            counts[name][str(value)] += requests
    return Facets(counts=counts, total=total, exact=not floor)


def _grouped(conn: sqlite3.Connection, plan: Plan, part: Stretch) -> list[Sequence[Any]]:
    """The dimensions of facets, and how many rows have them."""
    columns = ", ".join(_DIMENSIONS)
    where = _where(plan, part)
    return conn.execute(
        f"SELECT {columns}, count(*) FROM requests WHERE {where.sql} GROUP BY {columns}",  # noqa: S608 (values are bound)
        where.values,
    ).fetchall()


def _hours(
    conn: sqlite3.Connection, plan: Plan, select: str, group: str, values: tuple[int, ...] = ()
) -> list[Sequence[Any]]:
    """A sum over the whole hours of a plan that asks for kinds only."""
    first, last = -(-plan.since_ms // HOUR_MS), plan.until_ms // HOUR_MS
    kinds = f"AND {plan.kinds.sql}" if plan.kinds.sql else ""
    return conn.execute(
        f"SELECT {select} FROM log_hours h CROSS JOIN log_kinds k USING (kind) "  # noqa: S608 (values are bound)
        f"WHERE h.hour >= ? AND h.hour < ? {kinds} {group}",
        (*values, first, last, *plan.kinds.values),
    ).fetchall()


def _edges(plan: Plan) -> Iterator[Plan]:
    """The parts of the first and the last hour, where they are not whole."""
    first, last = -(-plan.since_ms // HOUR_MS) * HOUR_MS, plan.until_ms // HOUR_MS * HOUR_MS
    if last < first:
        yield plan
        return
    for since_ms, until_ms in ((plan.since_ms, first), (last, plan.until_ms)):
        if since_ms < until_ms:
            yield msgspec.structs.replace(plan, since_ms=since_ms, until_ms=until_ms)


def _count(conn: sqlite3.Connection, plan: Plan, part: Stretch) -> int:
    where = _where(plan, part)
    count: int = conn.execute(
        f"SELECT count(*) FROM requests WHERE {where.sql}",  # noqa: S608 (values are bound)
        where.values,
    ).fetchone()[0]
    return count


def _where(plan: Plan, part: Stretch) -> Predicate:
    """What a row of a stretch must be."""
    window = Predicate("at_ms >= ? AND at_ms < ?", (plan.since_ms, plan.until_ms))
    bounds = Predicate("request_id >= ? AND request_id < ?", (part.low, part.high))
    # An index leads there: a range of ids beside it would have SQLite take the ids instead.
    if plan.pointed:
        bounds = Predicate("+request_id >= ? AND +request_id < ?", bounds.values)
    return plan.rows & bounds & window & plan.kinds


def _stretch(plan: Plan, *, below: str = "") -> Stretch:
    """The ids that a row of the plan's window can have."""
    if plan.pointed:
        return Stretch("", below or _TOP)
    low, high = _id(plan.since_ms - _EARLY_MS), _id(plan.until_ms + _LATE_MS)
    return Stretch(low, min(high, below or _TOP))


def _stretches(conn: sqlite3.Connection, plan: Plan, whole: Stretch) -> Iterator[Stretch]:
    """The stretches that have rows of the plan's kinds, newest first."""
    if plan.pointed or not plan.kinds.sql:
        yield whole
        return
    hours = conn.execute(
        "SELECT DISTINCT hour FROM log_hours WHERE hour >= ? AND hour <= ? "  # noqa: S608 (values are bound)
        f"AND kind IN (SELECT kind FROM log_kinds WHERE {plan.kinds.sql}) ORDER BY hour DESC",
        (plan.since_ms // HOUR_MS, plan.until_ms // HOUR_MS, *plan.kinds.values),
    )
    high = whole.high
    for (hour,) in hours:
        low = max(whole.low, _id(hour * HOUR_MS - _EARLY_MS))
        if low < (top := min(high, _id((hour + 1) * HOUR_MS + _LATE_MS))):
            yield Stretch(low, top)
            high = low


def _floor(conn: sqlite3.Connection, plan: Plan, whole: Stretch) -> str:
    """The id down to which rows are looked at one by one; empty where that is all of them."""
    if plan.pointed:
        return ""
    row = conn.execute(
        "SELECT request_id FROM requests WHERE request_id >= ? AND request_id < ? "
        "ORDER BY request_id DESC LIMIT 1 OFFSET ?",
        (whole.low, whole.high, plan.rows_at_once),
    ).fetchone()
    return row[0] if row else ""


def _id(at_ms: int) -> str:
    """An id before all that are made from this time on, and after all from before it."""
    if at_ms <= 0:
        return ""
    if at_ms >= 16**_DIGITS:
        return _TOP
    return f"req_{at_ms:0{_DIGITS}x}"
