"""Two legs of one request: who wins, what the other costs, and what keeps a second one away."""

import asyncio

import pytest

from tests.support.builders import a_model, an_ask
from tests.unit.gateway.house import BIG, SMALL, House, Straw, settled, whole
from tokenhub.core.ask import Wish
from tokenhub.core.errors import ProviderFailed, ProviderRefused
from tokenhub.core.failures import Kind
from tokenhub.core.health import DOWN_AFTER
from tokenhub.core.retries import FLOOR
from tokenhub.gateway.run import GONE, HEDGE_LOST, HUNG_UP, OUR_FAULT
from tokenhub.ports.hedging import NoHedges
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio

OVERLOADED = UpstreamError(Kind.OVERLOADED, status=503)
CLIENT = UpstreamError(Kind.CLIENT, status=400, message="no such field")


class Eager:
    """Fires after a second, as often as it is let."""

    def __init__(self, *, shots=9):
        self.shots = shots
        self.told = []

    def after_s(self, route, *, stream):
        return 1.0

    def fire(self, route, cost_nusd):
        self.shots -= 1
        return self.shots >= 0

    def sent(self, route, cost_nusd):
        assert cost_nusd > 0
        self.told.append(("sent", route.id))

    def heard(self, route, *, stream, took_s):
        self.told.append(("heard", route.id, stream, took_s))

    def lost(self, route, *, stream, after_s):
        self.told.append(("lost", route.id, stream, after_s))


def a_house(*ends, **given):
    return House(*ends, **({"hedging": Eager()} | given))


async def answered(house, ask=None, *, seconds=60.0):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.complete(ask or an_ask()))
        await house.clock.advance(seconds)
    return task.result()


async def refused(house, ask=None):
    """The error, taken before the group can wrap it."""

    async def told():
        with pytest.raises(ProviderFailed) as caught:
            await house.complete(ask or an_ask())
        return caught.value

    async with asyncio.TaskGroup() as group:
        task = group.create_task(told())
        await house.clock.advance(60.0)
    return task.result()


def attempts(answer):
    return [(a.provider_id, a.kind, a.state) for a in answer.outcome.attempts]


async def test_second_leg_answers_for_a_slow_first() -> None:
    house = a_house((30.0, whole()), (0.5, whole()))

    answer = await answered(house)

    assert [("a", HEDGE_LOST, "unknown"), ("b", "", "settled")] == attempts(answer)
    assert ("hedged-dispatch", "small") == (answer.outcome.reason, answer.outcome.model_id)
    assert [1.5, 0.5] == [attempt.latency_s for attempt in answer.outcome.attempts]
    assert (1.5, 0.0) == (answer.outcome.upstream_s, answer.overhead_s)
    assert ["big"] == house.straw.cancelled


async def test_leg_that_lost_is_charged_at_the_estimate() -> None:
    house = a_house((30.0, whole()), (0.5, whole()))

    answer = await answered(house, an_ask(input_tokens=1000, max_tokens=100))

    lost = answer.outcome.attempts[0]
    assert (1000, 100, True) == (lost.input_tokens, lost.output_tokens, lost.estimated)
    assert 1_000_000 + 1_000_000 == lost.cost_nusd


async def test_first_leg_may_answer_after_all() -> None:
    house = a_house((2.0, whole()), (30.0, whole()))

    answer = await answered(house)

    assert [("b", HEDGE_LOST, "unknown"), ("a", "", "settled")] == attempts(answer)
    assert "routed-weight-9" == answer.outcome.reason
    assert 2.0 == answer.outcome.upstream_s


async def test_policy_hears_how_the_legs_went() -> None:
    hedging = Eager()
    house = a_house((30.0, whole()), (0.5, whole()), hedging=hedging)

    await answered(house)

    assert [
        ("sent", "a/big"),
        ("lost", "a/big", False, 1.5),
        ("heard", "b/small", False, 0.5),
    ] == hedging.told


async def test_leg_that_lost_says_nothing_of_its_provider() -> None:
    house = a_house((30.0, whole()), (0.5, whole()))

    await answered(house)

    await settled()
    assert 0.0 == house.signal("a/big").failure_rate
    assert "a/big" not in house.board.known()


async def test_answer_in_time_needs_no_second_leg() -> None:
    house = a_house((0.9, whole()))

    answer = await answered(house)

    assert [("a", "", "settled")] == attempts(answer)


async def test_both_at_once_are_one_answer() -> None:
    house = a_house((2.0, whole(b"first")), (1.0, whole(b"second")))

    answer = await answered(house)

    assert 1 == [kind for _, kind, _ in attempts(answer)].count("")
    assert 2 == len(answer.outcome.attempts)


async def test_leg_that_was_refused_at_that_moment_is_not_charged() -> None:
    """It has ended by itself: what its provider said counts, and is heard."""
    house = a_house((2.0, whole()), (1.0, UpstreamError(Kind.THROTTLED, status=429)))

    answer = await answered(house)

    assert [("b", "throttled", "voided"), ("a", "", "settled")] == attempts(answer)
    assert "throttled" == house.board.known()["b/small"].last_failure


@pytest.mark.parametrize("failing", [0, 1])
async def test_failure_of_one_leg_leaves_the_other(failing: int) -> None:
    ends = (
        [(2.0, OVERLOADED), (3.0, whole())] if failing == 0 else [(5.0, whole()), (1.0, OVERLOADED)]
    )
    house = a_house(*ends)

    answer = await answered(house)

    assert ["overloaded", ""] == [kind for _, kind, _ in attempts(answer)]
    assert ("hedged-dispatch" if failing == 0 else "routed-weight-9") == answer.outcome.reason
    assert answer.outcome.latency_s == answer.outcome.upstream_s


