"""Stage 4: drive core.failover with real calls, within the request's deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Answer, Rework
from tokenhub.core.catalog import Route
from tokenhub.core.errors import (
    BadRequest,
    DeadlineExceeded,
    ProviderFailed,
    ProviderRefused,
    TokenHubError,
    Unavailable,
)
from tokenhub.core.failover import Failover, Try
from tokenhub.core.failures import CODES, Kind
from tokenhub.gateway.board import Board
from tokenhub.gateway.run import GONE, Run
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import AnswerStream, UpstreamError, Upstreams

T = TypeVar("T")
Fits = Callable[[str, str], str | None]
# Each of them is a wait for the caller, and our own estimate is at hand.
MAX_COUNTS = 2
# Not found, and the method not allowed of a path that is another server's.
_UNKNOWN_THERE = frozenset({404, 405})
# To check a longer text takes milliseconds: 40 to 120 for 0.9 MB (measured 2026-01).
LONG_CHARS = 64 << 10


class Dispatch:
    """`idle_s` bounds the wait for a stream's head and every pause in it.

    `board` is asked before each call and told how it ended. `complaint` tells what is wrong with
    a text by a JSON Schema, None where it fits.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        *,
        board: Board,
        clock: Clock,
        idle_s: float,
        complaint: Fits,
    ) -> None:
        self._upstreams = upstreams
        self._board = board
        self._clock = clock
        self._idle_s = idle_s
        self._complaint = complaint

    async def complete(self, run: Run) -> Answer:
        """A whole answer from the first route that gives one. Books every attempt."""

        async def call(step: Try, left_s: float) -> Answer:
            upstream = self._upstreams.of(step.route.provider)
            within_s = left_s if step.last else left_s / 2
            return await upstream.complete(run.ask, step.route.model.id, within_s=within_s)

        route, answer, latency_s = await self._first(run, call)
        self._board.succeeded(route)
        _booked(run, route, answer, latency_s)
        return answer

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
            f"the answer does not fit output_schema after {_count(run.attempts)}: {complaint}",
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
                failed = _of_the_route(error)
                if failed.kind is not Kind.UNSUPPORTED:
                    self._book(run, route, failed.kind, failed.status, began)
                if failed.kind is Kind.CLIENT:
                    raise final_error(run, failed) from error
                continue
            except asyncio.CancelledError:
                self._book(run, route, GONE, 0, began)
                raise
            _booked(run, route, answer, self._clock.monotonic() - began)
            return answer
        return Answer(body=b"", usage=None)

    async def open(self, run: Run) -> AnswerStream:
        """A stream that has begun; its attempt is booked when it ends."""

        async def call(step: Try, left_s: float) -> AnswerStream:
            # Comments and pings keep a stream alive that never begins: others are to have time.
            return await self._upstreams.of(step.route.provider).open(
                run.ask,
                step.route.model.id,
                idle_s=self._idle_s,
                begin_s=left_s if step.last else left_s / 2,
                within_s=left_s,
            )

        run.route, stream, run.opening_s = await self._first(run, call)
        run.dropped = stream.dropped
        return stream

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
        upstream = self._upstreams.of(route.provider)
        try:
            answer = await upstream.complete(run.ask, route.model.id, within_s=left_s)
        except UpstreamError as error:
            self._book(run, route, error.kind, error.status, began)
            return None
        except asyncio.CancelledError:
            self._book(run, route, GONE, 0, began)
            raise
        _booked(run, route, answer, self._clock.monotonic() - began)
        return answer

    async def _first(
        self, run: Run, call: Callable[[Try, float], Awaitable[T]]
    ) -> tuple[Route, T, float]:
        """What the first successful call gave, with its route and its seconds."""
        assert run.decision is not None
        assert run.intent is not None
        deadline = run.started + run.intent.policy.max_latency_s
        failover = Failover(run.decision.ranked)
        last: UpstreamError | None = None
        while isinstance(step := failover.next(), Try):
            began = self._clock.monotonic()
            if began >= deadline:
                break
            if run.attempts and not run.affords(step.route):
                failover.passed_over()
                continue
            if not self._board.let_in(step.route, last=step.last):
                run.closed = True
                failover.passed_over()
                continue
            try:
                found = await call(step, deadline - began)
            except UpstreamError as error:
                # Its frames hold what had come, and this one would hold them.
                failed = _of_the_route(error).with_traceback(None)
                self._book(run, step.route, failed.kind, failed.status, began)
                self._board.failed(
                    step.route,
                    failed.kind,
                    latency_s=self._clock.monotonic() - began,
                    retry_after_s=failed.retry_after_s,
                )
                if failover.failed(failed.kind):
                    last = failed
            except asyncio.CancelledError:
                self._book(run, step.route, GONE, 0, began)
                raise
            else:
                return step.route, found, self._clock.monotonic() - began
        raise final_error(run, last)

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


def _of_the_route(error: UpstreamError) -> UpstreamError:
    """A 404 is about the route: another may know the model that this one does not."""
    if error.kind is not Kind.CLIENT or error.status not in _UNKNOWN_THERE:
        return error
    return UpstreamError(
        Kind.MISSING,
        status=error.status,
        message=error.message,
        code=error.code,
        field=error.field,
    )


def _unknown_to_all(run: Run) -> bool:
    """Whether the caller named a model, and it was not known wherever it was asked for."""
    sent = [attempt for attempt in run.attempts if attempt.kind != Kind.UNSUPPORTED]
    if not sent or any(attempt.kind != Kind.MISSING for attempt in sent):
        return False
    first = (sent[0].provider_id, sent[0].model_id)
    named = run.catalog.routes_of(run.ask.model)
    return first in {(route.provider.id, route.model.id) for route in named}


def final_error(run: Run, last: UpstreamError | None) -> TokenHubError:
    """The error for the caller: the class of the failure to tell, and every attempt.

    A provider's own words go out only where it blames the caller's request, or does not know the
    model that the caller named: they are about what the caller sent, and the caller's to read.
    """
    attempts = run.attempts
    if last is None:
        return _untried(run)
    if last.kind is Kind.CLIENT or (last.kind is Kind.MISSING and _unknown_to_all(run)):
        return ProviderRefused(
            last.message or f"the provider refused the request with status {last.status}",
            status=last.status,
            code=last.code or None,
            field=last.field or None,
            attempts=attempts,
        )
    if last.kind is Kind.UNSUPPORTED:
        return BadRequest(last.message, code=last.code, field=last.field)
    if last.kind is Kind.CONTEXT:
        return BadRequest(
            "the request needs more context than the models that could answer have; shorten the "
            "messages or lower max_tokens",
            code="context_length_exceeded",
            field="messages",
        )
    if last.kind is Kind.TIMEOUT:
        return DeadlineExceeded(
            f"all providers failed: no answer in time after {_count(attempts)}", attempts=attempts
        )
    return ProviderFailed(
        f"all providers failed: {last.kind} after {_count(attempts)}",
        code=CODES[last.kind],
        attempts=attempts,
        retry_after_s=last.retry_after_s,
    )


def _untried(run: Run) -> TokenHubError:
    if run.closed:
        return Unavailable(
            "every provider that could answer has just failed or throttled; try again in a moment",
            code="no_provider_available",
        )
    return DeadlineExceeded("the latency budget ran out before any call", attempts=run.attempts)


def _count(attempts: Sequence[object]) -> str:
    return f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"
