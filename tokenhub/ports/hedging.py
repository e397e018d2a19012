"""When a second request beside the first is worth its price."""

from typing import Protocol

from tokenhub.core.catalog import Route


class Hedging(Protocol):
    """Told of every leg, asked before a second one. `stream` tells the first event's times apart.

    Costs are estimates in nano-USD, None where the price is unknown; durations are seconds.
    """

    def after_s(self, route: Route, *, stream: bool) -> float | None:
        """Fire a second request after so long without an answer or first event; None: never."""
        ...

    def fire(self, route: Route, cost_nusd: int | None) -> bool:
        """Take the extra call from the cap; False is not now."""
        ...

    def sent(self, route: Route, cost_nusd: int | None) -> None:
        """A first leg went out; it feeds the cap."""
        ...

    def heard(self, route: Route, *, stream: bool, took_s: float) -> None:
        """An answer, or first event, came after so long."""
        ...

    def lost(self, route: Route, *, stream: bool, after_s: float) -> None:
        """A leg was cancelled, unanswered, after so long: it would have taken longer."""
        ...


class NoHedges:
    """Hedging that is off: no second request, nothing learned."""

    def after_s(self, route: Route, *, stream: bool) -> float | None:
        del route, stream
        return None

    def fire(self, route: Route, cost_nusd: int | None) -> bool:
        del route, cost_nusd
        return False

    def sent(self, route: Route, cost_nusd: int | None) -> None:
        """Nothing is counted."""

    def heard(self, route: Route, *, stream: bool, took_s: float) -> None:
        """Nothing is learned."""

    def lost(self, route: Route, *, stream: bool, after_s: float) -> None:
        """Nothing is learned."""
