"""What an attempt must pass before it is made: money, the retry budget, the cap of hedges, health.

The hard limits of a request hold here in every path: a retry, a hedge and a last resort pass the
same gates as any other attempt.
"""

from collections.abc import Callable

from tokenhub.core.ask import Ask
from tokenhub.core.attempts import Refusal, Start, Toll
from tokenhub.core.budget import bound, dearest, prompt_tokens, wanted_tokens
from tokenhub.core.catalog import Route
from tokenhub.core.health import State, state
from tokenhub.core.tokens import of_text
from tokenhub.gateway.board import Board
from tokenhub.gateway.finals import KEY_BUDGET, closing, skip_of
from tokenhub.gateway.retries import Retries
from tokenhub.gateway.run import Run
from tokenhub.ports.hedging import Hedging

Shrunk = Callable[[Ask, int, str], Ask | None]
_WELL = frozenset({State.HEALTHY, State.DEGRADED})
# What a route was passed over for, in the words of a skip; what is closed has its own.
_SKIPPED = {
    Refusal.MONEY: "budget_exceeded",
    Refusal.BUDGET: KEY_BUDGET,
    Refusal.PRICE: "price_unknown",
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
        paid = self.hold(run, route, ask)
        # At the end, since of what is half-open it takes the one place.
        if isinstance(paid, Refusal) or self._board.let_in(route, last=step.insist):
            return paid
        run.tab.give_back(run.tab.held[-1])
        return Refusal.CLOSED

    def hold(self, run: Run, route: Route, ask: Ask) -> Ask | Refusal:
        """Hold what the call can cost at the most, the last of the tab's; what to ask for that.

        An answer of a key with a budget is never longer than what is held for it.
        """
        tab, model = run.tab, route.model
        writes = ask.task == "chat"
        size = ask.input_tokens
        if ask.rework is not None:
            size += of_text(ask.rework.said) + of_text(ask.rework.complaint)
        read = prompt_tokens(model, size, ask.most_tokens)
        prices = dearest(model, read, writes=writes)
        if prices is None:
            return Refusal.PRICE if tab.hold(route.id, None) is None else ask
        wanted = wanted_tokens(model, size, ask.max_tokens) if writes else 0
        found = bound(
            prices,
            input_tokens=read,
            wanted=wanted,
            answers=ask.answers,
            left_nusd=tab.left_nusd,
        )
        if found is None:
            return Refusal.BUDGET
        if tab.budget_nusd is not None and writes and found.max_tokens != ask.max_tokens:
            shorter = self._shrunk(ask, found.max_tokens, model.id)
            if shorter is None:
                return Refusal.BUDGET
            ask = shorter
        tab.hold(route.id, found.amount_nusd, found.max_tokens * ask.answers)
        return ask

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
