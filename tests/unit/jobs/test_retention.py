"""The job that prunes: when, how much at a time, and what becomes of a failing disk."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.clock import FakeClock
from tokenhub.core.errors import Unavailable
from tokenhub.jobs.retention import EVERY_S, FIRST_S, PAUSE_S, Pruner
from tokenhub.ports.retention import CHUNK

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0


class Kept:
    """Rows by kind; `calls` are kind, time and `before` of each deletion, as ages in days."""

    def __init__(self, clock, **rows):
        self.clock = clock
        self.rows = {"decisions": 0, "requests": 0, "orchestrations": 0} | rows
        self.calls = []
        self.fault = ""

    async def decisions(self, before):
        return self.delete("decisions", before)

    async def requests(self, before):
        return self.delete("requests", before)

    async def orchestrations(self, before):
        return self.delete("orchestrations", before)

    async def catalogs(self):
        self.calls.append(("catalogs", 0))
        return 1

    def delete(self, kind, before):
        if self.fault:
            raise Unavailable(self.fault)
        self.calls.append((kind, round((self.clock.now() - before) / DAY_S, 2)))
        deleted = min(CHUNK, self.rows[kind])
        self.rows[kind] -= deleted
        return deleted


@asynccontextmanager
async def pruning(kept, *, decisions_s=30 * DAY_S, requests_s=400 * DAY_S):
    pruner = Pruner(kept, clock=kept.clock, decisions_s=decisions_s, requests_s=requests_s)
    async with asyncio.TaskGroup() as group:
        job = group.create_task(pruner.run())
        yield
        job.cancel()


async def test_the_first_round_is_soon_and_the_next_hours_later():
    kept = Kept(FakeClock())

    async with pruning(kept):
        await kept.clock.advance(FIRST_S - 1)
        before = len(kept.calls)
        await kept.clock.advance(1)
        first = [*kept.calls]
        await kept.clock.advance(EVERY_S)
        second = kept.calls[len(first) :]

    assert 0 == before
    assert [("decisions", 30.0), ("requests", 400.0), ("orchestrations", 400.0)] == first == second


async def test_chunk_after_chunk_with_a_pause_between_them():
    kept = Kept(FakeClock(), requests=2 * CHUNK + 1)

    async with pruning(kept):
        await kept.clock.advance(FIRST_S)
        at_once = kept.rows["requests"]
        await kept.clock.advance(PAUSE_S)
        later = kept.rows["requests"]
        await kept.clock.advance(PAUSE_S)

    assert [CHUNK + 1, 1, 0] == [at_once, later, kept.rows["requests"]]


async def test_catalogs_go_after_the_records_that_named_them(caplog):
    caplog.set_level("INFO")
    kept = Kept(FakeClock(), decisions=3)

    async with pruning(kept):
        await kept.clock.advance(FIRST_S)

    assert ["decisions", "catalogs"] == [kind for kind, _ in kept.calls[:2]]
    assert ("retention_pruned", 3, 1, 0) == (
        caplog.records[0].message,
        caplog.records[0].decisions,
        caplog.records[0].catalogs,
        caplog.records[0].requests,
    )


async def test_what_is_kept_for_ever_is_not_touched():
    kept = Kept(FakeClock(), decisions=3, requests=3)

    async with pruning(kept, decisions_s=None, requests_s=None):
        await kept.clock.advance(FIRST_S + EVERY_S)

    assert [] == kept.calls


async def test_a_disk_that_fails_costs_a_line_of_the_log_and_the_next_round_goes_on(caplog):
    kept = Kept(FakeClock(), requests=3)
    kept.fault = "the disk is full"

    async with pruning(kept):
        await kept.clock.advance(FIRST_S)
        kept.fault = ""
        await kept.clock.advance(EVERY_S)

    assert ["retention_failed"] == [record.message for record in caplog.records]
    assert 0 == kept.rows["requests"]
