"""What a request orders: whether it is carried out as a plan, as which one, and by whom."""

from collections.abc import Sequence

from msgspec.structs import replace

from tokenhub.core.ask import Ask
from tokenhub.core.plans.adversarial import Adversarial
from tokenhub.core.plans.planning import Planning
from tokenhub.core.plans.refine import Refine
from tokenhub.core.plans.steps import COMPOSED, MODES, Order, Plan, Seat
from tokenhub.core.plans.vote import Vote


def ordered(ask: Ask, *, directives: bool, may_plan: bool) -> Order | None:
    """The order of a request; None where it is to be answered at once.

    `ask.order` is what the body says, None where its route has no word for it: then `vote` and
    `refine` in the policy or in a directive are an order, for a key that may plan. A plan that
    names no mode takes that of a directive, of the policy, or `planning`, in this turn. A mode
    that is no plan's routes its steps.
    """
    told = ask.directed.wish.mode if directives and ask.directed is not None else None
    mode = told or ask.wish.mode or ""
    if ask.order is None:
        wanted = mode in COMPOSED and may_plan
        return Order(mode=mode, primary=Seat(model=ask.model)) if wanted else None
    seat_mode = "" if mode in MODES else mode
    return replace(
        ask.order,
        mode=ask.order.mode or (mode if mode in MODES else "planning"),
        primary=_seat(ask.order.primary, seat_mode, ask.model),
        review=_seat(ask.order.review, seat_mode, ""),
    )


def plan_of(order: Order, voters: Sequence[str]) -> Plan:
    """The machine of an order; `voters` are the models that a vote asks."""
    match order.mode:
        case "vote":
            return Vote(order, voters)
        case "refine":
            return Refine(order)
        case "adversarial":
            return Adversarial(order)
        case _:
            return Planning(order)


def _seat(seat: Seat, mode: str, model: str) -> Seat:
    return replace(seat, mode=mode, model=seat.model or model)
