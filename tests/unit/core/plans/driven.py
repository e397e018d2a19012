"""Drives a plan as a gateway does, with fates that a test chooses."""

from tokenhub.core.ordered import plan_of
from tokenhub.core.plans.steps import Done, Order

MODELS = [f"m{number}" for number in range(12)]


def bound(order: Order, voters: int) -> int:
    """The most steps that a plan of this order may have, as the pages say it."""
    match order.mode:
        case "adversarial":
            return 1 if order.plan_only else 1 + 2 * (order.iterations or 1)
        case "vote":
            return voters + 1
        case "refine":
            return 1 + (order.iterations or 2)
        case _:
            return 1


def driven(order: Order, fates, *, voters=3, shuffled=lambda steps: steps):
    """The end of a plan and its steps: a fate is a text, or None for a failure."""
    plan = plan_of(order, MODELS[:voters])
    asked = []
    while not isinstance(steps := plan.next(), Done):
        assert steps, "a plan that has no step under way gives one, or ends"
        for step in shuffled(list(steps)):
            assert () == plan.next()
            asked.append(step)
            fate = fates(step)
            if fate is None:
                plan.failed(step, "transient")
            else:
                plan.answered(step, fate, model_id=step.seat.model or "best")
        assert len(asked) <= bound(order, voters)
    return steps, asked
