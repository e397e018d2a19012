"""Who may answer, and for each who may not, why. These limits are hard in every path."""

from collections.abc import Iterable

import msgspec

from tokenhub.core.catalog import Route
from tokenhub.core.grants import Lists
from tokenhub.core.money import MILLION
from tokenhub.core.policy import Intent
from tokenhub.core.pricing import estimated_nusd
from tokenhub.core.signals import UNKNOWN, Signal, Signals

# Room for what the estimate of the prompt misses (original-behaviour 2.4).
HEADROOM_PERCENT = 115


class Skip(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A route that may not answer: the reason, and the numbers where there are any.

    For `health_down`, `cooling_down` and `credential_out`, `value` is the milliseconds until it
    opens. `output_tokens` is the estimate of its answer, where it came to be looked at.
    """

    route: str
    reason: str
    value: int | None = None
    limit: int | None = None
    output_tokens: int | None = None


class Able(msgspec.Struct, frozen=True, gc=False):
    """A route that may answer, and what it is expected to write and cost; None where unknown.

    `last_resort` is a route that is down, for `closed_ms` yet.
    """

    route: Route
    signal: Signal
    output_tokens: int
    cost_nusd: int | None
    last_resort: bool = False
    closed_ms: int = 0


def eligible(
    intent: Intent, routes: Iterable[Route], signals: Signals
) -> tuple[list[Able], list[Skip]]:
    """Sort the routes into those that may answer and those that may not."""
    able: list[Able] = []
    skipped: list[Skip] = []
    known, closed, budget = signals.routes, signals.closed, intent.policy.max_budget_nusd
    input_tokens, why_not = intent.input_tokens, _Hard(intent, signals)
    for route in routes:
        skip = why_not(route)
        if skip is not None:
            skipped.append(skip)
            continue
        seen, model = known.get(route.id, UNKNOWN), route.model
        usual, in_price, out_price = seen.output_tokens, model.input_price, model.output_price
        expected = intent.output_tokens if usual is None else _expected(intent, usual)
        # The sum of core/pricing.estimated_nusd, spelled out: it is all that most routes need.
        cost = (
            estimated_nusd(model, input_tokens, expected)
            if in_price is None or out_price is None or model.tiers
            else -(-(input_tokens * in_price + expected * out_price) // MILLION)
        )
        if budget is not None and cost is not None and cost > budget:
            skipped.append(Skip(route.id, "budget_exceeded", cost, budget, expected))
            continue
        skip = _closed(route, signals, expected) if closed else None
        if skip is None:
            able.append(Able(route, seen, expected, cost))
        elif skip.reason == "health_down":
            # It may be well again since anybody looked: better asked last than not at all.
            able.append(
                Able(route, seen, expected, cost, last_resort=True, closed_ms=skip.value or 0)
            )
        else:
            skipped.append(skip)
    return able, skipped


def _closed(route: Route, signals: Signals, expected: int) -> Skip | None:
    """The longer of what closes a route and what closes its provider."""
    found = [
        signals.closed[name] for name in (route.provider.id, route.id) if name in signals.closed
    ]
    if not found:
        return None
    # Whoever throttles us or has refused our key is not asked at all; who is down, in the end.
    closed = max(found, key=lambda one: (one.reason != "health_down", one.for_ms))
    return Skip(route.id, closed.reason, closed.for_ms, None, expected)


def needed_tokens(input_tokens: int, reserved_tokens: int) -> int:
    """The context that a request needs: the prompt with headroom, and what it keeps for output."""
    return input_tokens * HEADROOM_PERCENT // 100 + reserved_tokens


def _expected(intent: Intent, usual: int) -> int:
    """The tokens of answers as long as a route's usually are, and no longer than they may be."""
    wanted, limit = usual * intent.answers, intent.output_limit
    return wanted if limit is None or wanted < limit else limit


class _Hard:
    """What is hard whatever an answer costs; made once for all routes of a decision."""

    __slots__ = ("least", "lists", "locked_away", "needed", "without")

    def __init__(self, intent: Intent, signals: Signals) -> None:
        models, providers = intent.allowed_models, intent.allowed_providers
        self.lists = Lists(models, providers) if models or providers else None
        self.least = intent.policy.min_weight
        self.needed = needed_tokens(intent.input_tokens, intent.reserved_tokens)
        self.without = signals.without_credential
        self.locked_away = signals.locked_away

    def __call__(self, route: Route) -> Skip | None:
        model, provider = route.model, route.provider
        if self.lists is not None and not self.lists.allow(route):
            return Skip(route.id, "not_allowed")
        if not model.enabled or not provider.enabled:
            return Skip(route.id, "disabled")
        if model.weight < self.least:
            return Skip(route.id, "weight_below_minimum", model.weight, self.least)
        if 0 < model.max_context_tokens < self.needed:
            return Skip(route.id, "context_overflow", self.needed, model.max_context_tokens)
        if provider.id in self.without:
            away = provider.id in self.locked_away
            return Skip(route.id, "vault_locked" if away else "no_credential")
        return None
