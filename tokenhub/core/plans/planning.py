"""One answer to the request as it is, by the model that plans best."""

from tokenhub.core.plans.chain import Chain
from tokenhub.core.plans.seats import seated
from tokenhub.core.plans.steps import Done, Order, Single, Sketch, Step


class Planning(Chain):
    """One step. Its reason is that of its route."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self._seat = seated(order.primary, "planning")
        self._said: Single | None = None
        self._model_id = ""

    def outline(self) -> tuple[Sketch, ...]:
        return (Sketch(seat=self._seat),)

    def _step(self) -> Step | None:
        if self._said is not None:
            return None
        return Step(name="plan", seat=self._seat, final=True)

    def _take(self, step: Step, text: str, model_id: str) -> None:
        del step
        self._said = Single(text=text)
        self._model_id = model_id

    def _done(self) -> Done:
        return Done(result=self._said, model_id=self._model_id)
