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
"""

from collections.abc import Iterable, Mapping
from math import sqrt

import msgspec

from tokenhub.core.judged import NOISE, Cell, Judged, counted, noise_of

# Judges give good models .8 to .95; models differ by a tenth or two, providers of one model and
# kinds of work by little. What is usual counts as one model more.
USUAL = 0.8
_USUAL_COUNTS = 1.0
BETWEEN_MODELS = 0.15**2
BETWEEN_ROUTES = 0.03**2
_BETWEEN_TASKS = 0.03**2
_BETWEEN_STRENGTHS, _APART_COUNTS = 0.012**2, 100.0
# Means are taken free of the tasks, and strengths free of both: that goes in a circle, and after
# two rounds nothing moves that matters.
_ROUNDS = 2


class Belief(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A normal posterior: its mean and variance, and `prior`, the part that is nobody's word."""

    mean: float
    variance: float
    prior: float = 1.0


class _Route(msgspec.Struct, frozen=True):
    """A route: its own effect, the precision of it, and what its means at tasks weigh."""

    start: Belief
    mean: float
    precision: float
    noise: float
    apart: float
    weights: dict[str, float]
    cells: dict[str, Cell]


class Effects(msgspec.Struct, frozen=True):
    """The joint posterior: `total` judgements count, `n` of each route."""

    routes: dict[str, _Route]
    tasks: dict[str, float]
    inverse: dict[str, dict[str, float]]
    n: dict[str, float]
    total: float

    def of(self, task: str, route: str) -> Belief:
        """A route at a task; at no task in particular where it is one that nobody met."""
        known = self.routes.get(route)
        effect = self.tasks.get(task, 0.0)
        start = _start(route, self.n, self._free) if known is None else known.start
        if known is None:
            own = self.inverse.get(task, {}).get(task, 0.0)
            return Belief(start.mean + effect, start.variance + own, start.prior)
        mean = known.mean + effect
        cell = known.cells.get(task)
        if cell is not None and cell.n:
            mean += known.apart * known.weights[task] * (cell.mean - mean)
        # What is open of the task is so far as it was met in others than this one.
        part = {name: -weight / known.precision for name, weight in known.weights.items()}
        if task in self.tasks:
            part[task] = part.get(task, 0.0) + 1.0
        variance = 1 / known.precision
        for one, share in part.items():
            row = self.inverse[one]
            variance += share * sum([other * row[name] for name, other in part.items()])
        return Belief(mean, variance, start.prior / known.precision / start.variance)

    @property
    def _free(self) -> dict[str, float]:
        return {name: _mean_of(route.cells, self.tasks) for name, route in self.routes.items()}


def effects(judged: Mapping[str, Judged], now: float) -> Effects:
    """What all judgements so far leave to be believed, each counting as much as it does now."""
    every = {name: counted(known, now) for name, known in judged.items()}
    noises = {name: noise_of(judged[name], cells) for name, cells in every.items()}
    n = {name: sum([cell.n for cell in cells.values()]) for name, cells in every.items()}
    names = sorted({task for cells in every.values() for task in cells})
    tasks: dict[str, float] = dict.fromkeys(names, 0.0)
    routes: dict[str, _Route] = {}
    inverse: dict[str, dict[str, float]] = {}
    for _ in range(_ROUNDS):
        free = {name: _mean_of(cells, tasks) for name, cells in every.items()}
        starts = _starts(every, n, free)
        for name, cells in every.items():
            before = routes.get(name)
            apart = _BETWEEN_STRENGTHS
            if before is not None:
                apart = _apart(cells, tasks, before.mean, noises[name])
            routes[name] = _weighed(starts[name], cells, noises[name], apart)
        inverse, tasks = _tasks(routes, names)
        routes = {name: _placed(route, tasks) for name, route in routes.items()}
    return Effects(routes, tasks, inverse, n, sum(n.values()))


def _mean_of(cells: Mapping[str, Cell], tasks: Mapping[str, float]) -> float:
    """A route's mean, free of which tasks it met."""
    n = sum([cell.n for cell in cells.values()])
    return sum([cell.n * (cell.mean - tasks[name]) for name, cell in cells.items()]) / n


def model_of(route: str) -> str:
    """The model of a route: its id is `provider/model`, and no provider's has a slash."""
    return route.partition("/")[2]


def _starts(
    every: Mapping[str, object], n: Mapping[str, float], free: Mapping[str, float]
) -> dict[str, Belief]:
    """What each route starts from: its model elsewhere, and that from all other models."""
    models: dict[str, tuple[float, float]] = {}
    for name in every:
        count, total = models.get(model_of(name), (0.0, 0.0))
        models[model_of(name)] = (count + n[name], total + n[name] * free[name])
    shares = {name: _share(count) for name, (count, _) in models.items()}
    sum_shares = sum(shares.values())
    sum_means = sum([shares[name] * total / count for name, (count, total) in models.items()])
    found = {}
    for name in every:
        model = model_of(name)
        count, total = models[model]
        counts = _USUAL_COUNTS + sum_shares - shares[model]
        mean = _USUAL_COUNTS * USUAL + sum_means - shares[model] * total / count
        above = Belief(mean / counts, BETWEEN_MODELS * (1 + 1 / counts))
        rest = count - n[name]
        found[name] = of_model(above, rest, total - n[name] * free[name])
    return found


