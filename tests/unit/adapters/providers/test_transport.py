"""The limits on a wait: they end what is late, and take no cancellation that is not their own."""

import asyncio
import socket

import pytest
from aiohttp import ConnectionTimeoutError
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from tokenhub.adapters.providers.transport import Transport, Within, failure
from tokenhub.core.failures import Kind

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


class Names(AbstractResolver):
    """Knows one name, by as many addresses as are given; without any it never answers."""

    def __init__(self, *places):
        self.places = places

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if not self.places:
            await for_ever()
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in self.places
        ]

    async def close(self):
        return None


@pytest.fixture
def full():
    """The port of a listener whose queue is full: nobody gets in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


@pytest.mark.parametrize("places", [(), ("127.0.0.1",) * 3])
async def test_limit_on_connecting_holds_for_the_name_and_all_its_addresses(full, places) -> None:
    """Nothing was sent yet: it is unreachable rather than late, and costs nothing."""
    transport = Transport(resolver=Names(*places))
    url = URL(f"http://provider.test:{full}/")

    with pytest.raises(ConnectionTimeoutError) as caught, Within(0.3):
        await transport.request("POST", url, headers=CIMultiDict(), within_s=0.3, body=b"")

    await transport.close()
    assert Kind.UNREACHABLE is failure(caught.value).kind
