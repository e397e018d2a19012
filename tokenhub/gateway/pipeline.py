"""The data plane as one straight line: admit, interpret, decide, dispatch, settle."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.core.ask import Answer, Ask
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Decision, Record, decide
from tokenhub.core.directives import obeyed
from tokenhub.core.errors import (
    OutOfScope,
    TokenHubError,
    Unauthenticated,
    Unavailable,
)
from tokenhub.core.events import DECISION, REQUEST_STARTED, STREAM_STARTED, Event
from tokenhub.core.keys import ApiKey, KeyTable, Uses
from tokenhub.core.outcome import Outcome
from tokenhub.core.policy import Intent, interpret
from tokenhub.core.refusal import refused
from tokenhub.core.signals import Signals
from tokenhub.gateway.admit import KeyLimits, admitted, identified
from tokenhub.gateway.board import Board
from tokenhub.gateway.books import Books, Spend
from tokenhub.gateway.dispatch import Dispatch
from tokenhub.gateway.finals import over_budget
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.quotas import Taken
from tokenhub.gateway.run import Arrival, Caller, Ear, Run, left_by
from tokenhub.gateway.settle import Settle
from tokenhub.gateway.signals import Observed
from tokenhub.gateway.streaming import Held, Streaming
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import SILENT, Events
from tokenhub.ports.provider import AnswerStream
from tokenhub.ports.snapshot import Snapshot

T = TypeVar("T")
Decide = Callable[[Intent, Catalog, Signals, int], Decision]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, settled: the provider's bytes and what it came to.

    `overhead_s` is the time from the request's arrival to now that was not spent waiting for
    providers; the commit is in it.
    """

    body: bytes
    outcome: Outcome
    overhead_s: float


async def no_look(_key: str) -> None:
    """Where no keys were imported: a key that nobody knows stays unknown."""


def no_ear(_run: Run) -> None:
    """Where nobody wants to hear a stream."""


