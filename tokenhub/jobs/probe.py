"""Probe the providers: ask each for its models now and then, with its key.

Faults are found before a caller meets them, and repairs before a caller has to try. Every look
reads the catalog in force: a provider that is new, changed or switched on is probed at once, one
that is switched off, deleted or without its key no more.

A provider that answers calls needs no probe. One that nobody answered for is probed again soon,
so that it is known to be down within one interval.
"""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from tokenhub.admin.health import Fleet
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.health import UNMET, Known, State, state
from tokenhub.ports.clock import Clock
from tokenhub.ports.secrets import Secrets
from tokenhub.ports.snapshot import Snapshot

# So many at once: the others wait their turn.
AT_ONCE = 8
# How often the catalog is looked at, and how soon a probe is repeated that nobody answered. A
# tenth of the interval where that is less: five in a row must fit into one.
LOOK_S = 1.0
PART = 0.1
# Intervals vary by as much, so that many servers do not probe one provider at once.
JITTER = 0.2


class _Due(msgspec.Struct, frozen=True):
    """When a provider is probed next, and the version of it that this was planned for."""

    version: int
    at: float


class Prober:
    """At most one probe of a provider is under way at any time; each may take `within_s`.

    `draw` gives numbers in [0, 1).
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        catalog: Snapshot[Catalog],
        secrets: Secrets,
        clock: Clock,
        every_s: float,
        within_s: float,
        draw: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._catalog = catalog
        self._secrets = secrets
        self._clock = clock
        self._every_s = every_s
        self._within_s = within_s
        self._draw = draw
        self._soon_s = min(LOOK_S, PART * every_s)
        self._due: dict[str, _Due] = {}
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Probe until it is cancelled; what is under way then is cancelled too."""
        self._busy.clear()
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as probes:
            while True:
                for provider in self._look():
                    self._busy.add(provider.id)
                    probes.create_task(self._probe(provider, places))
                await self._clock.sleep(self._soon_s)

    def _look(self) -> list[Provider]:
        """Who is to be probed now."""
        now = self._clock.monotonic()
        known = self._fleet.known()
        wanted = self._wanted()
        for provider_id in self._due.keys() - wanted.keys():
            del self._due[provider_id]
            self._fleet.plan(provider_id, None)
        found = []
        for provider in wanted.values():
            due = self._due.get(provider.id)
            if provider.id in self._busy:
                continue
            if due is not None and due.version == provider.version and now < due.at:
                continue
            proven_until = self._proven_until(known.get(provider.id, UNMET), provider, now)
            if proven_until > now:
                self._plan(provider, proven_until)
            else:
                found.append(provider)
        return found

    def _wanted(self) -> Mapping[str, Provider]:
        """Those that can be called. Without its key a provider would refuse us, and mean it."""
        return {
            provider.id: provider
            for provider in self._catalog.current.providers.values()
            if provider.enabled
            and (provider.cred_store == "none" or self._secrets.peek(provider) is not None)
        }

    def _proven_until(self, known: Known, provider: Provider, now: float) -> float:
        """Until when the calls that it answered prove that it is well; 0 where they do not."""
        if known.version != provider.version or not known.succeeded_at:
            return 0.0
        if state(known.health, now) is not State.HEALTHY:
            return 0.0
        return known.succeeded_at + self._every_s

    async def _probe(self, provider: Provider, places: asyncio.Semaphore) -> None:
        try:
            async with places:
                await self._fleet.probe(provider, within_s=self._within_s)
        finally:
            self._busy.discard(provider.id)
            self._plan(provider, self._clock.monotonic() + self._rest_s(provider))

    def _rest_s(self, provider: Provider) -> float:
        health = self._fleet.known().get(provider.id, UNMET).health
        if health.missed and not health.out:
            return self._soon_s
        return self._every_s * (1 - JITTER * self._draw())

    def _plan(self, provider: Provider, at: float) -> None:
        self._due[provider.id] = _Due(provider.version, at)
        self._fleet.plan(provider.id, at)
