"""The ways through the routes with providers of straw: waits, budgets, shorter answers, reasons."""

import asyncio

import pytest

from tests.support.builders import a_model, an_ask
from tests.unit.gateway.house import BIG, SMALL, House, settled, whole
from tokenhub.core.ask import Wish
from tokenhub.core.decide import decide
from tokenhub.core.errors import NoEligibleModel, ProviderFailed
from tokenhub.core.failures import Kind
from tokenhub.core.health import DOWN_AFTER
from tokenhub.core.policy import interpret
from tokenhub.core.retries import FLOOR
from tokenhub.core.signals import UNKNOWN
from tokenhub.gateway.run import OUR_FAULT
from tokenhub.ports.provider import UpstreamError
from tokenhub.web.errors import OPENAI, render, status_of

pytestmark = pytest.mark.anyio

OVERLOADED = UpstreamError(Kind.OVERLOADED, status=503)
TIMED_OUT = UpstreamError(Kind.TIMEOUT)
TOO_LONG = UpstreamError(Kind.CONTEXT, status=400)


def throttled(retry_after_s=None):
    return UpstreamError(Kind.THROTTLED, status=429, retry_after_s=retry_after_s)


async def answered(house, ask, seconds=60.0):
    """What the request comes to while the clock goes on."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.complete(ask))
        await house.clock.advance(seconds)
    return task.result()


async def refused(house, ask=None):
    with pytest.raises((ProviderFailed, NoEligibleModel)) as caught:
        await house.complete(ask or an_ask())
    return caught.value


def reasons(answer):
    return answer.outcome.reason, [attempt.kind for attempt in answer.outcome.attempts]


# --- waits and budgets


async def test_provider_that_named_a_time_is_waited_for_where_nobody_else_is_left() -> None:
    house = House(throttled(2.0), whole(), models=[BIG])
    began = house.clock.monotonic()

    answer = await answered(house, an_ask())

    assert ("retried-transient", ["throttled", ""]) == reasons(answer)
    assert 4.0 == answer.outcome.latency_s
    assert 2.0 == answer.outcome.upstream_s
    assert began + 4.0 <= house.clock.monotonic()


async def test_longer_time_is_passed_on() -> None:
    error = await refused(House(throttled(7.0), models=[BIG]))

    status, headers, _ = render(error, dialect=OPENAI, request_id="req_1")
    assert 429 == status
    assert (b"retry-after", b"7") in headers


async def test_earliest_time_of_all_is_passed_on() -> None:
    error = await refused(House(throttled(20.0), throttled(9.0)))

    assert 9.0 <= error.retry_after_s <= 10.0


async def test_caller_who_leaves_while_we_wait_is_the_end_of_it() -> None:
    house = House(throttled(2.0), whole(), models=[BIG])

    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.complete(an_ask()))
        await house.clock.advance(1.0)
        task.cancel()

    await house.clock.advance(9.0)
    assert 1 == house.straw.calls


async def test_call_that_ends_with_a_fault_of_ours_is_charged_all_the_same() -> None:
    """The provider has had the request, whatever we have made of its answer."""
    house = House(ValueError("a mistake of ours"))

    with pytest.raises(ValueError, match="ours"):
        await house.complete(an_ask())

    (attempt,) = (await house.outcome()).attempts
    assert (OUR_FAULT, "unknown") == (attempt.kind, attempt.state)
    assert (attempt.cost_nusd or 0) > 0
    assert UNKNOWN == house.signal("a/big")
    assert {} == house.board.known()


async def test_dead_provider_is_not_asked_more_often_than_its_budget_has_tokens() -> None:
    """Three hundred requests at once: each may be tried again only while there are tokens."""
    house = House(*[OVERLOADED] * 900, models=[BIG])
    house.straw.took_s = 0.0

    for number in range(300):
        with pytest.raises(ProviderFailed):
            await house.gateway.complete(house.admit(an_ask(), number))

    assert 300 + FLOOR <= house.straw.calls <= 300 + FLOOR + 300 / 5


async def test_healthy_provider_answers_all_though_the_budgets_are_empty() -> None:
    """Neither of the two has a token left: no request fails for that."""
    house = House(*[end for _ in range(100) for end in (TIMED_OUT, whole())])
    house.straw.took_s = 0.0
    retries = house.dispatch._attempts._gates._retries
    for provider in ("a", "b"):
        while retries.take(provider, house.clock.monotonic()):
            pass

    for number in range(100):
        answer = await house.gateway.complete(house.admit(an_ask(), number))
        assert 200 == answer.outcome.status


async def test_load_on_a_dead_provider_is_taken_by_the_other_with_few_calls_more() -> None:
    """A minute, ten requests a second: the calls are at most 1.25 times the requests."""
    house = House(models=[BIG, SMALL])
    calls = []

    async def complete(ask, model_id, *, within_s):
        calls.append(model_id)
        if model_id == "big":
            raise UpstreamError(Kind.UNREACHABLE)
        return whole()

    house.straw.complete = complete

    for number in range(600):
        answer = await house.gateway.complete(house.admit(an_ask(model="big"), number))
        assert 200 == answer.outcome.status
        house.clock.tick(0.1)

    assert len(calls) <= 1.05 * 600


# --- what the answer came by


async def test_prompt_that_leaves_less_room_is_asked_for_a_shorter_answer() -> None:
    house = House(TOO_LONG, whole(), models=[a_model("big", "a", max_context_tokens=4096)])

    answer = await house.complete(an_ask(input_tokens=3000, max_tokens=None))

    first, second = [ask for _, ask in house.straw.asked]
    assert ("reduced-max-tokens", ["context", ""]) == reasons(answer)
    assert (None, 840) == (first.max_tokens, second.max_tokens)
    assert b'"max_tokens":840' in second.payload


async def test_prompt_that_does_not_fit_goes_to_a_larger_model() -> None:
    models = [
        a_model("small", "a", max_context_tokens=4096, weight=9),
        a_model("large", "b", max_context_tokens=64_000),
    ]
    house = House(TOO_LONG, TOO_LONG, whole(), models=models)

    answer = await house.complete(an_ask(model="small", input_tokens=3000))

    assert ("escalated-context-overflow", ["context", "context", ""]) == reasons(answer)
    assert ["small", "small", "large"] == [model for model, _ in house.straw.asked]
    assert house.straw.asked[2][1].max_tokens is None


async def test_answer_of_a_route_that_was_down_says_so() -> None:
    house = House(OVERLOADED, whole())
    small = house.catalog.by_route["b/small"]
    for _ in range(DOWN_AFTER):
        house.board.failed(small, Kind.OVERLOADED, latency_s=1.0)

    answer = await house.complete(an_ask())

    assert ("last-resort-fallback", ["overloaded", ""]) == reasons(answer)


async def test_other_route_says_its_weight_and_a_repeated_one_that_it_was_repeated() -> None:
    other = await House(OVERLOADED, whole()).complete(an_ask())
    again = await House(OVERLOADED, OVERLOADED, whole()).complete(an_ask())

    assert "routed-weight-2" == other.outcome.reason
    assert "retried-transient" == again.outcome.reason


async def test_redirect_is_not_tried_again() -> None:
    house = House(UpstreamError(Kind.BROKEN, status=307), models=[BIG])

    error = await refused(house)

    assert 1 == len(error.attempts)


# --- out of options


async def test_what_closed_after_the_decision_is_a_503_with_reasons_and_a_time() -> None:
    house = House()
    run = house.admit(an_ask())
    run.intent = interpret(run.ask, house.catalog.defaults)
    run.decision = decide(run.intent, house.catalog, house.observed.read(house.catalog), 1)
    for route, seconds in zip(run.decision.ranked, (9.0, 4.0), strict=True):
        house.board.failed(route, Kind.THROTTLED, latency_s=0.1, retry_after_s=seconds)

    with pytest.raises(NoEligibleModel) as caught:
        await house.dispatch.complete(run)

    assert {("a/big", "cooling_down"), ("b/small", "cooling_down")} == {
        (skip.route, skip.reason) for skip in caught.value.skipped
    }
    assert (503, 4.0) == (status_of(caught.value), caught.value.retry_after_s)
    assert 0 == house.straw.calls


async def test_budget_holds_where_the_prompt_is_asked_again() -> None:
    """The first attempt may be billed; the repetition would go beyond what the caller allows."""
    house = House(UpstreamError(Kind.LOST), whole(), models=[BIG])
    ask = an_ask(max_tokens=100, input_tokens=100, wish=Wish(max_budget_nusd=1_500_000))

    error = await refused(house, ask)

    assert 1 == len(error.attempts)


async def test_final_error_tells_every_attempt_and_no_word_of_a_provider() -> None:
    said = UpstreamError(Kind.OVERLOADED, status=503, message="the prompt was: secret")
    error = await refused(House(said, said, said, said))

    status, _, body = render(error, dialect=OPENAI, request_id="req_1")
    await settled()
    assert 503 == status
    assert b"secret" not in body
    assert 4 == body.count(b'"class":"overloaded","status":503,"ms":1000.0')
