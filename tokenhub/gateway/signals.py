"""How the routes behave, learned from every outcome, read by every decision."""

from collections.abc import Callable, Mapping

from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.failures import Kind
from tokenhub.core.health import NOT_ITS_FAULT, Known, Probe
from tokenhub.core.outcome import Attempt, Expected, Outcome
from tokenhub.core.rewards import Quality
from tokenhub.core.signals import (
    UNKNOWN,
    UNMET,
    Learned,
    Signal,
    Signals,
    after_failure,
    after_success,
    after_writing,
    signal,
)
from tokenhub.gateway.board import Board, impatient
from tokenhub.gateway.lessons import Lessons
from tokenhub.gateway.run import GONE, HEDGE_LOST, OUR_FAULT
from tokenhub.ports.secrets import Secrets

# The log's name for a request that only has its tokens counted.
COUNT = "count_tokens"
# Nor do those teach anything whom nobody waited for.
_TEACH_NOTHING = NOT_ITS_FAULT | {GONE, HEDGE_LOST, OUR_FAULT}
# How often failure rates are looked at anew: in so many seconds they fade by a thousandth.
FADE_EVERY_S = 1.0


def nobody(_quality: Quality) -> None:
    """Where no list is kept of what was judged."""


class Observed:
    """The signals of this process. Values are replaced whole, so a reader may keep one.

    A time-out counts against a route only after `patience_s`: a caller in a hurry says nothing
    of a provider. `told` hears of every judgement that was learned of.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        board: Board,
        patience_s: float,
        told: Callable[[Quality], None] = nobody,
    ) -> None:
        self._board = board
        self._told = told
        self.patience_s = patience_s
        self._clock = board.clock
        self._learned: dict[str, Learned] = {}
        self._routes: dict[str, Signal] = {}
        self.lessons = Lessons(self._clock.now)
        self._failing: set[str] = set()
        self._faded_at = 0.0
        self._secrets = secrets
        self._newest = 0
        self._missing: tuple[int, int, frozenset[str], frozenset[str]]
        self._missing = (-1, -1, frozenset(), frozenset())

    def read(self, catalog: Catalog) -> Signals:
        """The signals now. They are not copied: a decision is over before the next one changes."""
        if catalog.version > self._newest:
            self._keep(catalog)
        if self._failing:
            self._fade()
        without, locked_away = self._without_credential(catalog)
        return Signals(
            self._routes, without, self._board.closed(catalog), self.lessons, locked_away
        )

    def known(self) -> Mapping[str, Known]:
        """All providers and routes that were met, by their ids."""
        return self._board.known()

    def probed(
        self, provider: Provider, kind: Kind | None, *, status: int, latency_s: float
    ) -> None:
        """Note a probe. No signal learns of it: to list models is no answer."""
        self._board.probed(provider, kind, status=status, latency_s=latency_s)

    def plan(self, provider_id: str, at: float | None) -> None:
        """Note when the next probe is due; None where there is none."""
        self._board.plan(provider_id, at)

    def probes(self) -> Mapping[str, Probe]:
        """The probes of providers, by their ids."""
        return self._board.probes()

    def forget(self, name: str) -> None:
        """Think of a provider or a route as if it had never been met, but for its judgements."""
        self._board.forget(name)
        self._learned.pop(name, None)
        self._routes.pop(name, None)
        self._failing.discard(name)

    def latency_s(self, route_id: str) -> float | None:
        """A route's usual latency, None until an answer was timed."""
        return self._routes.get(route_id, UNKNOWN).latency_s

    def judged(self, quality: Quality) -> None:
        """Learn how good an answer was.

        Success, speed and price teach nothing of it: who answers at once may answer badly.
        """
        self.lessons.judged(quality)
        self._told(quality)

    def record(self, outcome: Outcome) -> None:
        if outcome.dialect == COUNT:  # a count is no answer: its time says nothing of one
            return
        for attempt in outcome.attempts:
            if attempt.kind in _TEACH_NOTHING:
                continue
            if impatient(attempt.kind, attempt.status, attempt.latency_s, self.patience_s):
                continue
            self._learn(attempt, outcome.expected)

    def _learn(self, attempt: Attempt, expected: Expected) -> None:
        route, now = f"{attempt.provider_id}/{attempt.model_id}", self._clock.monotonic()
        known = self._learned.get(route, UNMET)
        if attempt.kind:
            known = after_failure(known, now)
        else:
            known = _written(after_success(known, attempt.latency_s, now), attempt, expected)
        self._put(route, known, now)
        self.lessons.called(route, failed=bool(attempt.kind))

    def _put(self, route: str, known: Learned, now: float) -> None:
        self._learned[route] = known
        seen = self._routes[route] = signal(known, now)
        if seen.failure_rate:
            self._failing.add(route)
        elif self._failing:
            self._failing.discard(route)

    def _keep(self, catalog: Catalog) -> None:
        """Forget what a newer catalog does not have: of old names there may be any number.

        A request that began before the change may still bring some back, until the next one.
        """
        self._newest = catalog.version
        self._board.keep(catalog)
        for name in self._learned.keys() - catalog.by_route.keys():
            self.forget(name)
        for name in self.lessons.known() - catalog.by_route.keys():
            self.lessons.forget(name)

    def _fade(self) -> None:
        """Let failures be forgotten, of those who have some: all others cost nothing."""
        now = self._clock.monotonic()
        if now - self._faded_at < FADE_EVERY_S:
            return
        self._faded_at = now
        for route in list(self._failing):
            self._put(route, self._learned[route], now)

    def _without_credential(self, catalog: Catalog) -> tuple[frozenset[str], frozenset[str]]:
        """Providers that have no key now although they had one, and whose is locked away of them.

        Worked out anew after a change only.
        """
        catalog_version, secrets_version, missing, away = self._missing
        now = (catalog.version, self._secrets.version)
        if (catalog_version, secrets_version) == now:
            return missing, away
        without = [
            provider
            for provider in catalog.providers.values()
            if provider.cred_store != "none" and self._secrets.peek(provider) is None
        ]
        missing = frozenset([provider.id for provider in without])
        away = frozenset([provider.id for provider in without if self._secrets.away(provider)])
        self._missing = (*now, missing, away)
        return missing, away


def _written(known: Learned, attempt: Attempt, expected: Expected) -> Learned:
    """What an answer tells of how much its route writes; vectors tell nothing."""
    if not attempt.output_tokens:
        return known
    each = attempt.output_tokens / expected.answers
    limit = expected.output_limit
    return after_writing(known, each, cut=limit is not None and each >= limit)
