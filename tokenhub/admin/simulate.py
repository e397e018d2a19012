"""What would be chosen, and why: the decision of a live request, taken without one."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from tokenhub.core.aliases import StandsFor
from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Decision, decide, firsts
from tokenhub.core.errors import BadRequest, NoEligibleModel, NotAllowed, NotFound, VaultLocked
from tokenhub.core.grants import FREE
from tokenhub.core.keys import ApiKey
from tokenhub.core.policy import THOMPSON, Intent, interpret
from tokenhub.core.rng import split
from tokenhub.core.signals import Signals
from tokenhub.ports.snapshot import Snapshot

Refusal = NoEligibleModel | NotFound | BadRequest | NotAllowed | VaultLocked
DRAWS = 1000
# Fewer draws where there are many routes: each of them is some five microseconds of everybody's.
LEAST_DRAWS = 50
MOST_SAMPLES = 200_000
# A stream of the seed that no decision takes.
_NAMING = 2**32


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the router once for all policies.

    `output_tokens` is what every route would write, None for what each usually does;
    `temperature` None is the server's. `key_id` empty is nobody's key.
    """

    seed: int
    key_id: str = ""
    output_tokens: int | None = None
    temperature: float | None = None


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One policy's outcome: a decision from a catalog, or the error that a caller would get.

    `shares` are how often each route came first in so many `draws`; empty where nothing is drawn.
    """

    intent: Intent
    catalog: Catalog
    decision: Decision | None = None
    refusal: Refusal | None = None
    draws: int = 0
    shares: tuple[tuple[str, float], ...] = ()


class Named(Protocol):
    """Tells what the model of a request stands for now, by its id and its key's."""

    def __call__(
        self, catalog: Catalog, ask: Ask, *, request_id: str, key_id: str
    ) -> StandsFor | None: ...


class Simulator:
    """No call is made, and nothing is learned, counted or written.

    `signals` are those of the moment, and `keys` knows a key by its id.
    """

    def __init__(
        self,
        *,
        catalog: Snapshot[Catalog],
        signals: Callable[[Catalog], Signals],
        named: Named,
        keys: Callable[[str], ApiKey],
    ) -> None:
        self._catalog = catalog
        self._signals = signals
        self._named = named
        self._keys = keys

    def prepared(self, asks: list[Ask], question: Question) -> Callable[[], list[Simulated]]:
        """What the router would do with such requests now; to be worked out in any thread.

        All of them see the same catalog and the same signals. Raises NotFound for a key that is
        not there.
        """
        catalog = self._catalog.current
        grant = self._keys(question.key_id).grant if question.key_id else FREE
        signals = _still(self._signals(catalog), question.output_tokens)
        # Where an alias is split by request, the seed stands in for one.
        named = partial(
            self._named,
            catalog,
            request_id=f"{split(question.seed, _NAMING):x}",
            key_id=question.key_id,
        )
        intents = [interpret(ask, catalog.defaults, named(ask), grant=grant) for ask in asks]
        if question.temperature is not None:
            intents = [replace(one, temperature=question.temperature) for one in intents]
        if question.output_tokens is not None:
            intents = [replace(one, output_tokens=question.output_tokens) for one in intents]
        most = MOST_SAMPLES // len(intents)
        return lambda: [
            _decided(intent, catalog, signals, seed=question.seed, most=most) for intent in intents
        ]


def _decided(
    intent: Intent, catalog: Catalog, signals: Signals, *, seed: int, most: int
) -> Simulated:
    try:
        decision = decide(intent, catalog, signals, seed)
    except (NoEligibleModel, NotFound, BadRequest, NotAllowed, VaultLocked) as error:
        return Simulated(intent=intent, catalog=catalog, refusal=error)
    if intent.policy.mode != THOMPSON and not intent.temperature:
        return Simulated(intent=intent, catalog=catalog, decision=decision)
    count = min(DRAWS, max(LEAST_DRAWS, most // len(decision.record.candidates)))
    seeds = [split(seed, number) for number in range(count)]
    found = Counter(firsts(intent, catalog, signals, seeds))
    shares = tuple((route, times / count) for route, times in found.most_common())
    return Simulated(intent=intent, catalog=catalog, decision=decision, draws=count, shares=shares)


def _still(signals: Signals, output_tokens: int | None) -> Signals:
    """The signals as they are now, whatever is learned while they are thought about."""
    routes = dict(signals.routes)
    if output_tokens is not None:
        routes = {name: replace(one, output_tokens=output_tokens) for name, one in routes.items()}
    return replace(
        signals,
        routes=routes,
        closed=dict(signals.closed),
        arms=signals.arms.still(),
    )
