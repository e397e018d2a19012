"""Second requests where they pay, under a cap: what every route has taught, in memory."""

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.hedging import Cap, Learner
from tokenhub.ports.snapshot import Snapshot


class Hedges:
    """`percent` is the cap of what may be added, `least_s` the shortest delay, 0 for any.

    The cap is one for all routes: whichever a second request goes to, it is for a first one that
    was sent. Of routes that have left the catalog nothing is kept.
    """

    def __init__(self, catalog: Snapshot[Catalog], *, percent: int, least_s: float = 0.0) -> None:
        self._catalog = catalog
        self._cap = Cap(percent)
        self._least_s = least_s
        self._routes: dict[str, _Known] = {}

    def after_s(self, route: Route, *, stream: bool) -> float | None:
        """Fire a second request after so long without an answer or first event; None: never."""
        return self._of(route, stream=stream).after_s()

    def fire(self, route: Route, cost_nusd: int | None) -> bool:
        """Take the extra call from the cap; False is not now."""
        del route
        return self._cap.take(cost_nusd)

    def sent(self, route: Route, cost_nusd: int | None) -> None:
        """A first leg went out; it feeds the cap."""
        del route
        self._cap.sent(cost_nusd)

    def heard(self, route: Route, *, stream: bool, took_s: float) -> None:
        """An answer, or first event, came after so long."""
        self._of(route, stream=stream).heard(took_s)

    def lost(self, route: Route, *, stream: bool, after_s: float) -> None:
        """A leg was cancelled, unanswered, after so long: it would have taken longer."""
        self._of(route, stream=stream).lost(after_s)

    def _of(self, route: Route, *, stream: bool) -> Learner:
        """What a route has taught; nothing any more once its provider was changed."""
        known = self._routes.get(route.id)
        # A request that began before a change may end after it: it says nothing of the new.
        if known is None or known.version < route.provider.version:
            known = _Known(route.provider.version, self._cap, least_s=self._least_s)
            self._routes = {**self._still_there(), route.id: known}
        return known.streams if stream else known.wholes

    def _still_there(self) -> "dict[str, _Known]":
        there = self._catalog.current.by_route
        return {name: known for name, known in self._routes.items() if name in there}


class _Known:
    """One route: the times of its streams and of its whole answers."""

    __slots__ = ("streams", "version", "wholes")

    def __init__(self, version: int, cap: Cap, *, least_s: float) -> None:
        self.version = version
        self.streams = Learner(cap, least_s=least_s)
        self.wholes = Learner(cap, least_s=least_s)
