"""What the driver of plans tells, books and shares out, with providers of straw."""

import asyncio

import pytest
from msgspec import json

from tests.support.builders import a_body
from tests.unit.gateway.house import House, settled
from tokenhub.adapters.memory.orchestrations import MemoryOrchestrations
from tokenhub.core.ask import Answer, Ask, Wish
from tokenhub.core.errors import ProviderFailed, TokenHubError
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage
from tokenhub.core.plans.steps import Order, Seat
from tokenhub.dialects import plans
from tokenhub.gateway.orchestrate import Orchestrator
from tokenhub.gateway.progress import PlanStarted, StepFinished, StepStarted
from tokenhub.gateway.run import HUNG_UP
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio


def said(text):
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    # USD 0.001 and 0.01 per 1,000 tokens: 110,000 nano-USD.
    usage = Usage(input_tokens=10, output_tokens=10)
    return Answer(body=json.encode(body), usage=usage, text=text)


COST = 110_000


class Orchestra(House):
    """A house that carries plans out."""

    def __init__(self, *ends):
        super().__init__(*ends)
        self.store = MemoryOrchestrations()
        self.told = []
        self.numbers = iter(range(2, 100))
        self.orchestrator = Orchestrator(
            self.gateway,
            self.store,
            clock=self.clock,
            ids=lambda: f"req_{next(self.numbers):02d}",
            words=plans.worded,
            whole=plans.whole,
            read=plans.text_in,
        )

    async def plan(self, order, **changes):
        run = self.admit(Ask(payload=a_body(), input_tokens=10, **changes), number="00")
        return await self.orchestrator.carry_out(run, order, self.told.append)

    async def row(self):
        await settled()
        (row,) = await self.store.page(OrchestrationQuery())
        return row

    async def booked(self):
        """The sum of the ledger rows under the parent."""
        rows = await self.journal.page(LogQuery(parent_id="req_00"))
        return sum(row.cost_nusd for row in rows)


async def test_progress_is_told_in_the_order_of_things():
    house = Orchestra(said("one"), said("two"))

    await house.plan(Order(mode="refine", iterations=1))

    kinds = [PlanStarted, StepStarted, StepFinished, StepStarted, StepFinished]
    assert kinds == [type(progress) for progress in house.told]
    assert 2 == house.told[0].steps
    assert ["initial", "refine-1"] == [p.name for p in house.told if isinstance(p, StepStarted)]


async def test_the_row_is_written_before_the_first_step():
    house = Orchestra(said("one"))
    run = house.admit(Ask(payload=a_body(), input_tokens=10), number="00")
    seen = []

    def look(progress):
        if isinstance(progress, StepStarted):
            seen.extend(row.status for row in house.store._rows.values())

    await house.orchestrator.carry_out(run, Order(mode="planning"), look)

    assert ["running"] == seen
    assert "succeeded" == (await house.row()).status


async def test_the_time_of_the_providers_is_not_ours():
    house = Orchestra(said("one"), said("two"))

    found = await house.plan(Order(mode="refine", iterations=1))

    assert pytest.approx(0.0) == found.overhead_s
    assert pytest.approx(2.0) == found.row.latency_s


async def test_an_answer_without_a_text_fails_its_step_and_is_paid():
    house = Orchestra(said("one"), said("  "))

    found = await house.plan(Order(mode="refine", iterations=1))

    assert ("partial", "empty_answer") == (found.row.status, found.row.error_class)
    assert 2 * COST == found.row.cost_nusd == await house.booked()


async def test_an_answer_that_cannot_be_read_fails_its_step_and_is_paid():
    house = Orchestra(said("one"), Answer(body=b"{}", usage=Usage(10, 10)))

    found = await house.plan(Order(mode="refine", iterations=1))

    assert "unreadable_answer" == found.row.error_class
    assert 2 * COST == found.row.cost_nusd == await house.booked()


