"""Calls written ahead, and the totals of what calls cost.

Three tables in the file of the journal; triggers keep them in step, so that no path of the code can
forget to:

    a call begins        -> a row of `intents`
    its request ends     -> rows of `requests` and `attempts`, in one transaction
                              requests: its intents are deleted
                              attempts: each is added to `ledger_totals`
    retention removes an attempt -> its cost moves to the pruned part of `ledger_totals`

A call of a key with a budget waits for its intent's commit. Those of others are gathered, and what
has not ended a few milliseconds later is written in one job: most calls of a busy server with quick
providers never need theirs.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI, Inserts, Table, where
from tokenhub.ports.ledger import Audited, Intent, Recovered, Total, TotalsQuery

# What a crash may make us forget of keys without a budget: calls younger than this and a commit.
GATHER_S = 0.01
# The class, in the log, of a request that the process did not live to end.
INTERRUPTED = "interrupted"
_INTERNAL_ERROR = 500

INTENTS = Table(
    "intents",
    (
        "request_id", "leg", "at_ms", "key_id", "dialect", "requested_model", "mode", "stream",
        "parent_id", "provider_id", "model_id", "input_tokens", "output_tokens", "reserved_nusd",
    ),
)  # fmt: skip
_SUMS = (
    "attempts", "settled", "voided", "unknown", "unpriced", "input_tokens", "output_tokens",
    "cost_nusd", "unknown_nusd",
)  # fmt: skip
_COLUMNS = {"day": "day", "key": "key_id", "provider": "provider_id", "model": "model_id"}


class SqliteLedger:
    """A LedgerStore. The journal tells it of each request's end by `ended`."""

    def __init__(self, database: Database, *, gather_s: float = GATHER_S) -> None:
        self._database = database
        self._gather_s = gather_s
        self._inserts = Inserts(INTENTS)
        self._open: set[str] = set()
        self._noted: dict[str, list[Intent]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def write(self, intent: Intent) -> "asyncio.Future[None]":
        self._open.add(intent.request_id)
        return self._database.post(partial(_insert, inserts=self._inserts, intents=(intent,)))

    def note(self, intent: Intent) -> None:
        self._open.add(intent.request_id)
        self._noted.setdefault(intent.request_id, []).append(intent)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._gather_s, self._flush)

    def ended(self, request_id: str) -> None:
        """The request's outcome is queued next: what is not written of it need not be."""
        self._open.discard(request_id)
        if self._noted:
            self._noted.pop(request_id, None)

    async def recover(self) -> Recovered:
        return await self._database.write(_recover)

    async def spent(self, *, since_day: int) -> Sequence[tuple[int, str, int]]:
        return await self._database.read(partial(_spent, since_day=since_day))

    async def totals(self, query: TotalsQuery) -> Sequence[Total]:
        return await self._database.read(partial(_totals, query=query))

    async def groups(self, query: TotalsQuery) -> tuple[int, Total]:
        return await self._database.read(partial(_groups, query=query))

    async def audit(self) -> Audited:
        before = set(self._open)
        found = await self._database.read(_audit)
        live = before | self._open
        found_open = {name: at for name, at in found.open.items() if name not in live}
        return Audited(
            **{name: getattr(found, name) for name in Audited.__struct_fields__ if name != "open"},
            open=found_open,
        )

    def _flush(self) -> None:
        self._timer = None
        if not self._noted:
            return
        intents = [intent for noted in self._noted.values() for intent in noted]
        self._noted = {}
        written = self._database.post(partial(_insert, inserts=self._inserts, intents=intents))
        written.add_done_callback(_heard)


def _heard(written: "asyncio.Future[None]") -> None:
    """Nobody waits for it. What cannot be written, the journal's fault tells of."""
    if not written.cancelled():
        written.exception()


def _insert(conn: sqlite3.Connection, *, inserts: Inserts, intents: Sequence[Intent]) -> None:
    inserts.run(conn, [value for intent in intents for value in _row(intent)])


def _row(intent: Intent) -> tuple[object, ...]:
    return (
        intent.request_id,
        intent.leg,
        round(intent.at * MILLI),
        intent.key_id,
        intent.dialect,
        intent.requested_model,
        intent.mode,
        intent.stream,
        intent.parent_id,
        intent.provider_id,
        intent.model_id,
        intent.input_tokens,
        intent.output_tokens,
        intent.reserved_nusd,
    )


# --- recovery


def _recover(conn: sqlite3.Connection) -> Recovered:
    rows = conn.execute(
        f"SELECT {','.join(INTENTS.columns)} FROM intents ORDER BY request_id, leg"  # noqa: S608 (constants)
    ).fetchall()
    requests, cost = 0, 0
    for request_id, found in groupby(rows, key=lambda row: row[0]):
        legs = [dict(zip(INTENTS.columns, row, strict=True)) for row in found]
        known = conn.execute("SELECT 1 FROM requests WHERE request_id = ?", (request_id,))
        if known.fetchone() is None:
            cost += _charge(conn, legs)
            requests += 1
    # The triggers have taken away those of the requests that were written.
    conn.execute("DELETE FROM intents")
    return Recovered(requests=requests, attempts=len(rows), cost_nusd=cost)


