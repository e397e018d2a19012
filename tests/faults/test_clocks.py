"""F39: the clock is set by an hour or a month, and a month ends."""

from datetime import UTC, datetime

import pytest

from tests.support.builders import an_ask
from tests.unit.gateway.house import House, whole
from tokenhub.core.ask import Wish
from tokenhub.core.errors import BudgetExceeded
from tokenhub.core.outcome import Usage

pytestmark = pytest.mark.anyio

TOKENS = 100
CALL = TOKENS * 10_000
AFFORDED = 3
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC).timestamp()
HOUR_S = 3_600.0
DAY_S = 86_400.0


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Caller:
    """Asks until the money is gone, each time at another hour of the clock."""

    def __init__(self):
        answers = [whole(usage=Usage(None, TOKENS))] * 50
        self.house = House(*answers, budget_nusd=AFFORDED * CALL)
        self.house.clock.set(NOW)
        self._number = 0

    async def admitted(self):
        """How many more are let through now."""
        found = 0
        for _ in range(2 * AFFORDED):
            self._number += 1
            asked = an_ask(max_tokens=TOKENS, wish=Wish(max_budget_nusd=10**11))
            try:
                run = self.house.admit(asked, self._number)
                answered = await self.house.gateway.complete(run)
            except BudgetExceeded:
                break
            assert answered.outcome.latency_s >= 0
            found += 1
        return found


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S, 0.001, -0.001, 2 * HOUR_S, -DAY_S])
async def test_f39_a_step_within_the_month_lets_nobody_in(step_s, figure):
    caller = Caller()
    first = await caller.admitted()

    caller.house.clock.set(NOW + step_s)
    extra = await caller.admitted()

    figure("F39", "let in beyond the budget", extra)
    assert (AFFORDED, 0) == (first, extra)


async def test_f39_a_month_there_and_back_has_each_month_once(figure):
    """Each month has its own money, whichever way the clock comes to it, and however often."""
    caller = Caller()
    seen = []
    for step_s in (0, 31 * DAY_S, 0, 31 * DAY_S, -31 * DAY_S, 0, 31 * DAY_S, -31 * DAY_S):
        caller.house.clock.set(NOW + step_s)
        seen.append(await caller.admitted())

    figure("F39", "let in beyond the budget", sum(seen) - 3 * AFFORDED)
    assert [AFFORDED, AFFORDED, 0, 0, AFFORDED, 0, 0, 0] == seen


async def test_f39_a_month_begins_at_midnight_of_utc_and_in_no_other_zone():
    caller = Caller()
    caller.house.clock.set(datetime(2026, 3, 31, 23, 59, 50, tzinfo=UTC).timestamp())
    last = await caller.admitted()

    caller.house.clock.set(datetime(2026, 4, 1, tzinfo=UTC).timestamp())

    assert (AFFORDED, AFFORDED) == (last, await caller.admitted())


async def test_f39_a_clock_set_during_a_request_changes_neither_its_time_nor_its_month():
    caller = Caller()
    run = caller.house.admit(an_ask(max_tokens=TOKENS, wish=Wish(max_budget_nusd=10**11)), 99)

    caller.house.clock.set(NOW - 62 * DAY_S)
    answered = await caller.house.gateway.complete(run)

    assert 1.0 == answered.outcome.latency_s
    assert (CALL, 0) == caller.house.books.sums(NOW)
