"""Who may answer, and for each who may not, why. These limits are hard in every path."""

from collections.abc import Iterable
from math import ceil

import msgspec

from tokenhub.core.catalog import Route
from tokenhub.core.money import MILLION
from tokenhub.core.policy import Intent
from tokenhub.core.pricing import estimated_nusd
from tokenhub.core.signals import Signals

# Room for what the estimate of the prompt misses (original-behaviour 2.4).
HEADROOM_PERCENT = 115


class Skip(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A route that may not answer: the reason, and the numbers where there are any.

    For `health_down`, `cooling_down` and `credential_out`, `value` is the milliseconds until it
    opens.
    """

    route: str
    reason: str
    value: int | None = None
    limit: int | None = None


class Able(msgspec.Struct, frozen=True, gc=False):
    """A route that may answer, and what it is expected to cost; None where unknown.

    `last_resort` is a route that is down, for `closed_ms` yet, and the only one left of its model.
    """

    route: Route
    cost_nusd: int | None
    last_resort: bool = False
    closed_ms: int = 0


def eligible(
    intent: Intent, routes: Iterable[Route], signals: Signals
) -> tuple[list[Able], list[Skip]]:
    """Sort the routes into those that may answer and those that may not."""
    able: list[Able] = []
    skipped: list[Skip] = []
    down: list[tuple[Skip, Able]] = []
    for route in routes:
        cost = _cost(intent, route)
        skip = _why_not(intent, route, cost, signals)
        if skip is None:
            skip = _closed(route, signals) if signals.closed else None
        if skip is None:
            able.append(Able(route, cost))
        elif skip.reason == "health_down":
            down.append((skip, Able(route, cost, last_resort=True, closed_ms=skip.value or 0)))
        else:
            skipped.append(skip)
    if down:
        _keep_one_of_each_model(down, able, skipped)
    return able, skipped


def _keep_one_of_each_model(
    down: list[tuple[Skip, Able]], able: list[Able], skipped: list[Skip]
) -> None:
    """Of a model whose routes are all down, the one that opens first is tried in the end."""
    served = {one.route.model.id for one in able}
    for skip, one in sorted(down, key=lambda pair: pair[0].value or 0):
        if one.route.model.id in served:
            skipped.append(skip)
        else:
            served.add(one.route.model.id)
            able.append(one)


def _closed(route: Route, signals: Signals) -> Skip | None:
    """The longer of what closes a route and what closes its provider."""
    found = [
        signals.closed[name] for name in (route.provider.id, route.id) if name in signals.closed
    ]
    if not found:
        return None
    # Whoever throttles us or has refused our key is not asked at all; who is down, in the end.
    closed = max(found, key=lambda one: (one.reason != "health_down", one.for_s))
    return Skip(route.id, closed.reason, ceil(1000 * closed.for_s))


def needed_tokens(input_tokens: int, reserved_tokens: int) -> int:
    """The context that a request needs: the prompt with headroom, and what it keeps for output."""
    return input_tokens * HEADROOM_PERCENT // 100 + reserved_tokens


def _cost(intent: Intent, route: Route) -> int | None:
    model = route.model
    if model.input_price is None or model.output_price is None or model.tiers:
        return estimated_nusd(model, intent.input_tokens, intent.output_tokens)
    total = intent.input_tokens * model.input_price + intent.output_tokens * model.output_price
    return -(-total // MILLION)


def _why_not(intent: Intent, route: Route, cost: int | None, signals: Signals) -> Skip | None:
    model, provider, policy = route.model, route.provider, intent.policy
    if not model.enabled or not provider.enabled:
        return Skip(route.id, "disabled")
    if model.weight < policy.min_weight:
        return Skip(route.id, "weight_below_minimum", model.weight, policy.min_weight)
    if model.max_context_tokens:
        needed = needed_tokens(intent.input_tokens, intent.reserved_tokens)
        if needed > model.max_context_tokens:
            return Skip(route.id, "context_overflow", needed, model.max_context_tokens)
    if provider.id in signals.without_credential:
        return Skip(route.id, "no_credential")
    budget = policy.max_budget_nusd
    if budget is not None and cost is not None and cost > budget:
        return Skip(route.id, "budget_exceeded", cost, budget)
    return None
