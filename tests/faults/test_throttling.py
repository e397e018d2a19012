"""F16: providers that want to be let alone, in whatever words."""

import asyncio
import datetime as dt

import pytest

from tests.faults.harness import calls, kinds
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

ASKED = 6
# How long we wait where nothing can be made of what was said, and the longest that is believed.
DEFAULT_S = 5
LONGEST_S = 60
# The reading of the clock lies a little after the answer.
SLACK_S = 2
# A clock that is years behind: only the difference of the two dates counts.
DATES = (
    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
)
SAID = {
    "seconds": ((("retry-after", "30"),), 30),
    "a date": (DATES, 30),
    "negative": ((("retry-after", "-30"),), DEFAULT_S),
    "a billion": ((("retry-after", "1000000000"),), LONGEST_S),
    "garbage": ((("retry-after", "soon"),), DEFAULT_S),
    "nothing": ((), DEFAULT_S),
}
QUOTA = {
    "insufficient_quota": (429, "openai"),
    "billing_hard_limit_reached": (429, "openai"),
    "credit_balance_exhausted": (429, "openai"),
    "monthly_spend_limit_exceeded": (429, "openai"),
    "billing_error": (402, "anthropic"),
    "enforced_spend_limit_reached": (429, "anthropic"),
}


def left_s(health):
    """Seconds until it may be asked again."""
    until = dt.datetime.fromisoformat(health["cooldown_until"])
    return (until - dt.datetime.now(dt.UTC)).total_seconds()  # noqa: TID251 - the server's clock


@pytest.mark.parametrize("what", SAID)
async def test_f16_no_call_while_it_cools_down(bench, sim, second, figure, what):
    headers, wanted_s = SAID[what]
    await bench.both(sim, second)
    sim.next(Fault.status(429, headers=headers))
    wish = bench.at("one")

    acks = [await bench.ask(model=wish, stream=bool(number % 2)) for number in range(ASKED)]

    _, route = await bench.health("one")
    figure("F16", "calls while cooling", calls(sim) - 1)
    figure("F16", f"{what}: cools for", left_s(route), "s")
    assert [200] * ASKED == [ack.status for ack in acks]
    assert (1, ASKED) == (calls(sim), calls(second))
    assert wanted_s - SLACK_S <= left_s(route) <= wanted_s
    assert ("healthy", 0) == (route["state"], route["consec_errors"])


async def test_f16_alone_the_callers_are_told_when(bench, sim):
    await bench.provider("one", sim)
    sim.next(Fault.rate_limited("30"))

    first, then = await bench.ask(), await bench.ask()

    assert (429, "upstream_throttled", "30") == (
        first.status,
        first.code,
        first.answer.headers["retry-after"],
    )
    assert (503, "no_provider_available") == (then.status, then.code)
    assert 30 - SLACK_S <= int(then.answer.headers["retry-after"]) <= 30
    assert 1 == calls(sim)


async def test_f16_alone_a_short_wait_is_waited(bench, sim):
    """At most 5 s, and within the deadline of the request."""
    await bench.provider("one", sim)
    sim.next(Fault.rate_limited("1"))

    ack = await bench.ask()

    assert (200, ["throttled", ""]) == (ack.status, kinds(await bench.row(ack)))
    assert 1 <= ack.seconds < DEFAULT_S


@pytest.mark.parametrize("code", QUOTA)
async def test_f16_an_empty_account_is_never_tried_again(bench, sim, second, figure, code):
    status, vendor = QUOTA[code]
    await bench.both(sim, second, type=vendor)
    sim.next(Fault.status(status, code=code, message=f"{code}: the account is empty"))

    acks = [await bench.ask(model=bench.at("one")) for _ in range(ASKED)]

    provider, _ = await bench.health("one")
    figure("F16", "calls to an empty account", calls(sim) - 1)
    assert [200] * ASKED == [ack.status for ack in acks]
    assert "exhausted" == kinds(await bench.row(acks[0]))[0]
    assert (1, "credential") == (calls(sim), provider["state"])


async def test_f16_a_silent_429_of_anthropic_is_an_empty_account(bench, sim, second):
    await bench.both(sim, second, type="anthropic")
    sim.next(Fault.rate_limited(""))

    ack = await bench.ask()

    assert ["exhausted", ""] == kinds(await bench.row(ack))


async def test_f16_it_is_asked_again_when_it_wants_to_be(bench, sim, second):
    await bench.both(sim, second)
    sim.next(Fault.rate_limited("1"))
    wish = bench.at("one")
    await bench.ask(model=wish)

    async with asyncio.timeout(5):
        while (await bench.ask(model=wish)).provider != "one":
            pass

    since = bench.acks[-1].ended_at - bench.acks[0].ended_at
    assert 1 - 0.1 <= since <= 1 + SLACK_S
    assert {200} == {ack.status for ack in bench.acks}
