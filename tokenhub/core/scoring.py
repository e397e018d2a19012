"""How good each route is for a mode: one number, lower is better.

    score = Wc * cost + Wl * latency + Wf * failure - Ww * weight

Each term is divided by the largest among the candidates, so it lies in 0..1 (original-behaviour
2.5). An unknown cost counts as the dearest of them, even where all others are free, and an unknown
latency as their mean: what is not known is never taken for the best.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import msgspec

from tokenhub.core.errors import BadRequest


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """What a mode cares for; the four sum to 1."""

    cost: float
    latency: float
    failure: float
    weight: float


# Far beyond any sense, and far from where floats lose theirs.
MAX_WEIGHT = 1_000_000.0

BY_MODE = {
    "cheap": Weights(0.70, 0.10, 0.10, 0.10),
    "normal": Weights(0.25, 0.25, 0.25, 0.25),
    "high_confidence": Weights(0.05, 0.10, 0.15, 0.70),
    "planning": Weights(0.10, 0.10, 0.20, 0.60),
    "adversarial": Weights(0.10, 0.10, 0.20, 0.60),
    # Where they are no plan, they are routed as the original did.
    "vote": Weights(0.25, 0.25, 0.25, 0.25),
    "refine": Weights(0.25, 0.25, 0.25, 0.25),
    # Its order is drawn (core/bandit.py); the scores are there to be looked at.
    "thompson": Weights(0.25, 0.25, 0.25, 0.25),
}


def weights(given: Mapping[str, float], *, field: str) -> Weights:
    """The weights in these proportions, with the sum 1; 0 where none is given.

    Raises BadRequest naming the field.
    """
    unknown = [name for name in given if name not in Weights.__struct_fields__]
    if unknown:
        known = ", ".join(Weights.__struct_fields__)
        raise BadRequest(f"{field} may hold {known}, and no {unknown[0][:40]!r}", field=field)
    if not all(0 <= one <= MAX_WEIGHT for one in given.values()):
        raise BadRequest(f"{field} must be numbers from 0 to {MAX_WEIGHT:.0f}", field=field)
    total = sum(given.values())
    if not total:
        raise BadRequest(f"{field} must not all be 0", field=field)
    return Weights(*[given.get(name, 0.0) / total for name in Weights.__struct_fields__])


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
