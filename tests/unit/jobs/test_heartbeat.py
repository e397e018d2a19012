"""When readers hear that the stream lives, and when it is looked who may read."""

import asyncio

import pytest

from tests.support.clock import FakeClock
from tokenhub.jobs.heartbeat import Heartbeat

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Feed:
    def __init__(self):
        self.looks = 0
        self.beats = []

    def look(self):
        self.looks += 1

    def beat(self, reason):
        self.beats.append(reason)


async def test_it_looks_every_second_and_beats_every_fifteen():
    clock, feed = FakeClock(), Feed()
    heart = Heartbeat(feed, clock=clock, reason=lambda: "providers=1 models=2")
    job = asyncio.ensure_future(heart.run())

    await clock.advance(14.5)
    before = (feed.looks, list(feed.beats))
    await clock.advance(16.0)
    job.cancel()

    assert (14, []) == before
    assert (30, ["providers=1 models=2"] * 2) == (feed.looks, feed.beats)
