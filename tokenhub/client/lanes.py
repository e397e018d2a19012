"""Connections for tasks that may be cancelled at any point.

    take ──> lane ──> used to the end ──> kept for the next
                └──── left in the middle ──> closed beside the loop, whatever state it is in

A pool of httpx (httpcore 1.0.9) loses a connection for good where a task is cancelled while it
takes one or gives it back, which one cancellation in fifty does (measured 2026-11-22 over
loopback); after a hundred of them each call waits in vain. So each connection has a client of its
own here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

# Of connections that nobody uses; more than a screen asks for at once.
_KEPT = 10


class Closed(Exception):
    """All was closed while an answer was waited for."""


class Lane:
    """A client for one request at a time. `clean` is set once its answer was had to the end."""

    __slots__ = ("_waiting", "clean", "http")

    def __init__(self, http: "httpx.AsyncClient") -> None:
        self.http = http
        self.clean = False
        self._waiting: asyncio.Timeout | None = None

    async def send(self, request: "httpx.Request", *, stream: bool) -> "httpx.Response":
        """The answer, or its head. Raises Closed: a connection that is being made cannot be."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await self.http.send(request, stream=stream)
        except TimeoutError as error:
            raise Closed from error
        finally:
            self._waiting = None

    def hurry(self) -> None:
        """Wait for the answer no longer."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())


class Lanes:
    """As many connections as are in use at once. `closed` once there are to be no more."""

    def __init__(self, make: "Callable[[], httpx.AsyncClient]") -> None:
        self._make = make
        self._idle: list[httpx.AsyncClient] = []
        self._busy: set[Lane] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self.closed = False

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Lane]:
        """A lane of one's own. Nothing is awaited to leave it: a cancelled task is gone at once."""
        lane = Lane(self._idle.pop() if self._idle else self._make())
        self._busy.add(lane)
        try:
            yield lane
        finally:
            self._busy.discard(lane)
            if lane.clean and not self.closed and len(self._idle) < _KEPT:
                self._idle.append(lane.http)
            else:
                self._close(lane.http)

    async def close(self) -> None:
        """Close all; what is on its way ends with an error."""
        self.closed = True
        for lane in self._busy:
            lane.hurry()
        for http in (*self._idle, *(lane.http for lane in self._busy)):
            self._close(http)
        self._idle.clear()
        while self._closing:
            await asyncio.wait(self._closing)

    def _close(self, http: "httpx.AsyncClient") -> None:
        closing = asyncio.get_running_loop().create_task(http.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._over)

    def _over(self, closing: asyncio.Task[None]) -> None:
        self._closing.discard(closing)
        if not closing.cancelled():
            closing.exception()  # of a connection that nobody wants any more: not to be logged
