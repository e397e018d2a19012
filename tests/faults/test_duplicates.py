"""F26 and F27: one paid call for an idempotency key, and none for another body under it."""

import asyncio

import msgspec
import pytest

from tests.faults.harness import PATHS, calls
from tests.faults.table import LONG
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

AT_ONCE = 50
TIMES = 20 if LONG else 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("speech", PATHS)
async def test_f26_fifty_at_once_cost_one_call(bench, sim, figure, speech, stream):
    late = Latency(first_token_s=Constant(value=0.1))
    sim.profile = msgspec.structs.replace(sim.profile, latency=late)
    await bench.provider("one", sim)

    for number in range(TIMES):
        once = {"idempotency-key": f"{speech}-{stream}-{number}"}
        before = calls(sim)
        acks = await asyncio.gather(
            *[bench.ask(speech=speech, stream=stream, headers=once) for _ in range(AT_ONCE)]
        )

        figure("F26", "calls for 50 at once", calls(sim) - before)
        assert 1 == calls(sim) - before
        assert {200} == {ack.status for ack in acks}
        replayed = [ack for ack in acks if "idempotency-replay" in ack.answer.headers]
        assert AT_ONCE - 1 == len(replayed)
        bench.acks = [ack for ack in bench.acks if ack not in replayed]  # they have no row
        if not stream:
            assert 1 == len({ack.answer.content for ack in acks})


@pytest.mark.parametrize("speech", PATHS)
async def test_f27_another_body_under_the_same_key_is_refused(bench, sim, figure, speech):
    await bench.provider("one", sim)
    once = {"idempotency-key": f"another-{speech}"}
    await bench.ask(speech=speech, headers=once)

    ack = await bench.ask(speech=speech, stream=True, headers=once)

    bench.acks.remove(ack)
    figure("F27", "status", ack.status)
    figure("F27", "calls of the second", calls(sim) - 1)
    assert 422 == ack.status
    assert 1 == calls(sim)