async def test_failure_of_both_moves_on() -> None:
    models = [BIG, SMALL, a_model("third", "c", weight=1)]
    house = a_house((2.0, OVERLOADED), (2.0, OVERLOADED), (0.5, whole()), models=models)

    answer = await answered(house)

    assert ["overloaded", "overloaded", ""] == [kind for _, kind, _ in attempts(answer)]
    assert 3.5 == answer.outcome.upstream_s


async def test_clients_mistake_ends_both() -> None:
    house = a_house((30.0, whole()), (0.5, CLIENT))

    error = await refused(house)

    assert isinstance(error, ProviderRefused)
    assert ["client", HEDGE_LOST] == [attempt.kind for attempt in error.attempts]
    assert ["big"] == house.straw.cancelled


async def test_caller_who_leaves_ends_and_pays_both() -> None:
    house = a_house((30.0, whole()), (30.0, whole()))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.complete(an_ask()))
        await house.clock.advance(4.0)
        task.cancel(HUNG_UP)

    outcome = await house.outcome()
    assert ["big", "small"] == sorted(house.straw.cancelled)
    assert [GONE, GONE] == [attempt.kind for attempt in outcome.attempts]
    assert {"unknown"} == {attempt.state for attempt in outcome.attempts}
    assert (499, 4.0) == (outcome.status, outcome.upstream_s)


async def test_fault_of_ours_in_one_leg_ends_and_pays_both() -> None:
    house = a_house((5.0, ValueError("a mistake of ours")), (30.0, whole()))

    async def broken():
        with pytest.raises(BaseExceptionGroup):
            await house.complete(an_ask())

    async with asyncio.TaskGroup() as group:
        group.create_task(broken())
        await house.clock.advance(6.0)

    outcome = await house.outcome()
    assert [(OUR_FAULT, "unknown")] * 2 == [(a.kind, a.state) for a in outcome.attempts]
    assert (500, 5.0) == (outcome.status, outcome.upstream_s)


# --- streams


async def streamed(house, seconds=60.0):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.stream(an_ask(stream=True)))
        await house.clock.advance(seconds)
    return task.result()


async def test_stream_begins_with_the_leg_that_begins_first() -> None:
    hedging = Eager()
    house = a_house((30.0, b""), hedging=hedging)
    second = Straw(house.clock, b"one", b"")
    house.straw.ends.append((0.5, second))

    streaming = await streamed(house)
    said = [await streaming.next(), await streaming.next()]
    await streaming.finish()

    outcome = await house.outcome()
    assert [b"one", b""] == said
    assert ("hedged-dispatch", ["hedge_lost", ""]) == (
        outcome.reason,
        [attempt.kind for attempt in outcome.attempts],
    )
    assert ("heard", "b/small", True, 0.5) in hedging.told
    assert 0.0 == streaming.overhead_s


async def test_stream_that_began_too_late_is_closed() -> None:
    house = a_house()
    first, second = Straw(house.clock, b""), Straw(house.clock, b"")
    house.straw.ends.extend([(2.0, first), (1.0, second)])

    await streamed(house)

    assert 1 == first.closed + second.closed


# --- what keeps a second leg away


async def test_cap_that_is_used_up() -> None:
    house = a_house((30.0, whole()), hedging=Eager(shots=0))

    assert [("a", "", "settled")] == attempts(await answered(house))


async def test_budget_that_bears_one_of_them() -> None:
    house = a_house((30.0, whole()))
    ask = an_ask(max_tokens=100, input_tokens=100, wish=Wish(max_budget_nusd=1_500_000))

    assert [("a", "", "settled")] == attempts(await answered(house, ask))


async def test_provider_without_a_retry_to_spare() -> None:
    house = a_house((30.0, whole()))
    retries = house.dispatch._attempts._gates._retries
    house.clock.tick(1.0)
    while retries.take("b", house.clock.monotonic() + 1.0):
        pass

    assert [("a", "", "settled")] == attempts(await answered(house))


async def test_second_legs_use_up_no_retries() -> None:
    """They have a cap of their own: a busy provider's many slow calls are as good as its first."""
    count = 2 * int(FLOOR)
    house = a_house(
        *[(30.0, whole())] * count, *[(0.5, whole())] * count, hedging=Eager(shots=count)
    )

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(house.gateway.complete(house.admit(an_ask(), number)))
            for number in range(count)
        ]
        await house.clock.advance(60.0)

    reasons = [task.result().outcome.reason for task in tasks]
    assert ["hedged-dispatch"] * count == reasons


async def test_provider_that_has_to_prove_itself() -> None:
    house = a_house((60.0, whole()), models=[BIG, SMALL])
    for _ in range(DOWN_AFTER):
        house.board.failed(house.catalog.by_route["b/small"], Kind.OVERLOADED, latency_s=1.0)
    house.clock.tick(6.0)

    assert [("a", "", "settled")] == attempts(await answered(house))


async def test_nobody_else_left_means_the_same_route_again() -> None:
    house = a_house((30.0, whole()), (0.5, whole()), models=[BIG])

    answer = await answered(house)

    assert [("a", HEDGE_LOST, "unknown"), ("a", "", "settled")] == attempts(answer)
    assert "hedged-dispatch" == answer.outcome.reason


@pytest.mark.parametrize("hedging", [NoHedges(), None])
async def test_off_there_is_no_task_and_no_timer(hedging) -> None:
    house = House(whole(), hedging=hedging)
    seen = []

    async def complete(ask, model_id, *, within_s):
        seen.append((len(asyncio.all_tasks()), house.clock.sleeping))
        return whole()

    house.straw.complete = complete
    before = len(asyncio.all_tasks())

    await house.complete(an_ask())

    assert [(before, 0)] == seen
