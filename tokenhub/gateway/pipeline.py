"""The data plane as one straight line: admit, interpret, decide, dispatch, settle."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.core.ask import Answer, Ask
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Decision, decide
from tokenhub.core.directives import obeyed
from tokenhub.core.errors import (
    DeadlineExceeded,
    ProviderFailed,
    TokenHubError,
    Unauthenticated,
    Unavailable,
)
from tokenhub.core.failures import CODES, Kind
from tokenhub.core.keys import ApiKey, KeyTable
from tokenhub.core.outcome import Outcome
from tokenhub.core.policy import Intent, interpret
from tokenhub.core.refusal import refused
from tokenhub.gateway.admit import KeyLimits, admitted
from tokenhub.gateway.board import Board
from tokenhub.gateway.dispatch import Dispatch
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.run import GONE, HUNG_UP, Arrival, Caller, Run
from tokenhub.gateway.settle import Settle
from tokenhub.gateway.signals import Observed
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import AnswerStream, UpstreamError
from tokenhub.ports.snapshot import Snapshot

T = TypeVar("T")
# Why a request is refused: in the middle of its answer these make no sense.
_AHEAD = frozenset({Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED})


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, settled: the provider's bytes and what it came to.

    `overhead_s` is the time from the request's arrival to now that was not spent waiting for
    providers; the commit is in it.
    """

    body: bytes
    outcome: Outcome
    overhead_s: float


class Gateway:
    """Every seam is an argument; `seeds` gives 53 random bits for each decision.

    `admit`, then `begin`, then one of `complete` and `stream`, which settle the request on every
    way out.
    """

    def __init__(
        self,
        *,
        keys: Snapshot[KeyTable],
        catalog: Snapshot[Catalog],
        observed: Observed,
        dispatch: Dispatch,
        board: Board,
        settle: Settle,
        limits: KeyLimits,
        naming: Naming,
        clock: Clock,
        seeds: Callable[[], int],
    ) -> None:
        self._keys = keys
        self._limits = limits
        self._catalog = catalog
        self._observed = observed
        self._dispatch = dispatch
        self._board = board
        self._settle = settle
        self._clock = clock
        self._seeds = seeds
        self._naming = naming

    def admit(self, key: str | None, scope: str, arrival: Arrival) -> Caller:
        """Who asks, before a byte of what they ask is read: a stranger costs a look-up.

        Raises Unauthenticated, OutOfScope, RateLimited.
        """
        found = admitted(key, self._keys.current, scope=scope, now=arrival.at)
        allowance = self._limits.take(found, arrival)
        return Caller(found, replace(arrival, allowance=allowance))

    def begin(self, ask: Ask, caller: Caller) -> Run:
        """The request. Nothing is sent that could not be written down: a fault fails closed.

        Raises Unavailable.
        """
        if fault := self._settle.fault:
            raise Unavailable(fault, code="ledger_unavailable")
        return Run(ask, caller=caller, catalog=self._catalog.current)

    def known(self, key: ApiKey) -> ApiKey:
        """The key as it is now, for what goes on for long. Raises Unauthenticated."""
        found = self._keys.current.get(key.digest)
        if found is None or not found.usable(self._clock.now()):
            raise Unauthenticated("this API key was revoked or has expired meanwhile")
        return found

    def foresee(self, run: Run) -> Decision:
        """What would be decided of this request now. Nothing is sent, counted or written.

        Raises what `decide` raises; the intent is the run's all the same.
        """
        catalog = run.catalog
        named = self._naming.peek(catalog, run.ask, request_id=run.request_id, key_id=run.key.id)
        run.intent = interpret(run.ask, catalog.defaults, named, grant=run.key.grant)
        return decide(run.intent, catalog, self._observed.read(catalog), self._seeds())

    def model_of(self, run: Run, name: str) -> str:
        """The name, or where it is an alias, that of a model that it may stand for."""
        if not name:
            return name
        asked = replace(run.ask, model=name, errand=None)
        found = self._naming.peek(run.catalog, asked, request_id=run.request_id, key_id=run.key.id)
        return name if found is None else found.model_id

    async def complete(self, run: Run) -> Answered:
        """Answer a request whole. Of a count, the body is empty where no provider could tell."""
        answer = await self._answered(run, self._spoken)
        outcome = await self._settle(run)
        spent_s = self._clock.monotonic() - run.started
        return Answered(
            body=answer.body, outcome=outcome, overhead_s=max(0.0, spent_s - run.upstream_s)
        )

    async def stream(self, run: Run) -> "Streaming":
        """Answer a request as a stream that has begun: its first events are at hand."""
        upstream = await self._answered(run, self._begun)
        return Streaming(run, upstream, board=self._board, settle=self._settle, clock=self._clock)

    async def _spoken(self, run: Run) -> Answer:
        if run.ask.schema:
            return await self._dispatch.fitting(run)
        if run.ask.task == "count":
            return await self._dispatch.count(run)
        return await self._dispatch.complete(run)

    async def _begun(self, run: Run) -> AnswerStream:
        """A stream with a schema begins when the answer is whole and fits."""
        if run.ask.schema:
            return Held(await self._dispatch.fitting(run))
        return await self._dispatch.open(run)

    async def _answered(self, run: Run, dispatch: Callable[[Run], Awaitable[T]]) -> T:
        """Interpret, decide and dispatch. Settled on every way out but the good one."""
        catalog = run.catalog
        try:
            if run.key.directives:
                run.ask = obeyed(run.ask)
            run.intent = interpret(
                run.ask, catalog.defaults, self._naming(run), grant=run.key.grant
            )
            run.decision = self._decided(run, run.intent)
            return await dispatch(run)
        except TokenHubError as error:
            await self._settle(run, error)
            raise
        except BaseException as error:
            self._settle.abandoned(run, _left_by(error))
            raise

    def _decided(self, run: Run, intent: Intent) -> Decision:
        """Decide. Of a refusal the record stays: it is a decision too."""
        catalog, seed = run.catalog, self._seeds()
        try:
            return decide(intent, catalog, self._observed.read(catalog), seed)
        except TokenHubError as error:
            run.refusal = refused(intent, catalog.version, seed=seed, error=error)
            raise


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
    """A stream under way. `next` until it is empty, then `finish`; `abandon` on any other way."""

    def __init__(
        self, run: Run, upstream: AnswerStream, *, board: Board, settle: Settle, clock: Clock
    ) -> None:
        self.run = run
        self._upstream = upstream
        self._board = board
        self._settle = settle
        self._clock = clock
        self._began = clock.monotonic()
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

        Raises ProviderFailed, settled, when the provider breaks off: what the caller has had is
        charged, and nobody else is asked.
        """
        try:
            return await self._upstream.next()
        except UpstreamError as error:
            kind = Kind.BROKEN if error.kind in _AHEAD else error.kind
            self._book(str(kind))
            if self.run.route is not None:
                self._board.failed(self.run.route, kind, latency_s=self._took_s())
            failed = _broken_off(kind, self.run)
            await self._settle(self.run, failed)
            raise failed from error

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
            code = _left_by(error)
            self._book(code)
            if self.run.route is not None:
                self._board.left(self.run.route)
            self._settle.abandoned(self.run, code)

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


def _left_by(error: BaseException | None) -> str:
    if not isinstance(error, asyncio.CancelledError):
        return "internal_error"
    return GONE if error.args == (HUNG_UP,) else "shutting_down"


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
