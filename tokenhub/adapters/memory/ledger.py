"""The ledger in memory: the tests' twin of the one in SQLite. It sums the journal's outcomes."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.ledger import Audited, Intent, Recovered, Total, TotalsQuery

DAY_S = 86_400
_SUMMED = (
    "attempts", "settled", "voided", "unknown", "unpriced", "input_tokens", "output_tokens",
    "cost_nusd", "unknown_nusd",
)  # fmt: skip


class MemoryLedger:
    """A LedgerStore that forgets. Nothing outlives it, so that there is nothing to recover."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.intents: list[Intent] = []

    def write(self, intent: Intent) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.intents.append(intent)
        done.set_result(None)
        return done

    def note(self, intent: Intent) -> None:
        self.intents.append(intent)

    async def recover(self) -> Recovered:
        return Recovered()

    async def spent(self, *, since_day: int) -> Sequence[tuple[int, str, int]]:
        found = self._summed(TotalsQuery(by=("day", "key"), since_day=since_day))
        return [(row.day or 0, row.key_id, row.cost_nusd) for row in found]

    async def totals(self, query: TotalsQuery) -> Sequence[Total]:
        rows = sorted(
            self._summed(query),
            key=lambda row: (
                -(row.day or 0),
                -row.cost_nusd,
                *(getattr(row, f"{name}_id") for name in query.by if name != "day"),
            ),
        )
        return rows[query.offset : query.offset + query.limit]

    async def groups(self, query: TotalsQuery) -> tuple[int, Total]:
        rows = self._summed(query)
        sums = {name: sum(getattr(row, name) for row in rows) for name in _SUMMED}
        return len(rows), Total(**sums)

    async def audit(self) -> Audited:
        outcomes = list(self._journal.outcomes())
        costs = [outcome.cost_nusd for outcome in outcomes]
        rows = sum(attempt.cost_nusd or 0 for o in outcomes for attempt in o.attempts)
        priced = sum(cost for cost in costs if cost is not None)
        return Audited(
            requests=len(outcomes),
            attempts=sum(len(outcome.attempts) for outcome in outcomes),
            requests_nusd=priced,
            attempts_nusd=priced,
            rows_nusd=rows,
            totals_nusd=rows,
            pruned_nusd=0,
            wrong=0,
            strays=0,
            off=0,
            open={},
        )

    def _summed(self, query: TotalsQuery) -> list[Total]:
        groups: dict[tuple[object, ...], list[dict[str, int]]] = {}
        for outcome in self._journal.outcomes():
            for attempt in outcome.attempts:
                named = _named(outcome, attempt)
                if _is_asked_for(named, query):
                    group = tuple(named[name] for name in query.by)
                    groups.setdefault(group, []).append(_counted(attempt))
        return [_total(query.by, group, rows) for group, rows in groups.items()]


def _total(by: tuple[str, ...], group: tuple[Any, ...], rows: list[dict[str, int]]) -> Total:
    fields: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMMED}
    for kind, name in zip(by, group, strict=True):
        fields["day" if kind == "day" else f"{kind}_id"] = name
    return Total(**fields)


def _named(outcome: Outcome, attempt: Attempt) -> dict[str, Any]:
    """What an attempt may be grouped by."""
    return {
        "day": int(outcome.at // DAY_S),
        "key": outcome.key_id,
        "provider": attempt.provider_id,
        "model": attempt.model_id,
    }


def _is_asked_for(named: dict[str, Any], query: TotalsQuery) -> bool:
    wanted = {"key": query.key_id, "provider": query.provider_id, "model": query.model_id}
    if named["day"] < query.since_day or (query.until_day and named["day"] >= query.until_day):
        return False
    return all(not name or named[kind] == name for kind, name in wanted.items())


def _counted(attempt: Attempt) -> dict[str, int]:
    cost = attempt.cost_nusd or 0
    return {
        "attempts": 1,
        "settled": attempt.state == "settled",
        "voided": attempt.state == "voided",
        "unknown": attempt.state == "unknown",
        "unpriced": attempt.cost_nusd is None,
        "input_tokens": attempt.input_tokens,
        "output_tokens": attempt.output_tokens,
        "cost_nusd": cost,
        "unknown_nusd": cost if attempt.state == "unknown" else 0,
    }
