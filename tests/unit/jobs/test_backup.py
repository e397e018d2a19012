"""The timer: a backup where the newest one is too old."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.clock import FakeClock
from tokenhub.adapters.memory.backups import MemoryBackups
from tokenhub.admin.backups import Backups
from tokenhub.jobs.backup import AGAIN_S, FIRST_S, Timer

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0


@asynccontextmanager
async def timed(store, clock):
    backups = Backups(store=store, clock=clock)
    async with asyncio.TaskGroup() as group:
        job = group.create_task(Timer(backups, clock=clock, every_s=DAY_S).run())
        yield
        job.cancel()


async def test_the_first_is_made_soon_after_the_start_and_the_next_a_day_later():
    store, clock = MemoryBackups(), FakeClock()

    async with timed(store, clock):
        await clock.advance(FIRST_S)
        await clock.advance(DAY_S)

    made = await store.found()
    assert ["timer", "timer"] == [one.reason for one in made]
    assert DAY_S == made[0].at - made[1].at
    assert [("backup.create", "timer")] * 2 == [(one.action, one.actor) for one in store.audit]


async def test_a_restart_does_not_make_one_too_many():
    store, clock = MemoryBackups(), FakeClock()
    await store.make(at=clock.now() - DAY_S / 2, reason="timer")
    await store.make(at=clock.now(), reason="upgrade")

    async with timed(store, clock):
        await clock.advance(DAY_S / 2 - 1)
        early = len(await store.found())
        await clock.advance(2)

    assert 2 == early
    assert 3 == len(await store.found())


async def test_one_from_the_future_does_not_put_all_others_off():
    store, clock = MemoryBackups(), FakeClock()
    await store.make(at=clock.now() + 1000 * DAY_S, reason="timer")

    async with timed(store, clock):
        await clock.advance(1.5 * DAY_S)
        left = clock.sleeping

    assert 1 == left
    assert 1 == len(await store.found())


async def test_one_that_fails_is_logged_and_tried_again(caplog):
    store, clock = MemoryBackups(), FakeClock()
    store.fault = "the disk is full"

    async with timed(store, clock):
        await clock.advance(FIRST_S)
        store.fault = ""
        await clock.advance(AGAIN_S)

    assert ["backup_failed"] == [record.message for record in caplog.records]
    assert 1 == len(await store.found())