def _charge(conn: sqlite3.Connection, legs: Sequence[dict[str, object]]) -> int:
    """Write the request and its attempts as they would be, had they ended; returns their cost."""
    amounts = [leg["reserved_nusd"] for leg in legs]
    known = [amount for amount in amounts if isinstance(amount, int)]
    last = legs[-1] | {
        "cost": sum(known) if len(known) == len(amounts) else None,
        "status": _INTERNAL_ERROR,
        "why": INTERRUPTED,
    }
    conn.execute(
        """
        INSERT INTO requests (request_id, at_ms, key_id, dialect, requested_model, mode, reason,
            model_id, provider_id, status, error_class, stream, latency_us, upstream_us, cost_nusd,
            parent_id)
        VALUES (:request_id, :at_ms, :key_id, :dialect, :requested_model, :mode, '', :model_id,
            :provider_id, :status, :why, :stream, 0, 0, :cost, :parent_id)
        """,
        last,
    )
    for number, leg in enumerate(legs, 1):
        conn.execute(
            """
            INSERT INTO attempts (request_id, number, at_ms, key_id, provider_id, model_id, state,
                kind, status, latency_us, input_tokens, output_tokens, cost_nusd, estimated)
            VALUES (:request_id, :number, :at_ms, :key_id, :provider_id, :model_id, 'unknown',
                :why, 0, 0, :input_tokens, :output_tokens, :reserved_nusd, 1)
            """,
            leg | {"number": number, "why": INTERRUPTED},
        )
    return sum(known)


# --- sums


def _spent(conn: sqlite3.Connection, *, since_day: int) -> list[tuple[int, str, int]]:
    return conn.execute(
        "SELECT day, key_id, sum(cost_nusd) FROM ledger_totals WHERE day >= ? GROUP BY day, key_id",
        (since_day,),
    ).fetchall()


def _totals(conn: sqlite3.Connection, *, query: TotalsQuery) -> list[Total]:
    groups = [_COLUMNS[name] for name in query.by]
    clause, values = _where(query)
    sums = ", ".join(f"sum({name})" for name in _SUMS)
    order = ["day DESC"] if "day" in groups else []
    order += ["sum(cost_nusd) DESC", *(name for name in groups if name != "day")]
    names = ", ".join(groups)
    rows = conn.execute(
        f"SELECT {names}, {sums} FROM ledger_totals {clause} GROUP BY {names} "  # noqa: S608 (values are bound)
        f"ORDER BY {', '.join(order)} LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return [Total(**dict(zip((*groups, *_SUMS), row, strict=True))) for row in rows]


def _groups(conn: sqlite3.Connection, *, query: TotalsQuery) -> tuple[int, Total]:
    names = ", ".join(_COLUMNS[name] for name in query.by)
    clause, values = _where(query)
    count = conn.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM ledger_totals {clause} GROUP BY {names})",  # noqa: S608 (values are bound)
        values,
    ).fetchone()[0]
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _SUMS)
    row = conn.execute(f"SELECT {sums} FROM ledger_totals {clause}", values).fetchone()  # noqa: S608 (values are bound)
    return count, Total(**dict(zip(_SUMS, row, strict=True)))


def _where(query: TotalsQuery) -> tuple[str, list[object]]:
    return where(
        {
            "key_id = ?": query.key_id,
            "provider_id = ?": query.provider_id,
            "model_id = ?": query.model_id,
            "day >= ?": query.since_day,
            "day < ?": query.until_day,
        }
    )


# --- the books against themselves


def _audit(conn: sqlite3.Connection) -> Audited:
    """All of one moment. NULL, an unknown price, makes the sum of a request NULL as well."""
    requests, logged, summed, wrong = conn.execute(
        """
        SELECT count(*), coalesce(sum(cost_nusd), 0),
            coalesce(sum(CASE WHEN priced THEN rows_nusd END), 0),
            coalesce(sum(cost_nusd IS NOT CASE WHEN priced THEN rows_nusd END), 0)
        FROM (
            SELECT r.cost_nusd AS cost_nusd, coalesce(sum(a.cost_nusd), 0) AS rows_nusd,
                count(a.cost_nusd) = count(a.request_id) AS priced
            FROM requests r LEFT JOIN attempts a USING (request_id) GROUP BY r.request_id
        )
        """
    ).fetchone()
    attempts, rows_nusd = conn.execute(
        "SELECT count(*), coalesce(sum(cost_nusd), 0) FROM attempts"
    ).fetchone()
    strays = conn.execute(
        "SELECT count(*) FROM attempts a WHERE NOT EXISTS "
        "(SELECT 1 FROM requests r WHERE r.request_id = a.request_id)"
    ).fetchone()[0]
    totals_nusd, pruned_nusd = conn.execute(
        "SELECT coalesce(sum(cost_nusd), 0), coalesce(sum(pruned_nusd), 0) FROM ledger_totals"
    ).fetchone()
    open_rows = conn.execute("SELECT request_id, min(at_ms) FROM intents GROUP BY request_id")
    return Audited(
        requests=requests,
        attempts=attempts,
        requests_nusd=logged,
        attempts_nusd=summed,
        rows_nusd=rows_nusd,
        totals_nusd=totals_nusd,
        pruned_nusd=pruned_nusd,
        wrong=wrong,
        strays=strays,
        off=_off(conn),
        open={request_id: at_ms / MILLI for request_id, at_ms in open_rows},
    )


def _off(conn: sqlite3.Connection) -> int:
    """How many totals are not the sum of their rows, or are missing."""
    rows = conn.execute(
        """
        SELECT 1 FROM (
            SELECT day, key_id, provider_id, model_id, attempts - pruned_attempts AS number,
                cost_nusd - pruned_nusd AS nusd
            FROM ledger_totals
            UNION ALL
            SELECT at_ms / 86400000, key_id, provider_id, model_id, -1, -coalesce(cost_nusd, 0)
            FROM attempts
        )
        GROUP BY day, key_id, provider_id, model_id HAVING sum(number) <> 0 OR sum(nusd) <> 0
        """
    )
    return len(rows.fetchall())
