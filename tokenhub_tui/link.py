"""The one connection to the server: calls, and the events in their order, for ever."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import httpx

from tokenhub.client.call import Call
from tokenhub.client.calls.events import follow_events
from tokenhub.client.errors import ClientError, Unauthorized
from tokenhub.client.profile import Profile
from tokenhub.client.stream import Heard
from tokenhub.client.transport import AsyncClient, AsyncOpened
from tokenhub_tui.clock import Clock
from tokenhub_tui.state.standing import Standing

T = TypeVar("T")

# The client itself goes on for half a minute; after that this is how long a try may wait.
AGAIN_S = 5.0


class Link:
    """Calls and events of one server. `standing` says how the stream is doing.

    What was heard waits in `inbox` until the app takes it: drawing sets the pace, not the server.
    """

    def __init__(
        self, profile: Profile, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.profile = profile
        self.standing = Standing(since=clock.now())
        self.inbox: list[Heard] = []
        self._clock = clock
        self._client = AsyncClient(profile, transport=transport)
        self._last_id = ""

    async def __call__(self, call: Call[T]) -> T:
        """The answer. Raises ClientError."""
        return await self._client(call)

    def opened(self, call: Call[T]) -> AbstractAsyncContextManager[AsyncOpened]:
        """The answer as it comes, unread. Raises ClientError."""
        return self._client.opened(call)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.__aexit__()

    async def listen(self) -> None:
        """Hear events until the token is refused; a lost connection is made again for ever."""
        while True:
            try:
                await self._hear()
            except Unauthorized as error:
                self.standing = self.standing.refused(str(error), self._clock.now())
                return
            except ClientError as error:
                self._lost(str(error), AGAIN_S)
            await asyncio.sleep(AGAIN_S)

    async def _hear(self) -> None:
        async for rows in self._client.stream(follow_events(after=self._last_id), self._lost):
            self.standing = self.standing.live(self._clock.now())
            self._took(rows)

    def _took(self, rows: Sequence[Heard]) -> None:
        for row in rows:
            self._last_id = row.id or self._last_id
            if row.type == "dropped":
                self.standing = self.standing.gap(row.dropped)
            elif row.type == "gap":
                self.standing = self.standing.gap(_between(row))
        self.inbox += rows

    def _lost(self, reason: str, wait_s: float) -> None:
        self.standing = self.standing.lost(reason, wait_s, self._clock.now())


def _between(gap: Heard) -> int:
    """How many events a gap is known to be; ids of two servers tell nothing of each other."""
    try:
        return max(0, int(gap.next_id) - int(gap.after_id) - 1)
    except ValueError:
        return 0
