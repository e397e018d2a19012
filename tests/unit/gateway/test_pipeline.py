"""The straight line with providers of straw: what is charged, learned and told on every way out."""

import asyncio

import msgspec
import pytest

from tests.support.builders import an_ask
from tests.unit.gateway.house import PATIENCE_S, House, settled, whole
from tokenhub.core.ask import Wish
from tokenhub.core.decide import Record
from tokenhub.core.errors import DeadlineExceeded, NoEligibleModel, ProviderFailed, Unavailable
from tokenhub.core.failures import Kind
from tokenhub.core.health import DOWN_AFTER, FIRST_DOWN_S
from tokenhub.core.outcome import Usage
from tokenhub.core.verify import recompute
from tokenhub.gateway.run import GONE, HUNG_UP
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio


async def test_usage_of_the_provider_is_charged() -> None:
    house = House(whole(usage=Usage(10, 20)))

    answered = await house.complete(an_ask())

    assert 10 * 1000 + 20 * 10_000 == answered.outcome.cost_nusd
    assert answered.outcome == await house.outcome()


async def test_answer_without_usage_is_estimated_by_what_came_and_not_by_what_was_allowed() -> None:
    house = House(whole(b"x" * 40), whole(b"x" * 4000))

    much = an_ask(max_tokens=40_000, wish=Wish(max_budget_nusd=10**10))
    short = await house.gateway.complete(house.admit(much, 1))
    long = await house.gateway.complete(house.admit(an_ask(max_tokens=7), 2))

    assert 10 == short.outcome.output_tokens
    assert 7 == long.outcome.output_tokens
    assert short.outcome.attempts[0].estimated


async def test_overhead_is_all_but_waiting_for_providers() -> None:
    house = House(whole())

    answered = await house.complete(an_ask())

    assert 0.0 == answered.overhead_s
    assert 1.0 == answered.outcome.upstream_s


async def test_ledger_at_fault_means_that_nobody_is_called() -> None:
    house = House(whole())
    house.journal.fault = "the disk is full"

    with pytest.raises(Unavailable, match="the disk is full") as caught:
        await house.complete(an_ask())

    assert "ledger_unavailable" == caught.value.code
    assert 0 == house.straw.calls


async def test_commit_that_fails_is_heard_by_the_sinks_as_the_caller_hears_it() -> None:
    house = House(whole(), whole())
    await house.complete(an_ask())

    with pytest.raises(Unavailable):
        await house.complete(an_ask())

    await settled()
    assert ["", "ledger_unavailable"] == [outcome.error_class for outcome in house.heard]
    assert [200, 503] == [outcome.status for outcome in house.heard]


async def test_request_that_nobody_answered_names_who_was_asked_last() -> None:
    """Else the errors of a provider are not to be found by its name, and charts say otherwise."""
    house = House(UpstreamError(Kind.CLIENT))

    with pytest.raises(ProviderFailed):
        await house.complete(an_ask())

    outcome = await house.outcome()
    (attempt,) = outcome.attempts
    assert (attempt.model_id, attempt.provider_id) == (outcome.model_id, outcome.provider_id)
    assert outcome.model_id


async def test_budget_holds_over_all_attempts() -> None:
    """An attempt that may be billed leaves less for the next: this budget bears one of them."""
    house = House(UpstreamError(Kind.LOST), whole())
    ask = an_ask(max_tokens=100, input_tokens=100, wish=Wish(max_budget_nusd=1_500_000))

    with pytest.raises(ProviderFailed):
        await house.complete(ask)

    assert 1 == house.straw.calls
    assert 1_100_000 == (await house.outcome()).cost_nusd


async def test_second_attempt_within_the_budget_is_made() -> None:
    house = House(UpstreamError(Kind.LOST), whole(usage=Usage(100, 5)))
    ask = an_ask(max_tokens=100, input_tokens=100, wish=Wish(max_budget_nusd=2_200_000))

    answered = await house.complete(ask)

    assert ["unknown", "settled"] == [attempt.state for attempt in answered.outcome.attempts]


@pytest.mark.parametrize(("took_s", "rate"), [(1.0, 0.0), (PATIENCE_S, 0.1)])
async def test_caller_in_a_hurry_says_nothing_of_a_provider(took_s: float, rate: float) -> None:
    house = House(UpstreamError(Kind.TIMEOUT), whole())
    house.straw.took_s = took_s

    await house.complete(an_ask())

    await settled()
    assert rate == pytest.approx(house.signal("a/big").failure_rate)


