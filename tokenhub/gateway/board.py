"""The health of every provider and route, as this process has met them.

What goes wrong with a connection or a credential is the provider's and closes all its routes;
anything else is the route's, since one model may be down while its neighbours answer.
"""

import logging
from collections.abc import Callable, Mapping
from math import ceil

from msgspec.structs import replace

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    UNMET,
    Health,
    Known,
    State,
    failed,
    open_at,
    probing,
    state,
    succeeded,
)
from tokenhub.core.signals import Closed
from tokenhub.ports.clock import Clock

_log = logging.getLogger("tokenhub.health")
_OF_THE_PROVIDER = frozenset({Kind.UNREACHABLE, Kind.CREDENTIAL, Kind.EXHAUSTED})
_NOTHING: Mapping[str, Closed] = {}


class Board:
    """`draw` gives numbers in [0, 1), for the jitter of the times that something is down.

    A time-out is a failure only after `patience_s`: a caller in a hurry says nothing of a provider.
    Only who is in trouble is looked at before a decision: health costs nothing where all is well.
    """

    def __init__(self, clock: Clock, *, patience_s: float, draw: Callable[[], float]) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._draw = draw
        self._known: dict[str, Known] = {}
        self._troubled: set[str] = set()

    @property
    def clock(self) -> Clock:
        """The clock by which it, and whoever learns beside it, goes."""
        return self._clock

    def succeeded(self, route: Route) -> None:
        """Note an answer."""
        now = self._clock.monotonic()
        for name in (route.provider.id, route.id):
            row = self._row(name, route)
            health = succeeded(row.health, now)
            self._put(name, replace(row, health=health, calls=row.calls + 1, succeeded_at=now))

    def failed(
        self, route: Route, kind: Kind, *, latency_s: float, retry_after_s: float | None = None
    ) -> None:
        """Note a call that brought none."""
        if kind is Kind.TIMEOUT and latency_s < self._patience_s:
            return
        now = self._clock.monotonic()
        name = route.provider.id if kind in _OF_THE_PROVIDER else route.id
        row = self._row(name, route)
        health = failed(row.health, kind, now, draw=self._draw(), retry_after_s=retry_after_s)
        if health is row.health:
            return
        self._put(
            name,
            replace(
                row,
                health=health,
                calls=row.calls + 1,
                errors=row.errors + 1,
                last_failure=str(kind),
                failed_at=now,
            ),
        )

    def closed(self, catalog: Catalog) -> Mapping[str, Closed]:
        """What is not to be asked now, by the id of a provider or a route."""
        if not self._troubled:
            return _NOTHING
        now = self._clock.monotonic()
        found = {}
        for name in list(self._troubled):
            row = self._known[name]
            if _version(catalog, name) != row.version:
                self.forget(name)  # whoever changed the provider may have mended it
                continue
            opens = open_at(row.health, now)
            if opens > now:
                found[name] = Closed(_reason(row.health, now), ceil(1000 * (opens - now)))
        return found

    def let_in(self, route: Route, *, last: bool) -> bool:
        """Whether to call it now. Of what is half-open this takes the one place.

        Who is down is called all the same where it is the `last` that is left; who throttles us,
        or has refused our key, is not.
        """
        names = [name for name in (route.provider.id, route.id) if name in self._troubled]
        if not names:
            return True
        now = self._clock.monotonic()
        for name in names:
            health = self._known[name].health
            if open_at(health, now) > now and not (last and _reason(health, now) == "health_down"):
                return False
        for name in names:
            row = self._known[name]
            if state(row.health, now) is State.HALF_OPEN:
                self._put(name, replace(row, health=probing(row.health, now)))
        return True

    def forget(self, name: str) -> None:
        """Think of a provider, or of a route, as if it had never been met."""
        self._known.pop(name, None)
        self._troubled.discard(name)

    def known(self) -> Mapping[str, Known]:
        """All that has been met; times are of the monotonic clock."""
        return dict(self._known)

    def _row(self, name: str, route: Route) -> Known:
        row = self._known.get(name)
        if row is None or row.version != route.provider.version:
            return Known(version=route.provider.version)
        return row

    def _put(self, name: str, row: Known) -> None:
        before = self._known.get(name, UNMET).health
        self._known[name] = row
        health = row.health
        if (health.out, health.refused) != (before.out, before.refused):
            _tell(name, row, state(health, self._clock.monotonic()))
        if health.out or health.refused or health.cooling_until:
            self._troubled.add(name)
        else:
            self._troubled.discard(name)


def _tell(name: str, row: Known, now: State) -> None:
    """An operator wants to hear of it when somebody goes out, and when they are back."""
    if now is State.HEALTHY:
        _log.info("health_recovered", extra={"target": name})
    else:
        _log.warning(
            "health_lost",
            extra={"target": name, "state": str(now), "last_error": row.last_failure},
        )


def _version(catalog: Catalog, name: str) -> int:
    provider = catalog.providers.get(name.partition("/")[0])
    return -1 if provider is None else provider.version


def _reason(health: Health, now: float) -> str:
    """Why something is closed, in the words of a skip."""
    if state(health, now) is State.CREDENTIAL:
        return "credential_out"
    return "cooling_down" if health.cooling_until > now else "health_down"
