"""Thompson sampling: what each route has earned, drawn from what is known of it.

An arm is a route and a size of prompt. Its rewards, 0 to 1, make a Beta distribution of what it
is worth: wide while little is known, narrow later. A draw of each, and the largest goes first: so
a route is tried as often as it may be the best one.

    Beta(alpha, beta) = G(alpha) / (G(alpha) + G(beta)),   alpha = 1 + sum of the rewards
                                                           beta  = 1 + their number - their sum

Sizes and rewards are the original's (original-behaviour 2.10, 16). `exp`, `log` and `lgamma` are
those of the platform's C library, and so is the last bit of what is made of them.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import cos, exp, expm1, lgamma, log, log1p, sqrt, tau

import msgspec

from tokenhub.core.money import NANO
from tokenhub.core.rng import split, uniform

SMALL_BELOW = 1_000
MEDIUM_UP_TO = 10_000
# What earns nothing: a tenth of a dollar, or the whole of the time that there was.
DEAR_NUSD = NANO // 10
LEAST_LATENCY_S = 1.0
_FOR_COST, _FOR_LATENCY, _FOR_SUCCESS = 0.3, 0.3, 0.4


class Arm(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is known of a route's worth: the two parameters of a Beta, neither under 1."""

    alpha: float = 1.0
    beta: float = 1.0


