"""The failover machine against a model of what it promises, whatever happens to its legs.

It is driven as gateway/attempts.py drives it; providers, clock and budgets are hypothesis'.
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as HypothesisPhase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.builders import a_model, a_provider
from tokenhub.core.attempts import Cancel, GiveUp, Refusal, Start, Toll, Wait, Won
from tokenhub.core.catalog import Route
from tokenhub.core.failover import SPARE_TOKENS, Failover, Phase
from tokenhub.core.failures import Kind
from tokenhub.core.retries import RetryBudget, taken

PAGE = Path(__file__).parents[3] / "docs/developer/failover.md"
OUT = {Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.UNSUPPORTED}
NEVER_AGAIN = set(Kind) - {
    Kind.UNREACHABLE,
    Kind.LOST,
    Kind.BROKEN,
    Kind.OVERLOADED,
    Kind.THROTTLED,
}
# More than any way takes: each route is proposed, put off and refused, and repeated.
MANY = 200

# Drawn from lists, so that most ways are long: left to itself, hypothesis likes what ends at once.
ONE, TWO = ("http://one.test",), ("http://one.test", "http://two.test")
providers = st.sampled_from(
    [{"a": ONE, "b": ONE, "c": ONE}, {"a": ONE, "b": TWO}, {"a": ONE, "b": ONE}, {"a": ONE}]
)
models = st.sampled_from(
    [
        {"small": 4_000, "large": 128_000},
        {"small": 4_000, "other": 8_000, "large": 128_000},
        {"small": 4_000, "unsized": 0},
        {"small": 4_000},
    ]
)
MOVING = [Kind.UNREACHABLE, Kind.LOST, Kind.OVERLOADED, Kind.THROTTLED, Kind.CONTEXT]
kinds = st.sampled_from([*Kind, *MOVING, Kind.CONTEXT])
# What each gate says of the next attempts; open once the list is at its end.
shut = st.lists(st.sampled_from([False, False, False, True]), max_size=5)
hedges = st.sampled_from([None, 0.0, 0.5, 3.0])
shares = st.floats(0.0, 1.0, exclude_max=True)


def arrows() -> set[tuple[str, str]]:
    """The arrows of the page's diagram, but for those of its begin and end."""
    found = re.findall(
        r"^ +(\S+) --> (\S+?)(?: *:.*)?$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {(one, other) for one, other in found if "[*]" not in {one, other}}


ARROWS = arrows()


class Driven(RuleBasedStateMachine):
    """What is known of the legs is written down here as it happens, and held against each step."""

    @initialize(
        providers=providers,
        models=models,
        order=st.randoms(use_true_random=False),
        most=st.sampled_from([4, 4, 7, 3, 2, 1]),
        time_s=st.sampled_from([30.0, 30.0, 30.0, 5.0, 1.0]),
        prompt=st.sampled_from([None, 100, 3_000, 3_000, 3_700]),
        limit=st.sampled_from([None, None, 500, 5_000]),
        down=st.sampled_from([0, 0, 1, 3]),
        cooling=st.sampled_from([0, 0, 1, 9]),
        tokens=st.sampled_from([30, 30, 2, 1, 0]),
        money=st.sampled_from([99, 99, 3, 2]),
        shut=shut,
        hedge_s=hedges,
    )
    def begin(self, **given: Any) -> None:
        routes = [
            Route(
                id=f"{provider}/{model}",
                model=a_model(model, provider, max_context_tokens=size),
                provider=a_provider(provider, endpoints=urls),
            )
            for provider, urls in given["providers"].items()
            for model, size in given["models"].items()
        ]
        given["order"].shuffle(routes)
        self.now = 1_000.0
        self.deadline = self.now + given["time_s"]
        self.most = given["most"]
        self.prompt = given["prompt"]
        self.ranked = {route.id: route for route in routes}
        self.down = {route.id for route in routes[: given["down"]]}
        self.cooling = {route.id for route in routes[: given["cooling"]]}
        self.budgets = dict.fromkeys("abc", RetryBudget(float(given["tokens"]), self.now))
        self.money = given["money"]
        self.machine = Failover(
            routes,
            deadline=self.deadline,
            input_tokens=given["prompt"],
            max_tokens=given["limit"],
            down=self.down,
            max_attempts=given["most"],
        )
        self.phase = Phase.READY
        self.legs: dict[int, Start] = {}
        self.ended: list[int] = []
        self.made: list[Start] = []
        self.failures: list[tuple[Start, Kind]] = []
        self.refusals: list[tuple[Start, Refusal]] = []
        self.lasting: set[str] = set()
        self.after: Wait | None = None
        self.winner = 0
        self.waits_for_hedge = False
        self.end: Won | GiveUp | None = None
        self.shut = list(given["shut"])
        self.hedge_s = given["hedge_s"]
        self._go_on()

    def _go_on(self) -> None:
        """Until there is nothing to do but to wait."""
        self.after = None
        for _ in range(MANY):
            if self.end is not None or self.after is not None:
                return
            self._step()
        raise AssertionError("it does not end")

    def _step(self) -> None:
        step = self.machine.next(self.now)
        self._moved()
        if isinstance(step, Start):
            self._checked(step)
            why = self._refusal(step)
            if why is None:
                self._made(step)
            else:
                self.refusals.append((step, why))
                self.machine.refused(step.leg, why)
        elif isinstance(step, Wait):
            assert self.legs or step.until is not None
            assert step.until is None or step.until > self.now
            self.after = step
        elif isinstance(step, Cancel):
            self.ended.append(step.leg)
            del self.legs[step.leg]
            self.machine.cancelled(step.leg)
        else:
            assert not self.legs
            assert self.end in {None, step}
            self.end = step
        self._moved()

    @precondition(lambda self: self.legs)
    @rule(
        data=st.data(),
        kind=kinds,
        retry_after_s=st.sampled_from([None, None, 0.0, 1.0, 4.0, 9.0]),
        lasts=st.sampled_from([False, False, False, True]),
        draw=shares,
        shut=shut,
        hedge_s=hedges,
    )
    def fail(self, *, data: Any, kind: Kind, shut: Any, hedge_s: Any, **said: Any) -> None:
        self.shut, self.hedge_s = list(shut), hedge_s
        leg = data.draw(st.sampled_from(sorted(self.legs)))
        step = self.legs.pop(leg)
        self.ended.append(leg)
        told = self.machine.failed(leg, kind, self.now, **said)
        if said["lasts"]:
            self.lasting.add(step.route.id)
        assert told or self.failures
        self.failures.append((step, kind))
        self._moved()
        self._go_on()

    @precondition(lambda self: self.legs and len(self.failures) > 1)
    @rule(data=st.data())
    def win(self, *, data: Any) -> None:
        self.winner = data.draw(st.sampled_from(sorted(self.legs)))
        del self.legs[self.winner]
        self.ended.append(self.winner)
        self.machine.won(self.winner)
        self._moved()
        self._go_on()

    @rule(seconds=st.sampled_from([0.01, 0.3, 2.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds
        self._go_on()

    @precondition(lambda self: self.after and self.after.until is not None)
    @rule()
    def wake(self) -> None:
        assert self.after is not None
        self.now = max(self.now, self.after.until or 0.0)
        self._go_on()

    @invariant()
    def two_legs_at_most_and_never_more_attempts_than_allowed(self) -> None:
        if hasattr(self, "machine"):
            assert len(self.legs) <= 2
            assert len(self.made) <= self.most
            assert sum(step.hedge for step in self.made) <= 1
            assert self.phase == self.machine.phase

    def teardown(self) -> None:
        """Whatever is done from here on, it ends; each leg has ended once."""
        if not hasattr(self, "machine"):
            return
        for _ in range(MANY):
            if self.after is None:
                break
            if self.after.until is not None:
                self.wake()
            else:
                self._fail_one()
        assert self.end is not None
        assert self.end == self.machine.next(self.now)
        assert sorted(self.ended) == sorted(step.leg for step in self.made)
        if self.winner:
            assert Won(self.winner) == self.end
        elif self.failures:
            assert isinstance(self.end, GiveUp)
            assert self.end.kind in {kind for _, kind in self.failures}

    def _fail_one(self) -> None:
        leg, step = self.legs.popitem()
        self.ended.append(leg)
        self.machine.failed(leg, Kind.OVERLOADED, self.now)
        self.failures.append((step, Kind.OVERLOADED))
        self._moved()
        self._go_on()

    def _is_refused(self) -> bool:
        return any(kind is Kind.CLIENT for _, kind in self.failures)

    def _refusal(self, step: Start) -> Refusal | None:
        """As the gates of the gateway: the hard limits, then the token, then health."""
        closed = bool(self.shut) and self.shut.pop()
        if step.max_tokens is not None and closed:
            return Refusal.UNSHRINKABLE
        if self.made and len(self.made) >= self.money:
            return Refusal.MONEY
        if step.toll is not Toll.FREE:
            left = taken(self.budgets[step.route.provider.id], self.now)
            if left is None:
                return Refusal.RETRIES
            if step.toll is not Toll.SPARE:
                self.budgets[step.route.provider.id] = left
        if step.route.id in self.cooling:
            return Refusal.CLOSED
        return Refusal.CLOSED if closed and not step.insist else None

    def _made(self, step: Start) -> None:
        self.made.append(step)
        self.legs[step.leg] = step
        if step.hedge:
            self.waits_for_hedge = False
        elif self.hedge_s is not None and len(self.legs) == 1:
            self.waits_for_hedge = self.machine.hedge(self.now + self.hedge_s)

    def _checked(self, step: Start) -> None:
        """Nothing begins that must not."""
        assert self.now < self.deadline
        assert not self.winner
        assert not self._is_refused()
        assert self.ranked[step.route.id] is step.route
        assert step.leg not in self.legs
        assert 0 < step.within_s <= step.left_s == self.deadline - self.now
        assert step.hedge == bool(self.legs)
        assert step.hedge == (step.toll is Toll.SPARE)
        assert not step.hedge or self.waits_for_hedge
        if self.made and not step.hedge:
            self._is_paid(step)
        for failure, kind in self.failures:
            self._is_learned(step, failure, kind)

    def _is_paid(self, step: Start) -> None:
        """Only who is well, and was put off before, gets more than its first attempts for free."""
        put_off = any(one.route is step.route for one, _ in self.refusals)
        assert step.toll is not Toll.FREE or put_off
        assert step.toll is Toll.NEEDED or not (step.again and step.max_tokens is None)
        assert step.toll is Toll.NEEDED or step.route.id not in self.down or step.again

    def _is_learned(self, step: Start, failure: Start, kind: Kind) -> None:
        same = step.route is failure.route
        if kind in OUT:
            assert step.route.provider.id != failure.route.provider.id
        # A second leg, or a shorter answer, may go where the other leg has failed meanwhile.
        if same and not step.hedge and step.max_tokens is None:
            assert kind not in NEVER_AGAIN - {Kind.CONTEXT}
            assert step.route.id not in self.lasting
        if kind is Kind.CONTEXT:
            self._fits(step, failure)
        if same:
            tries = [one for one in self.made if one.route is step.route]
            assert step.again or len(tries) == 0
            plain = [one for one in tries if not one.hedge and one.max_tokens is None]
            special = step.hedge or step.max_tokens is not None
            assert special or len(plain) <= len(step.route.provider.endpoints)

    def _fits(self, step: Start, failure: Start) -> None:
        size = step.route.model.max_context_tokens
        if step.max_tokens is None:
            assert size > failure.route.model.max_context_tokens or self._was_shorter(step)
        else:
            assert self.prompt is not None
            assert self.prompt + step.max_tokens + SPARE_TOKENS <= size

    def _was_shorter(self, step: Start) -> bool:
        """Whether a route that was too small has been made to fit, and is asked beside another."""
        return any(one.max_tokens is not None for one in self.made) or step.hedge

    def _moved(self) -> None:
        now = self.machine.phase
        if now is not self.phase:
            assert (str(self.phase), str(now)) in ARROWS, f"{self.phase} --> {now}"
        self.phase = now


Driven.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=15,
    deadline=None,
    # Without shrinking, which takes minutes: what fails is short as it is.
    phases=(HypothesisPhase.explicit, HypothesisPhase.reuse, HypothesisPhase.generate),
    suppress_health_check=list(HealthCheck),
)
TestDriven = Driven.TestCase


# --- the page's diagram


def test_states_of_the_page_are_those_of_the_machine() -> None:
    assert {str(phase) for phase in Phase} == {state for arrow in ARROWS for state in arrow}


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("start win end", id="an answer"),
        pytest.param("start fail:client end", id="the client's mistake"),
        pytest.param("start fail:lost wait start win end", id="a repetition"),
        pytest.param("start fail:lost wait late end", id="too late for a repetition"),
        pytest.param("start fail:timeout end", id="nobody is left"),
        pytest.param("start hedge fail:lost win end", id="one leg of two"),
        pytest.param("start hedge win cancel end", id="the first of two legs"),
        pytest.param("start hedge fail:client cancel end", id="the client's mistake beside"),
    ],
)
def test_way_of_the_page_can_be_gone(way: str) -> None:
    assert set(_walked(way)) <= ARROWS


def test_every_arrow_of_the_page_can_be_gone() -> None:
    ways = [param.values[0] for param in test_way_of_the_page_can_be_gone.pytestmark[0].args[1]]

    assert ARROWS == {arrow for way in ways for arrow in _walked(str(way))}


def _walked(way: str) -> list[tuple[str, str]]:
    """The moves of a machine with one route that is driven by these words."""
    route = Route(id="a/m", model=a_model("m", "a"), provider=a_provider("a"))
    machine = Failover([route], deadline=60.0)
    now = 0.0
    legs: list[int] = []
    phases = [machine.phase]
    for word in way.split():
        act, _, kind = word.partition(":")
        now = 61.0 if act == "late" else now
        if act == "fail":
            machine.failed(legs.pop(), Kind(kind), now, draw=0.5)
        elif act == "win":
            machine.won(legs.pop())
        else:
            if act == "hedge":
                assert machine.hedge(now)
            step = machine.next(now)
            if isinstance(step, Start):
                legs.append(step.leg)
            elif isinstance(step, Wait):
                phases.append(machine.phase)
                now = step.until or now
            elif isinstance(step, Cancel):
                legs.remove(step.leg)
                machine.cancelled(step.leg)
        phases.append(machine.phase)
    names = [str(phase) for phase in phases]
    return [(one, other) for one, other in pairwise(names) if one != other]
