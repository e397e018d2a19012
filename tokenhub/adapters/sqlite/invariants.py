"""What must be true of the rows of a file, whatever happened to it. A list to add to."""

import sqlite3
from collections.abc import Sequence

import msgspec


class Invariant(msgspec.Struct, frozen=True, kw_only=True):
    """`broken` is a query for the ids of rows it does not hold for.

    `since` is the step of the schema from which on its tables are there; an older file, such as a
    backup from before an upgrade, is not asked.
    """

    name: str
    broken: str
    since: str


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """An invariant that does not hold, and a few of the rows that show it."""

    name: str
    examples: tuple[str, ...]


EXAMPLES = 3
_FIRST = "0001 catalog, keys, audit, journal"

_LEDGER = (
    Invariant(
        name="a request costs what its attempts cost",
        since=_FIRST,
        # A price that is unknown makes the sum unknown, and no attempt costs nothing.
        broken="""
            SELECT r.request_id FROM requests r
            LEFT JOIN attempts a ON a.request_id = r.request_id
            GROUP BY r.request_id
            HAVING r.cost_nusd IS NOT CASE
                WHEN count(a.number) = count(a.cost_nusd) THEN coalesce(sum(a.cost_nusd), 0)
            END
        """,
    ),
    Invariant(
        name="no attempt costs less than nothing",
        since=_FIRST,
        broken="SELECT request_id FROM attempts WHERE cost_nusd < 0",
    ),
    Invariant(
        name="the totals of a day are those of its attempts, and of those that were pruned",
        since="0010 ledger",
        broken="""
            SELECT t.day || ' ' || t.key_id || ' ' || t.provider_id || '/' || t.model_id
            FROM ledger_totals t LEFT JOIN (
                SELECT at_ms / 86400000 AS day, key_id, provider_id, model_id,
                    count(*) AS attempts, coalesce(sum(cost_nusd), 0) AS cost_nusd
                FROM attempts GROUP BY 1, 2, 3, 4
            ) a USING (day, key_id, provider_id, model_id)
            WHERE t.attempts - t.pruned_attempts IS NOT coalesce(a.attempts, 0)
                OR t.cost_nusd - t.pruned_nusd IS NOT coalesce(a.cost_nusd, 0)
        """,
    ),
    Invariant(
        name="the log is counted by the hour as its rows are",
        since="0018 log indexes",
        broken="""
            SELECT hour || ' ' || coalesce(kind, 'none') FROM (
                SELECT hour, kind, requests FROM log_hours
                UNION ALL
                SELECT at_ms / 3600000, kind, -count(*) FROM requests LEFT JOIN log_kinds
                    USING (key_id, model_id, provider_id, mode, status, error_class)
                GROUP BY 1, 2
            ) GROUP BY hour, kind HAVING sum(requests) <> 0 OR kind IS NULL
        """,
    ),
    Invariant(
        name="a model has its provider",
        since=_FIRST,
        broken="""
            SELECT provider_id || '/' || id FROM models
            WHERE provider_id NOT IN (SELECT id FROM providers)
        """,
    ),
)
# By the name of a schema.
_OF: dict[str, tuple[Invariant, ...]] = {"tokenhub": _LEDGER}


def broken(conn: sqlite3.Connection, schema: str, applied: Sequence[str]) -> list[Broken]:
    """The invariants of a kind of file that do not hold. Reads whole tables."""
    found = []
    for invariant in _OF.get(schema, ()):
        if invariant.since not in applied:
            continue
        rows = conn.execute(invariant.broken).fetchmany(EXAMPLES)
        if rows:
            found.append(Broken(name=invariant.name, examples=tuple(str(name) for (name,) in rows)))
    return found
