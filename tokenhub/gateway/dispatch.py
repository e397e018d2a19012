"""Stage 4: drive core.failover with real calls, within the request's deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tokenhub.core import tokens
from tokenhub.core.ask import Answer
from tokenhub.core.catalog import Route
from tokenhub.core.errors import (
    BadRequest,
    DeadlineExceeded,
    ProviderFailed,
    ProviderRefused,
    TokenHubError,
)
from tokenhub.core.failover import Failover, Try
from tokenhub.core.failures import CODES, Kind
from tokenhub.gateway.run import GONE, Run
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import AnswerStream, UpstreamError, Upstreams

T = TypeVar("T")
# Not found, and the method not allowed of a path that is another server's.
_UNKNOWN_THERE = frozenset({404, 405})


class Dispatch:
    """`idle_s` bounds the wait for a stream's head and every pause in it."""

    def __init__(self, upstreams: Upstreams, *, clock: Clock, idle_s: float) -> None:
        self._upstreams = upstreams
        self._clock = clock
        self._idle_s = idle_s

    async def complete(self, run: Run) -> Answer:
        """A whole answer from the first route that gives one. Books every attempt."""

        async def call(step: Try, left_s: float) -> Answer:
            upstream = self._upstreams.of(step.route.provider)
            within_s = left_s if step.last else left_s / 2
            return await upstream.complete(run.ask, step.route.model.id, within_s=within_s)

        route, answer, latency_s = await self._first(run, call)
        counted = tokens.of_bytes(len(answer.body))
        if run.ask.max_tokens is not None:
            counted = min(counted, run.ask.max_tokens)
        run.answered(route, answer.usage, output_tokens=counted, latency_s=latency_s)
        return answer

    async def open(self, run: Run) -> AnswerStream:
        """A stream that has begun; its attempt is booked when it ends."""

        async def call(step: Try, left_s: float) -> AnswerStream:
            upstream = self._upstreams.of(step.route.provider)
            return await upstream.open(
                run.ask, step.route.model.id, idle_s=self._idle_s, within_s=left_s
            )

        run.route, stream, run.opening_s = await self._first(run, call)
        return stream

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
            try:
                found = await call(step, deadline - began)
            except UpstreamError as error:
                last = _ours(error, run, step.route)
                self._book(run, step.route, last.kind, last.status, began)
                failover.failed(last.kind)
            except asyncio.CancelledError:
                self._book(run, step.route, GONE, 0, began)
                raise
            else:
                return step.route, found, self._clock.monotonic() - began
        raise final_error(run, last)

    def _book(self, run: Run, route: Route, kind: Kind | str, status: int, began: float) -> None:
        run.failed(route, kind, status=status, latency_s=self._clock.monotonic() - began)


def _ours(error: UpstreamError, run: Run, route: Route) -> UpstreamError:
    """A 404 about a route that the caller did not name is not the caller's fault but ours."""
    if error.kind is not Kind.CLIENT or error.status not in _UNKNOWN_THERE:
        return error
    if route in run.catalog.routes_of(run.ask.model):
        return error
    return UpstreamError(Kind.MISSING, status=error.status)


def final_error(run: Run, last: UpstreamError | None) -> TokenHubError:
    """The error for the caller: the class of the last failure, and every attempt.

    A provider's own words go out only where it blames the caller's request: they are about what
    the caller sent, and the caller's to read.
    """
    attempts = run.attempts
    if last is None:
        return DeadlineExceeded("the latency budget ran out before any call", attempts=attempts)
    if last.kind is Kind.CLIENT:
        return ProviderRefused(
            last.message or f"the provider refused the request with status {last.status}",
            status=last.status,
            code=last.code or None,
            field=last.field or None,
            attempts=attempts,
        )
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
        f"all providers failed: the last of {_count(attempts)} was {last.kind}",
        code=CODES[last.kind],
        attempts=attempts,
        retry_after_s=last.retry_after_s,
    )


def _count(attempts: Sequence[object]) -> str:
    return f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"
