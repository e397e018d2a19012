"""What is tried after a failure, driven by values."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.builders import a_catalog, a_model, a_provider, a_route
from tokenhub.core.attempts import (
    ESCALATED,
    HEDGED,
    REDUCED,
    RETRIED,
    Cancel,
    GiveUp,
    Refusal,
    Start,
    Toll,
    Wait,
    Won,
)
from tokenhub.core.catalog import Route
from tokenhub.core.failover import BASE_S, CAP_S, MAX_ATTEMPTS, Failover, jitter_s, room
from tokenhub.core.failures import Kind

MODELS = [
    a_model(model, provider, max_context_tokens=size)
    for provider in "abc"
    for model, size in (("small", 4_000), ("large", 128_000), ("unsized", 0))
]
ROUTES = a_catalog(*MODELS).by_route
NOW = 1_000.0
DEADLINE = NOW + 60.0
OUT = (Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.UNSUPPORTED)
AGAIN = (Kind.UNREACHABLE, Kind.LOST, Kind.BROKEN, Kind.OVERLOADED)


def a_failover(*names: str, **given: Any) -> Failover:
    return Failover([ROUTES[name] for name in names], **({"deadline": DEADLINE} | given))


def started(failover: Failover, now: float = NOW) -> Start:
    step = failover.next(now)
    assert isinstance(step, Start), step
    return step


def failed(failover: Failover, kind: Kind, now: float = NOW, **told: Any) -> Start:
    """The next attempt, failed."""
    step = started(failover, now)
    failover.failed(step.leg, kind, now, **told)
    return step


def driven(
    names: Sequence[str], failures: Sequence[Kind], *, max_attempts: int = MAX_ATTEMPTS
) -> tuple[list[str], GiveUp]:
    """The routes in the order in which they were tried, and the end."""
    failover = a_failover(*names, max_attempts=max_attempts)
    tried = [failed(failover, kind).route.id for kind in failures]
    step = failover.next(NOW)
    assert isinstance(step, GiveUp), step
    return tried, step


def test_best_route_is_tried_first_and_answers() -> None:
    failover = a_failover("a/small", "b/small")

    step = started(failover)
    failover.won(step.leg)

    assert (ROUTES["a/small"], Toll.FREE, "") == (step.route, step.toll, step.reason)
    assert Won(step.leg) == failover.next(NOW)


def test_nothing_to_try_ends_at_once() -> None:
    assert GiveUp(None, "routes") == Failover([], deadline=DEADLINE).next(NOW)


def test_transient_failure_moves_to_another_provider_of_the_same_model() -> None:
    names = ["a/small", "b/large", "c/small", "a/large"]

    tried, end = driven(names, [Kind.OVERLOADED] * 4)

    assert ["a/small", "c/small", "b/large", "a/large"] == tried
    assert GiveUp(Kind.OVERLOADED, "attempts") == end


def test_clients_mistake_ends_it_at_once() -> None:
    tried, end = driven(["a/small", "b/small"], [Kind.CLIENT])

    assert ["a/small"] == tried
    assert GiveUp(Kind.CLIENT, "client") == end


@pytest.mark.parametrize("kind", OUT)
def test_bad_credential_takes_the_whole_provider_out(kind: Kind) -> None:
    tried, end = driven(["a/small", "a/large", "b/small"], [kind, Kind.TIMEOUT])

    assert ["a/small", "b/small"] == tried
    assert GiveUp(Kind.TIMEOUT, "routes") == end


def test_attempts_are_bounded() -> None:
    tried, end = driven(sorted(ROUTES), [Kind.OVERLOADED] * 2, max_attempts=2)

    assert 2 == len(tried)
    assert GiveUp(Kind.OVERLOADED, "attempts") == end


# --- once more


@pytest.mark.parametrize("kind", AGAIN)
def test_what_may_pass_is_tried_once_more_when_nobody_else_is_left(kind: Kind) -> None:
    failover = a_failover("a/small")
    failed(failover, kind)

    step = started(failover)
    failover.failed(step.leg, kind, NOW)

    assert (True, Toll.NEEDED, RETRIED) == (step.again, step.toll, step.reason)
    assert GiveUp(kind, "routes") == failover.next(NOW)


@pytest.mark.parametrize("kind", sorted(set(Kind) - {*AGAIN, Kind.CLIENT}))
def test_no_other_failure_is_repeated(kind: Kind) -> None:
    tried, end = driven(["a/small"], [kind])

    assert ["a/small"] == tried
    assert GiveUp(kind, "routes") == end


def test_others_are_asked_before_anybody_is_asked_again() -> None:
    tried, _ = driven(["a/small", "b/large"], [Kind.LOST] * 4)

    assert ["a/small", "b/large"] == tried[:2]
    assert {"a/small", "b/large"} == set(tried[2:])


def test_repetition_waits_for_a_part_of_the_jitter() -> None:
    failover = a_failover("a/small")
    failed(failover, Kind.LOST, draw=0.5)

    assert Wait(NOW + BASE_S / 2) == failover.next(NOW)
    assert Wait(NOW + BASE_S / 2) == failover.next(NOW + BASE_S / 4)
    assert started(failover, NOW + BASE_S / 2).again


def test_jitter_doubles_up_to_its_cap() -> None:
    assert [BASE_S, 2 * BASE_S, 4 * BASE_S] == [jitter_s(n, 1.0) for n in range(3)]
    assert CAP_S == jitter_s(99, 1.0)
    assert 0.0 == jitter_s(99, 0.0)


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.OVERLOADED])
def test_provider_that_named_a_time_is_asked_again_then(kind: Kind) -> None:
    failover = a_failover("a/small")
    failed(failover, kind, retry_after_s=3.0)

    assert Wait(NOW + 3.0) == failover.next(NOW)
    assert "a/small" == started(failover, NOW + 3.0).route.id


@pytest.mark.parametrize("retry_after_s", [5.1, 1e9])
def test_time_that_is_too_far_is_not_waited_for(retry_after_s: float) -> None:
    failover = a_failover("a/small")
    failed(failover, Kind.THROTTLED, retry_after_s=retry_after_s)

    assert GiveUp(Kind.THROTTLED, "routes") == failover.next(NOW)


def test_time_beyond_the_deadline_is_not_waited_for() -> None:
    failover = a_failover("a/small", deadline=NOW + 2.0)
    failed(failover, Kind.THROTTLED, retry_after_s=3.0)

    assert GiveUp(Kind.THROTTLED, "routes") == failover.next(NOW)


def test_nobody_waits_while_another_is_left() -> None:
    failover = a_failover("a/small", "b/large")
    failed(failover, Kind.THROTTLED, retry_after_s=1.0)

    assert "b/large" == started(failover).route.id


def test_whoever_is_ready_first_is_asked_again_first() -> None:
    failover = a_failover("a/small", "b/large")
    failed(failover, Kind.THROTTLED, retry_after_s=2.0)
    failed(failover, Kind.THROTTLED, retry_after_s=1.0)

    assert Wait(NOW + 1.0) == failover.next(NOW)
    assert "b/large" == started(failover, NOW + 1.0).route.id


def test_provider_with_several_endpoints_is_asked_at_each_before_anybody_else() -> None:
    provider = a_provider("local", type="vllm", endpoints=("http://a.test", "http://b.test"))
    local = Route(id="local/gpt", model=a_model("gpt", "local"), provider=provider)
    failover = Failover((local, a_route("gpt", "other")), deadline=DEADLINE)

    tried = [failed(failover, Kind.OVERLOADED).route.id for _ in range(3)]

    assert ["local/gpt", "local/gpt", "other/gpt"] == tried


@pytest.mark.parametrize("others", [{"other/gpt"}, set()], ids=["well", "down"])
def test_last_attempt_is_for_another_provider_that_is_well(others: set[str]) -> None:
    """However many servers of the first are dead: a rack that is gone fails no request."""
    endpoints = tuple(f"http://{number}.test" for number in range(MAX_ATTEMPTS + 1))
    provider = a_provider("local", type="vllm", endpoints=endpoints)
    local = Route(id="local/gpt", model=a_model("gpt", "local"), provider=provider)
    routes = (local, a_route("gpt", "other"))
    failover = Failover(routes, deadline=DEADLINE, down={"other/gpt"} - others)

    tried = [failed(failover, Kind.UNREACHABLE).route.id for _ in range(MAX_ATTEMPTS)]

    last = "other/gpt" if others else "local/gpt"
    assert ["local/gpt"] * (MAX_ATTEMPTS - 1) + [last] == tried


def test_endpoints_of_a_provider_that_is_out_are_not_asked() -> None:
    provider = a_provider("local", type="vllm", endpoints=("http://a.test", "http://b.test"))
    local = Route(id="local/gpt", model=a_model("gpt", "local"), provider=provider)
    failover = Failover((local,), deadline=DEADLINE)
    failed(failover, Kind.CREDENTIAL)

    assert GiveUp(Kind.CREDENTIAL, "routes") == failover.next(NOW)


# --- time


def test_half_of_the_time_is_kept_while_another_is_left() -> None:
    failover = a_failover("a/small", "b/small")

    first = failed(failover, Kind.TIMEOUT)
    second = started(failover, NOW + 30.0)

    assert (30.0, 60.0, False) == (first.within_s, first.left_s, first.insist)
    assert (30.0, 30.0, True) == (second.within_s, second.left_s, second.insist)


def test_last_of_the_attempts_has_all_the_time() -> None:
    failover = a_failover("a/small", "b/small", "c/small", max_attempts=2)
    failed(failover, Kind.TIMEOUT)

    assert 60.0 == started(failover).within_s


def test_nothing_begins_after_the_deadline() -> None:
    failover = a_failover("a/small", "b/small")
    failed(failover, Kind.OVERLOADED)

    assert GiveUp(Kind.OVERLOADED, "deadline") == failover.next(DEADLINE)
    assert GiveUp(None, "deadline") == a_failover("a/small").next(DEADLINE)


# --- context


@pytest.mark.parametrize(
    ("context", "input_tokens", "max_tokens", "found"),
    [
        (4096, 3000, None, 840),
        (4096, 3000, 1000, 840),
        (4096, 3000, 800, None),
        (4096, 3000, 840, None),
        (4096, 3800, None, None),
        (4096, 3776, None, 64),
        (0, 3000, None, None),
    ],
)
def test_room_for_the_answer(
    context: int, input_tokens: int, max_tokens: int | None, found: int | None
) -> None:
    """The vectors of original-behaviour 16."""
    assert found == room(context, input_tokens, max_tokens)


def test_prompt_too_long_is_asked_again_for_a_shorter_answer_once() -> None:
    failover = a_failover("a/small", "b/large", input_tokens=3_000)
    first = failed(failover, Kind.CONTEXT)

    shorter = failed(failover, Kind.CONTEXT)
    larger = started(failover)

    assert (None, 744, REDUCED) == (first.max_tokens, shorter.max_tokens, shorter.reason)
    assert ("a/small", "b/large") == (shorter.route.id, larger.route.id)
    assert (ESCALATED, None) == (larger.reason, larger.max_tokens)


def test_shorter_answer_that_cannot_be_asked_for_leads_to_the_larger_model() -> None:
    failover = a_failover("a/small", "b/large", input_tokens=3_000)
    failed(failover, Kind.CONTEXT)

    failover.refused(started(failover).leg, Refusal.UNSHRINKABLE)

    assert "b/large" == started(failover).route.id


def test_prompt_too_long_goes_to_the_smallest_larger_model_once() -> None:
    names = ["a/small", "b/small", "b/unsized", "a/large", "b/large"]

    tried, end = driven(names, [Kind.CONTEXT, Kind.CONTEXT])

    assert ["a/small", "a/large"] == tried
    assert GiveUp(Kind.CONTEXT, "routes") == end


def test_prompt_too_long_for_a_model_of_unknown_size_has_nowhere_larger_to_go() -> None:
    tried, end = driven(["a/unsized", "b/large"], [Kind.CONTEXT])

    assert ["a/unsized"] == tried
    assert GiveUp(Kind.CONTEXT, "routes") == end


def test_model_that_is_too_small_is_not_asked_again() -> None:
    tried, end = driven(["a/small", "b/small"], [Kind.LOST, Kind.CONTEXT])

    assert ["a/small", "b/small"] == tried
    assert GiveUp(Kind.CONTEXT, "routes") == end


# --- tolls and refusals


def test_next_provider_wants_a_token_and_whoever_is_down_needs_one() -> None:
    failover = a_failover("a/small", "b/small", "c/small", down={"c/small"})

    tolls = [failed(failover, Kind.OVERLOADED).toll for _ in range(3)]

    assert [Toll.FREE, Toll.WANTED, Toll.NEEDED] == tolls


def test_other_models_of_a_provider_without_a_connection_need_a_token() -> None:
    failover = a_failover("a/small", "a/large")
    failed(failover, Kind.UNREACHABLE)

    assert Toll.NEEDED == started(failover).toll


def test_provider_that_is_well_is_not_lost_for_want_of_a_token() -> None:
    failover = a_failover("a/small", "b/small", "c/large")
    failed(failover, Kind.TIMEOUT)

    passed = started(failover)
    failover.refused(passed.leg, Refusal.RETRIES)
    other = failed(failover, Kind.TIMEOUT)
    free = started(failover)

    assert ("b/small", "c/large") == (passed.route.id, other.route.id)
    assert ("b/small", Toll.FREE, True) == (free.route.id, free.toll, free.insist)


def test_repetition_without_a_token_is_not_made() -> None:
    failover = a_failover("a/small")
    failed(failover, Kind.LOST)

    failover.refused(started(failover).leg, Refusal.RETRIES)

    assert GiveUp(Kind.LOST, "routes") == failover.next(NOW)


def test_whoever_is_down_is_not_asked_without_a_token() -> None:
    failover = a_failover("a/small", "b/small", down={"b/small"})
    failed(failover, Kind.TIMEOUT)

    failover.refused(started(failover).leg, Refusal.RETRIES)

    assert GiveUp(Kind.TIMEOUT, "routes") == failover.next(NOW)


def test_route_that_is_closed_is_asked_for_once_more_when_nobody_else_is_left() -> None:
    failover = a_failover("a/small", "b/small")

    failover.refused(started(failover).leg, Refusal.CLOSED)
    other = failed(failover, Kind.TIMEOUT)
    closed = started(failover)
    failover.refused(closed.leg, Refusal.CLOSED)

    assert ("b/small", Toll.FREE) == (other.route.id, other.toll)
    assert ("a/small", True) == (closed.route.id, closed.insist)
    assert GiveUp(Kind.TIMEOUT, "routes") == failover.next(NOW)


def test_route_that_costs_too_much_is_dropped() -> None:
    failover = a_failover("a/small", "b/small")
    failed(failover, Kind.TIMEOUT)

    failover.refused(started(failover).leg, Refusal.MONEY)

    assert GiveUp(Kind.TIMEOUT, "routes") == failover.next(NOW)


def test_route_that_was_passed_over_is_no_attempt() -> None:
    failover = a_failover("a/small", "b/small", "c/small", max_attempts=2)
    failed(failover, Kind.OVERLOADED)

    failover.refused(started(failover).leg, Refusal.MONEY)

    assert "c/small" == started(failover).route.id


# --- hedges


def hedged(*names: str, **given: Any) -> tuple[Failover, Start]:
    """A first leg under way beside which another is to begin after a second."""
    failover = a_failover(*names, **given)
    first = started(failover)
    assert failover.hedge(NOW + 1.0)
    return failover, first


def test_second_leg_begins_at_its_time_at_another_provider_of_the_model() -> None:
    failover, _ = hedged("a/small", "b/large", "c/small")

    assert Wait(NOW + 1.0) == failover.next(NOW)
    second = started(failover, NOW + 1.0)

    assert ("c/small", True, False) == (second.route.id, second.hedge, second.again)
    assert (Toll.SPARE, HEDGED, False) == (second.toll, second.reason, second.insist)
    assert Wait() == failover.next(NOW + 1.0)


def test_second_leg_goes_to_another_model_or_else_to_the_same_route() -> None:
    other, _ = hedged("a/small", "a/large")
    same, _ = hedged("a/small")
    down, _ = hedged("a/small", "b/small", down={"b/small"})

    assert "a/large" == started(other, NOW + 1.0).route.id
    assert ("a/small", True) == (
        (step := started(same, NOW + 1.0)).route.id,
        step.again,
    )
    assert "a/small" == started(down, NOW + 1.0).route.id


@pytest.mark.parametrize("which", [0, 1])
def test_first_answer_wins_and_the_other_leg_is_cancelled(which: int) -> None:
    failover, first = hedged("a/small", "b/small")
    legs = [first, started(failover, NOW + 1.0)]

    failover.won(legs[which].leg)
    cancel = failover.next(NOW + 2.0)
    failover.cancelled(legs[1 - which].leg)

    assert Cancel(legs[1 - which].leg) == cancel
    assert Won(legs[which].leg) == failover.next(NOW + 2.0)


def test_failure_of_one_leg_waits_for_the_other() -> None:
    failover, first = hedged("a/small", "b/small", "c/small")
    second = started(failover, NOW + 1.0)

    failover.failed(first.leg, Kind.OVERLOADED, NOW + 2.0)
    waits = failover.next(NOW + 2.0)
    failover.failed(second.leg, Kind.OVERLOADED, NOW + 3.0)

    assert Wait() == waits
    assert "c/small" == started(failover, NOW + 3.0).route.id


def test_clients_mistake_in_one_leg_ends_the_other() -> None:
    failover, first = hedged("a/small", "b/small")
    second = started(failover, NOW + 1.0)

    failover.failed(second.leg, Kind.CLIENT, NOW + 2.0)
    cancel = failover.next(NOW + 2.0)
    failover.cancelled(first.leg)

    assert Cancel(first.leg) == cancel
    assert GiveUp(Kind.CLIENT, "client") == failover.next(NOW + 2.0)


def test_second_leg_that_is_refused_leaves_its_route_where_it_was() -> None:
    failover, first = hedged("a/small", "b/large", "c/small")
    failover.refused(started(failover, NOW + 1.0).leg, Refusal.CLOSED)

    waits = failover.next(NOW + 2.0)
    failover.failed(first.leg, Kind.CREDENTIAL, NOW + 2.0)
    tried = [failed(failover, Kind.TIMEOUT, NOW + 2.0).route.id for _ in range(2)]

    assert Wait() == waits
    assert ["c/small", "b/large"] == tried


def test_there_is_one_second_leg_a_request_and_none_beyond_the_attempts() -> None:
    failover, first = hedged("a/small", "b/small", "c/small")
    second = started(failover, NOW + 1.0)
    for step in (first, second):
        failover.failed(step.leg, Kind.TIMEOUT, NOW + 2.0)
    started(failover, NOW + 2.0)
    alone = a_failover("a/small", "b/small", max_attempts=1)
    started(alone)

    assert not failover.hedge(NOW + 3.0)
    assert not alone.hedge(NOW + 1.0)


def test_no_second_leg_begins_after_the_deadline() -> None:
    failover, _ = hedged("a/small", "b/small", deadline=NOW + 0.5)

    assert Wait() == failover.next(NOW + 1.0)


# --- which failure is told


@pytest.mark.parametrize(
    ("names", "failures", "told"),
    [
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.LOST], Kind.LOST),
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.UNSUPPORTED], Kind.OVERLOADED),
        (["a/small", "b/small"], [Kind.UNSUPPORTED, Kind.OVERLOADED], Kind.OVERLOADED),
        (["a/small", "b/small"], [Kind.UNSUPPORTED, Kind.UNSUPPORTED], Kind.UNSUPPORTED),
        (["a/small", "b/small"], [Kind.THROTTLED, Kind.CLIENT], Kind.CLIENT),
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.CONTEXT], Kind.CONTEXT),
        (["a/large", "b/small"], [Kind.OVERLOADED, Kind.CONTEXT], Kind.OVERLOADED),
        (["a/large", "b/small"], [Kind.UNSUPPORTED, Kind.CONTEXT], Kind.CONTEXT),
        (["a/small", "b/large"], [Kind.CONTEXT, Kind.OVERLOADED], Kind.OVERLOADED),
        (["a/small", "b/small"], [Kind.MISSING, Kind.LOST], Kind.LOST),
    ],
)
def test_failure_that_says_most_is_told(names: list[str], failures: list[Kind], told: Kind) -> None:
    failover = a_failover(*names)

    last = None
    for kind in failures:
        step = started(failover)
        last = kind if failover.failed(step.leg, kind, NOW) else last

    assert told is last


def test_first_of_those_who_do_not_know_the_model_is_told() -> None:
    failover = a_failover("a/small", "b/small")

    told = [failover.failed(started(failover).leg, Kind.MISSING, NOW) for _ in range(2)]

    assert [True, False] == told


@pytest.mark.parametrize("first", [0, 1])
def test_a_route_that_says_that_it_will_fail_again_is_believed_whichever_leg_heard_it(
    first: int,
) -> None:
    provider = a_provider("local", type="vllm", endpoints=("http://a.test", "http://b.test"))
    route = Route(id="local/gpt", model=a_model("gpt", "local"), provider=provider)
    failover = Failover([route], deadline=DEADLINE)
    legs = [started(failover)]
    assert failover.hedge(NOW + 1.0)
    legs.append(started(failover, NOW + 1.0))

    failover.failed(legs[first].leg, Kind.BROKEN, NOW + 2.0, lasts=True)
    failover.failed(legs[1 - first].leg, Kind.LOST, NOW + 3.0)

    assert GiveUp(Kind.LOST, "routes") == failover.next(NOW + 4.0)
