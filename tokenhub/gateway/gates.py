"""What an attempt must pass before it is made: money, the retry budget, the cap of hedges, health.

The hard limits of a request hold here in every path: a retry, a hedge and a last resort pass the
same gates as any other attempt.
"""

from collections.abc import Callable

from tokenhub.core.ask import Ask
from tokenhub.core.attempts import Refusal, Start, Toll
from tokenhub.core.catalog import Route
from tokenhub.core.health import State, state
from tokenhub.gateway.board import Board
from tokenhub.gateway.finals import closing, skip_of
from tokenhub.gateway.retries import Retries
from tokenhub.gateway.run import Run
from tokenhub.ports.hedging import Hedging

Shrunk = Callable[[Ask, int, str], Ask | None]
_WELL = frozenset({State.HEALTHY, State.DEGRADED})
# What a route was passed over for, in the words of a skip; what is closed has its own.
_SKIPPED = {
    Refusal.MONEY: "budget_exceeded",
    Refusal.RETRIES: "retry_budget",
    Refusal.CLOSED: "health_down",
    Refusal.UNSHRINKABLE: "context_overflow",
}


class Gates:
    """`shrunk` makes an ask for a shorter answer, None where that cannot be said."""

    def __init__(self, *, board: Board, retries: Retries, hedging: Hedging, shrunk: Shrunk) -> None:
        self._board = board
        self._retries = retries
        self._hedging = hedging
        self._shrunk = shrunk

    def passed(
        self, run: Run, step: Start, now: float, *, beside: Route | None = None
    ) -> Ask | Refusal:
        """What to ask, or why the attempt is not made.

        `beside` is the route of an attempt that is under way. What is passed is taken: the token,
        the share of the cap, and of a provider that is half-open the one place.
        """
        ask, route = run.ask, step.route
        if step.max_tokens is not None:
            shorter = self._shrunk(ask, step.max_tokens, route.model.id)
            if shorter is None:
                return Refusal.UNSHRINKABLE
            ask = shorter
        if (run.attempts or beside is not None) and not run.affords(route, beside=beside):
            return Refusal.MONEY
        if not self._is_paid(run, step, now):
            return Refusal.RETRIES
        if step.hedge and not self._is_worth_a_hedge(run, route, now):
            return Refusal.CLOSED
        # At the end, since of what is half-open it takes the one place.
        return ask if self._board.let_in(route, last=step.insist) else Refusal.CLOSED

    def note(self, run: Run, route: Route, why: Refusal) -> None:
        """Write down why a route was passed over, for the case that nobody answers."""
        closed = closing(run, self._board, route) if why is Refusal.CLOSED else None
        skip = skip_of(route, closed, _SKIPPED[why])
        run.passed = [*(one for one in run.passed if one.route != skip.route), skip]

    def _is_paid(self, run: Run, step: Start, now: float) -> bool:
        provider_id = step.route.provider.id
        if step.toll is Toll.SPARE:
            return self._retries.has(provider_id, now)
        if step.toll is not Toll.FREE:
            return self._retries.take(provider_id, now)
        if not run.attempts:
            self._retries.sent(provider_id, now)
        return True

    def _is_worth_a_hedge(self, run: Run, route: Route, now: float) -> bool:
        """Whether it is known to be well, and the cap bears it.

        Who is to prove itself gets a request that is waited for.
        """
        known = self._board.known()
        for name in (route.provider.id, route.id):
            if name in known and state(known[name].health, now) not in _WELL:
                return False
        return self._hedging.fire(route, run.expected_nusd(route))
