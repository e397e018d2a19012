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
from tokenhub.filters import LEAST, MOST, Filter
from tokenhub.ports.logs import FACETS, Bar, Facets, Found, Histogram, LogSearch, Span, Total

HOUR_MS = 3_600_000
# An id has the time at which it was made. That is the time of its row, but for a step of a plan,
# which is made later, and while a clock that was set back catches up.
_EARLY_MS, _LATE_MS = 1_000, 600_000
# A page of a filter that many rows fit is found among so few that counting to more is a waste.
_FIRST_LOOK = 5_000
# To group a row by all dimensions takes ten times what it takes to look at it.
_GROUPED = 50_000
_TOP = "\U0010ffff"
_DIGITS = 12
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
    if plan.of_kinds:
        return _page(conn, plan, search, whole, floor="")
    if plan.rows_at_once > _FIRST_LOOK and (near := _floor(conn, plan, whole, rows=_FIRST_LOOK)):
        found = _page(conn, plan, search, whole, floor=near)
        if found.next != near:
            return found
    return _page(conn, plan, search, whole, floor=_floor(conn, plan, whole))


def _page(
    conn: sqlite3.Connection, plan: Plan, search: LogSearch, whole: Stretch, *, floor: str
) -> Found:
    """The page, of rows down to the floor."""
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
) -> list[Any]:
    where = _where(plan, Stretch(max(part.low, floor), part.high))
    return conn.execute(
        f"SELECT {','.join(REQUESTS.columns)} FROM requests WHERE {where.sql} "  # noqa: S608 (values are bound)
        "ORDER BY request_id DESC LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    ).fetchall()


def _total(conn: sqlite3.Connection, *, plan: Plan) -> Total:
    if plan.of_kinds:
        ((whole_hours,),) = _hours(conn, plan, "coalesce(sum(requests), 0)")
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
    rows = _by_hour(conn, plan) if hourly else _by_step(conn, plan, floor, step_ms=step_ms)
    bars = [Counter[str]() for _ in range((until_ms - since_ms) // step_ms)]
    for at_ms, *counts in rows:
        bar = bars[(at_ms - since_ms) // step_ms]
        bar.update(dict(zip(("ok", "client_errors", "server_errors"), counts, strict=True)))
    return Histogram(
        bars=[
            Bar(at=(since_ms + number * step_ms) / MILLI, **counts)
            for number, counts in enumerate(bars)
        ],
        step_s=step_ms / MILLI,
        exact=not floor,
    )


def _by_hour(conn: sqlite3.Connection, plan: Plan) -> list[Sequence[Any]]:
    """When each hour began, and how many there were of each class of status."""
    client, server = (
        f"sum(iif(kind IN (SELECT kind FROM log_kinds WHERE {status}), requests, 0))"  # noqa: S608 (constants)
        for status in ("status BETWEEN 400 AND 499", "status >= 500")
    )
    rows = _hours(conn, plan, f"hour, sum(requests), {client}, {server}", "GROUP BY hour")
    return [
        (hour * HOUR_MS, total - client - server, client, server)
        for hour, total, client, server in rows
    ]


def _by_step(
    conn: sqlite3.Connection, plan: Plan, floor: str, *, step_ms: int
) -> Iterator[Sequence[Any]]:
    """The same of each step, by looking at rows.

    Long steps one by one, each by its ids, since SQLite sorts what it groups; for short ones the
    ids that may come late would be looked at too often.
    """
    long = step_ms >= 2 * _LATE_MS
    each_ms = step_ms if long else plan.until_ms - plan.since_ms
    for since_ms in range(plan.since_ms, plan.until_ms, each_ms):
        part = msgspec.structs.replace(plan, since_ms=since_ms, until_ms=since_ms + each_ms)
        ids = _stretch(part)
        where = _where(part, Stretch(max(ids.low, floor), ids.high))
        group = "" if long else "GROUP BY 1"
        rows = conn.execute(
            "SELECT ? + (at_ms - ?) / ? * ?, sum(status < 400), "  # noqa: S608 (values are bound)
            "sum(status BETWEEN 400 AND 499), sum(status >= 500) FROM requests "
            f"WHERE {where.sql} {group}",
            (since_ms, since_ms, step_ms, step_ms, *where.values),
        )
        # Sums over no rows are NULL.
        yield from (row for row in rows if row[1] is not None)


def _facets(conn: sqlite3.Connection, *, plan: Plan) -> Facets:
    floor = ""
    found: list[Sequence[Any]] = []
    if plan.of_kinds:
        counted = _hours(conn, plan, "kind, sum(requests)", "GROUP BY kind")
        kinds: dict[int, int] = dict(counted)
        found += [
            (*values, kinds[kind])
            for kind, *values in conn.execute(
                f"SELECT kind, {', '.join(_DIMENSIONS)} FROM log_kinds"  # noqa: S608 (constants)
            )
            if kind in kinds
        ]
        for edge in _edges(plan):
            found += _grouped(conn, edge, _stretch(edge))
    else:
        whole = _stretch(plan)
        floor = _floor(conn, plan, whole, rows=min(_GROUPED, plan.rows_at_once))
        found += _grouped(conn, plan, Stretch(max(whole.low, floor), whole.high))
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


def _hours(conn: sqlite3.Connection, plan: Plan, select: str, group: str = "") -> list[Any]:
    """A sum over the whole hours of a plan that asks for kinds only."""
    first, last = -(-plan.since_ms // HOUR_MS), plan.until_ms // HOUR_MS
    kinds = _of_kinds(plan)
    return conn.execute(
        f"SELECT {select} FROM log_hours WHERE hour >= ? AND hour < ? {kinds} {group}",  # noqa: S608 (values are bound)
        (first, last, *plan.kinds.values),
    ).fetchall()


def _of_kinds(plan: Plan) -> str:
    """What a row of log_hours must be. The kinds are looked at once, not in each hour."""
    if not plan.kinds.sql:
        return ""
    return f"AND kind IN (SELECT kind FROM log_kinds WHERE {plan.kinds.sql})"  # noqa: S608 (values are bound)


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
    where = plan.kinds & plan.rows
    if plan.since_ms > LEAST:
        where &= Predicate("at_ms >= ?", (plan.since_ms,))
    if plan.until_ms <= MOST:
        where &= Predicate("at_ms < ?", (plan.until_ms,))
    # An index leads there: a range of ids beside it would have SQLite take the ids instead.
    column = "+request_id" if plan.pointed else "request_id"
    return where & Predicate(f"{column} >= ? AND {column} < ?", (part.low, part.high))


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
        f"{_of_kinds(plan)} ORDER BY hour DESC",
        (plan.since_ms // HOUR_MS, plan.until_ms // HOUR_MS, *plan.kinds.values),
    )
    high = whole.high
    for (hour,) in hours:
        low = max(whole.low, _id(hour * HOUR_MS - _EARLY_MS))
        if low < (top := min(high, _id((hour + 1) * HOUR_MS + _LATE_MS))):
            yield Stretch(low, top)
            high = low


def _floor(conn: sqlite3.Connection, plan: Plan, whole: Stretch, *, rows: int = 0) -> str:
    """The id down to which rows are looked at one by one; empty where that is all of them.

    That many `rows`, as many as may be looked at where it is not said.
    """
    if plan.pointed:
        return ""
    row = conn.execute(
        "SELECT request_id FROM requests WHERE request_id >= ? AND request_id < ? "
        "ORDER BY request_id DESC LIMIT 1 OFFSET ?",
        (whole.low, whole.high, rows or plan.rows_at_once),
    ).fetchone()
    return row[0] if row else ""


def _id(at_ms: int) -> str:
    """An id before all that are made from this time on, and after all from before it."""
    if at_ms <= 0:
        return ""
    if at_ms >= 16**_DIGITS:
        return _TOP
    return f"req_{at_ms:0{_DIGITS}x}"
