"""How providers and routes are doing, as this process has met them."""

import logging
from collections.abc import Mapping, Sequence

import msgspec

from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import By
from tokenhub.admin.providers import DISCOVERY_S, explained
from tokenhub.core.catalog import Catalog, Provider, Route
from tokenhub.core.errors import NotFound
from tokenhub.core.failures import Kind, lacks_scope
from tokenhub.core.health import UNMET, Known, Probe, State, open_at, state
from tokenhub.ports.clock import Clock
from tokenhub.ports.health import HealthBoard
from tokenhub.ports.provider import UpstreamError, Upstreams
from tokenhub.ports.snapshot import Snapshot

_log = logging.getLogger("tokenhub.health")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A provider or a route. Times are Unix seconds, None where it never happened."""

    name: str
    state: State
    calls: int
    errors: int
    failures: int
    latency_s: float | None
    last_failure: str
    failed_at: float | None
    succeeded_at: float | None
    opens_at: float | None


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The last probe of a provider. Times are Unix seconds, None where there is none.

    `kind` is the class of its failure, empty where it was good or has never been.
    """

    at: float | None
    kind: str
    latency_s: float | None
    next_at: float | None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """How a test went. `kind` is the class of the failure, empty where there was none."""

    kind: str = ""
    message: str = ""
    models: int = 0
    latency_s: float


class Fleet:
    """Look at the health of what is in the catalog, clear it, and try a provider."""

    def __init__(
        self,
        board: HealthBoard,
        upstreams: Upstreams,
        *,
        catalog: Snapshot[Catalog],
        clock: Clock,
        trail: Trail,
    ) -> None:
        self._trail = trail
        self._board = board
        self._upstreams = upstreams
        self._catalog = catalog
        self._clock = clock

    def every(self) -> Sequence[tuple[Standing, Sequence[tuple[Route, Standing]]]]:
        """Each provider with its routes, by id."""
        catalog = self._catalog.current
        known = self._board.known()
        found = []
        for provider_id in sorted(catalog.providers):
            routes = [
                (
                    route,
                    self._standing(
                        route.id, known.get(route.id, UNMET), self._board.latency_s(route.id)
                    ),
                )
                for route in catalog.routes
                if route.provider.id == provider_id
            ]
            found.append((self._of_provider(provider_id, known, routes), routes))
        return found

    def probes(self) -> Mapping[str, Probed]:
        """The probes of providers, by their ids."""
        return {name: self._probed(probe) for name, probe in self._board.probes().items()}

    def known(self) -> Mapping[str, Known]:
        """All that has been met, by its id; times are of the monotonic clock."""
        return self._board.known()

    def plan(self, provider_id: str, at: float | None) -> None:
        """Note when a provider is probed next, of the monotonic clock; None is never."""
        self._board.plan(provider_id, at)

    async def reset(self, name: str, *, by: By) -> Sequence[str]:
        """Forget what is known of a route, or of a provider and its routes. Raises NotFound."""
        catalog = self._catalog.current
        if name in catalog.providers:
            names = [name, *[r.id for r in catalog.routes if r.provider.id == name]]
        elif name in catalog.by_route:
            names = [name]
        else:
            raise NotFound(f"there is no provider and no route {name!r}")
        await self._trail.record("health.reset", name, by)
        for one in names:
            self._board.forget(one)
        if not by.rehearsed:
            _log.info("health_reset", extra={"target": name})
        return names

    async def test(self, provider_id: str, *, by: By) -> Tested:
        """Ask a provider for its models, with its key: the cheapest call that needs one.

        Raises NotFound. It is a probe, and more where it is good: an operator who asks for it
        after the key was refused or the account empty has mended that, so they are in again.
        """
        provider = self._catalog.current.providers.get(provider_id)
        if provider is None:
            raise NotFound(f"there is no provider {provider_id!r}")
        tested = await self.probe(provider, within_s=DISCOVERY_S)
        if not tested.kind and self._board.known().get(provider_id, UNMET).health.refused:
            await self._trail.record("health.reset", provider_id, by)
            self._board.forget(provider_id)
        return tested

    async def probe(self, provider: Provider, *, within_s: float) -> Tested:
        """The same without an operator: what it says of the provider's health is noted.

        Not where the provider was changed meanwhile: it says nothing of what is there now.
        """
        began = self._clock.monotonic()
        kind, status, message, models = None, 0, "", 0
        try:
            models = len(await self._upstreams.of(provider).models(within_s=within_s))
        except UpstreamError as error:
            kind, status = _meaning(error), error.status
            message = str(explained(provider.id, error))
        latency_s = self._clock.monotonic() - began
        if self._catalog.current.providers.get(provider.id) == provider:
            self._board.probed(provider, kind, status=status, latency_s=latency_s)
        return Tested(kind=str(kind or ""), message=message, models=models, latency_s=latency_s)

    def _of_provider(
        self,
        provider_id: str,
        known: Mapping[str, Known],
        routes: Sequence[tuple[Route, Standing]],
    ) -> Standing:
        timed = [one.latency_s for _, one in routes if one.latency_s is not None]
        latency_s = sum(timed) / len(timed) if timed else None
        return self._standing(provider_id, known.get(provider_id, UNMET), latency_s)

    def _probed(self, probe: Probe) -> Probed:
        ahead_s = self._clock.now() - self._clock.monotonic()
        return Probed(
            at=probe.at + ahead_s if probe.at else None,
            kind=probe.kind,
            latency_s=probe.latency_s if probe.at else None,
            next_at=probe.next_at + ahead_s if probe.next_at else None,
        )

    def _standing(self, name: str, known: Known, latency_s: float | None) -> Standing:
        now = self._clock.monotonic()
        ahead_s = self._clock.now() - now
        opens = open_at(known.health, now)
        return Standing(
            name=name,
            state=state(known.health, now),
            calls=known.calls,
            errors=known.errors,
            failures=known.health.failures,
            latency_s=latency_s,
            last_failure=known.last_failure,
            failed_at=known.failed_at + ahead_s if known.failed_at else None,
            succeeded_at=known.succeeded_at + ahead_s if known.succeeded_at else None,
            opens_at=opens + ahead_s if opens > now else None,
        )


def _meaning(error: UpstreamError) -> Kind:
    """The class of a failed list: a key that may not list may do the rest all the same."""
    if error.kind is Kind.FORBIDDEN and lacks_scope(error.message):
        return Kind.UNSUPPORTED
    return error.kind
