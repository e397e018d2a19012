"""The clock of the tests keeps the promises of the real one."""

import asyncio

import pytest

from tests.support.clock import FakeClock
from tokenhub.ports.clock import Clock

pytestmark = pytest.mark.anyio


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock: Clock = FakeClock(now=100.0, monotonic=5.0)

    await asyncio.sleep(0)

    assert (100.0, 5.0) == (clock.now(), clock.monotonic())


async def test_sleepers_wake_at_their_own_time_and_in_its_order() -> None:
    clock = FakeClock(now=100.0, monotonic=5.0)
    woken: list[tuple[float, float]] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for seconds in (3.0, 1.0, 2.0):
            group.create_task(sleeper(seconds))
        await clock.advance(2.5)
        assert [(1.0, 6.0), (2.0, 7.0)] == woken
        assert (1, 102.5, 7.5) == (clock.sleeping, clock.now(), clock.monotonic())
        await clock.advance(0.5)

    assert (3.0, 8.0) == woken[-1]
    assert 0 == clock.sleeping


async def test_sleeper_that_sleeps_again_wakes_twice() -> None:
    clock = FakeClock()
    began = clock.monotonic()
    woken: list[float] = []

    async def sleeper() -> None:
        for _ in range(2):
            await clock.sleep(1.0)
            woken.append(clock.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper())
        await clock.advance(2.0)

    assert [1.0, 2.0] == woken


async def test_sleep_of_nothing_gives_way_and_a_cancelled_one_is_forgotten() -> None:
    clock = FakeClock()

    await clock.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await clock.sleep(1.0)
    await clock.advance(1.0)

    assert 0 == clock.sleeping
