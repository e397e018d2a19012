"""How much of what was judged is the route's, and how much the task's.

    score = route + task + the route's own strength at that task + noise

All models find some tasks harder than others, and who is asked depends on the task. So the parts
are worked out together (a mixed model): of each route and task only the count and the mean are
kept, and routes and tasks are the joint normal posterior of all these means. Where one route met
only the hard tasks and another only the easy ones, that leaves open which is better, and says so
in the variance; taking one effect after the other off the scores made that route worse by the
difference, and sure of it.

With w = 1 / (apart + noise / n) for each mean, and P = 1 / prior variance + sum of w for each
route, the routes are eliminated and a system of as many equations as tasks is left:

    M(t, u) = (t = u) (1 / between tasks + sum over routes of w(t)) - sum of w(t) w(u) / P

A route's strengths lie as far apart as its means do beyond the tasks, where these are worked out
as if there were no strengths: worked out with them, a task that one route alone has met would
become its strength round by round.

M and its right side are sums over routes. So a judgement takes the old part of its route out and
puts the new one in, and nothing grows with the number of routes: working 300 out anew takes 8 ms.
"""

from collections.abc import Iterable, Mapping
from math import sqrt

import msgspec

from tokenhub.core.judged import NOISE, Judged, counted, noise_of

# Judges give good models .8 to .95; models differ by a tenth or two, providers of one model and
# kinds of work by little. What is usual counts as one model more.
USUAL = 0.8
_USUAL_COUNTS = 1.0
BETWEEN_MODELS = 0.15**2
BETWEEN_ROUTES = 0.03**2
_BETWEEN_TASKS = 0.03**2
_BETWEEN_STRENGTHS, _APART_COUNTS = 0.012**2, 100.0
# Where routes start depends on their means without the tasks, and tasks on where routes start:
# that goes in a circle, and after so many rounds from nothing nothing moves that matters.
_ROUNDS = 4


