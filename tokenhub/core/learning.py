"""What is known of how good a route's answers are, and what is still open about it.

A judgement of an answer, 0 to 1, is taken apart:

    score = route + task + the route's own strength at that task + noise

All models find some tasks harder than others; a route that met only hard ones is not worse for it.
Each part is a normal posterior that starts from its parent: a route from its model, a model from
all models, a strength from none. So a new route is not judged by its first answer, and a new task
costs no trials that the old ones have paid for.

Evidence is forgotten by new evidence of the same route, in a memory of about 300 judgements, and by
time. Where the last ones differ from the rest beyond chance, the rest is forgotten at once.

    utility = answered well - worth of money * cost - worth of time * latency

Money and time are known or measured, so a new price counts from the next request on: what is drawn
is only what is not known, how well a route answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import erf, exp2, sqrt

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.rng import normal

# About 300 judgements are remembered: a model changes by the month, its posterior within a day.
MEMORY = 300.0
# How hard a task is changes less than who is good at it.
TASK_MEMORY = 1000.0
# And the last ten or so are kept apart, to notice a sudden change.
_RECENT = 10.0
_LEAST_RECENT = 6.0
# So many of its own deviations away their mean is no chance. Scores have one long tail, so that
# 4 would be met by luck a few times in a thousand judgements.
_BEYOND_CHANCE = 6.0
# What was judged a fortnight ago counts half.
HALF_S = 14 * 86_400.0

# Where nothing is known yet. Judges give good models .8 to .95, with deviations of .1 to .25 from
# one answer to the next, more where they say only right or wrong; models differ by a tenth or two,
# providers of one model by little.
USUAL = 0.8
_USUAL_COUNTS = 1.0
_NOISE, _NOISE_COUNTS = 0.25**2, 6.0
_BETWEEN_MODELS = 0.15**2
_BETWEEN_ROUTES = 0.03**2
_BETWEEN_STRENGTHS, _APART_COUNTS = 0.012**2, 100.0
_BETWEEN_TASKS = 0.10**2
_LEAST_NOISE = 0.02**2
# What each point of an operator's weight above 1, its default, says before anybody judged.
_WEIGHT_POINT = 0.02
# A route is drawn from the hopeful side of what is believed of it: its mean and 1.3 deviations, in
# a narrow normal about it. While most of that is prior it is hoped for more. Wide draws about the
# mean try what is nearly as good for ever; no hope at all never goes back to a route that
# had bad luck at first (docs/developer/learning.md).
_HOPE, _WIDTH = 1.3, 0.2
_HOPE_MORE = 1.5
# Hope is for those who learn: of so many calls that nobody judged half of it is left, and draws are
# as much wider. Else whoever is hoped for would be asked for as long as the judge takes.
_PATIENCE = 20.0
# One failure in 25 is expected of a route that was never called, and counts as 5 calls.
_FAILED, _CALLED = 0.2, 5.0
# No answer is better than right: beyond it draws count almost nothing, and still have an order.
_BEYOND_RIGHT = 1e-3


class Cell(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The judgements of one thing: how many count yet, their mean, and their squared deviations.

    `recent` is the mean of the last few, of which `recent_n` count. `at` is Unix seconds.
    """

    n: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    recent_n: float = 0.0
    recent: float = 0.0
    at: float = 0.0


EMPTY = Cell()