async def test_a_plan_of_nothing_but_silence_is_an_error():
    house = Orchestra(said(""))

    with pytest.raises(ProviderFailed) as failed:
        await house.plan(Order(mode="refine"))

    assert "empty_answer" == failed.value.code
    assert ("failed", COST) == ((await house.row()).status, await house.booked())


async def test_planning_passes_on_what_has_no_text():
    house = Orchestra(Answer(body=b"{}", usage=Usage(10, 10)))

    found = await house.plan(Order(mode="planning"))

    assert (b"{}", False) == (found.body, found.row.status == "partial")


@pytest.mark.parametrize(("reason", "code"), [(HUNG_UP, "client_gone"), (None, "draining")])
@pytest.mark.parametrize("mode", ["vote", "refine"])
async def test_why_a_plan_was_left_is_booked_with_each_step(mode, reason, code):
    house = Orchestra()
    waiting = asyncio.Event()

    async def never(ask, model_id, *, within_s):
        waiting.set()
        await asyncio.Event().wait()

    house.straw.complete = never
    task = asyncio.ensure_future(house.plan(Order(mode=mode)))
    await waiting.wait()
    await asyncio.sleep(0)

    task.cancel(*([reason] if reason else []))
    with pytest.raises(asyncio.CancelledError) as left:
        await task

    rows = await house.journal.page(LogQuery(parent_id="req_00"))
    row = await house.row()
    assert ((reason,) if reason else ()) == left.value.args
    assert ("cancelled", code, 2 if mode == "vote" else 1) == (
        row.status,
        row.error_class,
        row.steps,
    )
    assert {code} == {outcome.error_class for outcome in rows}
    assert row.cost_nusd == await house.booked() > 0


async def test_a_fault_of_ours_is_booked_as_one():
    house = Orchestra(RuntimeError("broken"))

    with pytest.raises(RuntimeError):
        await house.plan(Order(mode="planning"))

    row = await house.row()
    assert ("failed", "internal_error") == (row.status, row.error_class)


async def test_a_step_without_time_is_not_asked():
    house = Orchestra(said("one"))

    found = await house.plan(Order(mode="refine"), wish=Wish(max_latency_s=0.5))

    last = found.steps[-1]
    assert ("refine-1", "", "upstream_timeout") == (last.name, last.request_id, last.error_class)
    assert (1, 1) == (found.row.steps, house.straw.calls)


async def test_failures_of_all_voters_are_told_as_one():
    # Each of the two is the only one that may answer for its model, and asked once more.
    house = Orchestra(*[UpstreamError(Kind.OVERLOADED, status=503)] * 4)

    with pytest.raises(ProviderFailed) as failed:
        await house.plan(Order(mode="vote"))

    assert "all voters failed" == str(failed.value)
    asked = sorted(attempt.model_id for attempt in failed.value.attempts)
    assert ["big", "big", "small", "small"] == asked


async def test_a_vote_whose_only_model_is_the_judge_has_no_voters():
    house = Orchestra()
    order = Order(mode="vote", primary=Seat(min_weight=9), review=Seat(model="big"))

    with pytest.raises(TokenHubError, match="no eligible models for vote"):
        await house.plan(order)

    assert (0, "failed") == (house.straw.calls, (await house.row()).status)


async def test_the_estimate_grows_with_what_the_steps_will_read():
    once = Orchestra(said("one"), said("two"))
    twice = Orchestra(said("one"), said("two"), said("three"))

    short = (await once.plan(Order(mode="refine", iterations=1))).row
    long = (await twice.plan(Order(mode="refine", iterations=2))).row

    # Ten tokens in, and 512 expected out; the next one reads these, too, and what it is to do.
    first, later = 10_000 + 5_120_000, 10_000 + 512_000 + 5_120_000
    words = short.estimate_nusd - first - later
    assert 50_000 < words < 150_000
    assert first + 2 * (later + words) == long.estimate_nusd