class Belief(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A normal posterior: its mean and variance, and `prior`, the part that is nobody's word."""

    mean: float
    variance: float
    prior: float = 1.0


class _Part(msgspec.Struct, frozen=True):
    """What a route says of tasks: what each of its means weighs, and their sum with the prior.

    `off` is the sum of the distances of its means from its start, so weighed.
    """

    weights: list[float]
    precision: float
    off: float


class _Route(msgspec.Struct, frozen=True):
    """A route: the place of a task, its count and its mean for each that it met.

    `free` is what its scores come to without the tasks; `plain` takes it to be no better at one
    task than at others, and `own` takes it as it is.
    """

    start: Belief
    noise: float
    apart: float
    cells: list[tuple[int, float, float]]
    n: float
    free: float
    plain: _Part
    own: _Part


class _Tasks:
    """The equations: `means` of the tasks, by their place, and how they vary together."""

    def __init__(self) -> None:
        # Without the prior.
        self._matrix: list[list[float]] = []
        self._right: list[float] = []
        self.variances: list[list[float]] = []
        self.means: list[float] = []

    def copied(self) -> "_Tasks":
        found = _Tasks()
        found._matrix = [list(row) for row in self._matrix]
        found._right, found.means = list(self._right), list(self.means)
        found.variances = self.variances
        return found

    def grow(self) -> None:
        for row in self._matrix:
            row.append(0.0)
        self._matrix.append([0.0] * (len(self._matrix) + 1))
        self._right.append(0.0)
        self.means.append(0.0)

    def mean_of(self, route: _Route, part: _Part) -> float:
        """A route's own effect, the tasks being what they are."""
        means = self.means
        off = [w * means[at] for (at, _, _), w in zip(route.cells, part.weights, strict=True)]
        return route.start.mean + (part.off - sum(off)) / part.precision

    def add(self, route: _Route, part: _Part, sign: int) -> None:
        """Put a route into all sums, or take it out of them."""
        mean = route.start.mean + part.off / part.precision
        for (at, _, its), weight in zip(route.cells, part.weights, strict=True):
            row, signed = self._matrix[at], sign * weight
            row[at] += signed
            self._right[at] += signed * (its - mean)
            signed /= part.precision
            for (other, _, _), also in zip(route.cells, part.weights, strict=True):
                row[other] -= signed * also

    def solve(self) -> None:
        rows = [list(row) for row in self._matrix]
        for place, row in enumerate(rows):
            row[place] += 1 / _BETWEEN_TASKS
        self.variances = _inverse(rows)
        right = self._right
        self.means = [
            sum([a * b for a, b in zip(row, right, strict=True)]) for row in self.variances
        ]


class Effects:
    """The joint posterior, brought up to date a few routes at a time."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = {}
        # Of each model how many routes were judged, how often, and what their scores come to.
        self._models: dict[str, tuple[int, float, float]] = {}
        self._shares = self._means = self._n = 0.0
        self._places: dict[str, int] = {}
        self._plain, self._own = _Tasks(), _Tasks()

    def copied(self) -> "Effects":
        """The same, and not changed by what is learned from now on."""
        found = Effects()
        found._routes, found._models = dict(self._routes), dict(self._models)
        found._shares, found._means, found._n = self._shares, self._means, self._n
        found._places = dict(self._places)
        found._plain, found._own = self._plain.copied(), self._own.copied()
        return found

    @property
    def total(self) -> float:
        """How many judgements of all routes count."""
        return self._n

    def n(self, route: str) -> float:
        """How many judgements of a route count."""
        known = self._routes.get(route)
        return known.n if known else 0.0

    def learn(self, judged: Iterable[tuple[str, Judged]], now: float) -> None:
        """Take these routes as they are judged now; each counts as much as it does now."""
        names = []
        for name, known in judged:
            names.append(name)
            self._take_out(name)
            route = self._routes[name] = self._weighed(name, known, now)
            self._plain.add(route, route.plain, 1)
            self._count(name, route, 1)
        self._plain.solve()
        for name in names:
            self._count(name, self._routes[name], -1)
            route = self._routes[name] = self._told_apart(self._routes[name])
            self._count(name, route, 1)
            self._own.add(route, route.own, 1)
        self._own.solve()

    def forget(self, route: str) -> None:
        """Think of it as never judged."""
        if route in self._routes:
            self._take_out(route)
            self._plain.solve()
            self._own.solve()

    def of(self, task: str, route: str) -> Belief:
        """A route at a task; at no task in particular where it is one that nobody met."""
        known = self._routes.get(route)
        tasks, place = self._own, self._places.get(task, -1)
        effect = tasks.means[place] if place >= 0 else 0.0
        if known is None:
            start = self._start(route)
            open_ = tasks.variances[place][place] if place >= 0 else 0.0
            return Belief(start.mean + effect, start.variance + open_, start.prior)
        own = known.own
        mean = tasks.mean_of(known, own) + effect
        # What is open of the task is so far as it was met in others than this one.
        part = [0.0] * len(tasks.means)
        for (at, _, its), weight in zip(known.cells, own.weights, strict=True):
            part[at] = -weight / own.precision
            if at == place:
                mean += known.apart * weight * (its - mean)
        if place >= 0:
            part[place] += 1.0
        variance = 1 / own.precision
        for share, row in zip(part, tasks.variances, strict=True):
            if share:
                variance += share * sum([a * b for a, b in zip(part, row, strict=True)])
        return Belief(mean, variance, known.start.prior / own.precision / known.start.variance)

    def _weighed(self, name: str, judged: Judged, now: float) -> _Route:
        """A route beside the others as they are."""
        kept = counted(judged, now)
        cells = [(self._place(task), cell.n, cell.mean) for task, cell in kept.items()]
        n = sum([one for _, one, _ in cells])
        tasks = self._plain.means
        free = _free(cells, tasks)
        noise = noise_of(judged, kept)
        start = self._start(name)
        plain = _part(cells, start, _BETWEEN_STRENGTHS, noise)
        return _Route(start, noise, _BETWEEN_STRENGTHS, cells, n, free, plain, plain)

    def _told_apart(self, route: _Route) -> _Route:
        """The route with its strengths, so far as the tasks do not explain them."""
        tasks, mean = self._plain.means, self._plain.mean_of(route, route.plain)
        misses = [(count, its - mean - tasks[at]) for at, count, its in route.cells]
        apart = _apart(misses, route.n, route.noise)
        own = _part(route.cells, route.start, apart, route.noise)
        free = _free(route.cells, tasks)
        return msgspec.structs.replace(route, apart=apart, own=own, free=free)

    def _place(self, task: str) -> int:
        place = self._places.setdefault(task, len(self._places))
        if place == len(self._plain.means):
            self._plain.grow()
            self._own.grow()
        return place

    def _take_out(self, name: str) -> None:
        route = self._routes.pop(name, None)
        if route is not None:
            self._plain.add(route, route.plain, -1)
            self._own.add(route, route.own, -1)
            self._count(name, route, -1)

    def _count(self, name: str, route: _Route, sign: int) -> None:
        self._n += sign * route.n
        model = model_of(name)
        routes, n, total = self._models.get(model, (0, 0.0, 0.0))
        self._say(n, total, -1)
        routes, n, total = routes + sign, n + sign * route.n, total + sign * route.free
        if routes:
            self._models[model] = routes, n, total
            self._say(n, total, 1)
        else:
            # What floats have lost in between goes with it.
            del self._models[model]

    def _say(self, n: float, total: float, sign: int) -> None:
        """What a model says of others: the more it was judged, the more, and one at most."""
        if n > 0:
            share = _share(n)
            self._shares += sign * share
            self._means += sign * share * total / n

    def _start(self, route: str) -> Belief:
        """What a route starts from: its model elsewhere, and that from all other models."""
        _, n, total = self._models.get(model_of(route), (0, 0.0, 0.0))
        share = _share(n) if n > 0 else 0.0
        above = _of_others(self._shares - share, self._means - (share * total / n if n else 0.0))
        # A route that is being worked out is in no sum.
        return _of_model(above, n, total)


def _free(cells: list[tuple[int, float, float]], tasks: list[float]) -> float:
    return sum([count * (mean - tasks[at]) for at, count, mean in cells])


def _part(
    cells: list[tuple[int, float, float]], start: Belief, apart: float, noise: float
) -> _Part:
    weights = [count / (apart * count + noise) for _, count, _ in cells]
    precision = 1 / start.variance + sum(weights)
    off = sum([w * (mean - start.mean) for (_, _, mean), w in zip(cells, weights, strict=True)])
    return _Part(weights, precision, off)


def effects(judged: Mapping[str, Judged], now: float) -> Effects:
    """What all judgements so far leave to be believed, each counting as much as it does now."""
    found = Effects()
    for _ in range(_ROUNDS):
        found.learn(judged.items(), now)
    return found


def model_of(route: str) -> str:
    """The model of a route: its id is `provider/model`, and no provider's has a slash."""
    return route.partition("/")[2]


def _share(n: float) -> float:
    return n / (n + NOISE / BETWEEN_MODELS)


def _of_others(counts: float, total: float) -> Belief:
    """What is believed of a model of which others say this together."""
    counts += _USUAL_COUNTS
    mean = (_USUAL_COUNTS * USUAL + total) / counts
    return Belief(mean, BETWEEN_MODELS * (1 + 1 / counts))


def _of_model(above: Belief, n: float, total: float) -> Belief:
    """What is believed of a route by the same model elsewhere: how many scores, and their sum."""
    if n <= 0:
        return Belief(above.mean, above.variance + BETWEEN_ROUTES)
    variance = 1 / (1 / above.variance + n / NOISE)
    share = variance / above.variance
    mean = share * above.mean + (1 - share) * total / n
    return Belief(mean, variance + BETWEEN_ROUTES, share)


def _apart(misses: list[tuple[float, float]], n: float, noise: float) -> float:
    """How far a route's strengths lie apart, as a variance: little, until it shows.

    Each task of each route is another chance to be taken in by luck, so it takes evidence to
    believe that there is more than luck in it.
    """
    found = sum([count * miss**2 - noise for count, miss in misses])
    return (_APART_COUNTS * _BETWEEN_STRENGTHS + max(0.0, found)) / (_APART_COUNTS + n)


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """By Gauss and Jordan; no pivots, as the matrix is positive definite."""
    size = len(matrix)
    rows = [
        row + [0.0] * place + [1.0] + [0.0] * (size - place - 1) for place, row in enumerate(matrix)
    ]
    for place in range(size):
        pivot = rows[place][place]
        top = rows[place] = [value / pivot for value in rows[place]]
        for other in range(size):
            factor = rows[other][place]
            if other != place and factor:
                rows[other] = [a - factor * b for a, b in zip(rows[other], top, strict=True)]
    return [row[size:] for row in rows]


UNTRIED_SPREAD = sqrt(BETWEEN_MODELS * (1 + 1 / _USUAL_COUNTS) + BETWEEN_ROUTES)
