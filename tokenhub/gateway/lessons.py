"""What judgements and calls have taught of the routes; the theory is in core/learning.py."""

from collections.abc import Callable, Iterator

from tokenhub.core import effects, judged, learning
from tokenhub.core.judged import UNJUDGED, Judged
from tokenhub.core.learning import UNCALLED, Arm, Standing, Taught
from tokenhub.core.rewards import Quality


class Lessons:
    """What was judged of all routes.

    It is worked out with each judgement, so that no request waits for it. An arm is worked out when
    it is asked for, and kept until the next judgement or call. `now` gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float], taught: Taught | None = None) -> None:
        self._now = now
        self.version = 0
        self._load(taught or Taught())

    def _load(self, taught: Taught) -> None:
        self._judged: dict[str, Judged] = dict(taught.judged)
        self._calls = dict(taught.calls)
        self._unjudged = dict(taught.unjudged)
        self._arms: dict[tuple[str, str], Arm] = {}
        self._work_out(self._now())

    def _work_out(self, at: float) -> None:
        self._effects = effects.effects(self._judged, at)

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
        self._work_out(self._now())
        self._unjudged.pop(route, None)
        self._changed()

    def called(self, route: str, *, failed: bool) -> None:
        """Learn how a call ended. That it was answered says nothing of how well."""
        self._unjudged[route] = self._unjudged.get(route, 0) + 1
        self._calls[route] = learning.after_call(self._calls.get(route, UNCALLED), failed=failed)
        self._changed()

    def forget(self, route: str) -> None:
        """Think of a route as if it had never been met."""
        self._judged.pop(route, None)
        self._calls.pop(route, None)
        self._unjudged.pop(route, None)
        self._work_out(self._now())
        self._changed()

    def forget_all(self) -> None:
        self._load(Taught())
        self._changed()

    def known(self) -> set[str]:
        """The routes that were judged or called."""
        return self._judged.keys() | self._calls.keys()

    def of(self, task: str, route: str) -> Arm:
        """A route, by its id, at a kind of work."""
        found = self._arms.get((task, route))
        if found is None:
            believed = self._effects
            found = self._arms[task, route] = learning.arm_of(
                believed.of(task, route),
                self._calls.get(route, UNCALLED),
                hope=self._hope(route),
                doubt=learning.doubt_of(believed.n.get(route, 0.0), believed.total),
            )
        return found

    def still(self) -> "Lessons":
        """The same for ever, whatever is learned meanwhile; safe in another thread."""
        return Lessons(_Stopped(self._now()), self.taught)

    def standings(self) -> Iterator[Standing]:
        """Each route, and each task that it was judged at."""
        now = self._now()
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

    def _changed(self) -> None:
        self.version += 1
        self._arms.clear()


class _Stopped:
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        self._at = at

    def __call__(self) -> float:
        return self._at
