import asyncio

import pytest

from tests.support.clock import FakeClock
from tokenhub.jobs.noting import EVERY_S, Noting

pytestmark = pytest.mark.anyio


class Counted:
    def __init__(self):
        self.times = 0

    async def write_down(self):
        self.times += 1


async def test_uses_are_written_down_now_and_then():
    clock, sessions = FakeClock(), Counted()
    job = asyncio.ensure_future(Noting(sessions, clock=clock).run())

    await clock.advance(EVERY_S - 1)
    before = sessions.times
    await clock.advance(1)
    await clock.advance(EVERY_S)
    job.cancel()

    assert (0, 2) == (before, sessions.times)
