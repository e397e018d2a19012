"""What another policy would have come to, estimated from what this one did.

Of each logged request it is known which route was chosen, how probable that was, and what came of
it; and of the other policy, how probable each route would have been. An answer that the other one
would have chosen more often counts for more, by the weight

    w = wanted(chosen) / propensity

Two estimates of the mean of a value y:

    SNIPS          sum(w y) / sum(w)
    doubly robust  mean( sum_a wanted(a) q(a)  +  w (y - q(chosen)) )

q(a) is the mean of a route's own answers, without the one at hand. The second is right where
either the propensities or the means are, and it is the one that is told (Dudik, Langford, Li,
Doubly Robust Policy Evaluation and Learning, ICML 2011; Swaminathan, Joachims, The Self-Normalized
Estimator for Counterfactual Learning, NIPS 2015). Intervals are of 95 %, by the normal
distribution.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt

import msgspec

# Fewer answers than so many say nothing (field.md 4.3, finding 5).
LEAST_EFFECTIVE = 50.0
# Where the log could have tried all that the other policy would choose, the weights' mean is 1.
LEAST_SUPPORT = 0.9
_SURE = 1.96
# One answer of everybody's goes into the mean of each route: of a route with few it is not sure.
_PRIOR = 1.0
# So many answers tell how far a route's costs lie from what was predicted.
_LEAST_RATIOS = 5


class Logged(msgspec.Struct, frozen=True, gc=False):
    """One request as the other policy sees it; `value` is what came of it.

    `wanted` are the other policy's probabilities of the routes; they sum to 1.
    """

    chosen: str
    propensity: float
    wanted: Mapping[str, float]
    value: float

    @property
    def weight(self) -> float:
        return self.wanted.get(self.chosen, 0.0) / self.propensity


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The mean under the other policy, with the ends of its interval.

    `effective` is how many equally weighted answers say as much as these `count`; `support` is
    the part of the other policy's choices that the log could have tried. `refused` says why there
    is no estimate; empty where there is one.
    """

    count: int
    effective: float
    support: float
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    snips: float | None = None
    refused: str = ""


class Priced(msgspec.Struct, frozen=True, gc=False):
    """What each route was predicted to cost, and what the chosen one did; None where unknown."""

    chosen: str
    wanted: Mapping[str, float]
    predicted: Mapping[str, float]
    actual: float | None


def estimated(rows: Sequence[Logged], *, least: float = 0.0, most: float = 1.0) -> Estimate:
    """The mean of the values, which lie from `least` to `most`, under the other policy."""
    weights = [row.weight for row in rows]
    count, total = len(rows), sum(weights)
    squares = sum(weight * weight for weight in weights)
    effective = total * total / squares if squares else 0.0
    support = _support(weights, [row.propensity for row in rows])
    told = Estimate(count=count, effective=effective, support=min(1.0, support))
    if why := _refusal(told):
        return msgspec.structs.replace(told, refused=why)
    snips = sum(w * row.value for w, row in zip(weights, rows, strict=True)) / total
    parts = _parts(rows, weights)
    mean = sum(parts) / count
    half = _SURE * sqrt(sum((part - mean) ** 2 for part in parts) / (count * (count - 1)))
    return msgspec.structs.replace(
        told,
        mean=min(most, max(least, mean)),
        low=min(most, max(least, mean - half)),
        high=min(most, max(least, mean + half)),
        snips=snips,
    )


def _support(weights: Sequence[float], propensities: Sequence[float]) -> float:
    """How much of the other policy's choices the log could have tried, at the upper end.

    The mean of the weights, and three of its standard errors more: chance alone refuses nobody.
    Where nothing was ever drawn, the weights are probabilities and say it without an error.
    """
    count = len(weights)
    if not count:
        return 0.0
    mean = sum(weights) / count
    if min(propensities) >= 1.0:
        return mean
    spread = sum((weight - mean) ** 2 for weight in weights) / count
    return mean + 3.0 * sqrt(spread / count)