class Sample(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An arm at the time of a decision, and what was drawn from it."""

    alpha: float
    beta: float
    draw: float


UNTRIED = Arm()


def bucket(input_tokens: int) -> str:
    """The size of a prompt in a word: routes are good at some and bad at others."""
    if input_tokens < SMALL_BELOW:
        return "small"
    return "medium" if input_tokens <= MEDIUM_UP_TO else "large"


def reward(*, latency_s: float, cost_nusd: int | None, max_latency_s: float) -> float:
    """What an answer earns, 0.4 to 1. An unknown cost earns what the dearest does."""
    dear = 1.0 if cost_nusd is None else min(cost_nusd / DEAR_NUSD, 1.0)
    slow = min(latency_s / max(max_latency_s, LEAST_LATENCY_S), 1.0)
    return _FOR_COST * (1 - dear) + _FOR_LATENCY * (1 - slow) + _FOR_SUCCESS


def rewarded(arm: Arm, reward: float) -> Arm:
    """The arm after one more attempt; a failure earns 0."""
    return Arm(arm.alpha + reward, max(1.0, arm.beta + (1.0 - reward)))


def drawn(arm: Arm, seed: int) -> float:
    """A draw in [0, 1] of what the arm is worth; the same for the same seed."""
    one, other = _gamma(arm.alpha, split(seed, 1)), _gamma(arm.beta, split(seed, 2))
    return one / (one + other)


def _gamma(shape: float, seed: int) -> float:
    """A draw of the gamma distribution of a shape from 1 up.

    Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, ACM TOMS 26(3), 2000.
    """
    third = shape - 1 / 3
    width = 1 / sqrt(9 * third)
    counter = 0
    while True:
        # Box-Muller, as in rng.normal; half of all the time goes here.
        radius = sqrt(-2.0 * log(1.0 - uniform(seed, counter)))
        x = radius * cos(tau * uniform(seed, counter + 1))
        v = (1 + width * x) ** 3
        u = 1.0 - uniform(seed, counter + 2)
        counter += 3
        if v <= 0:
            continue
        if u < 1 - 0.0331 * x**4 or log(u) < x * x / 2 + third * (1 - v + log(v)):
            return third * v


# --- How probable a choice was
#
#     P(c draws the largest) = integral of f_c(y) * product of the other F_j(y) dy
#     where y is log(x / (1 - x))
#
# In y a Beta has no edges: its density is smooth, and its tails fall like exp(alpha * y) and
# exp(-beta * y). The nodes lie closer towards the lower end. That is put where the largest draw
# hardly ever comes to, so that every arm that is known sharply has its step next to it: none can
# hide between two nodes. Looks narrow the range to the part that matters; the last one counts.

# The first cell is at most this part of the spread of the sharpest arm.
_SHARP = 0.5
_LOOKS = 8
# Of so few arms the largest draw is not far above where the best of them begins.
_FEW = 8
_NOTHING = 1e-4
_LOG_NOTHING = log(_NOTHING)
# Who is below the range but for so little changes no digit that is kept.
_BELOW = 1e-6
# Where the tails are under a ten-thousandth: so many spreads away, and the exponential part.
_SPREADS, _TAIL = 4.0, 9.5


class _Nodes(msgspec.Struct, frozen=True):
    """Where a range of 1 is looked at, and how much of it each node stands for."""

    places: tuple[float, ...]
    widths: tuple[float, ...]


def _nodes(cells: int, closer: float) -> _Nodes:
    """So many cells, the last of them e**closer as wide as the first."""
    steps = [closer * k / cells for k in range(cells + 1)]
    whole = expm1(closer)
    return _Nodes(
        places=tuple([expm1(step) / whole for step in steps]),
        widths=tuple([closer * exp(step) / whole / cells for step in steps]),
    )


# The fewer for a range that no arm is sharp in. A cell is wider than the one before by a tenth in
# a rough look and by a sixteenth in the last one: over 2,400 random sets of arms no error was above
# 0.0003.
_ROUGH = tuple([_nodes(cells, cells / 10) for cells in (24, 48, 72, 96)])
_FINE = tuple([_nodes(cells, cells / 16) for cells in (40, 80, 120, 160)])


class _Group(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Arms that are alike: where nearly all of their draws lie, and how many they are."""

    alpha: float
    beta: float
    low: float
    high: float
    spread: float
    log_b: float
    count: int


def probability(arms: Sequence[Arm], place: int) -> float:
    """How probable it is that the arm at this place draws the largest; within about 0.001."""
    counted = Counter([(arm.alpha, arm.beta) for arm in arms])
    if len(counted) == 1:
        return 1 / len(arms)
    own = (arms[place].alpha, arms[place].beta)
    groups = [_group(alpha, beta, count) for (alpha, beta), count in counted.items()]
    low = max(group.low for group in groups)
    high = max(group.high for group in groups)
    for _ in range(_LOOKS if len(arms) > _FEW else 0):
        look = _look(groups, own, low, high, _ROUGH)
        small = look.roof - look.bottom > (high - low) / 2
        groups, low, high = look.left, look.bottom, look.roof
        if small:
            break
    return min(1.0, max(0.0, _look(groups, own, low, high, _FINE).found))


def _group(alpha: float, beta: float, count: int) -> _Group:
    middle, spread = log(alpha / beta), sqrt(1 / alpha + 1 / beta)
    log_b = lgamma(alpha) + lgamma(beta) - lgamma(alpha + beta)
    # No more is below y than exp(alpha * y) / (alpha * B), and no more above it than
    # exp(-beta * y) / (beta * B): near for an arm that is hardly known, and far for any other.
    low = (_LOG_NOTHING + log(alpha) + log_b) / alpha
    high = -(_LOG_NOTHING + log(beta) + log_b) / beta
    return _Group(
        alpha=alpha,
        beta=beta,
        low=max(low, middle - _SPREADS * spread - _TAIL / alpha),
        high=min(high, middle + _SPREADS * spread + _TAIL / beta),
        spread=spread,
        log_b=log_b,
        count=count,
    )


class _Look(msgspec.Struct, frozen=True, gc=False):
    """The integral over a range, the part where the largest draw lies, and who draws there."""

    found: float
    bottom: float
    roof: float
    left: list[_Group]


def _look(
    groups: list[_Group],
    own: tuple[float, float],
    low: float,
    high: float,
    grids: tuple[_Nodes, ...],
) -> _Look:
    span = high - low
    first_cell = _SHARP * min(group.spread for group in groups)
    nodes = next((one for one in grids if span * one.widths[0] <= first_cell), grids[-1])
    ys = [low + span * place for place in nodes.places]
    logs = [(-log1p(exp(-y)), y, span * width) for y, width in zip(ys, nodes.widths, strict=True)]
    others = [1.0] * len(ys)
    density, under = others, others
    looked: list[tuple[_Group, list[float]]] = []
    for group in groups:
        alpha, beta, count = group.alpha, group.beta, group.count
        mine = (alpha, beta) == own
        if group.high < low and not mine:
            continue
        both = alpha + beta
        masses = [exp(both * lx - beta * y - group.log_b) * width for lx, y, width in logs]
        below = _below(masses)
        looked.append((group, below))
        if mine:
            density, under, count = masses, below, count - 1
        if count == 1:
            others = [one * part for one, part in zip(others, below, strict=True)]
        elif count:
            others = [one * part**count for one, part in zip(others, below, strict=True)]
    parts = [one * other for one, other in zip(density, others, strict=True)]
    reached = [one * other for one, other in zip(others, under, strict=True)]
    # A rough look is a few hundredths off: two nodes more on either side make up for it.
    last = len(ys) - 1
    first = max(0, sum(part < _NOTHING for part in reached) - 3)
    final = min(last, last - sum(part > 1 - _NOTHING for part in reached) + 3)
    least = 1 - _BELOW / len(groups)
    return _Look(
        found=sum(parts) - (parts[0] + parts[-1]) / 2,
        bottom=ys[first],
        roof=ys[final],
        left=[one for one, below in looked if below[first] < least or (one.alpha, one.beta) == own],
    )


def _below(masses: list[float]) -> list[float]:
    """The part of a distribution under each node, from the masses of the cells above it.

    By the trapezoidal rule, less the first term of its error (Euler and Maclaurin): a slope.
    """
    above = list(accumulate(reversed(masses)))
    above.reverse()
    slopes = zip((masses[0], *masses), (*masses[1:], 0.0), strict=False)
    return [
        max(0.0, 1 - tail + mass / 2 + (before - after) / 24)
        for tail, mass, (before, after) in zip(above, masses, slopes, strict=True)
    ]
