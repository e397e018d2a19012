"""A plan, torn apart and mended: plan, then critique and revision, round after round."""

from tokenhub.core.plans.chain import Chain
from tokenhub.core.plans.quoting import tag
from tokenhub.core.plans.seats import seated
from tokenhub.core.plans.steps import Done, Order, Revised, Sketch, Step

_PLANNER = (
    "You are a planner. Work out how to meet the request: the steps in their order, what each one "
    "needs, how to tell that it is done, and what could go wrong. Answer with the plan alone."
)
_CRITIC = (
    "You are a demanding reviewer of plans. Look for what is missing, wrong, unproven or risky, "
    "and for what the request asks and the plan does not give. Do not write a plan of your own."
)
_REVISER = (
    "You are a planner who revises a plan after a review. Keep what is sound, mend what the review "
    "is right about, and leave out what it is wrong about. Answer with the whole plan alone."
)
_TO_REVIEW = """\
Here is a plan for the request above.

{plan}

Review it. Name each problem, why it matters, and what would cure it, the gravest first."""
_TO_REVISE = """\
Here is a plan for the request above, and a review of it.

{plan}

{critique}

Write the revised plan."""


class Adversarial(Chain):
    """1 + 2n steps for n rounds; 0 is one round. A plan alone where no more is wanted."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self._planner = seated(order.primary, "planning")
        self._critic = seated(order.review, "adversarial")
        self._plan_only = order.plan_only
        self._rounds = 0 if order.plan_only else order.iterations or 1
        self._round = 0
        self._initial: str | None = None
        self._plan = ""
        self._critique = ""
        self._reviewed = False
        self._model_id = ""

    def outline(self) -> tuple[Sketch, ...]:
        pair = (Sketch(seat=self._critic, answers=1), Sketch(seat=self._planner, answers=2))
        return (Sketch(seat=self._planner), *pair * self._rounds)

    def _step(self) -> Step | None:
        if self._initial is None:
            return Step(name="plan", seat=self._planner, system=_PLANNER, final=True)
        if self._round == self._rounds:
            return None
        number = self._round + 1
        if not self._reviewed:
            return Step(
                name=f"critique-{number}",
                seat=self._critic,
                system=_CRITIC,
                user=_TO_REVIEW.format(plan=self._quoted("plan", self._plan)),
            )
        return Step(
            name=f"refine-{number}",
            seat=self._planner,
            system=_REVISER,
            user=_TO_REVISE.format(
                plan=self._quoted("plan", self._plan),
                critique=self._quoted("review", self._critique),
            ),
            final=True,
        )

    def _quoted(self, name: str, text: str) -> str:
        quote = tag(name, [self._plan, self._critique])
        return f"<{quote}>\n{text}\n</{quote}>"

    def _take(self, step: Step, text: str, model_id: str) -> None:
        if not step.final:
            self._critique = text
            self._reviewed = True
            return
        if self._initial is None:
            self._initial = text
        else:
            self._round += 1
            self._reviewed = False
        self._plan = text
        self._model_id = model_id

    def _done(self) -> Done:
        if self._initial is None:
            return Done(result=None)
        if self._plan_only:
            result = Revised(initial_plan=self._initial)
            return Done(result=result, reason="adversarial-plan-only", model_id=self._model_id)
        return Done(
            result=Revised(
                initial_plan=self._initial, critique=self._critique, refined_plan=self._plan
            ),
            reason="adversarial-orchestration",
            model_id=self._model_id,
            partial=self._broken,
        )