def _refusal(told: Estimate) -> str:
    if told.effective < LEAST_EFFECTIVE:
        return (
            f"the log says as much as {told.effective:.0f} answers of this policy, and fewer than "
            f"{LEAST_EFFECTIVE:.0f} say nothing; replay more of it, or explore more"
        )
    if told.support < LEAST_SUPPORT:
        return (
            f"{1 - told.support:.0%} of what this policy would choose was never tried; set "
            "TOKENHUB_EXPLORATION_TEMP, or mode thompson, and replay what was logged since"
        )
    return ""


def _parts(rows: Sequence[Logged], weights: Sequence[float]) -> list[float]:
    """The doubly robust estimate of each row."""
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.chosen] += row.value
        counts[row.chosen] += 1
    prior = sum(sums.values()) / len(rows)
    means = {
        name: (total + _PRIOR * prior) / (counts[name] + _PRIOR) for name, total in sums.items()
    }
    parts = []
    for row, weight in zip(rows, weights, strict=True):
        chosen = row.chosen
        # Without the row itself, or it would be weighed against a mean that it has moved.
        own = (sums[chosen] - row.value + _PRIOR * prior) / (counts[chosen] - 1 + _PRIOR)
        expected = sum(
            share * (own if name == chosen else means.get(name, prior))
            for name, share in row.wanted.items()
        )
        parts.append(expected + weight * (row.value - own))
    return parts


def costed(rows: Sequence[Priced]) -> Estimate:
    """What a request would have cost, from known prices and predicted tokens.

    Predictions are corrected by how far those of each route were from what it did cost. A request
    for which the other policy would choose a route without a price is left out, and `support` is
    the part that is not. Values are in the unit of the costs.
    """
    known = [row for row in rows if row.wanted.keys() <= row.predicted.keys()]
    told = Estimate(
        count=len(known),
        effective=float(len(known)),
        support=len(known) / len(rows) if rows else 0.0,
    )
    if len(known) < LEAST_EFFECTIVE:
        return msgspec.structs.replace(
            told,
            refused=f"of {len(known)} requests the cost is known; it takes {LEAST_EFFECTIVE:.0f}",
        )
    ratios, usual = _ratios(rows)
    means: dict[str, float] = defaultdict(float)
    parts = []
    for row in known:
        part = 0.0
        for name, share in row.wanted.items():
            ratio, _ = ratios.get(name, usual)
            means[name] += share * row.predicted[name]
            part += share * row.predicted[name] * ratio
        parts.append(part)
    count = len(known)
    mean = sum(parts) / count
    spread = sum((part - mean) ** 2 for part in parts) / (count * (count - 1))
    # The ratios are estimates themselves: each moves the mean by what it is multiplied with.
    spread += sum(
        (total / count) ** 2 * ratios.get(name, usual)[1] for name, total in means.items()
    )
    half = _SURE * sqrt(spread)
    return msgspec.structs.replace(told, mean=mean, low=max(0.0, mean - half), high=mean + half)


def _ratios(rows: Sequence[Priced]) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """What routes cost of what was predicted, each with its variance; and that of all of them."""
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        predicted = row.predicted.get(row.chosen, 0.0)
        if row.actual is not None and predicted > 0:
            seen[row.chosen].append((predicted, row.actual))
    every = [pair for pairs in seen.values() for pair in pairs]
    usual = _ratio(every) if len(every) >= _LEAST_RATIOS else (1.0, 1.0)
    found = {name: _ratio(pairs) for name, pairs in seen.items() if len(pairs) >= _LEAST_RATIOS}
    return found, usual


def _ratio(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The ratio of two sums, and its variance by the delta method."""
    predicted = sum(pair[0] for pair in pairs)
    ratio = sum(pair[1] for pair in pairs) / predicted
    count = len(pairs)
    spread = sum((actual - ratio * guess) ** 2 for guess, actual in pairs)
    return ratio, spread * count / (count - 1) / predicted**2
