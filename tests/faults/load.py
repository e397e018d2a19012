"""A steady load, and providers that come and go under it."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.faults.harness import Ack, Bench, calls
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Profile

# Of the first time down; each further one lasts twice as long (tokenhub/core/health.py).
FIRST_DOWN_S = 5.0
MOST_CALLS = 1.25


class Load:
    """Asks for these models in turn until it is told to stop; every second round is streamed."""

    def __init__(self, bench: Bench, models: Sequence[str], *, rate: float) -> None:
        self._bench = bench
        self._models = models
        self._rate = rate
        self._stopped = asyncio.Event()
        self.sent = 0

    def stop(self) -> None:
        self._stopped.set()

    async def __call__(self) -> None:
        """Return when the last answer is here."""
        clock = asyncio.get_running_loop().time
        began = clock()
        async with asyncio.TaskGroup() as group:
            while not self._stopped.is_set():
                model = self._models[self.sent % len(self._models)]
                stream = bool(self.sent // len(self._models) % 2)
                group.create_task(self._bench.ask(model=model, stream=stream))
                self.sent += 1
                # Each is due at its own time, so that one that is late delays no other.
                await asyncio.sleep(max(0.0, began + self.sent / self._rate - clock()))


class Mortal:
    """A simulated provider that dies and comes back at the same address."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.sim = Sim(profile)

    async def __aenter__(self) -> Self:
        await self.sim.__aenter__()
        self.url = self.sim.url
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.sim.__aexit__(kind, error, trace)

    async def die(self) -> None:
        """Hang up on everybody, and listen no longer."""
        await self.sim.__aexit__(None, None, None)

    async def rise(self, profile: Profile | None = None) -> Sim:
        """Listen again, with another life's requests."""
        self.sim = Sim(profile or self._profile, port=self.sim.port)
        return await self.sim.__aenter__()


def down_s(outage_s: float) -> float:
    """The time down that can be in force after so long an outage."""
    period, passed = FIRST_DOWN_S, 0.0
    while passed + period < outage_s:
        passed += period
        period *= 2
    return period


async def called(sim: Sim) -> None:
    """Return once a model of it was asked."""
    while not calls(sim):
        await sim.arrived(len(sim.requests) + 1)


async def answered(bench: Bench, name: str, *, since: float) -> Ack:
    """The first good answer of a provider to a request sent after `since`."""

    def found() -> Ack | None:
        good = (ack for ack in bench.acks if ack.provider == name and not ack.failed)
        return next((ack for ack in good if ack.began_at >= since), None)

    while (ack := found()) is None:
        await bench.heard()
    return ack
