"""A stream under way, from its first events to its end, and how each end is told and booked."""

from tokenhub.core.ask import Answer
from tokenhub.core.errors import DeadlineExceeded, ProviderFailed, Unauthenticated, Unavailable
from tokenhub.core.failures import CODES, Kind
from tokenhub.core.keys import KeyTable
from tokenhub.gateway.board import Board
from tokenhub.gateway.run import REVOKED, STOPPING, Run, left_by, stopped
from tokenhub.gateway.settle import Settle
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import AnswerStream, UpstreamError
from tokenhub.ports.snapshot import Snapshot

# Why a request is refused: in the middle of its answer these make no sense.
_AHEAD = frozenset({Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED})


class Held:
    """The events of an answer that was whole, and booked, before the first of them goes out."""

    booked = True
    usage = None
    output_tokens = 0
    waited_s = 0.0

    def __init__(self, answer: Answer) -> None:
        self.dropped = answer.dropped
        self.terminal = answer.terminal
        self._events = answer.body

    async def next(self) -> bytes:
        events, self._events = self._events, b""
        return events

    def close(self) -> None:
        """Nothing is open."""


class Streaming:
    """A stream under way. `next` until it is empty, then `finish`; `abandon` on any other way.

    It ends when the caller's key is revoked in `keys`.
    """

    def __init__(
        self,
        run: Run,
        upstream: AnswerStream,
        *,
        board: Board,
        settle: Settle,
        clock: Clock,
        keys: Snapshot[KeyTable],
    ) -> None:
        self.run = run
        self._upstream = upstream
        self._board = board
        self._settle = settle
        self._clock = clock
        self._keys = keys
        self._table = keys.current
        self._began = clock.monotonic()
        run.first_token_s = self._began - run.started
        self._waited_s = upstream.waited_s
        self._open = True

    @property
    def overhead_s(self) -> float:
        """Our part of the time until the first events were at hand."""
        run = self.run
        return max(0.0, self._began - run.started - run.upstream_s - run.opening_s)

    @property
    def attempts(self) -> int:
        """The calls so far, the open one among them."""
        return len(self.run.attempts) + (not self._upstream.booked)

    async def next(self) -> bytes:
        """The next events, empty at the end.

        Raises, settled, ProviderFailed when the provider breaks off, and Unauthenticated when the
        key is revoked: what the caller has had is charged, and nobody else is asked.
        """
        try:
            events = await self._upstream.next()
        except UpstreamError as error:
            kind = Kind.BROKEN if error.kind in _AHEAD else error.kind
            self._book(str(kind))
            if self.run.route is not None:
                self._board.failed(self.run.route, kind, latency_s=self._took_s())
            failed = _broken_off(kind, self.run)
            await self._settle(self.run, failed)
            raise failed from error
        # Any change of any key swaps the table; until then, this is all that a chunk pays.
        if self._keys.current is not self._table and events:
            await self._still_known()
        return events

    async def finish(self) -> bytes:
        """The event that ends the stream, once everything is committed."""
        self._book("")
        if self.run.route is not None and not self._upstream.booked:
            self._board.succeeded(self.run.route)
        await self._settle(self.run)
        return self._upstream.terminal

    def abandon(self, error: BaseException | None) -> None:
        """Close the upstream and charge what was generated, where that is not done already.

        `error` is what ended the stream before its time: a caller who left, or a fault of ours.
        """
        if self._open:
            code = left_by(error)
            self._book(code)
            if self.run.route is not None:
                self._board.left(self.run.route)
            self._settle.abandoned(self.run, code)

    async def _still_known(self) -> None:
        """One that expires meanwhile is not revoked: it was good when the request came in."""
        run, self._table = self.run, self._keys.current
        key = self._table.get(run.key.digest)
        if key is not None and key.usable(run.at):
            return
        self._book(REVOKED)
        if run.route is not None:
            self._board.left(run.route)
        revoked = Unauthenticated("this API key was revoked in the middle of the answer")
        await self._settle(run, revoked)
        raise revoked

    async def cut(self) -> Unavailable:
        """End it since the server stops; the error to tell, once what was sent is settled."""
        error = stopped()
        if self._open:
            self._book(STOPPING)
            if self.run.route is not None:
                self._board.left(self.run.route)
            await self._settle(self.run, error)
        return error

    def _book(self, kind: str) -> None:
        self._open = False
        self._upstream.close()
        run, route = self.run, self.run.route
        assert route is not None
        if self._upstream.booked:
            return
        run.answered(
            route,
            self._upstream.usage,
            output_tokens=self._upstream.output_tokens,
            latency_s=self._took_s(),
            passed_s=run.opening_s + self._clock.monotonic() - self._began,
            kind=kind,
        )

    def _took_s(self) -> float:
        """The provider's time: to open the stream, and of all the waits in it."""
        return self.run.opening_s + self._upstream.waited_s - self._waited_s


def _broken_off(kind: Kind, run: Run) -> ProviderFailed:
    if kind is Kind.TIMEOUT:
        return DeadlineExceeded(
            "the provider stopped sending in the middle of the answer", attempts=run.attempts
        )
    return ProviderFailed(
        "the provider broke off in the middle of the answer; what was sent is not the whole of it",
        code=CODES[kind],
        attempts=run.attempts,
    )
