"""A job that fails is started again, with more patience each time."""

import asyncio

import pytest

from tests.support.clock import FakeClock
from tokenhub.jobs.supervisor import LONGEST_REST_S, kept

pytestmark = pytest.mark.anyio


class Failing:
    """A job that fails so often and then returns; `starts` are its times."""

    def __init__(self, clock, failures, *, lasts_s=0.0):
        self.clock = clock
        self.failures = failures
        self.lasts_s = lasts_s
        self.starts = []

    async def run(self):
        self.starts.append(self.clock.monotonic())
        await self.clock.sleep(self.lasts_s)
        if len(self.starts) <= self.failures:
            raise ValueError("a defect")


async def rests(failures, *, lasts_s=0.0):
    clock = FakeClock()
    job = Failing(clock, failures, lasts_s=lasts_s)
    async with asyncio.TaskGroup() as group:
        group.create_task(kept("probe", job.run, clock=clock))
        await clock.advance(20 * LONGEST_REST_S)
    ends = [start + lasts_s for start in job.starts]
    return [start - end for end, start in zip(ends, job.starts[1:], strict=False)]


async def test_a_job_that_fails_rests_twice_as_long_each_time(caplog):
    found = await rests(11)

    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] == found
    assert ["job_failed"] * 11 == [record.getMessage() for record in caplog.records]
    assert "probe" == caplog.records[0].job


async def test_a_job_that_ran_for_long_begins_anew():
    assert [1, 1, 1] == await rests(3, lasts_s=LONGEST_REST_S + 1)


async def test_a_job_that_is_cancelled_ends_without_a_word(caplog):
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(kept("probe", Failing(clock, 0, lasts_s=9.0).run, clock=clock))
        await clock.advance(1.0)
        task.cancel()

    assert task.cancelled()
    assert [] == caplog.records
