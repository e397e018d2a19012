"""What is told of a request, of budgets and of health, and how often."""

import pytest

from tests.support.builders import a_catalog, a_model, an_ask
from tests.support.clock import FakeClock
from tests.unit.gateway.house import House, Told, settled, whole
from tokenhub.core.ask import Wish
from tokenhub.core.errors import NoEligibleModel
from tokenhub.core.events import (
    ATTEMPT,
    BUDGET_ALERT,
    DECISION,
    REQUEST_STARTED,
    ROUTE_ERROR,
    ROUTE_SUCCESS,
    STREAM_STARTED,
)
from tokenhub.core.failures import Kind
from tokenhub.core.health import DOWN_AFTER, FIRST_DOWN_S
from tokenhub.core.outcome import Usage
from tokenhub.core.purse import month_of
from tokenhub.gateway.board import Board
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio

OVERLOADED = UpstreamError(Kind.OVERLOADED, status=503)
RICH = Wish(max_budget_nusd=10**11)
# An answer of 100 tokens, at the prices of the house, and nothing for the prompt.
CALL = 1_000_000
M = a_catalog(a_model("m", "a")).by_route["a/m"]


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_each_attempt_is_told_and_the_end_with_all_of_them():
    house = House(OVERLOADED, whole())

    await house.complete(an_ask())
    await settled()

    (end,) = house.told.of(ROUTE_SUCCESS)
    assert [REQUEST_STARTED, DECISION, ATTEMPT, ATTEMPT, ROUTE_SUCCESS] == [
        event.type for event in house.told.events
    ]
    attempts = [event.attempt for event in house.told.of(ATTEMPT)]
    assert attempts == list(end.outcome.attempts)
    assert "a test" == end.key_name


async def test_a_refusal_is_a_decision_and_an_error():
    house = House(models=())

    with pytest.raises(NoEligibleModel):
        await house.complete(an_ask())
    await settled()

    assert [REQUEST_STARTED, DECISION, ROUTE_ERROR] == [e.type for e in house.told.events]
    assert NoEligibleModel.code == house.told.events[1].record.error


async def test_a_stream_is_told_when_it_begins_and_booked_when_it_ends():
    house = House(b"one", b"two", b"")

    house.straw.ends.appendleft(house.straw)
    streaming = await house.stream(an_ask(stream=True))
    begun = [event.type for event in house.told.events]
    while await streaming.next():
        pass
    await streaming.finish()
    await settled()

    assert [REQUEST_STARTED, DECISION, STREAM_STARTED] == begun
    assert [ATTEMPT, ROUTE_SUCCESS] == [event.type for event in house.told.events[3:]]
    assert "big" == house.told.of(STREAM_STARTED)[0].model_id


async def test_each_part_of_a_budget_is_told_once():
    house = House(*[whole(usage=Usage(1, 100)) for _ in range(9)], budget_nusd=10 * CALL)

    for number in range(9):
        ask = an_ask(max_tokens=100, wish=RICH)
        await house.gateway.complete(house.admit(ask, number))

    alerts = house.told.of(BUDGET_ALERT)
    assert [50, 80] == [event.percent for event in alerts]
    assert [10 * CALL] * 2 == [event.budget_nusd for event in alerts]
    assert 5 * CALL <= alerts[0].spent_nusd < 6 * CALL


async def test_what_was_paid_for_counts_no_more():
    paid = {"paid_nusd": 4 * CALL, "paid_month": month_of(FakeClock().now())}
    house = House(*[whole(usage=Usage(1, 100)) for _ in range(8)], budget_nusd=10 * CALL, **paid)

    for number in range(8):
        await house.gateway.complete(house.admit(an_ask(max_tokens=100, wish=RICH), number))

    assert [] == house.told.of(BUDGET_ALERT)


class Watched:
    def __init__(self):
        self.clock = FakeClock()
        self.told = Told()
        self.board = Board(self.clock, patience_s=30.0, draw=lambda: 0.0, events=self.told)

    def fail(self, times=1):
        for _ in range(times):
            self.board.failed(M, Kind.BROKEN, latency_s=1.0)

    def states(self):
        return [(e.old_state, e.new_state, e.reason) for e in self.told.events]


def test_every_change_of_health_is_told_from_the_state_that_was_told_last():
    watched = Watched()

    watched.board.succeeded(M)
    watched.fail(DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S + 1)
    watched.board.let_in(M, last=False)
    watched.board.succeeded(M)
    watched.board.succeeded(M)

    assert [
        ("healthy", "degraded", "broken"),
        ("degraded", "down", "broken"),
        ("down", "half-open", "broken"),
        ("half-open", "healthy", ""),
    ] == watched.states()
    assert {("a", "m")} == {(e.provider_id, e.model_id) for e in watched.told.events}


def test_who_is_forgotten_is_healthy_again_and_only_then_told():
    watched = Watched()
    watched.board.forget("a/m")
    watched.fail(DOWN_AFTER)
    watched.board.forget("a/m")

    assert ("down", "healthy", "reset") == watched.states()[-1]
    assert 3 == len(watched.told.events)