def _start(route: str, n: Mapping[str, float], free: Mapping[str, float]) -> Belief:
    """The same for a route that was never judged."""
    n = {**n, route: 0.0}
    models: dict[str, tuple[float, float]] = {}
    for name, mean in free.items():
        count, total = models.get(model_of(name), (0.0, 0.0))
        models[model_of(name)] = (count + n[name], total + n[name] * mean)
    others = [one for name, one in models.items() if name != model_of(route)]
    above = of_all([(count, total / count) for count, total in others])
    return of_model(above, *models.get(model_of(route), (0.0, 0.0)))


def _share(n: float) -> float:
    return n / (n + NOISE / BETWEEN_MODELS)


def of_all(models: Iterable[tuple[float, float]]) -> Belief:
    """What is believed of a model of which nothing is known but the others: their n and means."""
    counts, total = _USUAL_COUNTS, _USUAL_COUNTS * USUAL
    for n, mean in models:
        counts += _share(n)
        total += _share(n) * mean
    return Belief(total / counts, BETWEEN_MODELS * (1 + 1 / counts))


def of_model(above: Belief, n: float, total: float) -> Belief:
    """What is believed of a route by the same model elsewhere: how many scores, and their sum."""
    if n <= 0:
        return Belief(above.mean, above.variance + BETWEEN_ROUTES)
    variance = 1 / (1 / above.variance + n / NOISE)
    share = variance / above.variance
    mean = share * above.mean + (1 - share) * total / n
    return Belief(mean, variance + BETWEEN_ROUTES, share)


def _apart(
    cells: Mapping[str, Cell], tasks: Mapping[str, float], route: float, noise: float
) -> float:
    """How far a route's strengths lie apart, as a variance: little, until it shows.

    Each task of each route is another chance to be taken in by luck, so it takes evidence to
    believe that there is more than luck in it.
    """
    n = sum([cell.n for cell in cells.values()])
    found = sum(
        [cell.n * (cell.mean - route - tasks[name]) ** 2 - noise for name, cell in cells.items()]
    )
    return (_APART_COUNTS * _BETWEEN_STRENGTHS + max(0.0, found)) / (_APART_COUNTS + n)


def _weighed(start: Belief, cells: dict[str, Cell], noise: float, apart: float) -> _Route:
    weights = {name: cell.n / (apart * cell.n + noise) for name, cell in cells.items()}
    precision = 1 / start.variance + sum(weights.values())
    return _Route(start, start.mean, precision, noise, apart, weights, cells)


def _placed(route: _Route, tasks: Mapping[str, float]) -> _Route:
    """The route with its mean, once the tasks are known."""
    off = [
        weight * (route.cells[name].mean - route.start.mean - tasks[name])
        for name, weight in route.weights.items()
    ]
    return msgspec.structs.replace(route, mean=route.start.mean + sum(off) / route.precision)


def _tasks(
    routes: Mapping[str, _Route], names: list[str]
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """The covariance of the tasks' effects, and their means."""
    matrix = {name: dict.fromkeys(names, 0.0) for name in names}
    right = dict.fromkeys(names, 0.0)
    for name in names:
        matrix[name][name] = 1 / _BETWEEN_TASKS
    for route in routes.values():
        off = {name: cell.mean - route.start.mean for name, cell in route.cells.items()}
        mean = sum([weight * off[name] for name, weight in route.weights.items()])
        mean /= route.precision
        for name, weight in route.weights.items():
            row = matrix[name]
            row[name] += weight
            right[name] += weight * (off[name] - mean)
            for other, its in route.weights.items():
                row[other] -= weight * its / route.precision
    inverse = _inverse(matrix, names)
    found = {
        name: sum([share * right[other] for other, share in inverse[name].items()])
        for name in names
    }
    return inverse, found


def _inverse(matrix: dict[str, dict[str, float]], names: list[str]) -> dict[str, dict[str, float]]:
    """By Gauss and Jordan; no pivots, as the matrix is positive definite."""
    size = len(names)
    rows = [
        [matrix[one][other] for other in names] + [float(one == other) for other in names]
        for one in names
    ]
    for place in range(size):
        pivot = rows[place][place]
        top = rows[place] = [value / pivot for value in rows[place]]
        for other in range(size):
            factor = rows[other][place]
            if other != place and factor:
                rows[other] = [a - factor * b for a, b in zip(rows[other], top, strict=True)]
    return {
        name: dict(zip(names, row[size:], strict=True))
        for name, row in zip(names, rows, strict=True)
    }


NO_EFFECTS = Effects({}, {}, {}, {}, 0.0)
UNTRIED_SPREAD = sqrt(BETWEEN_MODELS * (1 + 1 / _USUAL_COUNTS) + BETWEEN_ROUTES)