class Gateway:
    """Every seam is an argument; `seeds` gives 53 random bits for each decision.

    `uses` is where the time is noted at which each key was used; without it, nobody reads them.
    `admit`, then `begin`, then one of `complete` and `stream`, which settle the request on every
    way out. `recognise` has a look at keys that nobody knows, and may make one known. `ear` gives
    what is to hear a stream. `deciding` stands for `decide`, where somebody wants to know how long
    it takes.
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
        books: Books,
        recognise: Callable[[str], Awaitable[None]] = no_look,
        uses: Uses | None = None,
        ear: Callable[[Run], Ear | None] = no_ear,
        events: Events = SILENT,
        deciding: Decide = decide,
    ) -> None:
        self._ear = ear
        self._events = events
        self._decide = deciding
        self._keys = keys
        self._books = books
        self._uses = {} if uses is None else uses
        self._limits = limits
        self._catalog = catalog
        self._observed = observed
        self._dispatch = dispatch
        self._board = board
        self._settle = settle
        self._clock = clock
        self._seeds = seeds
        self._naming = naming
        self._recognise = recognise

    def admit(self, key: str | None, scope: str, arrival: Arrival) -> Caller:
        """Who asks, before a byte of what they ask is read: a stranger costs a look-up.

        Raises Unauthenticated, OutOfScope, RateLimited.
        """
        found = admitted(key, self._keys.current, scope=scope, now=arrival.at)
        allowance = self._limits.take(found, arrival)
        self._uses[found.digest] = arrival.at
        return Caller(found, replace(arrival, allowance=allowance), scope)

    async def admit_anew(self, key: str | None, scope: str, arrival: Arrival) -> Caller:
        """`admit` for a key that it did not know. Raises Unavailable too: see `meet`."""
        await self.meet(key)
        return self.admit(key, scope, arrival)

    async def meet(self, key: str | None) -> None:
        """Have a look at a key that nobody knows: an imported one is new at its first use.

        Raises Unavailable where this cannot be found out now.
        """
        if key:
            await self._recognise(key)

    def still(self, caller: Caller, scope: str) -> Caller:
        """The caller when the body has come, which may take its time: the key may be another.

        Raises Unauthenticated, OutOfScope.
        """
        if self._keys.current.get(caller.key.digest) is caller.key:
            return caller
        found = self.known(caller.key)
        if not found.may(scope):
            raise OutOfScope(f"insufficient scope: this key may not use {scope!r} any more")
        return Caller(found, caller.arrival, scope)

    def enter(self, caller: Caller) -> None:
        """Take one of the places of a key with `concurrency`; `leave` gives it back.

        Raises RateLimited.
        """
        self._limits.quotas.enter(caller.key, caller.arrival)

    def leave(self, caller: Caller) -> None:
        self._limits.quotas.leave(caller.key)

    def take(self, run: Run) -> Taken:
        """Take what the request may need of its key's tokens a minute; `give_back` corrects it.

        Raises RateLimited.
        """
        return self._limits.quotas.take(run, self._clock.monotonic())

    def give_back(self, run: Run, taken: Taken) -> None:
        self._limits.quotas.settle(run, taken, self._clock.monotonic())

    def begin(self, ask: Ask, caller: Caller) -> Run:
        """The request. Nothing is sent that could not be written down: a fault fails closed.

        Raises Unavailable.
        """
        if fault := self._settle.fault:
            raise Unavailable(fault, code="ledger_unavailable")
        tab = self._books.tab(caller.key, caller.arrival.at)
        catalog = self._catalog.current
        return Run(ask, caller=caller, catalog=catalog, tab=tab, events=self._events)

    def renew(self, run: Run) -> None:
        """Look again at the key of a request that is yet to be asked, for what goes on for long.

        Whatever was changed of it holds: what it may use, and what it may spend.
        Raises Unauthenticated, OutOfScope.
        """
        found = self.known(run.key)
        if run.scope and not found.may(run.scope):
            raise OutOfScope(f"insufficient scope: this key may not use {run.scope!r} any more")
        if found is not run.key:
            run.key, run.tab = found, self._books.tab(found, run.at)

    def known(self, key: ApiKey) -> ApiKey:
        """The key as it is now, for what goes on for long. Raises Unauthenticated."""
        found = self._keys.current.get(key.digest)
        if found is None or not found.usable(self._clock.now()):
            raise Unauthenticated("this API key was revoked or has expired meanwhile")
        return found

    def owner(self, key: str | None, arrival: Arrival) -> tuple[ApiKey, Spend]:
        """Whose key it is, whatever it may do, and its month so far.

        Raises Unauthenticated, RateLimited.
        """
        found = identified(key, self._keys.current, now=arrival.at)
        self._limits.take(found, arrival)
        return found, self._books.spend(found, arrival.at)

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
        run.answer = answer.body
        outcome = await self._settle(run)
        spent_s = self._clock.monotonic() - run.started
        return Answered(
            body=answer.body, outcome=outcome, overhead_s=max(0.0, spent_s - run.upstream_s)
        )

    async def stream(self, run: Run) -> Streaming:
        """Answer a request as a stream that has begun: its first events are at hand."""
        upstream = await self._answered(run, self._begun)
        self._events.emit(_first_events(run, self._clock.monotonic() - run.started))
        return Streaming(
            run,
            upstream,
            board=self._board,
            settle=self._settle,
            clock=self._clock,
            keys=self._keys,
        )

    def _spoken(self, run: Run) -> Awaitable[Answer]:
        if run.ask.schema:
            return self._dispatch.fitting(run)
        if run.ask.task == "count":
            return self._dispatch.count(run)
        return self._dispatch.complete(run)

    async def _begun(self, run: Run) -> AnswerStream:
        """A stream with a schema begins when the answer is whole and fits."""
        # Before anything is open, so that nothing is left open where it fails.
        run.ear = self._ear(run)
        if run.ask.schema:
            return Held(await self._dispatch.fitting(run))
        return await self._dispatch.open(run)

    async def _answered(self, run: Run, dispatch: Callable[[Run], Awaitable[T]]) -> T:
        """Interpret, decide and dispatch. Settled on every way out but the good one.

        Of a key that has nothing left there is nothing to settle, and to count is free. It is
        looked at here, behind the claims: an answer that was paid for may be given again.
        """
        if run.tab.left_nusd == 0 and run.ask.task != "count":
            raise over_budget(run)
        catalog = run.catalog
        try:
            if run.key.directives:
                run.ask = obeyed(run.ask)
            run.intent = interpret(
                run.ask, catalog.defaults, self._naming(run), grant=run.key.grant
            )
            self._events.emit(_started(run, run.intent))
            run.decision = self._decided(run, run.intent)
            return await dispatch(run)
        except TokenHubError as error:
            await self._settle(run, error)
            raise
        except BaseException as error:
            self._settle.abandoned(run, left_by(error))
            raise

    def _decided(self, run: Run, intent: Intent) -> Decision:
        """Decide. Of a refusal the record stays: it is a decision too."""
        catalog, seed = run.catalog, self._seeds()
        try:
            decision = self._decide(intent, catalog, self._observed.read(catalog), seed)
        except TokenHubError as error:
            run.refusal = refused(intent, catalog.version, seed=seed, error=error)
            self._tell(run, run.refusal)
            raise
        self._tell(run, decision.record)
        return decision

    def _tell(self, run: Run, record: Record) -> None:
        self._events.emit(Event(type=DECISION, request_id=run.request_id, record=record))


def _started(run: Run, intent: Intent) -> Event:
    return Event(
        type=REQUEST_STARTED,
        request_id=run.request_id,
        parent_id=run.parent_id,
        key_name=run.key.name,
        dialect=run.ask.dialect,
        mode=intent.policy.mode,
        task=intent.task,
        stream=run.ask.stream,
    )


def _first_events(run: Run, waited_s: float) -> Event:
    route, intent = run.route, run.intent
    return Event(
        type=STREAM_STARTED,
        request_id=run.request_id,
        key_name=run.key.name,
        mode=intent.policy.mode if intent else "",
        model_id=route.model.id if route else "",
        provider_id=route.provider.id if route else "",
        latency_s=waited_s,
    )
