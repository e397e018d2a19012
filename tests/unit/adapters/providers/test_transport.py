"""The limit on a wait: it ends what is late, and takes no cancellation that is not its own."""

import asyncio

import pytest

from tokenhub.adapters.providers.transport import Within

pytestmark = pytest.mark.anyio


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_late_task_ends_with_a_timeout_and_is_not_cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None

    with pytest.raises(TimeoutError), Within(0.001):
        await for_ever()

    assert 0 == task.cancelling()


async def test_what_is_in_time_is_left_alone() -> None:
    with Within(10):
        await asyncio.sleep(0)


async def test_error_within_the_time_is_its_own() -> None:
    with pytest.raises(KeyError), Within(10):
        raise KeyError


async def test_cancellation_by_others_goes_on() -> None:
    async def work() -> None:
        with Within(10):
            await for_ever()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        await asyncio.sleep(0)
        task.cancel("the caller hung up")

    assert task.cancelled()


async def test_cancellation_at_the_same_moment_is_not_swallowed() -> None:
    async def work() -> None:
        within = Within(10)
        with within:
            within._expire()
            await for_ever()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        await asyncio.sleep(0)
        task.cancel("the caller hung up")

    assert task.cancelled()
