"""How good each route is for a mode: one number, lower is better.

    score = Wc * cost + Wl * latency + Wf * failure - Ww * weight

Each term is divided by the largest among the candidates, so it lies in 0..1 (original-behaviour
2.5). An unknown cost counts as the dearest of them, even where all others are free, and an unknown
latency as their mean: what is not known is never taken for the best.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

import msgspec


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """What a mode cares for; the four sum to 1."""

    cost: float
    latency: float
    failure: float
    weight: float


BY_MODE = {
    "cheap": Weights(0.70, 0.10, 0.10, 0.10),
    "normal": Weights(0.25, 0.25, 0.25, 0.25),
    "high_confidence": Weights(0.05, 0.10, 0.15, 0.70),
    "planning": Weights(0.10, 0.10, 0.20, 0.60),
    "adversarial": Weights(0.10, 0.10, 0.20, 0.60),
    # Where they are no plan, they are routed as the original did.
    "vote": Weights(0.25, 0.25, 0.25, 0.25),
    "refine": Weights(0.25, 0.25, 0.25, 0.25),
}


class Terms(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The four normalised terms of one candidate, before their weights."""

    cost: float
    latency: float
    failure: float
    weight: float


def terms(
    costs: Sequence[int | None],
    latencies: Sequence[Any],
    failures: Sequence[float],
    weights: Sequence[int],
) -> list[Terms]:
    """The terms of all candidates; the four sequences run alike and are not empty."""
    if None in latencies:
        known = [latency for latency in latencies if latency is not None]
        mean = sum(known) / len(known) if known else 0.0
        latencies = [mean if latency is None else latency for latency in latencies]
    return list(map(Terms, _of_costs(costs), _parts(latencies), _parts(failures), _parts(weights)))


def score(terms: Terms, mode: Weights) -> float:
    """The one number, lower is better."""
    return (
        mode.cost * terms.cost
        + mode.latency * terms.latency
        + mode.failure * terms.failure
        - mode.weight * terms.weight
    )


def _of_costs(costs: Sequence[int | None]) -> list[float]:
    if None not in costs:
        return _parts(costs)
    known = iter(_parts([cost for cost in costs if cost is not None] or [0]))
    return [1.0 if cost is None else next(known) for cost in costs]


def _parts(values: Sequence[Any]) -> list[float]:
    """Numbers as parts of the largest; nothing where none is above nothing."""
    top = max(values) or inf
    return [value / top for value in values]
