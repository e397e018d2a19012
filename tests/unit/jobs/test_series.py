"""The job that prunes charts: soon, then hourly, and past a failing disk."""

import asyncio

import pytest

from tests.support.clock import FakeClock
from tests.support.requests import ended
from tokenhub.adapters.memory.series import MemorySeries
from tokenhub.admin.charts import Charts
from tokenhub.core.errors import Unavailable
from tokenhub.core.levels import DAY_S
from tokenhub.jobs.series import EVERY_S, FIRST_S, SeriesPruner

pytestmark = pytest.mark.anyio


class Failing(MemorySeries):
    """A store whose disk is full for a while."""

    fault = "the disk is full"
    pruned = 0

    async def prune(self, now):
        if self.fault:
            raise Unavailable(self.fault)
        self.pruned += await super().prune(now)
        return self.pruned


async def test_what_is_over_goes_within_the_hour_and_after_a_fault(caplog):
    clock, store = FakeClock(), Failing()
    store.record(ended(1, at=clock.now() - 91 * DAY_S))
    async with asyncio.TaskGroup() as group:
        job = group.create_task(SeriesPruner(Charts(store=store, clock=clock), clock=clock).run())
        await clock.advance(FIRST_S)
        failed = store.pruned
        store.fault = ""
        await clock.advance(EVERY_S)
        job.cancel()

    assert (0, 1) == (failed, store.pruned)
    assert "series_prune_failed" in caplog.text