class Calls(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How calls to a route ended: how many count yet, and how many of them failed."""

    n: float = 0.0
    failed: float = 0.0


UNCALLED = Calls()


class Belief(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A normal posterior: its mean and variance, and `prior`, the part that is nobody's word."""

    mean: float
    variance: float
    prior: float = 1.0


# Nothing is known of a strength, or none is meant.
NO_STRENGTH = Belief(0.0, _BETWEEN_STRENGTHS)


class Arm(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a decision may know of a route: how well it answers, how unsure that is, and failures.

    `prior` is the part of `quality` that nobody has judged yet: there the operator's weight counts.
    `hope`, 0 to 1, is how soon a trial of it is going to be judged.
    """

    quality: float
    spread: float
    prior: float = 1.0
    failing: float = _FAILED / _CALLED
    hope: float = 0.0


def as_beta(quality: float, spread: float) -> tuple[float, float]:
    """The two parameters of the Beta with this mean and deviation, as the original's arms were.

    Neither is under 0.01; what is less than a Beta can say is told as the widest.
    """
    mean = min(0.999, max(0.001, quality))
    known = max(0.02, mean * (1 - mean) / max(spread, 1e-6) ** 2 - 1)
    return max(0.01, mean * known), max(0.01, (1 - mean) * known)


UNTRIED = Arm(USUAL, sqrt(2 * _BETWEEN_MODELS + _BETWEEN_ROUTES))


def after(cell: Cell, score: float, *, weight: float, at: float, memory: float = MEMORY) -> Cell:
    """The cell after one more judgement that counts `weight`."""
    kept = faded(cell, at) * (1 - 1 / memory) ** weight
    n = kept + weight
    step = score - cell.mean
    mean = cell.mean + step * weight / n
    squares = cell.squares * (kept / cell.n if cell.n else 0.0) + weight * step * (score - mean)
    recent_kept = cell.recent_n * (1 - 1 / _RECENT) ** weight
    recent_n = recent_kept + weight
    recent = (cell.recent * recent_kept + score * weight) / recent_n
    if _changed(n, mean, squares, recent_n, recent):
        # The spread about the new mean is as before; how the old one came about is of no use.
        return Cell(recent_n, recent, squares / n * recent_n, recent_n, recent, at)
    return Cell(n, mean, squares, recent_n, recent, at)


def corrected(cell: Cell, score: float, *, by: float, weight: float, worst: float) -> Cell:
    """The cell as if a judgement that counted `weight` had said `score`, which is `by` more.

    About: how long ago it was is not known, and it may have been forgotten since. So no number of
    them takes a mean beyond what can be said, from `worst` to 1 more. What was said last moves
    as the rest does: somebody has thought better of it, and no model has changed.
    """
    n = max(cell.n, weight)
    step = by * weight / n
    mean, recent = (
        min(max(one + step, min(one, worst)), max(one, worst + 1))
        for one in (cell.mean, cell.recent)
    )
    squares = cell.squares + step * n * (2 * (score - cell.mean) - by - step)
    # Of what lies within 1 the variance is a quarter at most.
    squares = min(max(squares, 0.0), max(cell.squares, n / 4))
    return msgspec.structs.replace(cell, mean=mean, recent=recent, squares=squares)


def _changed(n: float, mean: float, squares: float, recent_n: float, recent: float) -> bool:
    """Whether the last ones are too far from the rest for chance."""
    if recent_n < _LEAST_RECENT or n < 2 * recent_n:
        return False
    noise = max(_LEAST_NOISE, (squares + _NOISE * _NOISE_COUNTS) / (n + _NOISE_COUNTS))
    # A geometric mean of weight w is as good as one of 2 w: sum of weights squared over squares.
    return (recent - mean) ** 2 > _BEYOND_CHANCE**2 * noise / (2 * recent_n)


def faded(cell: Cell, now: float) -> float:
    """How many judgements of it count now."""
    return cell.n * exp2(-(now - cell.at) / HALF_S) if now > cell.at else cell.n


def noise_of(cell: Cell) -> float:
    """The variance from one answer to the next."""
    return max(_LEAST_NOISE, (cell.squares + _NOISE * _NOISE_COUNTS) / (cell.n + _NOISE_COUNTS))


def updated(prior: Belief, n: float, mean: float, noise: float) -> Belief:
    """The posterior of so many judgements with this mean."""
    if not n:
        return prior
    variance = 1 / (1 / prior.variance + n / noise)
    share = variance / prior.variance
    return Belief(share * prior.mean + (1 - share) * mean, variance, prior.prior * share)


def task_effect(cell: Cell) -> float:
    """How much better a task is answered than others, by whomever."""
    return cell.mean * cell.n / (cell.n + _NOISE / _BETWEEN_TASKS)


def said_of(n: float, mean: float) -> tuple[float, float]:
    """What a model with this n and mean says of others: how much that counts, and times its mean.

    Of several models, both add up.
    """
    share = n / (n + _NOISE / _BETWEEN_MODELS)
    return share, share * mean


def of_said(counts: float, total: float) -> Belief:
    """What is believed of a model of which others say this together."""
    counted = _USUAL_COUNTS + counts
    mean = (_USUAL_COUNTS * USUAL + total) / counted
    return Belief(mean, _BETWEEN_MODELS * (1 + 1 / counted))


def of_model(above: Belief, siblings: Iterable[tuple[float, float]]) -> Belief:
    """What is believed of a route by the same model elsewhere: their n and means."""
    n, total = 0.0, 0.0
    for count, mean in siblings:
        n += count
        total += count * mean
    belief = updated(above, n, total / n, _NOISE) if n else above
    return Belief(belief.mean, belief.variance + _BETWEEN_ROUTES, belief.prior)


def of_route(above: Belief, cell: Cell, now: float) -> Belief:
    return updated(above, faded(cell, now), cell.mean, noise_of(cell))


def apart(cells: Sequence[Cell], noise: float) -> float:
    """How far a route's strengths lie apart, as a variance: little, until it shows.

    Each task of each route is another chance to be taken in by luck, so it takes evidence to
    believe that there is more than luck in it.
    """
    counted = sum(cell.n for cell in cells)
    found = sum(cell.n * cell.mean**2 - noise for cell in cells)
    return (_APART_COUNTS * _BETWEEN_STRENGTHS + max(0.0, found)) / (_APART_COUNTS + counted)


def strength(cell: Cell, noise: float, apart: float) -> Belief:
    """How much better a route is at a task than it is at others, beyond what all are."""
    return updated(Belief(0.0, apart), cell.n, cell.mean, noise)


def hope_of(unjudged: float) -> float:
    """How soon a trial is going to be judged, where so many calls waited for it in vain."""
    return 1 / (1 + unjudged / _PATIENCE)


def arm_of(route: Belief, effect: float, own: Belief, calls: Calls, *, hope: float) -> Arm:
    """A route at a task."""
    quality = min(1.0, max(0.0, route.mean + effect + own.mean))
    failing = (calls.failed + _FAILED) / (calls.n + _CALLED)
    return Arm(quality, sqrt(route.variance), route.prior, failing, hope)


def after_call(calls: Calls, *, failed: bool) -> Calls:
    kept = 1 - 1 / MEMORY
    return Calls(calls.n * kept + 1, calls.failed * kept + failed)


class Taught(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to survive a restart. `strengths` are by route and then by task.

    `unjudged` are the calls of a route since it was judged last.
    """

    routes: dict[str, Cell] = {}
    strengths: dict[str, dict[str, Cell]] = {}
    tasks: dict[str, Cell] = {}
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

    `price` is what its cost and its time took from that.
    """

    quality: float
    spread: float
    prior: float
    failing: float
    draw: float
    price: float
    hope: float = 0.0


class Draw(msgspec.Struct, frozen=True, gc=False):
    """A route's utility as it is drawn: part * right(middle + width * z) - price, z normal."""

    middle: float
    width: float
    part: float
    price: float


def draw_of(arm: Arm | Sample, *, weight: int, price: float) -> Draw:
    """How a route is drawn. `price` is what its cost and its time take from its utility."""
    hope = arm.hope * (_HOPE + _HOPE_MORE * arm.prior)
    middle = arm.quality + arm.prior * _WEIGHT_POINT * (weight - 1) + hope * arm.spread
    width = (1 - arm.hope * (1 - _WIDTH)) * arm.spread
    return Draw(middle, width, 1 - arm.failing, price)


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
