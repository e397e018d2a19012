"""An answer that the model which gave it goes over again."""

from msgspec.structs import replace

from tokenhub.core.plans.chain import Chain
from tokenhub.core.plans.quoting import tag
from tokenhub.core.plans.seats import seated
from tokenhub.core.plans.steps import Done, Order, Refined, Sketch, Step

_ITERATIONS = 2
_EDITOR = (
    "You go over an answer and make it better: right what is wrong, add what is missing, drop what "
    "does not serve the request, and say it more clearly. Answer with the new answer alone."
)
_TO_IMPROVE = """\
Here is an answer to the request above.

<{tag}>
{answer}
</{tag}>

Write the better answer."""


class Refine(Chain):
    """1 + n steps for n iterations; 0 is two of them."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self._seat = seated(order.primary, "high_confidence")
        self._wanted = order.iterations or _ITERATIONS
        self._gone_over = 0
        self._text: str | None = None
        self._model_id = ""

    def outline(self) -> tuple[Sketch, ...]:
        again = Sketch(seat=self._seat, answers=1)
        return (Sketch(seat=self._seat), *(again,) * self._wanted)

    def _step(self) -> Step | None:
        if self._text is None:
            return Step(name="initial", seat=self._seat, final=True)
        if self._gone_over == self._wanted:
            return None
        return Step(
            name=f"refine-{self._gone_over + 1}",
            seat=replace(self._seat, model=self._model_id, named=True),
            system=_EDITOR,
            user=_TO_IMPROVE.format(tag=tag("answer", [self._text]), answer=self._text),
            final=True,
        )

    def _take(self, step: Step, text: str, model_id: str) -> None:
        del step
        if self._text is not None:
            self._gone_over += 1
        self._text = text
        self._model_id = model_id

    def _done(self) -> Done:
        if self._text is None:
            return Done(result=None)
        return Done(
            result=Refined(text=self._text, iterations=self._wanted, model_id=self._model_id),
            reason="refine-orchestration",
            model_id=self._model_id,
            partial=self._broken,
        )
