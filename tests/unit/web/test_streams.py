"""Heartbeats in the pauses of a stream."""

import asyncio

import pytest

from tokenhub.web.v1.streams import HEARTBEAT, Heartbeat

pytestmark = pytest.mark.anyio
INTERVAL_S = 0.001


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def intervals(count):
    """Wait for so many intervals, by the loop's own timer."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(count * INTERVAL_S, over.set)
    await over.wait()


async def test_a_caller_who_does_not_read_holds_up_one_heartbeat_and_no_more():
    begun, ended, reads = [], [], asyncio.Event()

    async def send(message):
        begun.append(message["body"])
        await reads.wait()
        ended.append(message["body"])

    heart = Heartbeat(send, INTERVAL_S)
    await intervals(20)
    held = list(begun)
    reads.set()
    await intervals(20)
    heart.stop()

    assert [HEARTBEAT] == held
    assert len(ended) > 1
