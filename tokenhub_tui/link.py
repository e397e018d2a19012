"""The one connection to the server: calls, and the events in their order, for ever."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar

import httpx

from tokenhub.client.call import Call
from tokenhub.client.calls.events import follow_events
from tokenhub.client.errors import BadCall, ClientError, Unauthorized, Unreachable
from tokenhub.client.link import Change, Live, Missed, Retrying
from tokenhub.client.profile import Profile
from tokenhub.client.stream import CONNECTED, Heard
from tokenhub.client.transport import AsyncClient, AsyncOpened, Sent
from tokenhub_tui.clock import Clock
from tokenhub_tui.state.standing import Standing

T = TypeVar("T")

# The client itself goes on for ever where nobody answers; this is after a refusal of another kind.
AGAIN_S = 5.0
# Clocks that differ by less are the same: a date tells whole seconds, and comes some time later.
SAME_S = 2.0


class Unanswered(Unreachable):
    """A change that nobody answered: `str(error)` says whether it may have been done."""

    def __init__(self, error: Unreachable) -> None:
        super().__init__(error.url, "", heard=error.heard)
        done = "it may have been done all the same" if error.heard else "nothing was changed"
        self.args = (f"{error}; {done}",)


class Witness(Protocol):
    """Who writes down what comes: tokenhub_tui.replay has one."""

    def heard(self, events: list[Heard]) -> None: ...

    def answered(self, call: Call[T], answer: T, at: float) -> None: ...


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
        self._ahead_s = 0.0
        self._client = AsyncClient(profile, transport=transport, watch=self._dated)
        self._last_id = ""
        self.witness: Witness | None = None
        # No screen offers a change then; this is for one that does all the same.
        self.read_only = False

    def now(self) -> float:
        """Unix seconds by the server's clock, of which all its times are."""
        return self._clock.now() + self._ahead_s

    def _dated(self, sent: Sent) -> None:
        """Learn from the date of an answer how far ahead of ours the server's clock is."""
        date = next((value for name, value in sent.response_headers if name.lower() == "date"), "")
        if not date or sent.took_s > SAME_S:
            return
        try:
            # Whole seconds are told: on average it is half a one later.
            ahead_s = parsedate_to_datetime(date).timestamp() + 0.5 - self._clock.now()
        except ValueError:
            return
        if abs(ahead_s - self._ahead_s) > SAME_S:
            self._ahead_s = ahead_s if abs(ahead_s) > SAME_S else 0.0

    async def __call__(self, call: Call[T]) -> T:
        """The answer. Raises ClientError; of a change that nobody answered, Unanswered."""
        if self.read_only and call.changes:
            raise BadCall("the console only reads here; nothing was changed")
        try:
            answer = await self._client(call)
        except Unreachable as error:
            if not call.changes:
                raise
            raise Unanswered(error) from error
        if self.witness is not None:
            self.witness.answered(call, answer, self.now())
        return answer

    def opened(self, call: Call[T]) -> AbstractAsyncContextManager[AsyncOpened]:
        """The answer as it comes, unread. Raises ClientError."""
        return self._client.opened(call)

    async def aclose(self) -> None:
        """Close all connections; what is on its way ends as Unreachable."""
        await self._client.close()

    async def listen(self) -> None:
        """Hear events until the token is refused; a lost connection is made again for ever."""
        while True:
            try:
                await self._hear()
            except Unauthorized as error:
                self.standing = self.standing.refused(str(error), self.now())
                return
            except ClientError as error:
                self._lost(str(error), AGAIN_S)
            except Exception as error:  # noqa: BLE001 - without a stream, nothing here is live
                self._lost(type(error).__name__, AGAIN_S)
            await asyncio.sleep(AGAIN_S)

    async def _hear(self) -> None:
        """Hear events until the server, or what stands before it, will not have it."""
        events = follow_events(after=self._last_id)
        async with aclosing(self._client.stream(events, self._told, gives_up=False)) as portions:
            async for rows in portions:
                self._last_id = _behind(rows, self._last_id)
                self.inbox += rows
                if self.witness is not None:
                    self.witness.heard(list(rows))

    def _told(self, change: Change) -> None:
        now = self.now()
        if isinstance(change, Live):
            self.standing = self.standing.live(now)
        elif isinstance(change, Retrying):
            self._lost(change.why, change.wait_s)
        elif isinstance(change, Missed):
            self.standing = self.standing.gap(change.count or 0)

    def _lost(self, reason: str, wait_s: float) -> None:
        self.standing = self.standing.lost(reason, wait_s, self.now())


def _behind(rows: Sequence[Heard], last_id: str) -> str:
    """The id up to which everything has come.

    That of `connected` is the newest one of the server: what lies before it is still to come.
    """
    for one in reversed(rows):
        if one.id and (one.type != CONNECTED or not last_id):
            return one.id
    return last_id
