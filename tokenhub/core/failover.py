"""What to do after an upstream call failed: sans-IO, driven by values.

    ready ── Start ──> calling ── Start (a hedge) ──> hedged ── won, or a client's mistake ──┐
      ^ │                │  │  ^                        │                                    v
      │ │<── failed ─────┘  │  └──── failed, refused ───┘                                 ending
      │ │                   │                                                                │
      │ ├── Wait ──> waiting│── won ──────────────────────────────> won <──── cancelled ─────┤
      │ │                   │                                                                │
      │ └── nobody is left  └── a client's mistake ─────────────> given-up <── cancelled ────┘
      └──── from waiting by Start to calling

A client's own mistake ends it at once. A prompt too long is asked again with a smaller answer where
that makes room, else goes to one model with more context. A refused or empty credential takes its
provider out, and so does a request that its dialect cannot carry. Any other failure moves on: first
to another provider of the same model, then to other providers, and only then to the provider that
just failed. A provider with several endpoints is asked at each of them before that, since one dead
server is not the end of the others; but the last attempt is for another provider. When nobody else
is left, what may pass by itself is tried once more at the same route, after full jitter, or when
the provider wanted to be asked again, if that is soon.

The last failure is the one to tell, unless an earlier one says more: what passes must not be
hidden by what a route could not have done on its best day.

Why each rule is as it is, and what the tolls are for: docs/developer/failover.md.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from math import inf

from tokenhub.core.attempts import (
    ESCALATED,
    HEDGED,
    REDUCED,
    RETRIED,
    Cancel,
    GiveUp,
    Refusal,
    Start,
    Step,
    Toll,
    Wait,
    Won,
)
from tokenhub.core.catalog import Route
from tokenhub.core.failures import Kind

# gRPC's cap is five attempts a call (A6); one less keeps the worst case within the budget of a
# caller that pays for each.
MAX_ATTEMPTS = 4
# Full jitter (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). The base is
# the original's first wait.
BASE_S = 0.1
CAP_S = 2.0
# Whoever is told to come back later than this is better served by an error that says when.
LONGEST_WAIT_S = 5.0
# Of the context, for what our count of the prompt misses; and the least answer worth having
# (original-behaviour 2.9).
SPARE_TOKENS = 256
LEAST_TOKENS = 64

# Once more at the same route. Not what took too long: it would be paid twice, and take as long.
_AGAIN = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.BROKEN, Kind.OVERLOADED})
_ELSEWHERE = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.OVERLOADED, Kind.THROTTLED})
_PASSING = _AGAIN | _ELSEWHERE
_PROVIDER_OUT = frozenset({Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.UNSUPPORTED})
# What is as true of the route tomorrow.
_LASTING = frozenset({Kind.CONTEXT, Kind.MISSING, Kind.FORBIDDEN, Kind.UNSUPPORTED})
_NOBODY: frozenset[str] = frozenset()


class Phase(StrEnum):
    """Where a request is on its way."""

    READY = "ready"
    CALLING = "calling"
    HEDGED = "hedged"
    WAITING = "waiting"
    ENDING = "ending"
    WON = "won"
    GIVEN_UP = "given-up"


class Failover:
    """One request's way through its ranked routes. Times are of one monotonic clock, in seconds.

    `input_tokens` is the prompt's size and `max_tokens` the caller's limit of the answer; an
    answer without a size that could be cut has None for the first. `down` are the ids of routes
    that are ranked for want of a better one.
    """

    # Most requests are over with the first leg: what only a failure changes begins here, and
    # costs them nothing.
    _proposed = 0
    _attempts = 0
    _end: Won | GiveUp | None = None
    _waits = False
    # What the last failure was, and the one to tell.
    _kind: Kind | None = None
    _current: Route | None = None
    _told: Kind | None = None
    _roomiest = 0
    # What has been learned of providers, by their ids, and of routes, by how often they failed.
    _troubled = _NOBODY
    _cut_off = _NOBODY
    _deferred = _NOBODY
    _out = _NOBODY
    _lasting = _NOBODY
    _too_small = -1.0
    _asked: tuple[Route, ...] = ()
    # What is to be done yet.
    _elsewhere: Route | None = None
    _shrink: tuple[Route, int] | None = None
    _shrunk = False
    _escalated = False
    _repeats: tuple[tuple[float, Route], ...] = ()
    _repeated = 0
    _hedge_at: float | None = None
    _hedge_place = 0
    _hedged = False

    def __init__(
        self,
        ranked: Sequence[Route],
        *,
        deadline: float,
        input_tokens: int | None = None,
        max_tokens: int | None = None,
        down: Collection[str] = _NOBODY,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._left = list(ranked)
        self._deadline = deadline
        self._input_tokens = input_tokens
        self._max_tokens = max_tokens
        self._down = down
        self._max_attempts = max_attempts
        self._legs: dict[int, Start] = {}

    @property
    def phase(self) -> Phase:
        """Where it is now."""
        if self._end is not None:
            if self._legs:
                return Phase.ENDING
            return Phase.WON if isinstance(self._end, Won) else Phase.GIVEN_UP
        if self._legs:
            return Phase.CALLING if len(self._legs) == 1 else Phase.HEDGED
        return Phase.WAITING if self._waits else Phase.READY

    def next(self, now: float) -> Step:
        """The next step. Beside a leg that is under way: to wait, to hedge or to cancel."""
        if self._end is not None:
            return Cancel(next(iter(self._legs))) if self._legs else self._end
        if self._legs:
            return self._meanwhile(now)
        self._waits = False
        if self._attempts >= self._max_attempts:
            return self._give_up("attempts")
        if now >= self._deadline:
            return self._give_up("deadline")
        return self._ready(now)

    def hedge(self, at: float) -> bool:
        """Ask for a second leg at this time; False where there is to be none beside this one."""
        (step,) = self._legs.values()
        if self._hedged or step.max_tokens is not None or self._attempts >= self._max_attempts:
            return False
        self._hedge_at = at
        return True

    def refused(self, leg: int, why: Refusal) -> None:
        """Note that a `Start` was not made: it is no attempt."""
        step = self._legs.pop(leg)
        self._attempts -= 1
        if step.max_tokens is not None:
            self._escalate(step.route)
        elif step.hedge:
            if not step.again:
                self._left.insert(self._hedge_place, step.route)
        elif not step.again and _may_wait(step, why):
            self._deferred |= {step.route.id}
            self._left.append(step.route)

    def failed(
        self,
        leg: int,
        kind: Kind,
        now: float,
        *,
        retry_after_s: float | None = None,
        lasts: bool = False,
        draw: float = 0.0,
    ) -> bool:
        """Note that a leg brought nothing; whether it is this that the caller is to be told.

        `retry_after_s` is what the provider asked for; `lasts` says that the same route would fail
        again in the same way. `draw` is uniform in [0, 1).
        """
        step = self._legs.pop(leg)
        self._hedge_at = None
        self._kind, self._current = kind, step.route
        if kind is Kind.CLIENT:
            self._end = GiveUp(kind, "client")
        elif kind in _PROVIDER_OUT:
            self._without(step.route.provider.id)
        elif kind is Kind.CONTEXT:
            self._overflowed(step.route)
        else:
            self._note(step.route, kind)
            if lasts:
                self._lasting |= {step.route.id}
            # Of a shorter answer there is no second try: whole, it would not fit.
            passes = kind in _PASSING and step.max_tokens is None
            if not passes or self._is_barred(step.route) or step.route.id in self._lasting:
                self._forget_repeats(step.route)
            else:
                self._plan_repeat(step.route, kind, now, retry_after_s, draw)
        return self._is_told(kind, step.route.model.max_context_tokens)

    def won(self, leg: int) -> None:
        """Note that a leg has answered."""
        del self._legs[leg]
        self._end = Won(leg)

    def cancelled(self, leg: int) -> None:
        """Note that a leg is gone, as it was asked for."""
        del self._legs[leg]

    # --- what is next

    def _ready(self, now: float) -> Step:
        if self._shrink is not None:
            (route, most), self._shrink = self._shrink, None
            return self._start(
                route, now, toll=Toll.WANTED, max_tokens=most, again=True, reason=REDUCED
            )
        if self._elsewhere is not None and not self._is_others_turn():
            route, self._elsewhere = self._elsewhere, None
            return self._start(route, now, toll=Toll.NEEDED, again=True, reason=RETRIED)
        if self._left:
            return self._turn(now)
        return self._repeat(now)

    def _is_others_turn(self) -> bool:
        """Whether the last attempt is due to somebody who may be well, not to one more endpoint."""
        return self._attempts == self._max_attempts - 1 and any(
            route.id not in self._down and route.provider.id not in self._troubled
            for route in self._left
        )

    def _turn(self, now: float) -> Start:
        left = self._left
        place = 0
        if self._current is not None or self._deferred:
            place = min(range(len(left)), key=lambda n: self._preference(left[n], n))
        route = left.pop(place)
        return self._start(
            route,
            now,
            toll=self._toll(route),
            insist=route.id in self._deferred,
            reason=ESCALATED if self._escalated else "",
        )

    def _preference(self, route: Route, place: int) -> tuple[bool, bool, bool, int]:
        """Small is better: who need not wait, healthy providers, the same model, the ranking."""
        same = self._current is not None and route.model.id == self._current.model.id
        return (
            route.id in self._deferred,
            route.provider.id in self._troubled,
            not same,
            place,
        )

    def _toll(self, route: Route) -> Toll:
        if not self._attempts and self._kind is None:
            return Toll.FREE
        if route.id in self._down or route.provider.id in self._cut_off:
            return Toll.NEEDED
        return Toll.FREE if route.id in self._deferred else Toll.WANTED

    def _repeat(self, now: float) -> Step:
        repeats = [repeat for repeat in self._repeats if repeat[0] < self._deadline]
        if not repeats:
            return self._give_up("routes")
        first = min(repeats, key=lambda repeat: repeat[0])
        at, route = first
        if at > now:
            self._waits = True
            return Wait(at)
        self._repeats = tuple(repeat for repeat in repeats if repeat is not first)
        self._repeated += 1
        return self._start(route, now, toll=Toll.NEEDED, again=True, insist=True, reason=RETRIED)

    def _meanwhile(self, now: float) -> Step:
        if self._hedge_at is None or now < self._hedge_at:
            return Wait(self._hedge_at)
        self._hedge_at = None
        self._hedged = True
        if now >= self._deadline:
            return Wait()
        (step,) = self._legs.values()
        place = self._second(step.route)
        if place is None:
            route = step.route
        else:
            route, self._hedge_place = self._left.pop(place), place
        return self._start(
            route, now, toll=Toll.SPARE, hedge=True, again=place is None, reason=HEDGED
        )

    def _second(self, first: Route) -> int | None:
        """Whom to ask beside the first: another provider of its model, else the next best."""
        fit = [
            (route.model.id != first.model.id, place)
            for place, route in enumerate(self._left)
            if route.id not in self._down
            and route.id not in self._deferred
            and route.provider.id not in self._cut_off
        ]
        return min(fit)[1] if fit else None

    def _start(
        self,
        route: Route,
        now: float,
        *,
        toll: Toll,
        reason: str = "",
        max_tokens: int | None = None,
        again: bool = False,
        hedge: bool = False,
        insist: bool = False,
    ) -> Start:
        self._proposed += 1
        self._attempts += 1
        left_s = self._deadline - now
        last = self._attempts >= self._max_attempts or not (
            self._left
            or self._repeats
            or self._asked.count(route) + 1 < len(route.provider.endpoints)
        )
        step = Start(
            leg=self._proposed,
            route=route,
            within_s=left_s if last else left_s / 2,
            left_s=left_s,
            insist=insist or (last and not hedge),
            again=again,
            hedge=hedge,
            toll=toll,
            max_tokens=max_tokens,
            reason=reason,
        )
        self._legs[step.leg] = step
        return step

    def _give_up(self, why: str) -> GiveUp:
        self._end = GiveUp(self._kind, why)
        return self._end

    # --- what a failure teaches

    def _without(self, provider_id: str) -> None:
        """Nobody asks this provider any more."""
        self._out |= {provider_id}
        self._left = [route for route in self._left if route.provider.id != provider_id]
        self._repeats = tuple(one for one in self._repeats if one[1].provider.id != provider_id)
        if self._shrink is not None and self._shrink[0].provider.id == provider_id:
            self._shrink = None
        if self._elsewhere is not None and self._elsewhere.provider.id == provider_id:
            self._elsewhere = None

    def _overflowed(self, route: Route) -> None:
        most = None
        if self._input_tokens is not None and not self._shrunk and not self._is_barred(route):
            most = room(route.model.max_context_tokens, self._input_tokens, self._max_tokens)
        if most is None:
            self._escalate(route)
        else:
            self._shrunk = True
            self._shrink = (route, most)

    def _escalate(self, route: Route) -> None:
        """Only models with more context are left, the smallest first; once."""
        size = route.model.max_context_tokens
        self._too_small = inf if self._escalated or not size else max(self._too_small, size)
        self._escalated = True
        larger = [one for one in self._left if not self._is_barred(one)]
        self._left = sorted(larger, key=lambda one: one.model.max_context_tokens)
        self._repeats = tuple(one for one in self._repeats if not self._is_barred(one[1]))
        if self._elsewhere is not None and self._is_barred(self._elsewhere):
            self._elsewhere = None

    def _is_barred(self, route: Route) -> bool:
        """Whether it may not be asked any more: it, or its provider, has said so."""
        if route.provider.id in self._out:
            return True
        return route.model.max_context_tokens <= self._too_small

    def _note(self, route: Route, kind: Kind) -> None:
        self._troubled |= {route.provider.id}
        if kind is Kind.UNREACHABLE:
            self._cut_off |= {route.provider.id}
        self._asked = (*self._asked, route)

    def _plan_repeat(
        self, route: Route, kind: Kind, now: float, retry_after_s: float | None, draw: float
    ) -> None:
        asked, endpoints = self._asked.count(route), max(1, len(route.provider.endpoints))
        if asked < endpoints and kind in _ELSEWHERE:
            self._elsewhere = route
            return
        named = retry_after_s is not None
        if asked != endpoints or not (kind in _AGAIN or (kind is Kind.THROTTLED and named)):
            return
        if retry_after_s is None or retry_after_s <= LONGEST_WAIT_S:
            wait_s = (retry_after_s or 0.0) + jitter_s(self._repeated, draw)
            self._repeats = (*self._repeats, (now + wait_s, route))

    def _forget_repeats(self, route: Route) -> None:
        self._repeats = tuple(one for one in self._repeats if one[1] is not route)
        if self._elsewhere is route:
            self._elsewhere = None

    def _is_told(self, kind: Kind, context_tokens: int) -> bool:
        """Whether a failure says more than what failed before it.

        Of those who do not know a model the first counts: it is the one that was asked for.
        """
        told = self._told
        if told is None:
            more = True
        elif kind is Kind.CONTEXT:
            more = context_tokens >= self._roomiest
        else:
            more = kind is not Kind.UNSUPPORTED and (kind, told) != (Kind.MISSING, Kind.MISSING)
        if more:
            self._told = kind
        if kind not in _LASTING:
            self._roomiest = max(self._roomiest, context_tokens)
        return more


def jitter_s(repeated: int, draw: float) -> float:
    """Full jitter: uniform between nothing and twice as much each time, up to a cap."""
    return draw * min(CAP_S, BASE_S * 2.0 ** min(repeated, 10))


def room(context_tokens: int, input_tokens: int, max_tokens: int | None) -> int | None:
    """The longest answer that the context has room for; None where to say so would not help.

    That is where the context is unknown, the answer was to be as short already, or what is left
    is too little to be of use.
    """
    most = context_tokens - input_tokens - SPARE_TOKENS
    if most < LEAST_TOKENS or (max_tokens is not None and max_tokens <= most):
        return None
    return most


def _may_wait(step: Start, why: Refusal) -> bool:
    """Whether a route that was refused is asked in the end, when nobody else is left.

    Who is well is not lost for want of a token, and who is down may be all there is. Money does
    not come back within a request.
    """
    if why is Refusal.RETRIES:
        return step.toll is Toll.WANTED
    return why is Refusal.CLOSED and not step.insist
