"""A key's monthly budget: what is held before a call, and freed or charged on every way out."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.builders import a_body, a_key, a_model, an_ask
from tests.unit.gateway.house import BIG, SMALL, House, settled, whole
from tokenhub.core.ask import Wish
from tokenhub.core.budget import UNSAID_TOKENS
from tokenhub.core.errors import (
    BudgetExceeded,
    NoEligibleModel,
    ProviderFailed,
    TokenHubError,
    Unavailable,
)
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage
from tokenhub.core.purse import month_of
from tokenhub.gateway.run import GONE, HUNG_UP
from tokenhub.ports.provider import UpstreamError
from tokenhub.web.errors import ANTHROPIC, OPENAI, PROBLEM, render, status_of

pytestmark = pytest.mark.anyio

# USD 10 for a million tokens of an answer, in both models of the house; prompts are empty.
EACH = 10_000
TOKENS = 100
CALL = TOKENS * EACH
OVERLOADED = UpstreamError(Kind.OVERLOADED, status=503)
LOST = UpstreamError(Kind.LOST)
RICH = Wish(max_budget_nusd=10**11)


def ask(**changes):
    return an_ask(**({"max_tokens": TOKENS, "wish": RICH} | changes))


def used(tokens):
    return whole(usage=Usage(1, tokens))


def money(house):
    """What is spent and what is held, over all keys."""
    return house.books.sums(house.clock.now())


class Eager:
    """Hedges after a second, always."""

    def after_s(self, route, *, stream):
        return 1.0

    def fire(self, route, cost_nusd):
        return True

    def sent(self, route, cost_nusd):
        """Nothing is counted."""

    def heard(self, route, *, stream, took_s):
        """Nothing is learned."""

    def lost(self, route, *, stream, after_s):
        """Nothing is learned."""


# --- who is let through


async def test_money_for_one_lets_one_through_at_a_time():
    house = House((5.0, used(10)), used(10), budget_nusd=CALL)
    first = asyncio.ensure_future(house.gateway.complete(house.admit(ask(), 1)))
    await asyncio.sleep(0)

    with pytest.raises(BudgetExceeded) as caught:
        await house.gateway.complete(house.admit(ask(), 2))

    error = caught.value
    assert (CALL, 0, CALL) == (error.budget_nusd, error.spent_nusd, error.reserved_nusd)
    await house.clock.advance(5.0)
    await first
    assert (10 * EACH + 1_000, 0) == money(house)


async def test_what_an_answer_did_not_need_is_there_for_the_next():
    house = House(used(10), used(10), budget_nusd=CALL + 20 * EACH)

    await house.gateway.complete(house.admit(ask(), 1))
    await house.gateway.complete(house.admit(ask(), 2))

    assert 2 == house.straw.calls


async def test_a_key_that_has_less_than_the_call_may_cost_is_told_so_and_logged():
    house = House(budget_nusd=CALL - 1)

    with pytest.raises(BudgetExceeded, match="monthly budget exceeded") as refused:
        await house.complete(ask())

    assert "the rest is less than this request may cost: a lower max_tokens" in str(refused.value)
    outcome = await house.outcome()
    assert (429, "budget_exceeded", ()) == (outcome.status, outcome.error_class, outcome.attempts)
    assert (0, 0) == money(house)


async def test_a_key_that_has_nothing_left_costs_no_decision_and_no_row():
    house = House(budget_nusd=1)
    house.books.load([(int(house.clock.now() // 86_400), "key_1", 1)])

    with pytest.raises(BudgetExceeded) as refused:
        await house.complete(ask())

    assert "the rest" not in str(refused.value)
    assert [] == house.heard


async def test_a_count_is_free_and_needs_no_money():
    house = House(whole(usage=Usage(0, 0)), budget_nusd=1)
    house.books.load([(int(house.clock.now() // 86_400), "key_1", 1)])

    await house.complete(ask(task="count"))

    assert (1, 0) == money(house)


async def test_a_key_without_a_budget_is_let_through_and_counted():
    house = House(used(10))

    await house.complete(ask())

    assert (10 * EACH + 1_000, 0) == money(house)


async def test_a_route_whose_price_is_unknown_is_passed_over():
    dear = a_model("big", "a", per_1k=None, weight=9)
    house = House(used(1), models=(dear, SMALL), budget_nusd=CALL)

    answered = await house.complete(ask(model="big"))

    assert "small" == answered.outcome.model_id


async def test_a_key_with_a_budget_cannot_ask_what_has_no_price():
    house = House(models=(a_model("big", "a", per_1k=None),), budget_nusd=10**12)

    with pytest.raises(NoEligibleModel) as caught:
        await house.complete(ask())

    assert ["price_unknown"] == [skip.reason for skip in caught.value.skipped]
    assert 0 == house.straw.calls


async def test_any_key_else_can():
    house = House(used(1), models=(a_model("big", "a", per_1k=None),))

    await house.complete(ask())

    assert [None] == [intent.reserved_nusd for intent in house.intents.noted]


async def test_a_cheaper_route_is_asked_where_the_first_is_too_dear():
    dear = a_model("big", "a", per_1k=(0.001, 1.0), weight=9)
    house = House(used(1), models=(dear, SMALL), budget_nusd=CALL)

    answered = await house.complete(ask(model="big"))

    assert "small" == answered.outcome.model_id


# --- how long an answer may be


async def test_an_answer_is_cut_to_what_is_left():
    house = House(used(10), budget_nusd=300 * EACH)

    await house.complete(ask(max_tokens=5_000))

    (_, sent), *_ = house.straw.asked
    assert 300 == sent.max_tokens
    assert b'"max_tokens":300' in sent.payload


async def test_an_answer_without_a_limit_gets_one_and_no_more_than_it_is_held_for():
    house = House(used(10), budget_nusd=10**12)

    await house.complete(ask(max_tokens=None))

    (_, sent), *_ = house.straw.asked
    assert UNSAID_TOKENS == sent.max_tokens
    assert [UNSAID_TOKENS * EACH] == [intent.reserved_nusd for intent in house.intents.written]


async def test_what_a_key_without_a_budget_asks_is_left_as_it_is():
    house = House(used(10))
    asked = ask(max_tokens=None)

    await house.complete(asked)

    (_, sent), *_ = house.straw.asked
    assert sent is asked


async def test_thought_that_was_bought_cannot_be_cut():
    body = a_body(thinking={"type": "enabled", "budget_tokens": 4_000})
    house = House(budget_nusd=300 * EACH)

    with pytest.raises(BudgetExceeded):
        await house.complete(replace(ask(max_tokens=5_000, speech="anthropic"), payload=body))


# --- what a call costs, however it ends


async def test_every_attempt_is_charged_and_nothing_is_left_held():
    house = House(LOST, used(10), budget_nusd=10 * CALL)

    answered = await house.complete(ask())

    lost, good = answered.outcome.attempts
    assert ("unknown", "settled") == (lost.state, good.state)
    assert (lost.cost_nusd + good.cost_nusd, 0) == money(house)


async def test_a_lost_call_is_never_charged_more_than_was_held():
    """The usual answer is longer than the one that this key could pay for."""
    house = House(used(800), LOST, LOST, LOST, LOST)
    await house.complete(ask(max_tokens=1_000))
    key = replace(a_key()[1], budget_nusd=300 * EACH + money(house)[0])
    house.keys.current = {key.digest: key}

    with pytest.raises(TokenHubError):
        await house.gateway.complete(house.admit(ask(max_tokens=1_000), 2))

    spent, held = money(house)
    assert spent <= key.budget_nusd
    assert 0 == held


async def test_each_of_two_legs_is_held_for():
    house = House((3.0, used(10)), (3.0, used(10)), hedging=Eager(), budget_nusd=CALL)

    task = asyncio.ensure_future(house.complete(ask()))
    await house.clock.advance(10.0)
    answered = await task

    assert 1 == house.straw.calls
    assert 1 == len(answered.outcome.attempts)
    assert 0 == money(house)[1]


async def test_a_leg_that_lost_is_charged_and_freed():
    house = House((9.0, used(10)), (1.0, used(10)), hedging=Eager(), budget_nusd=10 * CALL)

    task = asyncio.ensure_future(house.complete(ask()))
    await house.clock.advance(20.0)
    answered = await task

    assert {"unknown", "settled"} == {one.state for one in answered.outcome.attempts}
    assert (answered.outcome.cost_nusd, 0) == money(house)


async def test_a_second_try_at_a_schema_is_held_for():
    house = House(whole(usage=Usage(1, 10), text="no"), used(10), budget_nusd=CALL)

    with pytest.raises(ProviderFailed):
        await house.complete(ask(schema='{"type":"array"}'))

    assert 1 == house.straw.calls
    assert 0 == money(house)[1]


async def test_a_caller_who_leaves_a_stream_is_charged_for_what_was_made():
    house = House(b"data: one", b"data: two", budget_nusd=10 * CALL)
    stream = await house.stream(ask(stream=True))
    await stream.next()
    assert CALL == money(house)[1]

    stream.abandon(asyncio.CancelledError(HUNG_UP))

    assert (3 * EACH, 0) == money(house)
    assert CLOSED == (await house.outcome()).status


CLOSED = 499
ENDS = st.sampled_from(["answer", "lost", "overloaded", "refused", "late", "leaves", "breaks"])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ends=st.lists(ENDS, min_size=6, max_size=6),
    budget=st.one_of(st.none(), st.integers(1, 8 * CALL)),
    hedged=st.booleans(),
)
async def test_whatever_happens_each_call_is_booked_once(ends, budget, hedged):
    hedging = Eager() if hedged else None
    house = House(*map(_end, ends), hedging=hedging, budget_nusd=budget)
    leaves = ends.index("leaves") + 0.5 if "leaves" in ends else None

    try:
        run = house.admit(ask())
        task = asyncio.ensure_future(house.gateway.complete(run))
        await house.clock.advance(60.0 if leaves is None else leaves)
        if not task.done():
            task.cancel(HUNG_UP)
        await asyncio.gather(task, return_exceptions=True)
    except BudgetExceeded:
        assert 0 == house.straw.calls
        return

    outcome = await house.outcome()
    spent = sum(attempt.cost_nusd for attempt in outcome.attempts)
    assert (spent, 0) == money(house)
    assert [] == run.tab.held
    assert house.straw.calls == len(outcome.attempts)
    assert budget is None or spent <= budget


def _end(name):
    return {
        "answer": (0.2, used(TOKENS)),
        "lost": (0.2, LOST),
        "overloaded": (0.2, OVERLOADED),
        "refused": (0.2, UpstreamError(Kind.UNREACHABLE)),
        "late": (3.0, used(TOKENS)),
        "leaves": (500.0, used(TOKENS)),
        "breaks": (0.2, RuntimeError("ours")),
    }[name]


# --- what is written ahead


async def test_a_call_of_a_key_with_a_budget_waits_until_it_is_written_down():
    house = House(used(10), budget_nusd=CALL)
    house.intents.gate = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(house.complete(ask()))
    await settled()

    assert (0, 1) == (house.straw.calls, len(house.intents.written))

    house.intents.gate.set_result(None)
    await task
    assert 1 == house.straw.calls


async def test_a_call_of_any_other_key_does_not_wait():
    house = House(used(10))

    await house.complete(ask())

    (intent,) = house.intents.noted
    assert [] == house.intents.written
    assert ("req_1", 1, CALL) == (intent.request_id, intent.leg, intent.reserved_nusd)


async def test_a_call_that_cannot_be_written_down_is_not_made():
    house = House(used(10), budget_nusd=CALL)
    house.intents.gate = asyncio.get_running_loop().create_future()
    house.intents.gate.set_exception(Unavailable("disk full", code="ledger_unavailable"))

    with pytest.raises(Unavailable):
        await house.complete(ask())

    (attempt,) = (await house.outcome()).attempts
    assert ("voided", "ledger_unavailable", 0) == (attempt.state, attempt.kind, attempt.cost_nusd)
    assert 0 == house.straw.calls
    assert (0, 0) == money(house)


async def test_a_caller_who_leaves_before_the_call_pays_nothing():
    house = House(used(10), budget_nusd=CALL)
    house.intents.gate = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(house.complete(ask()))
    await settled()

    task.cancel(HUNG_UP)
    await asyncio.gather(task, return_exceptions=True)

    (attempt,) = (await house.outcome()).attempts
    assert ("voided", GONE, 0) == (attempt.state, attempt.kind, attempt.cost_nusd)
    assert (0, 0) == money(house)


async def test_a_second_leg_that_cannot_be_written_down_leaves_the_first_alone():
    house = House((3.0, used(10)), hedging=Eager(), budget_nusd=10 * CALL)
    task = asyncio.ensure_future(house.complete(ask()))
    await settled()
    house.intents.gate = asyncio.get_running_loop().create_future()
    house.intents.gate.set_exception(Unavailable("disk full", code="ledger_unavailable"))

    await house.clock.advance(10.0)
    answered = await task

    assert ["voided", "settled"] == [attempt.state for attempt in answered.outcome.attempts]
    assert (answered.outcome.cost_nusd, 0) == money(house)


# --- months


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def test_a_call_belongs_to_the_month_in_which_its_request_came():
    house = House((60.0, used(10)), budget_nusd=CALL)
    house.clock.set(at("2026-01-31T23:59:30"))
    task = asyncio.ensure_future(house.complete(ask()))

    await house.clock.advance(60.0)
    await task

    assert (0, 0) == house.books.sums(at("2026-02-01"))
    assert 10 * EACH + 1_000 == house.books.sums(at("2026-01-31"))[0]


async def test_paid_money_does_not_count_in_its_month_and_only_there():
    _, key = a_key(budget_nusd=CALL)
    house = House()
    day = int(at("2026-01-05") // 86_400)
    house.books.load([(day, key.id, CALL)])
    paid = replace(key, paid_month=month_of(at("2026-01-05")), paid_nusd=CALL)
    later = replace(key, paid_month=month_of(at("2026-02-05")), paid_nusd=CALL)

    now = at("2026-01-20")

    assert 0 == house.books.tab(key, now).left_nusd
    assert CALL == house.books.tab(paid, now).left_nusd
    assert 0 == house.books.tab(later, now).left_nusd
    assert (0, CALL) == (house.books.spend(paid, now).spent_nusd, CALL)


async def test_a_month_is_told_with_what_is_left_of_it():
    house = House((5.0, used(10)), budget_nusd=3 * CALL)
    _, key = a_key(budget_nusd=3 * CALL)
    now = house.clock.now()
    fresh = house.books.spend(key, now)
    task = asyncio.ensure_future(house.complete(ask()))
    await asyncio.sleep(0)

    under_way = house.books.spend(key, now)

    assert (0, 3 * CALL) == (fresh.reserved_nusd, fresh.left_nusd)
    assert (CALL, 2 * CALL) == (under_way.reserved_nusd, under_way.left_nusd)
    assert house.books.spend(a_key()[1], now).left_nusd is None
    assert (month_of(now), 0) == house.books.charged_nusd("key_1", now)
    await house.clock.advance(5.0)
    await task


# --- what the caller is told


@pytest.mark.parametrize(
    ("speech", "dialect", "status", "word"),
    [
        ("openai", OPENAI, 429, "insufficient_quota"),
        ("anthropic", ANTHROPIC, 402, "billing_error"),
    ],
)
async def test_a_spent_budget_is_told_with_its_figures(speech, dialect, status, word):
    error = BudgetExceeded(
        "spent", budget_nusd=2 * 10**9, spent_nusd=10**9, reserved_nusd=10**9, speech=speech
    )

    told, headers, body = render(error, dialect=dialect, request_id="req_1")

    assert (status, status) == (told, status_of(error))
    assert (b"x-should-retry", b"false") in headers
    assert b"retry-after" not in dict(headers)
    assert f'"type":"{word}"'.encode() in body
    assert b'"code":"budget_exceeded"' in body
    assert body.endswith(b'"budget_usd":2.0,"spent_usd":1.0}')


async def test_a_problem_has_the_figures_as_well():
    error = BudgetExceeded("spent", budget_nusd=2 * 10**9, spent_nusd=10**9)

    _, _, body = render(error, dialect=PROBLEM, request_id="req_1")

    assert b'"budget_usd":2.0' in body


def test_the_models_of_the_house_cost_what_these_tests_say():
    assert {EACH * 10**6} == {BIG.output_price, SMALL.output_price}
