"""What judgements and calls have taught of the routes; the theory is in core/learning.py."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from tokenhub.core import learning
from tokenhub.core.learning import (
    EMPTY,
    UNCALLED,
    Arm,
    Belief,
    Cell,
    Standing,
    Taught,
    after,
    corrected,
)
from tokenhub.core.rewards import Quality

# Evidence halves in a fortnight: in a minute it fades by less than a ten-thousandth.
_FRESH_S = 60.0
# With hundreds of routes it takes milliseconds to work all out, and signs come with most requests.
_SPREAD_S = 1.0


class Lessons:
    """The cells of all routes.

    An arm is worked out when it is asked for, and kept until the next judgement or call of its own
    route, or for _FRESH_S. What a judgement says of the other routes may come _SPREAD_S late: they
    are all worked out anew together, at most so often. `now` gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float], taught: Taught | None = None) -> None:
        self._now = now
        self.version = 0
        self._load(taught or Taught())

    def _load(self, taught: Taught) -> None:
        self._routes = dict(taught.routes)
        self._strengths = {name: dict(cells) for name, cells in taught.strengths.items()}
        self._tasks = dict(taught.tasks)
        self._calls = dict(taught.calls)
        self._unjudged = dict(taught.unjudged)
        self._models: dict[str, dict[str, Cell]] = {}
        for route, cell in self._routes.items():
            self._models.setdefault(_model(route), {})[route] = cell
        # By route, and then by task.
        self._arms: dict[str, dict[str, Arm]] = {}
        self._arms_at = self._now()
        # Whether some of them lack what others were judged.
        self._behind = False
        # What each model says of the others, and all of them together; None where it is to be
        # worked out anew.
        self._said: dict[str, tuple[float, float]] | None = None
        self._all_say = (0.0, 0.0)

    def load(self, taught: Taught) -> None:
        """Go on from what an earlier process was taught."""
        self._load(taught)

    @property
    def taught(self) -> Taught:
        return Taught(
            routes=dict(self._routes),
            strengths={name: dict(cells) for name, cells in self._strengths.items()},
            tasks=dict(self._tasks),
            calls=dict(self._calls),
            unjudged=dict(self._unjudged),
        )

    def judged(self, quality: Quality) -> None:
        """Learn of one judgement."""
        route, task, at = f"{quality.provider_id}/{quality.model_id}", quality.task, quality.at
        learned = partial(_learned, quality)
        score = quality.score
        known = self._routes.get(route, EMPTY)
        at_task = self._strengths.setdefault(route, {}).get(task, EMPTY)
        effect, own = self._effect(task), self._strength(route, task).mean
        usual = self._belief(route, at).mean
        known = learned(known, score - effect - own)
        self._routes[route] = self._models.setdefault(_model(route), {})[route] = known
        before = self._tasks.get(task, EMPTY)
        self._tasks[task] = learned(before, score - usual - own, memory=learning.TASK_MEMORY)
        self._strengths[route][task] = learned(at_task, score - usual - effect)
        self._unjudged.pop(route, None)
        self._moved(route)

    def called(self, route: str, *, failed: bool) -> None:
        """Learn how a call ended. That it was answered says nothing of how well."""
        self._unjudged[route] = self._unjudged.get(route, 0) + 1
        self._calls[route] = learning.after_call(self._calls.get(route, UNCALLED), failed=failed)
        # It says nothing of other routes: with hundreds, each would be worked out for each request.
        self.version += 1
        self._arms.pop(route, None)

    def forget(self, route: str) -> None:
        """Think of a route as if it had never been met."""
        self._routes.pop(route, None)
        self._strengths.pop(route, None)
        self._calls.pop(route, None)
        self._unjudged.pop(route, None)
        siblings = self._models.get(_model(route), {})
        siblings.pop(route, None)
        if not siblings:
            self._models.pop(_model(route), None)
        self._changed()

    def forget_all(self) -> None:
        self._load(Taught())
        self._changed()

    def known(self) -> set[str]:
        """The routes that were judged or called."""
        return self._routes.keys() | self._calls.keys()

    def of(self, task: str, route: str) -> Arm:
        """A route, by its id, at a kind of work."""
        now = self._now()
        if not 0 <= now - self._arms_at < (_SPREAD_S if self._behind else _FRESH_S):
            self._forget_arms()
        arms = self._arms.setdefault(route, {})
        found = arms.get(task)
        if found is None:
            found = arms[task] = learning.arm_of(
                self._belief(route, now),
                self._effect(task),
                self._strength(route, task),
                self._calls.get(route, UNCALLED),
                hope=self._hope(route),
            )
        return found

    def still(self) -> "Lessons":
        """The same for ever, whatever is learned meanwhile; safe in another thread."""
        return Lessons(_Stopped(self._now()), self.taught)

    def standings(self) -> Iterator[Standing]:
        """Each route, and each task that it was judged at."""
        self._forget_arms()  # who asks what was learned gets all of it
        for route in sorted(self.known()):
            calls = self._calls.get(route, UNCALLED)
            n = learning.faded(self._routes.get(route, EMPTY), self._now())
            yield Standing(route=route, task="", arm=self._overall(route), judged=n, calls=calls)
            for task, cell in sorted(self._strengths.get(route, {}).items()):
                n = learning.faded(cell, self._now())
                arm = self.of(task, route)
                yield Standing(route=route, task=task, arm=arm, judged=n, calls=calls)

    def _overall(self, route: str) -> Arm:
        calls = self._calls.get(route, UNCALLED)
        return learning.arm_of(
            self._belief(route, self._now()), 0.0, learning.NO_STRENGTH, calls, hope=0.0
        )

    def _hope(self, route: str) -> float:
        """None before anybody judged anything: a trial that is not judged teaches nothing."""
        return learning.hope_of(self._unjudged.get(route, 0)) if self._routes else 0.0

    def _changed(self) -> None:
        self.version += 1
        self._forget_arms()
        self._said = None

    def _moved(self, route: str) -> None:
        """One route was judged: it is worked out anew at once, and the others soon."""
        self.version += 1
        self._arms.pop(route, None)
        self._behind = True
        if self._said is not None:
            model = _model(route)
            self._said[model] = _said(self._models[model].values())
            self._all_say = _summed(self._said.values())

    def _forget_arms(self) -> None:
        self._arms.clear()
        self._arms_at = self._now()
        self._behind = False

    def _belief(self, route: str, now: float) -> Belief:
        """How well a route answers, whatever the task."""
        model = _model(route)
        siblings = self._models.get(model, {})
        near = learning.of_model(
            self._of_others(model),
            [(cell.n, cell.mean) for name, cell in siblings.items() if name != route],
        )
        return learning.of_route(near, siblings.get(route, EMPTY), now)

    def _of_others(self, model: str) -> Belief:
        """What the other models say of this one: all of them, but for what it says itself."""
        if self._said is None:
            self._said = {name: _said(cells.values()) for name, cells in self._models.items()}
            self._all_say = _summed(self._said.values())
        own, own_part = self._said.get(model, (0.0, 0.0))
        counts, total = self._all_say
        return learning.of_said(counts - own, total - own_part)

    def _effect(self, task: str) -> float:
        """How much better a task is answered than the usual one, by whomever."""
        found = n = total = 0.0
        for name, cell in self._tasks.items():
            effect = learning.task_effect(cell)
            n += cell.n
            total += cell.n * effect
            if name == task:
                found = effect
        return found - total / n if n else 0.0

    def _strength(self, route: str, task: str) -> Belief:
        """How much better a route is at a task than it is at others."""
        cells = self._strengths.get(route)
        if not cells:
            return learning.NO_STRENGTH
        noise = learning.noise_of(self._routes.get(route, EMPTY))
        apart = learning.apart(list(cells.values()), noise)
        found, n, total = learning.NO_STRENGTH, 0.0, 0.0
        for name, cell in cells.items():
            belief = learning.strength(cell, noise, apart)
            n += cell.n
            total += cell.n * belief.mean
            if name == task:
                found = belief
        # What a route has in all its tasks is no strength at one of them: it is the route's.
        return Belief(found.mean - total / n, found.variance)


class _Stopped:
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        self._at = at

    def __call__(self) -> float:
        return self._at


def _said(cells: Collection[Cell]) -> tuple[float, float]:
    """What a model with these cells says of others."""
    n = sum([cell.n for cell in cells])
    return learning.said_of(n, sum([cell.n * cell.mean for cell in cells]) / n)


def _summed(said: Collection[tuple[float, float]]) -> tuple[float, float]:
    """What all models together say."""
    return sum([share for share, _ in said]), sum([part for _, part in said])


def _model(route: str) -> str:
    """The model of a route: its id is `provider/model`, and no provider's has a slash."""
    return route.partition("/")[2]


def _learned(
    quality: Quality, cell: Cell, score: float, *, memory: float = learning.MEMORY
) -> Cell:
    """The cell after a judgement, or after one that was thought better of."""
    if quality.replaces is not None and cell.n:
        by, worst = quality.score - quality.replaces, score - quality.score
        return corrected(cell, score, by=by, weight=quality.weight, worst=worst)
    return after(cell, score, weight=quality.weight, at=quality.at, memory=memory)
