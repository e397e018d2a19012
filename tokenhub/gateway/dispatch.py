"""Stage 4: an answer, a stream or a count from the first route that gives one."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Answer, Ask, Rework
from tokenhub.core.attempts import Start
from tokenhub.core.catalog import Route
from tokenhub.core.errors import ProviderFailed
from tokenhub.core.failures import Kind
from tokenhub.gateway.attempts import Attempts, Calls, ended_by
from tokenhub.gateway.board import Board
from tokenhub.gateway.finals import counted, final_error, of_the_route
from tokenhub.gateway.gates import Shrunk
from tokenhub.gateway.retries import Retries
from tokenhub.gateway.run import GONE, Run
from tokenhub.ports.clock import Clock
from tokenhub.ports.hedging import Hedging
from tokenhub.ports.ledger import Intents
from tokenhub.ports.provider import AnswerStream, UpstreamError, Upstreams

Fits = Callable[[str, str], str | None]
# Each of them is a wait for the caller, and our own estimate is at hand.
MAX_COUNTS = 2
# To check a longer text takes milliseconds: 40 to 120 for 0.9 MB (measured 2026-01).
LONG_CHARS = 64 << 10


class Dispatch:
    """`idle_s` bounds the wait for a stream's head and every pause in it.

    `board` is told how each call ended, but for counts: they say nothing of who answers.
    `hedging` says when a second one is worth its price. `draw` gives numbers in [0, 1), for
    jitter. `complaint` tells what is wrong with a text by a JSON Schema, None where it fits;
    `shrunk` makes an ask for a shorter answer, None where that cannot be said. Every call but a
    count is written down in `intents` ahead.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        *,
        board: Board,
        hedging: Hedging,
        clock: Clock,
        idle_s: float,
        draw: Callable[[], float],
        complaint: Fits,
        shrunk: Shrunk,
        intents: Intents,
    ) -> None:
        self._upstreams = upstreams
        self._board = board
        self._clock = clock
        self._idle_s = idle_s
        self._complaint = complaint
        self._attempts = Attempts(
            board=board,
            retries=Retries(),
            hedging=hedging,
            clock=clock,
            draw=draw,
            shrunk=shrunk,
            intents=intents,
        )
        self._whole = Calls(self._complete, _forget)
        self._streamed = Calls(self._open, _close, stream=True)

    async def complete(self, run: Run) -> Answer:
        """A whole answer from the first route that gives one. Books every attempt."""
        brought = await self._attempts.first(run, self._whole)
        self._board.succeeded(brought.route)
        _booked(run, brought.route, brought.found, brought.latency_s)
        return brought.found

    async def fitting(self, run: Run) -> Answer:
        """A whole answer that fits the schema of the ask; its model may mend it once.

        Raises ProviderFailed where it does not; what was spent stays charged.
        """
        answer = await self.complete(run)
        complaint = await self._found(run.ask.schema, answer.text)
        if complaint is None:
            return answer
        run.ask = replace(run.ask, rework=Rework(said=answer.text, complaint=complaint))
        mended = await self._mended(run)
        if mended is not None:
            complaint = await self._found(run.ask.schema, mended.text)
            if complaint is None:
                return mended
        raise ProviderFailed(
            f"the answer does not fit output_schema after {counted(run.attempts)}: {complaint}",
            code="output_schema_failed",
            attempts=run.attempts,
        )

    async def count(self, run: Run) -> Answer:
        """The prompt's tokens by a provider that counts them; an empty body where none does."""
        assert run.decision is not None
        assert run.intent is not None
        deadline = run.started + run.intent.policy.max_latency_s
        chosen = run.decision.ranked[0].model.id
        # Another model counts in other tokens, so that its count would be no better than ours.
        for route in [r for r in run.decision.ranked if r.model.id == chosen]:
            began = self._clock.monotonic()
            if len(run.attempts) >= MAX_COUNTS or began >= deadline:
                break
            upstream = self._upstreams.of(route.provider)
            try:
                answer = await upstream.complete(
                    run.ask, route.model.id, within_s=min(self._idle_s, deadline - began)
                )
            except UpstreamError as error:
                failed = of_the_route(error)
                if failed.kind is not Kind.UNSUPPORTED:
                    self._book(run, route, failed.kind, failed.status, began)
                if failed.kind is Kind.CLIENT:
                    raise final_error(run, failed, self._board) from error
                continue
            except asyncio.CancelledError:
                self._book(run, route, GONE, 0, began)
                raise
            _booked(run, route, answer, self._clock.monotonic() - began)
            return answer
        return Answer(body=b"", usage=None)

    async def open(self, run: Run) -> AnswerStream:
        """A stream that has begun; its attempt is booked when it ends."""
        brought = await self._attempts.first(run, self._streamed)
        run.route, run.opening_s = brought.route, brought.latency_s
        run.dropped = brought.found.dropped
        return brought.found

    # Each coroutine on the way is woken with the one that waits, so that these only hand one on.

    def _complete(self, step: Start, ask: Ask) -> Awaitable[Answer]:
        upstream = self._upstreams.of(step.route.provider)
        return upstream.complete(ask, step.route.model.id, within_s=step.within_s)

    def _open(self, step: Start, ask: Ask) -> Awaitable[AnswerStream]:
        # Comments and pings keep a stream alive that never begins: others are to have time.
        return self._upstreams.of(step.route.provider).open(
            ask,
            step.route.model.id,
            idle_s=self._idle_s,
            begin_s=step.within_s,
            within_s=step.left_s,
        )

    async def _found(self, schema: str, text: str) -> str | None:
        """What is wrong with a text. A long one is read beside the loop, which others wait for."""
        if len(text) <= LONG_CHARS:
            return self._complaint(schema, text)
        return await asyncio.to_thread(self._complaint, schema, text)

    async def _mended(self, run: Run) -> Answer | None:
        """The same model's second try, where budget and time allow one and it succeeds."""
        route = run.route
        assert route is not None
        assert run.intent is not None
        began = self._clock.monotonic()
        left_s = run.started + run.intent.policy.max_latency_s - began
        if left_s <= 0 or not run.affords(route):
            return None
        ask = await self._attempts.again(run, route)
        if ask is None:
            return None
        run.ask = ask
        upstream = self._upstreams.of(route.provider)
        try:
            answer = await upstream.complete(run.ask, route.model.id, within_s=left_s)
        except UpstreamError as error:
            failed = of_the_route(error)
            self._book(run, route, failed.kind, failed.status, began)
            self._board.failed(
                route,
                failed.kind,
                latency_s=self._clock.monotonic() - began,
                status=failed.status,
                retry_after_s=failed.retry_after_s,
            )
            return None
        except BaseException as error:
            self._book(run, route, ended_by(error), 0, began)
            raise
        self._board.succeeded(route)
        _booked(run, route, answer, self._clock.monotonic() - began)
        return answer

    def _book(self, run: Run, route: Route, kind: Kind | str, status: int, began: float) -> None:
        run.failed(route, kind, status=status, latency_s=self._clock.monotonic() - began)


def _booked(run: Run, route: Route, answer: Answer, latency_s: float) -> None:
    ask = run.ask
    counted = 0
    if ask.task == "chat":
        counted = answer.output_tokens or tokens.of_bytes(len(answer.body))
    if ask.max_tokens is not None:
        counted = min(counted, ask.max_tokens * ask.answers)
    run.dropped = answer.dropped
    run.answered(route, answer.usage, output_tokens=counted, latency_s=latency_s)


def _forget(answer: Answer) -> None:
    """Nothing is open of a whole answer."""


def _close(stream: AnswerStream) -> None:
    stream.close()
