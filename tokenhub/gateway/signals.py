"""How the routes behave, learned from every outcome, read by every decision."""

from collections.abc import Mapping

from tokenhub.core.catalog import Catalog
from tokenhub.core.failures import Kind
from tokenhub.core.health import Known
from tokenhub.core.outcome import Outcome
from tokenhub.core.signals import UNKNOWN, Signal, Signals, after_failure, after_success
from tokenhub.gateway.board import Board
from tokenhub.gateway.run import GONE, HEDGE_LOST
from tokenhub.ports.secrets import Secrets

# The log's name for a request that only has its tokens counted.
COUNT = "count_tokens"
# These say nothing of the provider's health: the caller's mistakes, and whom nobody waited for.
_NOT_ITS_FAULT = frozenset({Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED, GONE, HEDGE_LOST})


class Observed:
    """The signals of this process. Values are replaced whole, so a reader may keep one.

    A time-out counts against a route only after `patience_s`: a caller in a hurry says nothing
    of a provider.
    """

    def __init__(self, secrets: Secrets, *, board: Board, patience_s: float) -> None:
        self._board = board
        self._patience_s = patience_s
        self._routes: dict[str, Signal] = {}
        self._secrets = secrets
        self._missing: tuple[int, int, frozenset[str]] = (-1, -1, frozenset())

    def read(self, catalog: Catalog) -> Signals:
        """The signals now. They are not copied: a decision is over before the next one changes."""
        return Signals(self._routes, self._without_credential(catalog), self._board.closed(catalog))

    def known(self) -> Mapping[str, Known]:
        """All providers and routes that were met, by their ids."""
        return self._board.known()

    def forget(self, name: str) -> None:
        """Think of a provider or a route as if it had never been met."""
        self._board.forget(name)
        self._routes.pop(name, None)

    def latency_s(self, route_id: str) -> float | None:
        """A route's usual latency, None until an answer was timed."""
        return self._routes.get(route_id, UNKNOWN).latency_s

    def record(self, outcome: Outcome) -> None:
        if outcome.dialect == COUNT:  # a count is no answer: its time says nothing of one
            return
        for attempt in outcome.attempts:
            if attempt.kind in _NOT_ITS_FAULT:
                continue
            if attempt.kind == Kind.TIMEOUT and attempt.latency_s < self._patience_s:
                continue
            route = f"{attempt.provider_id}/{attempt.model_id}"
            known = self._routes.get(route, UNKNOWN)
            self._routes[route] = (
                after_failure(known) if attempt.kind else after_success(known, attempt.latency_s)
            )

    def _without_credential(self, catalog: Catalog) -> frozenset[str]:
        """Providers that had a key and have it no longer; worked out anew after a change only."""
        catalog_version, secrets_version, missing = self._missing
        now = (catalog.version, self._secrets.version)
        if (catalog_version, secrets_version) == now:
            return missing
        missing = frozenset(
            provider.id
            for provider in catalog.providers.values()
            if provider.cred_store != "none" and self._secrets.get(provider.id) is None
        )
        self._missing = (*now, missing)
        return missing
