"""What is believed of how good a route's answers are, what is still open about it, and its draw.

What was judged is in core/judged.py, and how it comes to be believed in core/effects.py.

    utility = answered well - worth of money * cost - worth of time * latency

Money and time are known or measured, so a new price counts from the next request on: what is drawn
is only what is not known, how well a route answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, erf, exp, log1p, sqrt

import msgspec

from tokenhub.core.effects import UNTRIED_SPREAD, USUAL, Belief
from tokenhub.core.errors import BadRequest
from tokenhub.core.judged import MEMORY, Judged
from tokenhub.core.rng import normal

# What each point of an operator's weight above 1, its default, says before anybody judged.
_WEIGHT_POINT = 0.02
# A route is drawn from the hopeful side of what is believed of it, in a narrow normal about it.
# Wide draws about the mean try what is nearly as good for ever; no hope at all never goes back to
# a route that had bad luck at first (docs/developer/learning.md).
_WIDTH = 0.15
# What was learned of all counts so much against what is known of one.
_AGAINST = 0.7
# How many deviations shorter than they were its answers are hoped to be, whoever judges: unlike
# quality, lengths are seen with every answer.
_SHORTER = 0.5
# Hope is for those who learn: of so many calls that nobody judged half of it is left, and draws are
# as much wider. Else whoever is hoped for would be asked for as long as the judge takes.
_PATIENCE = 20.0
# One failure in 25 is expected of a route that was never called, and counts as 5 calls.
_FAILED, _CALLED = 0.2, 5.0
# No answer is better than right: beyond it draws count almost nothing, and still have an order.
_BEYOND_RIGHT = 1e-3


class Calls(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How calls to a route ended: how many count yet, and how many of them failed."""

    n: float = 0.0
    failed: float = 0.0


UNCALLED = Calls()


