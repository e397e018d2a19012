"""Past requests with their decisions, out of both files."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tokenhub.adapters.sqlite.database import Database
from tokenhub.core.ids import request_id
from tokenhub.ports.traffic import Past

_MICRO = 1_000_000
# So many at a read: each is of one moment, and the log of writes grows while it lasts.
CHUNK = 1000
_END = "req_g"

_ENDED = """
SELECT request_id, status, latency_us, cost_nusd FROM requests
WHERE request_id >= ? AND request_id < ? ORDER BY request_id DESC LIMIT ?
"""
_DECIDED = """
SELECT request_id, CAST(record AS BLOB) FROM decisions WHERE request_id >= ? AND request_id <= ?
"""
_JUDGED = """
SELECT request_id, sum(score * weight) / sum(weight) FROM feedback
WHERE request_id >= ? AND request_id <= ? GROUP BY request_id HAVING sum(weight) > 0
"""


class SqliteTraffic:
    """`ledger` holds the requests and what they were judged to be worth, `telemetry` the rest.

    `unwritten` are the decision records that are not in the file yet, by their requests.
    """

    def __init__(
        self, ledger: Database, telemetry: Database, unwritten: Callable[[], Mapping[str, bytes]]
    ) -> None:
        self._ledger = ledger
        self._telemetry = telemetry
        self._unwritten = unwritten

    async def between(self, since: float, until: float, *, limit: int) -> Sequence[Past]:
        found: list[Past] = []
        unwritten: dict[str, object] = dict(self._unwritten())
        first, before = request_id(max(0.0, since), 0), min(request_id(until, 0), _END)
        while len(found) < limit:
            ended = await self._ledger.read(partial(_ended, first=first, before=before))
            if not ended:
                break
            before, last = ended[-1][0], ended[0][0]
            named = partial(_by_id, first=before, last=last)
            decided = await self._telemetry.read(partial(named, select=_DECIDED))
            judged = await self._ledger.read(partial(named, select=_JUDGED))
            found += _joined(ended, unwritten | decided, judged)
        return found[:limit]


def _ended(conn: sqlite3.Connection, *, first: str, before: str) -> list[tuple[str, int, int, int]]:
    return conn.execute(_ENDED, (first, before, CHUNK)).fetchall()


def _by_id(conn: sqlite3.Connection, *, first: str, last: str, select: str) -> dict[str, object]:
    return dict(conn.execute(select, (first, last)).fetchall())


def _joined(
    ended: Sequence[tuple[str, int, int, int]],
    decided: Mapping[str, object],
    judged: Mapping[str, object],
) -> list[Past]:
    return [
        Past(
            request_id=name,
            status=status,
            latency_s=latency_us / _MICRO,
            cost_nusd=cost_nusd,
            decision=record,
            quality=quality if isinstance(quality := judged.get(name), float) else None,
        )
        for name, status, latency_us, cost_nusd in ended
        if isinstance(record := decided.get(name), bytes)
    ]
