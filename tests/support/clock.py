"""Time that moves only when a test moves it."""

import asyncio
import heapq
from itertools import count


class FakeClock:
    """A `tokenhub.ports.clock.Clock` advanced by hand; `now` and `monotonic` run together.

    A sleeper wakes when `advance` reaches its time; several wake in the order of their times.
    """

    def __init__(self, now: float = 1_700_000_000.0, *, monotonic: float = 1_000.0) -> None:
        self._now = now
        self._monotonic = monotonic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def set(self, now: float) -> None:
        """Set the wall clock alone, as an operator or NTP would."""
        self._now = now

    def tick(self, seconds: float) -> None:
        """Let time pass and wake who has slept enough; they run when the test next awaits."""
        until = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
        self._now += seconds
        self._monotonic = until

    async def advance(self, seconds: float) -> None:
        """Let time pass, stopping at each sleeper's time, and let the woken run."""
        until = self._monotonic + seconds
        await _settled()
        while self._sleepers and self._sleepers[0][0] <= until:
            self.tick(max(0.0, self._sleepers[0][0] - self._monotonic))
            await _settled()
        self.tick(until - self._monotonic)
        await _settled()


async def _settled() -> None:
    """Give everything that can run now its turn."""
    for _ in range(10):
        await asyncio.sleep(0)
