"""When something is let alone, for how long, and how it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    COOLING_S,
    DEGRADED_AFTER,
    DOWN_AFTER,
    ENOUGH_CALLS,
    FIRST_DOWN_S,
    FRESH,
    JITTER,
    LONGEST_COOLING_S,
    LONGEST_DOWN_S,
    NOBODY_BEHIND,
    PROBE_S,
    REFUSED_S,
    Health,
    State,
    down_s,
    failed,
    let_go,
    open_at,
    probed,
    probing,
    reached,
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


@pytest.mark.parametrize("kind", NOBODYS)
def test_request_that_tells_nothing_gives_its_place_back(kind: Kind) -> None:
    then = NOW + FIRST_DOWN_S
    taken = probing(ill(), then)

    assert then == open_at(failed(taken, kind, then, draw=0.0), then)
    assert then == open_at(let_go(taken), then)


# --- probes


def missed(health: Health = FRESH, *, times: int = 1, now: float = NOW) -> Health:
    for _ in range(times):
        health = probed(health, Kind.UNREACHABLE, now, draw=0.0)
    return health


def well(health: Health, now: float = NOW) -> Health:
    return probed(health, None, now, draw=0.0)


def test_probes_that_nobody_answers_count_like_failures_and_with_them() -> None:
    assert State.DEGRADED is state(missed(times=DEGRADED_AFTER), NOW)
    assert State.DOWN is state(missed(times=DOWN_AFTER), NOW)
    assert State.DOWN is state(missed(ill(times=2), times=DOWN_AFTER - 2), NOW)


@pytest.mark.parametrize("status", sorted(NOBODY_BEHIND))
def test_gateway_with_nobody_behind_it_is_nobody(status: int) -> None:
    assert 1 == probed(FRESH, Kind.OVERLOADED, NOW, draw=0.0, status=status).missed


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.OVERLOADED, 500),
        (Kind.OVERLOADED, 501),
        (Kind.OVERLOADED, 529),
        (Kind.THROTTLED, 429),
        (Kind.CLIENT, 404),
        (Kind.CLIENT, 405),
        (Kind.BROKEN, 200),
        (Kind.UNSUPPORTED, 401),
    ],
)
def test_who_answers_anything_is_there(kind: Kind, status: int) -> None:
    assert FRESH == probed(FRESH, kind, NOW, draw=0.0, status=status)
    assert FRESH == probed(missed(times=4), kind, NOW, draw=0.0, status=status)


def test_good_probe_takes_back_what_probes_have_said_and_nothing_else() -> None:
    assert State.HEALTHY is state(well(missed(times=4)), NOW)
    assert State.DEGRADED is state(well(missed(ill(times=2))), NOW)


def test_good_probe_ends_the_wait_and_not_the_doubt() -> None:
    health = well(ill())

    assert State.HALF_OPEN is state(health, NOW)
    assert NOW == open_at(health, NOW)
    assert State.HEALTHY is state(succeeded(health, NOW), NOW)


def test_good_probe_is_not_believed_again_where_the_one_that_was_let_in_failed() -> None:
    health = failed(probing(well(ill()), NOW), Kind.UNREACHABLE, NOW, draw=0.0)

    assert State.DOWN is state(well(health), NOW)
    assert State.HALF_OPEN is state(well(missed(health)), NOW)
    assert State.HALF_OPEN is state(well(ill(succeeded(health, NOW))), NOW)


def test_probe_that_nobody_answers_sends_who_is_half_open_away_for_longer() -> None:
    then = NOW + FIRST_DOWN_S

    assert then + 2 * FIRST_DOWN_S == open_at(missed(ill(), now=then), then)


@pytest.mark.parametrize("kind", [Kind.CREDENTIAL, Kind.FORBIDDEN])
def test_key_that_may_not_list_models_is_out_until_a_probe_finds_it_taken(kind: Kind) -> None:
    out = probed(FRESH, kind, NOW, draw=0.0, status=401)

    assert State.CREDENTIAL is state(out, NOW)
    assert State.HALF_OPEN is state(well(out, NOW + 1), NOW + 1)
    assert State.CREDENTIAL is state(probed(out, Kind.CLIENT, NOW, draw=0.0, status=404), NOW)


def test_key_that_requests_are_refused_with_is_let_in_by_probes_once() -> None:
    once = well(failed(FRESH, Kind.CREDENTIAL, NOW, draw=0.0))
    again = failed(probing(once, NOW), Kind.CREDENTIAL, NOW, draw=0.0)

    assert State.HALF_OPEN is state(once, NOW)
    assert State.CREDENTIAL is state(well(again), NOW)
    assert State.HALF_OPEN is state(well(probed(again, Kind.CREDENTIAL, NOW, draw=0.0)), NOW)


@pytest.mark.parametrize("kind", [Kind.EXHAUSTED, Kind.FORBIDDEN])
def test_list_of_models_says_nothing_of_an_account_or_of_one_model(kind: Kind) -> None:
    out = failed(FRESH, kind, NOW, draw=0.0)

    assert out == well(out)


def test_account_that_a_probe_finds_used_up_is_out() -> None:
    assert State.CREDENTIAL is state(probed(FRESH, Kind.EXHAUSTED, NOW, draw=0.0), NOW)


def test_provider_whose_route_fails_with_an_answer_is_there() -> None:
    assert FRESH is reached(FRESH)
    assert State.HEALTHY is state(reached(ill()), NOW)
    refused = failed(ill(), Kind.CREDENTIAL, NOW, draw=0.0)
    assert State.CREDENTIAL is state(reached(refused), NOW)


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

    @rule(
        kind=st.none() | st.sampled_from(Kind),
        draw=st.floats(0, 1, exclude_max=True),
        status=st.sampled_from([0, 200, 404, 500, 502, 503, 504]),
    )
    def probe(self, kind: Kind | None, draw: float, status: int) -> None:
        before, asked = state(self.health, self.now), self.health
        self.health = probed(asked, kind, self.now, draw=draw, status=status)
        after = state(self.health, self.now)
        if before in {State.DOWN, State.CREDENTIAL, State.HALF_OPEN}:
            assert after not in {State.HEALTHY, State.DEGRADED}
        assert self.health.failures == asked.failures
        assert self.health.out or not asked.out
        assert self.health.refused or not asked.refused

    @rule()
    def believe_once(self) -> None:
        """Two good probes with a failed try between them open nothing twice."""
        first = probed(self.health, None, self.now, draw=0.0)
        if State.HALF_OPEN is state(first, self.now) and first.vouched:
            kind = Kind.CREDENTIAL if first.refused else Kind.UNREACHABLE
            again = failed(probing(first, self.now), kind, self.now, draw=0.0)
            second = probed(again, None, self.now, draw=0.0)
            assert open_at(again, self.now) == open_at(second, self.now)

    @rule()
    def hang_up(self) -> None:
        before = state(self.health, self.now)
        self.health = let_go(self.health)
        assert before is state(self.health, self.now)

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
