"""Steps one after the other: what planning, adversarial and refine have in common."""

from abc import ABC, abstractmethod

from tokenhub.core.plans.steps import Done, Step


class Chain(ABC):
    """One step at a time; the first failure is the end, with the best so far.

    `_step` gives the step after those that were answered, None at the end; `_take` keeps what
    a step said; `_done` makes the end of what there is.
    """

    def __init__(self) -> None:
        self._given: Step | None = None
        self._broken = False

    def next(self) -> tuple[Step, ...] | Done:
        if self._given is not None:
            return ()
        self._given = None if self._broken else self._step()
        return self._done() if self._given is None else (self._given,)

    def answered(self, step: Step, text: str, *, model_id: str) -> None:
        self._given = None
        self._take(step, text, model_id)

    def failed(self, step: Step, error_class: str) -> None:
        del step, error_class
        self._given = None
        self._broken = True

    @abstractmethod
    def _step(self) -> Step | None: ...

    @abstractmethod
    def _take(self, step: Step, text: str, model_id: str) -> None: ...

    @abstractmethod
    def _done(self) -> Done: ...
