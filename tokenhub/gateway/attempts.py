"""Drive core.failover with real calls: gates before each, the books after it, two legs at most.

A leg without a second one beside it is awaited where it stands: no task, no timer.
"""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from tokenhub.core.ask import Ask
from tokenhub.core.attempts import ESCALATED, Cancel, Refusal, Start, Wait
from tokenhub.core.catalog import Route
from tokenhub.core.errors import Unavailable
from tokenhub.core.events import ESCALATION, Event
from tokenhub.core.failover import Failover
from tokenhub.core.money import MOST_NUSD
from tokenhub.gateway.board import Board
from tokenhub.gateway.finals import final_error, of_the_route
from tokenhub.gateway.gates import Gates, Shrunk
from tokenhub.gateway.retries import Retries
from tokenhub.gateway.run import GONE, HEDGE_LOST, OUR_FAULT, Run
from tokenhub.ports.clock import Clock
from tokenhub.ports.hedging import Hedging, NoHedges
from tokenhub.ports.ledger import Intent, Intents
from tokenhub.ports.provider import UpstreamError

T = TypeVar("T")
LAST_RESORT = "last-resort-fallback"
_NOBODY: frozenset[str] = frozenset()


class Calls(msgspec.Struct, Generic[T], frozen=True):
    """How a leg is made, and what is done with the answer of one that nobody waits for."""

    make: Callable[[Start, Ask], Awaitable[T]]
    let_go: Callable[[T], None]
    stream: bool = False


class Brought(msgspec.Struct, Generic[T], frozen=True):
    """What a leg gave, and the seconds that it took."""

    route: Route
    found: T
    latency_s: float