class Arm(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a decision may know of a route: how well it answers, how unsure that is, and failures.

    `prior` is the part of `quality` that nobody has judged yet: there the operator's weight counts.
    `hope`, 0 to 1, is how soon a trial of it is going to be judged, and `doubt` of how many of its
    deviations it then has the benefit.
    """

    quality: float
    spread: float
    prior: float = 1.0
    failing: float = _FAILED / _CALLED
    hope: float = 0.0
    doubt: float = 0.0


def as_beta(quality: float, spread: float) -> tuple[float, float]:
    """The two parameters of the Beta with this mean and deviation, as the original's arms were.

    Neither is under 0.01; what is less than a Beta can say is told as the widest.
    """
    mean = min(0.999, max(0.001, quality))
    known = max(0.02, mean * (1 - mean) / max(spread, 1e-6) ** 2 - 1)
    return max(0.01, mean * known), max(0.01, (1 - mean) * known)


UNTRIED = Arm(USUAL, UNTRIED_SPREAD)


def hope_of(unjudged: float) -> float:
    """How soon a trial is going to be judged, where so many calls waited for it in vain."""
    return 1 / (1 + unjudged / _PATIENCE)


def doubt_of(n: float, total: float) -> float:
    """The deviations of which a route has the benefit that was judged `n` times of `total`.

    The more was learned of others since, the less is known of it beside them: the square root of
    log(1 + 0.7 total / n), as in the bounds of the bandits that lose least (Garivier and Cappe, The
    KL-UCB Algorithm, COLT 2011, with half the width that holds for every distribution).
    """
    return sqrt(log1p(_AGAINST * total / (n + 1)))


def arm_of(believed: Belief, calls: Calls, *, hope: float, doubt: float) -> Arm:
    """A route at a task."""
    quality = min(1.0, max(0.0, believed.mean))
    failing = (calls.failed + _FAILED) / (calls.n + _CALLED)
    return Arm(quality, sqrt(believed.variance), believed.prior, failing, hope, doubt)


def after_call(calls: Calls, *, failed: bool) -> Calls:
    kept = 1 - 1 / MEMORY
    return Calls(calls.n * kept + 1, calls.failed * kept + failed)


class Taught(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to survive a restart, by route.

    `unjudged` are the calls of a route since it was judged last.
    """

    judged: dict[str, Judged] = {}
    calls: dict[str, Calls] = {}
    unjudged: dict[str, int] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A route at a task, and how many judgements and calls that stands on.

    `task` is empty for all of them together.
    """

    route: str
    task: str
    arm: Arm
    judged: float
    calls: Calls


class Worth(msgspec.Struct, frozen=True, array_like=True):
    """What is given for money and time: quality (0 to 1) for a dollar, and for a second."""

    usd: float = 20.0
    second: float = 0.005


# A cent is worth a fifth of the way from useless to right, ten seconds a twentieth.
DEFAULT_WORTH = Worth()
# Far beyond any sense: nothing dearer or slower is ever taken.
MAX_WORTH = 1_000_000.0


def worth(given: Mapping[str, float], *, field: str) -> Worth:
    """What is given, the usual for what is not. Raises BadRequest naming the field."""
    unknown = [name for name in given if name not in Worth.__struct_fields__]
    if unknown:
        raise BadRequest(
            f"{field} may hold usd and second, and no {unknown[0][:40]!r}", field=field
        )
    if not all(0 <= one <= MAX_WORTH for one in given.values()):
        raise BadRequest(f"{field} must be numbers from 0 to {MAX_WORTH:.0f}", field=field)
    return Worth(**given)


class Sample(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The arm of a route at the time of a decision, and the utility that was drawn from it.

    `price` is what its cost and its time took from that, and `written` on how many answers the
    estimate of its length stood.
    """

    quality: float
    spread: float
    prior: float
    failing: float
    draw: float
    price: float
    hope: float = 0.0
    doubt: float = 0.0
    written: int = 0


class Draw(msgspec.Struct, frozen=True, gc=False):
    """A route's utility as it is drawn: part * right(middle + width * z) - price, z normal."""

    middle: float
    width: float
    part: float
    price: float


def draw_of(arm: Arm | Sample, *, weight: int, price: float) -> Draw:
    """How a route is drawn. `price` is what its cost and its time take from its utility."""
    hoped = arm.hope * arm.doubt * arm.spread
    middle = arm.quality + arm.prior * _WEIGHT_POINT * (weight - 1) + hoped
    width = (1 - arm.hope * (1 - _WIDTH)) * arm.spread
    return Draw(middle, width, 1 - arm.failing, price)


def hoped_tokens(usual: int, written: int) -> int:
    """The tokens of an answer, of which the estimate stands on so many.

    Lengths differ by about their mean, so that the mean of n is a part of 1 / sqrt(n) off. Half of
    that is hoped for: else a route whose first answer was very long would be too dear to be asked
    again, and nobody would ever learn better.
    """
    return ceil(usual * exp(-_SHORTER / sqrt(written))) if written else usual


def drawn(draw: Draw, seed: int) -> float:
    """The utility that this seed draws."""
    return _utility(draw, normal(seed, 0))


def _utility(draw: Draw, z: float) -> float:
    good = draw.middle + draw.width * z
    if good > 1.0:
        good = 1.0 + _BEYOND_RIGHT * (good - 1.0)
    return draw.part * good - draw.price


# --- How probable a choice was
#
#     P(c draws the largest) = integral over p in (0, 1) of the product of F_j(u_c(p))
#
# with u_c(p) the utility of c at the quantile p. The product only rises with p, so between two
# nodes it is between its values there: cells are halved until what is open is little enough.

_ENDS = 4.0
_NODES = tuple([-_ENDS + 2 * _ENDS * step / 10 for step in range(11)])
_OPEN = 4e-4
_HALVINGS = 14
_SQRT2 = sqrt(2.0)
_NOTHING = 1e-6


def probability(draws: Sequence[Draw], place: int) -> float:
    """How probable it is that the route at this place draws the most; within about 0.001."""
    own = draws[place]
    if len(draws) == 1:
        return 1.0
    low, high = _utility(own, -_ENDS), _utility(own, _ENDS)
    others = []
    for number, one in enumerate(draws):
        if number == place or _utility(one, _ENDS) < low:
            continue
        if _utility(one, -_ENDS) > high:
            return 0.0
        others.append(one)
    if not others:
        return 1.0
    below = [(z, _phi(z), _under(others, _utility(own, z))) for z in _NODES]
    total = below[0][1] * below[0][2] + (1 - below[-1][1]) * below[-1][2]
    for left, right in pairwise(below):
        total += _between(own, others, left, right, _HALVINGS)
    return min(1.0, max(0.0, total))


_Node = tuple[float, float, float]


def _between(own: Draw, others: list[Draw], left: _Node, right: _Node, halvings: int) -> float:
    mass = right[1] - left[1]
    if not halvings or mass * (right[2] - left[2]) < _OPEN:
        return mass * (left[2] + right[2]) / 2
    z = (left[0] + right[0]) / 2
    middle = (z, _phi(z), _under(others, _utility(own, z)))
    return _between(own, others, left, middle, halvings - 1) + _between(
        own, others, middle, right, halvings - 1
    )


def _under(others: Iterable[Draw], utility: float) -> float:
    """The probability that all of them draw less."""
    found = 1.0
    for one in others:
        good = (utility + one.price) / one.part
        if good > 1.0:
            good = 1.0 + (good - 1.0) / _BEYOND_RIGHT
        found *= _phi((good - one.middle) / one.width)
        if found < _NOTHING:
            return 0.0
    return found


def _phi(z: float) -> float:
    return 0.5 + 0.5 * erf(z / _SQRT2)
