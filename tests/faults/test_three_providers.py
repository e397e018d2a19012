"""Three providers under steady load: one is killed, one turns slow, one throttles, overlapping.

Two of them are at fault at a time, and the third is well, or has been for an ejection period.
"""

import asyncio

import pytest
from msgspec.structs import replace

from tests.faults.harness import PROFILE, Bench
from tests.faults.load import MOST_CALLS, Load, Mortal, answered, down_s
from tests.faults.table import LONG
from tests.support.server import child
from tokenhub.core.health import DOWN_AFTER
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Faults, Latency, Model

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

RATE = 20.0
SECONDS = 60.0 if LONG else 10.0
# From and to, in seconds. Who was killed is in again before the third of them throttles.
KILLED, SLOW, THROTTLING = (
    ((6.0, 16.0), (12.0, 35.0), (26.0, 45.0)) if LONG else ((1.0, 4.0), (3.4, 8.4), (7.8, 10.0))
)
RETRY_AFTER_S = 2
GRACE_S = 1.5
# Longer than a provider may be silent, and than half of a request's time.
SLOW_S = 4.0
LIMITS = {"PROVIDER_TIMEOUT_SECS": "0.6", "DEFAULT_MAX_LATENCY_MS": "4000"}
NAMES = ("killed", "slow", "throttling")
MODELS = ("shared", *[f"own-{name}" for name in NAMES])
WELL = replace(
    PROFILE,
    models=tuple(Model(id=model, context_tokens=8_000) for model in MODELS),
    latency=Latency(first_token_s=Constant(value=0.03)),
)
TURNED_SLOW = replace(WELL, latency=Latency(first_token_s=Constant(value=SLOW_S)))
TURNED_AWAY = replace(WELL, faults=Faults(rate_limited=1.0), retry_after_s=RETRY_AFTER_S)
ASKED = [model for name in NAMES for model in ("shared", f"own-{name}")]


@pytest.fixture
async def bench(tmp_path, numbers):
    async with child(tmp_path, **LIMITS) as hub:
        yield Bench(hub, await hub.key(), next(numbers))


class Story:
    """What becomes of the three, and when each of them has answered again."""

    def __init__(self, bench, killed, slow, throttling):
        self.bench = bench
        self.killed = killed
        self.slow = slow
        self.throttling = throttling
        self.back_s = {}

    async def kill(self):
        await asyncio.sleep(KILLED[0])
        await self.killed.die()
        await asyncio.sleep(length(KILLED))
        await self.killed.rise(WELL)
        await self._recovered("killed", down_s(length(KILLED)))

    async def slow_down(self):
        await asyncio.sleep(SLOW[0])
        self.slow.profile = TURNED_SLOW
        await asyncio.sleep(length(SLOW))
        self.slow.profile = WELL
        await self._recovered("slow", down_s(length(SLOW)))

    async def throttle(self):
        await asyncio.sleep(THROTTLING[0])
        self.throttling.profile = TURNED_AWAY
        await asyncio.sleep(length(THROTTLING))
        self.throttling.profile = WELL
        await self._recovered("throttling", RETRY_AFTER_S)

    async def _recovered(self, name, within_s):
        since = asyncio.get_running_loop().time()
        async with asyncio.timeout(within_s + GRACE_S):
            back = await answered(self.bench, name, since=since)
        self.back_s[name] = back.ended_at - since


def length(phase):
    return phase[1] - phase[0]


async def test_load_survives_what_befalls_three_providers(bench, figure):
    async with Mortal(WELL) as killed, Sim(WELL) as slow, Sim(WELL) as throttling:
        for name, place in zip(NAMES, (killed.url, slow, throttling), strict=True):
            await bench.provider(name, place, models=["shared", f"own-{name}"])
        story = Story(bench, killed, slow, throttling)
        load = Load(bench, ASKED, rate=RATE)
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(load())
            async with asyncio.TaskGroup() as happening:
                happening.create_task(asyncio.sleep(SECONDS))
                happening.create_task(story.kill())
                happening.create_task(story.slow_down())
                happening.create_task(story.throttle())
            load.stop()
            await loading

    rows = await bench.rows()
    failed = [(ack.status, ack.code) for ack in bench.acks if ack.failed]
    times = sum(len(row["attempts"]) for row in rows) / load.sent
    figure("Load", f"of {load.sent} requests, failed", len(failed))
    figure("Load", "calls a request", times)
    for name, seconds in story.back_s.items():
        figure("Load", f"{name}: back after", seconds, "s")
    assert [] == failed
    assert load.sent == len(bench.acks)
    assert times <= MOST_CALLS
    assert set(NAMES) == set(story.back_s)


async def test_load_is_borne_by_who_is_down_when_all_others_have_failed(bench):
    """It may be well again: nobody has looked since it went down."""
    async with Sim(WELL) as down, Sim(WELL) as other:
        await bench.provider("down", down, models=["shared"])
        await bench.provider("other", other, models=["shared"])
        down.next(*[Fault.status(503)] * DOWN_AFTER)
        for _ in range(DOWN_AFTER):
            await bench.ask(model=f"{bench.id('down')}/shared")
        other.next(Fault.status(503))

        ack = await bench.ask(model="shared")

    assert (200, "down") == (ack.status, ack.provider)
