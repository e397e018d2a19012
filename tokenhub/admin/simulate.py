"""What would be chosen, and why: the decision of a live request, taken without one."""

from collections.abc import Callable

import msgspec

from tokenhub.core.aliases import StandsFor
from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Decision, decide
from tokenhub.core.errors import BadRequest, NoEligibleModel, NotFound
from tokenhub.core.policy import Intent, interpret
from tokenhub.core.signals import Signals
from tokenhub.ports.snapshot import Snapshot

Refusal = NoEligibleModel | NotFound | BadRequest


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One policy's outcome: a decision, or the error that a caller would get."""

    intent: Intent
    decision: Decision | None = None
    refusal: Refusal | None = None


class Simulator:
    """No call is made, and nothing is learned, counted or written.

    `signals` are those of the moment; `named` tells what a model's name stands for now.
    """

    def __init__(
        self,
        *,
        catalog: Snapshot[Catalog],
        signals: Callable[[Catalog], Signals],
        named: Callable[[Catalog, str], StandsFor | None],
    ) -> None:
        self._catalog = catalog
        self._signals = signals
        self._named = named

    @property
    def catalog(self) -> Catalog:
        return self._catalog.current

    def run(self, ask: Ask, seed: int) -> Simulated:
        """What the router would do with such a request now."""
        catalog = self.catalog
        intent = interpret(ask, catalog.defaults, self._named(catalog, ask.model))
        try:
            decision = decide(intent, catalog, self._signals(catalog), seed)
        except (NoEligibleModel, NotFound, BadRequest) as error:
            return Simulated(intent=intent, refusal=error)
        return Simulated(intent=intent, decision=decision)
