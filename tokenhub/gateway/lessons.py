"""What judgements and calls have taught of the routes; the theory is in core/learning.py."""

from collections.abc import Callable, Iterator
from itertools import islice

from tokenhub.core import judged, learning
from tokenhub.core.effects import Effects, effects
from tokenhub.core.judged import UNJUDGED, Judged
from tokenhub.core.learning import UNCALLED, Arm, Standing, Taught
from tokenhub.core.rewards import Quality

# Evidence halves in a fortnight: in a minute it fades by less than a ten-thousandth.
_FRESH_S = 60.0
# With hundreds of routes it takes milliseconds to work all out, and signs come with most requests:
# so it goes by turns, of so many routes at once (a third of a millisecond), in about a second.
_TURNS = 8
_SPREAD_S = 1.0


class Lessons:
    """What was judged of all routes.

    It is worked out with each judgement, so that no request waits for it: the judged route and the
    next _TURNS in turn at once, the others as they are asked for, within _SPREAD_S of requests. An
    arm is kept until the next turn or call of its route; each has a turn every _FRESH_S. `now`
    gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float], taught: Taught | None = None) -> None:
        self._now = now
        self.version = 0
        self._load(taught or Taught())

    def _load(self, taught: Taught, worked_out: Effects | None = None) -> None:
        self._judged: dict[str, Judged] = dict(taught.judged)
        self._calls = dict(taught.calls)
        self._unjudged = dict(taught.unjudged)
        # By route, and then by task.
        self._arms: dict[str, dict[str, Arm]] = {}
        self._effects = worked_out or effects(self._judged, self._now())
        # In the order of their turns, and how many of them lack what others were judged.
        self._line = dict.fromkeys(self._judged)
        self._owed = 0
        self._turned_at = self._now()

    def load(self, taught: Taught) -> None:
        """Go on from what an earlier process was taught."""
        self._load(taught)

    @property
    def taught(self) -> Taught:
        return Taught(
            judged=dict(self._judged),
            calls=dict(self._calls),
            unjudged=dict(self._unjudged),
        )

    def judged(self, quality: Quality) -> None:
        """Learn of one judgement, or that one was thought better of."""
        route, task = f"{quality.provider_id}/{quality.model_id}", quality.task
        known = self._judged.get(route, UNJUDGED)
        if quality.replaces is not None and task in known.cells:
            known = judged.corrected(
                known, task, quality.score, quality.replaces, weight=quality.weight
            )
        else:
            known = judged.after(
                known,
                task,
                quality.score,
                expected=self._effects.of(task, route).mean,
                weight=quality.weight,
                at=quality.at,
            )
        self._judged[route] = known
        self._unjudged.pop(route, None)
        self.version += 1
        self._owed = len(self._line)
        self._turn(self._now(), route)

    def called(self, route: str, *, failed: bool) -> None:
        """Learn how a call ended. That it was answered says nothing of how well."""
        self._unjudged[route] = self._unjudged.get(route, 0) + 1
        self._calls[route] = learning.after_call(self._calls.get(route, UNCALLED), failed=failed)
        # It says nothing of other routes: with hundreds, each would be worked out for each request.
        self.version += 1
        self._arms.pop(route, None)

    def forget(self, route: str) -> None:
        """Think of a route as if it had never been met."""
        self._judged.pop(route, None)
        self._calls.pop(route, None)
        self._unjudged.pop(route, None)
        self._effects.forget(route)
        self.version += 1
        self._arms.clear()
        self._owed = len(self._line)
        self._turn(self._now(), route)

    def forget_all(self) -> None:
        self._load(Taught())
        self.version += 1

    def known(self) -> set[str]:
        """The routes that were judged or called."""
        return self._judged.keys() | self._calls.keys()

    def of(self, task: str, route: str) -> Arm:
        """A route, by its id, at a kind of work."""
        now = self._now()
        wait_s = _SPREAD_S * _TURNS / (len(self._line) + 1) if self._owed else _FRESH_S
        if not 0 <= now - self._turned_at < wait_s:
            self._owed = self._owed or len(self._line)
            self._turn(now)
        arms = self._arms.get(route)
        if arms is None:
            arms = self._arms[route] = {}
            self._line.setdefault(route)
        found = arms.get(task)
        if found is None:
            believed = self._effects
            found = arms[task] = learning.arm_of(
                believed.of(task, route),
                self._calls.get(route, UNCALLED),
                hope=self._hope(route),
                doubt=learning.doubt_of(believed.n(route), believed.total),
            )
        return found

    def still(self) -> "Lessons":
        """The same for ever, whatever is learned meanwhile; safe in another thread."""
        found = Lessons(_Stopped(self._now()))
        found._load(self.taught, self._effects.copied())
        return found

    def standings(self) -> Iterator[Standing]:
        """Each route, and each task that it was judged at."""
        now = self._now()
        self._turn(now, *self._judged)  # who asks what was learned gets all of it
        self._arms.clear()
        for route in sorted(self.known()):
            calls = self._calls.get(route, UNCALLED)
            cells = judged.counted(self._judged.get(route, UNJUDGED), now)
            n = sum([cell.n for cell in cells.values()])
            overall = learning.arm_of(self._effects.of("", route), calls, hope=0.0, doubt=0.0)
            yield Standing(route=route, task="", arm=overall, judged=n, calls=calls)
            for task, cell in sorted(cells.items()):
                arm = self.of(task, route)
                yield Standing(route=route, task=task, arm=arm, judged=cell.n, calls=calls)

    def _hope(self, route: str) -> float:
        """None before anybody judged anything: a trial that is not judged teaches nothing."""
        return learning.hope_of(self._unjudged.get(route, 0)) if self._judged else 0.0

    def _turn(self, now: float, *first: str) -> None:
        """Work these routes out anew, and those whose turn it is."""
        routes = dict.fromkeys((*first, *islice(self._line, _TURNS)))
        for route in routes:
            self._line.pop(route, None)
            self._arms.pop(route, None)
            if route in self._judged:
                self._line[route] = None
        known = [(route, self._judged[route]) for route in routes if route in self._judged]
        self._effects.learn(known, now)
        self._owed = max(0, self._owed - _TURNS)
        self._turned_at = now


class _Stopped:
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        self._at = at

    def __call__(self) -> float:
        return self._at
