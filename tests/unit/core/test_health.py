"""When something is let alone, for how long, and how it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    COOLING_S,
    DOWN_AFTER,
    ENOUGH_CALLS,
    FIRST_DOWN_S,
    FRESH,
    JITTER,
    LONGEST_COOLING_S,
    LONGEST_DOWN_S,
    PROBE_S,
    REFUSED_S,
    Health,
    State,
    down_s,
    failed,
    open_at,
    probing,
    state,
    succeeded,
)

NOW = 10_000.0
FAILURES = [Kind.UNREACHABLE, Kind.TIMEOUT, Kind.LOST, Kind.OVERLOADED, Kind.BROKEN, Kind.MISSING]
NOBODYS = [Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED]


def ill(health: Health = FRESH, *, times: int = DOWN_AFTER, now: float = NOW) -> Health:
    for _ in range(times):
        health = failed(health, Kind.LOST, now, draw=0.0)
    return health


@pytest.mark.parametrize("kind", FAILURES)
def test_failures_in_a_row_make_it_degraded_and_then_down(kind: Kind) -> None:
    health, states = FRESH, []
    for _ in range(DOWN_AFTER):
        health = failed(health, kind, NOW, draw=0.0)
        states.append(state(health, NOW))

    assert [State.HEALTHY, *[State.DEGRADED] * 3, State.DOWN] == states
    assert NOW + FIRST_DOWN_S == open_at(health, NOW)


def test_one_success_makes_it_healthy() -> None:
    health = succeeded(ill(times=4), NOW)

    assert State.HEALTHY is state(health, NOW)
    assert State.HEALTHY is state(ill(health, times=1), NOW)


def test_half_of_many_calls_is_too_much_even_when_none_follow_each_other() -> None:
    health = FRESH
    for _ in range(ENOUGH_CALLS // 2):
        health = failed(succeeded(health, NOW), Kind.LOST, NOW, draw=0.0)

    assert State.DOWN is state(health, NOW)


def test_calls_of_long_ago_are_forgotten() -> None:
    health = FRESH
    for _ in range(ENOUGH_CALLS // 2 - 1):
        health = failed(succeeded(health, NOW), Kind.LOST, NOW, draw=0.0)
    later = NOW + 31.0

    health = failed(succeeded(health, later), Kind.LOST, later, draw=0.0)

    assert State.HEALTHY is state(health, later)


def test_after_its_time_one_request_is_let_in() -> None:
    health = ill()
    then = NOW + FIRST_DOWN_S

    assert State.HALF_OPEN is state(health, then)
    assert then == open_at(health, then)

    health = probing(health, then)

    assert then + PROBE_S == open_at(health, then)
    assert State.HEALTHY is state(succeeded(health, then + 1), then + 1)


def test_a_probe_that_fails_doubles_the_time() -> None:
    health, now, times = ill(), NOW, []
    for _ in range(9):
        now = open_at(health, now)
        health = failed(probing(health, now), Kind.LOST, now, draw=0.0)
        times.append(open_at(health, now) - now)

    assert [10, 20, 40, 80, 160, 300, 300, 300, 300] == times


def test_a_probe_that_never_reports_makes_way_for_another() -> None:
    health = probing(ill(), NOW + FIRST_DOWN_S)
    then = NOW + FIRST_DOWN_S + PROBE_S

    assert State.HALF_OPEN is state(health, then)
    assert then == open_at(health, then)


def test_what_was_under_way_when_it_went_down_tells_nothing_new() -> None:
    down = ill()

    assert open_at(down, NOW) == open_at(ill(down, now=NOW + 1), NOW)


def test_who_comes_back_only_to_fall_again_stays_away_longer() -> None:
    again = ill(succeeded(ill(), NOW + 6), now=NOW + 7)
    after_a_rest = NOW + 10 * LONGEST_DOWN_S
    rested = ill(succeeded(ill(), NOW + 6), now=after_a_rest)

    assert NOW + 7 + 2 * FIRST_DOWN_S == open_at(again, NOW + 7)
    assert after_a_rest + FIRST_DOWN_S == open_at(rested, after_a_rest)


@pytest.mark.parametrize(
    ("retry_after_s", "rest_s"), [(None, COOLING_S), (7.0, 7.0), (1e9, LONGEST_COOLING_S)]
)
def test_throttled_rests_as_told_and_is_no_failure(
    retry_after_s: float | None, rest_s: float
) -> None:
    health = FRESH
    for _ in range(30):
        health = failed(health, Kind.THROTTLED, NOW, draw=0.0, retry_after_s=retry_after_s)

    assert State.HEALTHY is state(health, NOW)
    assert NOW + rest_s == open_at(health, NOW)


def test_overloaded_that_says_when_is_left_alone_and_counted() -> None:
    health = failed(FRESH, Kind.OVERLOADED, NOW, draw=0.0, retry_after_s=3.0)

    assert NOW + 3.0 == open_at(health, NOW)
    assert 1 == health.failures


@pytest.mark.parametrize("kind", [Kind.CREDENTIAL, Kind.EXHAUSTED])
def test_refused_key_and_empty_account_are_tried_again_after_a_while(kind: Kind) -> None:
    health = failed(FRESH, kind, NOW, draw=0.0)
    then = NOW + REFUSED_S

    assert State.CREDENTIAL is state(health, then - 1)
    assert then == open_at(health, NOW)
    assert State.HALF_OPEN is state(health, then)
    assert State.CREDENTIAL is state(failed(probing(health, then), kind, then, draw=0.0), then)
    assert State.HEALTHY is state(succeeded(health, NOW), NOW)


@pytest.mark.parametrize("kind", NOBODYS)
def test_mistakes_of_the_caller_are_not_its_fault(kind: Kind) -> None:
    assert FRESH == failed(FRESH, kind, NOW, draw=0.0)


@given(st.integers(0, 2000), st.floats(0, 1, exclude_max=True))
def test_time_down_is_within_its_bounds(downs: int, draw: float) -> None:
    assert FIRST_DOWN_S * (1 - JITTER) <= down_s(downs, draw) <= LONGEST_DOWN_S
    assert down_s(downs, draw) <= down_s(downs, 0.0)


class Life(RuleBasedStateMachine):
    """Whatever happens, in whatever order: it comes back, and never lies about when."""

    def __init__(self) -> None:
        super().__init__()
        self.health = FRESH
        self.now = NOW

    @rule(seconds=st.floats(0, 400))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def succeed(self) -> None:
        self.health = succeeded(self.health, self.now)
        assert State.HEALTHY is state(self.health, self.now)

    @rule(
        kind=st.sampled_from(Kind),
        draw=st.floats(0, 1, exclude_max=True),
        retry_after_s=st.none() | st.floats(0, 1e9),
    )
    def fail(self, kind: Kind, draw: float, retry_after_s: float | None) -> None:
        self.health = failed(self.health, kind, self.now, draw=draw, retry_after_s=retry_after_s)

    @rule()
    def let_in(self) -> None:
        if State.HALF_OPEN is state(self.health, self.now) and self.is_open():
            self.health = probing(self.health, self.now)
            assert not self.is_open()

    def is_open(self) -> bool:
        return open_at(self.health, self.now) <= self.now

    @invariant()
    def it_says_when_it_opens(self) -> None:
        until = open_at(self.health, self.now)
        assert until >= self.now
        assert until <= self.now + max(LONGEST_DOWN_S, REFUSED_S, LONGEST_COOLING_S)
        assert until == open_at(self.health, until)

    @invariant()
    def who_is_down_or_has_no_key_is_closed(self) -> None:
        if state(self.health, self.now) in {State.DOWN, State.CREDENTIAL}:
            assert not self.is_open()


TestLife = Life.TestCase