class Leg(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """A call under way beside which there may be another."""

    step: Start
    ask: Ask
    began: float
    task: "asyncio.Task[T | UpstreamError]"


class Way:
    """A request's way so far, and the failure to tell if it leads nowhere."""

    __slots__ = ("down", "machine", "run", "told")

    def __init__(self, run: Run) -> None:
        decision, intent = run.decision, run.intent
        assert decision is not None
        assert intent is not None
        candidates = decision.record.candidates
        # Those who are down are ranked behind all others.
        self.down = (
            frozenset([one.route for one in candidates if one.last_resort])
            if candidates[-1].last_resort
            else _NOBODY
        )
        self.machine = Failover(
            decision.ranked,
            deadline=run.started + intent.policy.max_latency_s,
            input_tokens=intent.input_tokens if run.ask.task == "chat" else None,
            max_tokens=run.ask.max_tokens,
            down=self.down,
        )
        self.run = run
        self.told: UpstreamError | None = None


class Attempts:
    """`draw` gives numbers in [0, 1), for jitter; `shrunk` is as for the gates."""

    def __init__(
        self,
        *,
        board: Board,
        retries: Retries,
        hedging: Hedging,
        clock: Clock,
        draw: Callable[[], float],
        shrunk: Shrunk,
        intents: Intents,
    ) -> None:
        self._board = board
        self._intents = intents
        self._gates = Gates(board=board, retries=retries, hedging=hedging, shrunk=shrunk)
        self._hedging = hedging
        self._hedges = not isinstance(hedging, NoHedges)
        self._clock = clock
        self._draw = draw

    async def first(self, run: Run, calls: Calls[T]) -> Brought[T]:
        """What the first successful call gave. All others are booked.

        Raises the final error where no call succeeds.
        """
        way = Way(run)
        machine = way.machine
        while True:
            now = self._clock.monotonic()
            step = machine.next(now)
            if isinstance(step, Start):
                ask = self._let_through(way, step, now)
                if ask is None:
                    continue
                if (written := self._written_ahead(run, step.route, ask)) is not None:
                    await self._until(written, run, step.route)
                if step.reason == ESCALATED:
                    run.events.emit(_escalated(run, step))
                if self._hedges and self._may_hedge(way, step, now, stream=calls.stream):
                    brought = await self._raced(way, step, ask, calls)
                else:
                    brought = await self._alone(way, step, ask, calls)
                if brought is not None:
                    return brought
            elif isinstance(step, Wait):
                assert step.until is not None
                await self._clock.sleep(step.until - now)
            else:
                raise final_error(run, way.told, self._board)

    # --- before a call

    def _let_through(
        self, way: Way, step: Start, now: float, *, beside: Route | None = None
    ) -> Ask | None:
        """What to ask, None where the step was refused."""
        run = way.run
        ask = self._gates.passed(run, step, now, beside=beside)
        if isinstance(ask, Refusal):
            way.machine.refused(step.leg, ask)
            if not step.hedge:
                self._gates.note(run, step.route, ask)
            return None
        if self._hedges and not step.hedge:
            self._hedging.sent(step.route, run.expected_nusd(step.route))
        return ask

    def _may_hedge(self, way: Way, step: Start, now: float, *, stream: bool) -> bool:
        after_s = self._hedging.after_s(step.route, stream=stream)
        if after_s is None or after_s >= step.within_s:
            return False
        return way.machine.hedge(now + after_s)

    async def again(self, run: Run, route: Route) -> Ask | None:
        """One more call of the same route, beside the machine: what to ask; None for no money."""
        ask = self._gates.hold(run, route, run.ask)
        if isinstance(ask, Refusal):
            return None
        if (written := self._written_ahead(run, route, ask)) is not None:
            await self._until(written, run, route)
        return ask

    def _written_ahead(self, run: Run, route: Route, ask: Ask) -> "Future[None] | None":
        """Write down that the call is made; of a key with a budget, to be waited for."""
        run.legs += 1
        held = run.tab.held[-1]
        assert run.intent is not None
        intent = Intent(
            request_id=run.request_id,
            leg=run.legs,
            at=run.at,
            key_id=run.key.id,
            dialect=ask.dialect,
            requested_model=ask.model,
            mode=run.intent.policy.mode,
            stream=ask.stream,
            parent_id=run.parent_id,
            provider_id=route.provider.id,
            model_id=route.model.id,
            input_tokens=ask.input_tokens,
            output_tokens=held.output_tokens,
            reserved_nusd=min(held.amount_nusd, MOST_NUSD) if held.priced else None,
        )
        if run.tab.budget_nusd is not None:
            return self._intents.write(intent)
        self._intents.note(intent)
        return None

    async def _is_written(self, way: Way, step: Start, ask: Ask) -> bool:
        """Write down a second leg. Where that fails, the first one goes on alone."""
        try:
            if (written := self._written_ahead(way.run, step.route, ask)) is not None:
                await self._until(written, way.run, step.route)
        except Unavailable:
            way.machine.refused(step.leg, Refusal.BUDGET)
            return False
        return True

    async def _until(self, written: "Future[None]", run: Run, route: Route) -> None:
        """Wait for the commit. On any other way out the call is not made, and costs nothing."""
        held = run.tab.held[-1]
        try:
            await written
        except BaseException as error:
            kind = error.code if isinstance(error, Unavailable) else ended_by(error)
            run.unsent(route, held, kind)
            self._board.left(route)
            raise

    # --- one leg

    async def _alone(self, way: Way, step: Start, ask: Ask, calls: Calls[T]) -> Brought[T] | None:
        began = self._clock.monotonic()
        try:
            found = await calls.make(step, ask)
        except UpstreamError as error:
            self._failed(way, step, error, began)
            return None
        except BaseException as error:
            took_s, kind = self._took_s(began), ended_by(error)
            self._abandoned(way.run, step.route, kind, took_s, stream=calls.stream)
            raise
        way.machine.won(step.leg)
        return self._won(way, step, ask, Brought(step.route, found, self._took_s(began)), calls)

    # --- two legs

    async def _raced(self, way: Way, first: Start, ask: Ask, calls: Calls[T]) -> Brought[T] | None:
        """The first answer of two legs; None where both have failed.

        The second begins when the machine says so, and whoever is left over is cancelled.
        """
        legs: dict[int, Leg[T]] = {}
        won: Leg[T] | None = None
        took_s = 0.0
        try:
            async with asyncio.TaskGroup() as group:
                self._begin(legs, group, first, ask, calls)
                while legs:
                    now = self._clock.monotonic()
                    step = way.machine.next(now)
                    if isinstance(step, Start):
                        beside = next(iter(legs.values())).step.route
                        second = self._let_through(way, step, now, beside=beside)
                        if second is not None and await self._is_written(way, step, second):
                            way.run.hedges += step.hedge
                            self._begin(legs, group, step, second, calls)
                    elif isinstance(step, Cancel):
                        await self._cancel(way, legs, step.leg, won, calls)
                    elif leg := await self._ended(group, legs, step):
                        if isinstance(found := leg.task.result(), UpstreamError):
                            del legs[leg.step.leg]
                            self._failed(way, leg.step, found, leg.began, beside=legs)
                        else:
                            won, took_s = leg, self._took_s(leg.began)
                            way.machine.won(leg.step.leg)
                            del legs[leg.step.leg]
        except BaseException as error:
            under_way = [*([won] if won else []), *legs.values()]
            self._all_gone(way.run, under_way, calls, kind=ended_by(error))
            raise
        if won is None:
            return None
        found = won.task.result()
        assert not isinstance(found, UpstreamError)
        return self._won(way, won.step, won.ask, Brought(won.step.route, found, took_s), calls)

    def _begin(
        self,
        legs: dict[int, Leg[T]],
        group: asyncio.TaskGroup,
        step: Start,
        ask: Ask,
        calls: Calls[T],
    ) -> None:
        task = group.create_task(_outcome(calls.make, step, ask))
        legs[step.leg] = Leg(step, ask, self._clock.monotonic(), task)

    async def _ended(
        self, group: asyncio.TaskGroup, legs: dict[int, Leg[T]], step: object
    ) -> Leg[T] | None:
        """A leg that has ended, None where the time of the step came first."""
        assert isinstance(step, Wait)
        tasks = {leg.task for leg in legs.values()}
        if step.until is None:
            _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        else:
            wait_s = step.until - self._clock.monotonic()
            timer = group.create_task(self._clock.sleep(wait_s))
            _ = await asyncio.wait({*tasks, timer}, return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
        return next((leg for leg in legs.values() if leg.task.done()), None)

    async def _cancel(
        self,
        way: Way,
        legs: dict[int, Leg[T]],
        number: int,
        won: Leg[T] | None,
        calls: Calls[T],
    ) -> None:
        """End a leg and book it: charged at the estimate, since it may have been billed.

        One that has failed by itself just then is booked as that.
        """
        leg = legs[number]
        leg.task.cancel()
        _ = await asyncio.wait([leg.task])
        del legs[number]
        way.machine.cancelled(number)
        took_s = self._took_s(leg.began)
        alone_s = took_s if won is None else max(0.0, won.began - leg.began)
        if failed := _let_go(leg, calls):
            self._book(way.run, leg.step.route, failed, took_s, passed_s=alone_s)
        else:
            self._abandoned(
                way.run, leg.step.route, HEDGE_LOST, took_s, passed_s=alone_s, stream=calls.stream
            )

    def _all_gone(self, run: Run, legs: list[Leg[T]], calls: Calls[T], *, kind: str) -> None:
        """Nobody waits any more: let go of all that is under way."""
        for place, leg in enumerate(sorted(legs, key=lambda leg: leg.began)):
            _let_go(leg, calls)
            took_s = self._took_s(leg.began)
            passed_s = 0.0 if place else took_s
            self._abandoned(
                run, leg.step.route, kind, took_s, passed_s=passed_s, stream=calls.stream
            )

    # --- after a call

    def _failed(
        self,
        way: Way,
        step: Start,
        error: UpstreamError,
        began: float,
        *,
        beside: "dict[int, Leg[T]] | None" = None,
    ) -> None:
        took_s = self._took_s(began)
        passed_s = took_s
        for other in (beside or {}).values():
            passed_s = max(0.0, other.began - began)
        failed = self._book(way.run, step.route, error, took_s, passed_s=passed_s)
        # The time is taken after the board's: a route that is to rest is not asked too early.
        told = way.machine.failed(
            step.leg,
            failed.kind,
            self._clock.monotonic(),
            retry_after_s=failed.retry_after_s,
            lasts=300 <= failed.status < 400,  # noqa: PLR2004 - RFC 9110: it points elsewhere
            draw=self._draw(),
        )
        if told:
            way.told = failed

    def _book(
        self, run: Run, route: Route, error: UpstreamError, took_s: float, *, passed_s: float
    ) -> UpstreamError:
        """Book a call that failed, and let the board know; what it means for the request."""
        # Its frames hold what had come, and this one would hold them.
        failed = of_the_route(error).with_traceback(None)
        run.failed(route, failed.kind, status=failed.status, latency_s=took_s, passed_s=passed_s)
        self._board.failed(
            route,
            failed.kind,
            latency_s=took_s,
            status=failed.status,
            retry_after_s=failed.retry_after_s,
        )
        return failed

    def _won(
        self, way: Way, step: Start, ask: Ask, brought: Brought[T], calls: Calls[T]
    ) -> Brought[T]:
        run = way.run
        if self._hedges:
            self._hedging.heard(step.route, stream=calls.stream, took_s=brought.latency_s)
        run.ask = ask
        run.how = step.reason
        assert run.decision is not None
        if step.route.id in way.down and step.route is not run.decision.ranked[0]:
            run.how = LAST_RESORT
        return brought

    def _abandoned(
        self,
        run: Run,
        route: Route,
        kind: str,
        took_s: float,
        *,
        stream: bool,
        passed_s: float | None = None,
    ) -> None:
        """Book a leg that nobody waited for."""
        run.failed(route, kind, status=0, latency_s=took_s, passed_s=passed_s)
        self._board.left(route)
        self._hedging.lost(route, stream=stream, after_s=took_s)

    def _took_s(self, began: float) -> float:
        return self._clock.monotonic() - began


def ended_by(error: BaseException) -> str:
    """Why a call is not waited for: its caller has left, or something here is broken."""
    return GONE if isinstance(error, asyncio.CancelledError) else OUR_FAULT


def _escalated(run: Run, step: Start) -> Event:
    route = step.route
    return Event(
        type=ESCALATION,
        request_id=run.request_id,
        model_id=route.model.id,
        provider_id=route.provider.id,
        reason=step.reason,
    )


async def _outcome(
    make: Callable[[Start, Ask], Awaitable[T]], step: Start, ask: Ask
) -> T | UpstreamError:
    """What a leg comes to. A failure is a value here: it must not end the other leg."""
    try:
        return await make(step, ask)
    except UpstreamError as error:
        return error


def _let_go(leg: Leg[T], calls: Calls[T]) -> UpstreamError | None:
    """Close what a leg has brought after all; its failure, if that is what it has come to."""
    if not leg.task.done() or leg.task.cancelled() or leg.task.exception() is not None:
        return None
    found = leg.task.result()
    if isinstance(found, UpstreamError):
        return found
    calls.let_go(found)
    return None
