"""The health of every provider and route, as this process has met them.

What goes wrong with a connection or a credential is the provider's and closes all its routes;
anything else is the route's, since one model may be down while its neighbours answer. A key that
may not use one model may use the others: only where two routes are refused, and none has answered
in between, it is the provider that refuses.
"""

import logging
from collections.abc import Callable, Mapping
from math import ceil

from msgspec.structs import replace

from tokenhub.core.catalog import Catalog, Provider, Route
from tokenhub.core.events import HEALTH_CHANGE, Event
from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    FRESH,
    NOT_ITS_FAULT,
    Health,
    Known,
    Probe,
    State,
    failed,
    let_go,
    open_at,
    probed,
    probing,
    reached,
    state,
    succeeded,
)
from tokenhub.core.signals import Closed
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import SILENT, Events

_log = logging.getLogger("tokenhub.health")
_OF_THE_PROVIDER = frozenset({Kind.UNREACHABLE, Kind.CREDENTIAL, Kind.EXHAUSTED})
# Nobody has answered these; who fails in any other way is there at least.
_UNANSWERED = frozenset({Kind.TIMEOUT, Kind.LOST})
_ADVICE = {
    Kind.CREDENTIAL: "give the right key with tokenhubctl provider edit, or mend it at the vendor",
    Kind.EXHAUSTED: "fill the account up at the vendor, then test or reset the provider",
    Kind.FORBIDDEN: "let the key's project use this model at the vendor, or disable the model",
}
_UNPROBED = Probe()
_RESET = "reset"
_ERROR = 400
_NOTHING: Mapping[str, Closed] = {}