async def test_stream_is_charged_at_its_end_and_its_end_is_told_last() -> None:
    house = House(b"", b"one", b"two", b"")
    streaming = await house.stream(an_ask(stream=True))

    sent = [await streaming.next(), await streaming.next(), await streaming.next()]
    house.straw.usage = Usage(5, 2)
    last = await streaming.finish()

    assert [b"one", b"two", b""] == sent
    assert b"the end" == last
    assert 5 * 1000 + 2 * 10_000 == (await house.outcome()).cost_nusd
    assert 1 == house.straw.closed


async def test_slow_reader_does_not_make_a_model_look_slow() -> None:
    house = House(b"", b"one", b"")
    streaming = await house.stream(an_ask(stream=True))

    await streaming.next()
    house.clock.tick(60)
    await streaming.next()
    await streaming.finish()

    await settled()
    assert 3.0 == house.signal("a/big").latency_s
    assert 63.0 == (await house.outcome()).latency_s


async def test_provider_that_breaks_off_is_charged_for_what_it_sent() -> None:
    house = House(b"", b"one", UpstreamError(Kind.LOST))
    streaming = await house.stream(an_ask(stream=True, input_tokens=50))
    await streaming.next()

    with pytest.raises(ProviderFailed):
        await streaming.next()
    streaming.abandon(ValueError("too late to matter"))

    (attempt,) = (await house.outcome()).attempts
    assert ("settled", "lost", True) == (attempt.state, attempt.kind, attempt.estimated)
    assert (50, 3) == (attempt.input_tokens, attempt.output_tokens)


async def test_a_stream_that_nobody_could_hear_is_settled_and_leaves_nothing_open() -> None:
    def deaf(run):
        raise RuntimeError("no ear")

    house = House(b"one", ear=deaf)

    with pytest.raises(RuntimeError):
        await house.stream(an_ask(stream=True))
    await settled()

    assert "internal_error" == (await house.outcome()).error_class
    assert 0 == house.straw.calls - house.straw.closed


async def test_stall_in_the_middle_of_a_stream_makes_the_model_look_slow() -> None:
    house = House(b"", b"one", UpstreamError(Kind.TIMEOUT))
    streaming = await house.stream(an_ask(stream=True))
    await streaming.next()
    house.straw.took_s = PATIENCE_S

    with pytest.raises(DeadlineExceeded):
        await streaming.next()

    assert 2.0 + PATIENCE_S == (await house.outcome()).attempts[0].latency_s


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (asyncio.CancelledError(HUNG_UP), GONE, 499),
        (asyncio.CancelledError(), "draining", 503),
        (ValueError("a fault of ours"), "internal_error", 500),
    ],
)
async def test_end_before_its_time_is_told_for_what_it_is(
    error: BaseException, code: str, status: int
) -> None:
    house = House(b"", b"one")
    streaming = await house.stream(an_ask(stream=True))
    await streaming.next()

    streaming.abandon(error)

    outcome = await house.outcome()
    assert (code, status) == (outcome.error_class, outcome.status)
    assert 3 == outcome.output_tokens


async def test_caller_who_leaves_a_stream_gives_the_place_back_that_was_taken_for_it() -> None:
    house = House(b"", b"one")
    for route in house.catalog.routes:
        for _ in range(DOWN_AFTER):
            house.board.failed(route, Kind.LOST, latency_s=1.0)
    house.clock.tick(FIRST_DOWN_S)
    streaming = await house.stream(an_ask(stream=True))
    route = house.catalog.by_route["a/big"]
    assert not house.board.let_in(route, last=False)

    streaming.abandon(asyncio.CancelledError(HUNG_UP))

    assert house.board.let_in(route, last=False)


async def test_caller_who_leaves_before_the_answer_is_charged_the_estimate() -> None:
    house = House(asyncio.CancelledError(HUNG_UP))

    with pytest.raises(asyncio.CancelledError):
        await house.complete(an_ask(input_tokens=100, max_tokens=100))

    outcome = await house.outcome()
    assert GONE == outcome.error_class
    assert 1_100_000 == outcome.cost_nusd


async def test_a_refused_request_leaves_the_record_of_its_reasons() -> None:
    house = House()

    with pytest.raises(NoEligibleModel):
        await house.complete(an_ask(wish=Wish(max_budget_nusd=1)))

    await settled()
    written = await house.journal.decision("req_1")
    assert written is not None
    record = msgspec.json.decode(written, type=Record)
    assert ("no_provider_available", ()) == (record.error, record.candidates)
    assert [("a/big", "budget_exceeded"), ("b/small", "budget_exceeded")] == [
        (skip.route, skip.reason) for skip in record.skipped
    ]
    assert record == recompute(record, house.catalog)
