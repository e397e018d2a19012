"""F25: a provider is gone for a while, at steady load."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.faults.harness import PROFILE, calls
from tests.faults.load import MOST_CALLS, Load, Mortal, answered, called, down_s
from tests.faults.table import LONG
from tokenhub.core.health import DOWN_AFTER
from tokenhub.sim.profile import Constant, Latency

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

RATE = 20.0
OUTAGE_S = 60.0 if LONG else 3.0
# What a wake-up may be late by on a busy machine.
GRACE_S = 1.5
# While the first answer of the new life takes so long, a herd would show.
ANSWER_S = 0.4
LATER = replace(PROFILE, latency=Latency(first_token_s=Constant(value=ANSWER_S)))
# Those under way when it goes down, and one more for each time that it is tried again.
MOST_IN_VAIN = 2 * DOWN_AFTER + 5


async def test_f25_an_outage_is_not_noticed_and_ends_by_itself(bench, second, figure):
    clock = asyncio.get_running_loop().time
    longest_s = down_s(OUTAGE_S) + ANSWER_S + GRACE_S
    async with Mortal(PROFILE) as one, asyncio.TaskGroup() as group:
        await bench.both(one.url, second)
        load = Load(bench, [bench.at("one")], rate=RATE)
        group.create_task(load())
        await asyncio.sleep(1)
        await one.die()
        await asyncio.sleep(OUTAGE_S)
        sim = await one.rise(LATER)
        since = clock()
        async with asyncio.timeout(longest_s):
            await called(sim)
            await asyncio.sleep(ANSWER_S / 2)
            herd = calls(sim)
            back = await answered(bench, "one", since=since)
        load.stop()

    attempts = [attempt for row in await bench.rows() for attempt in row["attempts"]]
    in_vain = [one for one in attempts if one["error_class"]]
    times = len(attempts) / load.sent
    recovered_s = back.ended_at - since
    figure("F25", f"down for {OUTAGE_S:g} s: calls a request", times)
    figure("F25", "calls in vain", len(in_vain))
    figure("F25", f"back after, of at most {down_s(OUTAGE_S):g} s,", recovered_s, "s")
    figure("F25", "calls before the first answer of the new life", herd)
    assert [] == [ack.status for ack in bench.acks if ack.failed]
    assert load.sent == len(bench.acks)
    assert times <= MOST_CALLS
    assert len(in_vain) <= MOST_IN_VAIN
    assert recovered_s <= longest_s
    assert 1 == herd