class Board:
    """`draw` gives numbers in [0, 1), for the jitter of the times that something is down.

    A time-out is a failure only after `patience_s`: a caller in a hurry says nothing of a provider.
    Only who is in trouble is looked at before a decision: health costs nothing where all is well.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        patience_s: float,
        draw: Callable[[], float],
        events: Events = SILENT,
    ) -> None:
        self._clock = clock
        self._events = events
        # What was told last of those who are not healthy.
        self._told: dict[str, State] = {}
        self.patience_s = patience_s
        self._draw = draw
        self._known: dict[str, Known] = {}
        self._probes: dict[str, Probe] = {}
        self._troubled: set[str] = set()

    @property
    def clock(self) -> Clock:
        """The clock by which it, and whoever learns beside it, goes."""
        return self._clock

    def succeeded(self, route: Route) -> None:
        """Note an answer."""
        now = self._clock.monotonic()
        for name in (route.provider.id, route.id):
            row = self._row(name, route.provider)
            health = succeeded(row.health, now)
            calls, errors = row.calls + 1, row.errors
            known = Known(health, row.version, calls, errors, row.last_failure, row.failed_at, now)
            self._put(name, known)

    def failed(
        self,
        route: Route,
        kind: Kind,
        *,
        latency_s: float,
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        """Note a call that brought none."""
        if impatient(kind, status, latency_s, self.patience_s):
            self.left(route)
            return
        of_the_provider = kind in _OF_THE_PROVIDER
        name = route.provider.id if of_the_provider else route.id
        self._note(name, route.provider, kind, retry_after_s=retry_after_s)
        if kind is Kind.FORBIDDEN and self._refuses_all(route):
            self._note(route.provider.id, route.provider, Kind.CREDENTIAL)
        elif not of_the_provider:
            self._met(route.provider, kind)

    def left(self, route: Route) -> None:
        """Note a call that nobody waited for: it says nothing, and its place is free again."""
        for name in (route.provider.id, route.id):
            if name in self._troubled:
                row = self._known[name]
                self._put(name, replace(row, health=let_go(row.health)))

    def probed(
        self, provider: Provider, kind: Kind | None, *, status: int, latency_s: float
    ) -> None:
        """Note a probe, None a good one. It is no call: it counts for no average and no total."""
        now = self._clock.monotonic()
        seen = Probe(at=now, kind=str(kind or ""), latency_s=latency_s)
        self._probes[provider.id] = replace(seen, next_at=self._probe(provider.id).next_at)
        row = self._row(provider.id, provider)
        health = probed(row.health, kind, now, draw=self._draw(), status=status)
        if health is not row.health:
            self._put(provider.id, replace(row, health=health), failure=seen.kind)

    def plan(self, provider_id: str, at: float | None) -> None:
        """Note when a provider is probed next; None is never, of one that is none any more."""
        if at is None:
            self._probes.pop(provider_id, None)
        else:
            self._probes[provider_id] = replace(self._probe(provider_id), next_at=at)

    def probes(self) -> Mapping[str, Probe]:
        """The probes of providers, by their ids."""
        return dict(self._probes)

    def closed(self, catalog: Catalog) -> Mapping[str, Closed]:
        """What is not to be asked now, by the id of a provider or a route."""
        if not self._troubled:
            return _NOTHING
        now = self._clock.monotonic()
        found = {}
        for name in list(self._troubled):
            row = self._known[name]
            version = _version(catalog, name)
            if version > row.version:
                self.forget(name)  # whoever changed the provider may have mended it
            if version != row.version:
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
        version = route.provider.version
        names = [
            name
            for name in (route.provider.id, route.id)
            if name in self._troubled and self._known[name].version == version
        ]
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
        self._emit(name, State.HEALTHY, _RESET)

    def keep(self, catalog: Catalog) -> None:
        """Forget what is not in the catalog any more."""
        for name in self._known.keys() - catalog.providers.keys() - catalog.by_route.keys():
            self.forget(name)

    def known(self) -> Mapping[str, Known]:
        """All that has been met; times are of the monotonic clock."""
        return dict(self._known)

    def _row(self, name: str, provider: Provider) -> Known:
        row = self._known.get(name)
        if row is None or row.version != provider.version:
            return Known(version=provider.version)
        return row

    def _probe(self, provider_id: str) -> Probe:
        return self._probes.get(provider_id, _UNPROBED)

    def _note(
        self, name: str, provider: Provider, kind: Kind, *, retry_after_s: float | None = None
    ) -> None:
        """Count a failure, if it is one of theirs."""
        now = self._clock.monotonic()
        row = self._row(name, provider)
        health = failed(row.health, kind, now, draw=self._draw(), retry_after_s=retry_after_s)
        if kind in NOT_ITS_FAULT:
            if health is not row.health:
                self._put(name, replace(row, health=health))
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

    def _met(self, provider: Provider, kind: Kind) -> None:
        """What a failure of a route says of its provider, where that is in trouble."""
        row = self._row(provider.id, provider)
        health = row.health
        if kind in _UNANSWERED:
            now = self._clock.monotonic()
            if state(health, now) is State.HALF_OPEN:
                health = failed(health, kind, now, draw=self._draw())
        elif kind is Kind.UNSUPPORTED:
            health = let_go(health)  # nothing was sent
        else:
            health = reached(health)
        if health is not row.health:
            self._put(provider.id, replace(row, health=health), failure=str(kind))

    def _refuses_all(self, route: Route) -> bool:
        """Whether another route of the provider is refused as well, and none has answered since."""
        start = f"{route.provider.id}/"
        answered_at = self._row(route.provider.id, route.provider).succeeded_at
        others = (
            self._row(name, route.provider)
            for name in self._troubled
            if name.startswith(start) and name != route.id
        )
        return any(
            row.health.refused == Kind.FORBIDDEN and row.failed_at > answered_at for row in others
        )

    def _put(self, name: str, row: Known, *, failure: str = "") -> None:
        """Keep a row; `failure` is what made it so, where that is not its last failure.

        A request that began before a change may end after it: it says nothing of the new.
        """
        known = self._known.get(name)
        if known is not None and known.version > row.version:
            return
        before = known.health if known and known.version == row.version else FRESH
        self._known[name] = row
        health = row.health
        if (health.out, health.refused) != (before.out, before.refused):
            _tell(name, before, health, failure=failure or row.last_failure)
        if name in self._told or health.failures or health.missed or health.out or health.refused:
            current = state(health, self._clock.monotonic())
            self._emit(name, current, failure or row.last_failure)
        if health.out or health.refused or health.cooling_until:
            self._troubled.add(name)
        else:
            self._troubled.discard(name)

    def _emit(self, name: str, current: State, failure: str) -> None:
        """Tell of a state that is not the one that was told last."""
        before = self._told.get(name, State.HEALTHY)
        if current is before:
            return
        if current is State.HEALTHY:
            del self._told[name]
        else:
            self._told[name] = current
        provider_id, _, model_id = name.partition("/")
        self._events.emit(
            Event(
                type=HEALTH_CHANGE,
                provider_id=provider_id,
                model_id=model_id,
                old_state=str(before),
                new_state=str(current),
                reason=failure if current is not State.HEALTHY or failure == _RESET else "",
            )
        )


def impatient(kind: Kind | str, status: int, latency_s: float, patience_s: float) -> bool:
    """Whether a time-out was the caller's hurry. A provider that says so itself has given up."""
    return kind == Kind.TIMEOUT and status < _ERROR and latency_s < patience_s


def _tell(name: str, before: Health, health: Health, *, failure: str) -> None:
    """An operator wants to hear of it when somebody goes out, and when they are back.

    Where only an operator can mend it, it is an error, with what to do.
    """
    if health.refused and health.refused != before.refused:
        _log.error(
            "credential_out",
            extra={
                "provider_id": name.partition("/")[0],
                "target": name,
                "last_error": health.refused,
                "advice": _ADVICE[Kind(health.refused)],
            },
        )
    elif health.out and not before.out:
        fields = {"target": name, "state": str(State.DOWN), "last_error": failure}
        _log.warning("health_lost", extra=fields)
    elif not (health.out or health.refused):
        _log.info("health_recovered", extra={"target": name})


def _version(catalog: Catalog, name: str) -> int:
    provider = catalog.providers.get(name.partition("/")[0])
    return -1 if provider is None else provider.version


def _reason(health: Health, now: float) -> str:
    """Why something is closed, in the words of a skip."""
    if state(health, now) is State.CREDENTIAL:
        return "credential_out"
    return "cooling_down" if health.cooling_until > now else "health_down"
