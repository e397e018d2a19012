"""Orchestrations that are forgotten with the process, for tests of what stands on them."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from tokenhub.core.orchestration import Orchestration
from tokenhub.ports.orchestrations import OrchestrationQuery


class MemoryOrchestrations:
    """An OrchestrationStore without a journal beside it: what was lost keeps its last cost."""

    def __init__(self) -> None:
        self._rows: dict[str, Orchestration] = {}

    def record(self, row: Orchestration) -> "asyncio.Future[None]":
        self._rows[row.id] = row
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def recover(self) -> int:
        lost = [row for row in self._rows.values() if row.status == "running"]
        for row in lost:
            self._rows[row.id] = replace(row, status="lost")
        return len(lost)

    async def page(self, query: OrchestrationQuery) -> Sequence[Orchestration]:
        return list(islice(self._found(query), query.offset, query.offset + query.limit))

    async def count(self, query: OrchestrationQuery) -> int:
        return sum(1 for _ in self._found(query))

    def _found(self, query: OrchestrationQuery) -> Iterator[Orchestration]:
        for row in sorted(self._rows.values(), key=lambda row: row.id, reverse=True):
            if query.before and row.id >= query.before:
                continue
            wanted = ((query.id, row.id), (query.mode, row.mode), (query.status, row.status))
            if all(not asked or asked == found for asked, found in wanted):
                yield row
