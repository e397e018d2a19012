"""How providers and routes are doing, as this process has met them."""

import logging
from collections.abc import Mapping, Sequence

import msgspec

from tokenhub.admin.providers import DISCOVERY_S, explained
from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.errors import NotFound
from tokenhub.core.health import UNMET, Known, State, open_at, state
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
    ) -> None:
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

    def reset(self, provider_id: str) -> Sequence[str]:
        """Forget what is known of a provider and its routes. Raises NotFound."""
        catalog = self._catalog.current
        if provider_id not in catalog.providers:
            raise NotFound(f"there is no provider {provider_id!r}")
        names = [
            provider_id,
            *[route.id for route in catalog.routes if route.provider.id == provider_id],
        ]
        for name in names:
            self._board.forget(name)
        _log.info("health_reset", extra={"provider_id": provider_id})
        return names

    async def test(self, provider_id: str) -> Tested:
        """Ask a provider for its models, with its key: the cheapest call that needs one.

        Raises NotFound. A key that was refused and is taken now is in again; nothing else changes,
        since a list of models says little of the models.
        """
        provider = self._catalog.current.providers.get(provider_id)
        if provider is None:
            raise NotFound(f"there is no provider {provider_id!r}")
        began = self._clock.monotonic()
        try:
            found = await self._upstreams.of(provider).models(within_s=DISCOVERY_S)
        except UpstreamError as error:
            return Tested(
                kind=str(error.kind),
                message=str(explained(provider_id, error)),
                latency_s=self._clock.monotonic() - began,
            )
        if self._board.known().get(provider_id, UNMET).health.refused:
            self._board.forget(provider_id)
        return Tested(models=len(found), latency_s=self._clock.monotonic() - began)

    def _of_provider(
        self,
        provider_id: str,
        known: Mapping[str, Known],
        routes: Sequence[tuple[Route, Standing]],
    ) -> Standing:
        timed = [one.latency_s for _, one in routes if one.latency_s is not None]
        latency_s = sum(timed) / len(timed) if timed else None
        return self._standing(provider_id, known.get(provider_id, UNMET), latency_s)

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
