"""The audit trail in memory."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

from tokenhub.core.errors import Unavailable
from tokenhub.ports.audit import AuditQuery, AuditRow, Verdict
from tokenhub.ports.stores import Audit


class MemoryAudit:
    """An AuditTrail that forgets. It takes nothing while `fault` is set."""

    def __init__(self) -> None:
        self.entries: list[Audit] = []
        self.fault = ""

    def record(self, audit: Audit) -> asyncio.Future[int]:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.fault:
            done.set_exception(Unavailable(self.fault, code="ledger_unavailable"))
        else:
            self.entries.append(audit)
            done.set_result(len(self.entries))
        return done

    async def page(self, query: AuditQuery) -> Sequence[AuditRow]:
        return list(islice(self._found(query), query.offset, query.offset + query.limit))

    async def count(self, query: AuditQuery) -> int:
        return sum(1 for _ in self._found(query))

    async def verify(self) -> Verdict:
        last = len(self.entries)
        return Verdict(rows=last, last_id=last, last_hash=_hash(last), broken=None)

    async def hash_of(self, row_id: int) -> str | None:
        return _hash(row_id) if 0 < row_id <= len(self.entries) else None

    def _found(self, query: AuditQuery) -> Iterator[AuditRow]:
        for row_id in range(len(self.entries), 0, -1):
            entry = self.entries[row_id - 1]
            if (not query.before or row_id < int(query.before)) and _matches(entry, query):
                yield AuditRow(id=row_id, hash=_hash(row_id), entry=entry)


def _hash(row_id: int) -> str:
    """As long as a real one; there is nothing here that nobody could have changed."""
    return hashlib.sha256(b"%d" % row_id).hexdigest()


def _matches(entry: Audit, query: AuditQuery) -> bool:
    return (
        _fits(query.action, entry.action)
        and _fits(query.resource, entry.resource)
        and query.actor in {"", entry.actor}
        and query.address in {"", entry.address}
        and query.outcome in {"", entry.outcome}
        and query.request_id in {"", entry.request_id}
        and (query.since is None or query.since <= entry.at)
        and (query.until is None or entry.at < query.until)
    )


def _fits(wanted: str, found: str) -> bool:
    if wanted.endswith("*"):
        return found.startswith(wanted[:-1])
    return wanted in {"", found}
