"""What a request orders: whether it is carried out as a plan, as which one, and by whom."""

from collections.abc import Sequence

from msgspec.structs import replace

from tokenhub.core.ask import NO_WISH, Ask, Wish
from tokenhub.core.plans.adversarial import Adversarial
from tokenhub.core.plans.planning import Planning
from tokenhub.core.plans.refine import Refine
from tokenhub.core.plans.steps import COMPOSED, MODES, Order, Plan, Seat
from tokenhub.core.plans.vote import Vote


def ordered(ask: Ask, *, directives: bool, may_plan: bool, own: Wish = NO_WISH) -> Order | None:
    """The order of a request; None where it is to be answered at once.

    `ask.order` is what the body says, None where its route has no word for it: then `vote` and
    `refine` in the policy or in a directive are an order, for a key that may plan. A plan that
    names no mode takes that of a directive, of the policy in the body or in headers, or
    `planning`, in this turn. The first mode among these and the key's `own` that is no plan's
    routes the steps.
    """
    told = ask.directed.wish.mode if directives and ask.directed is not None else None
    asked = [mode for mode in (told, ask.wish.mode, ask.header.mode) if mode]
    order = ask.order
    if order is None:
        if not (asked and asked[0] in COMPOSED and may_plan):
            return None
        order = Order(mode=asked[0])
    routing = next((mode for mode in (*asked, own.mode) if mode and mode not in MODES), "")
    return replace(
        order,
        mode=order.mode or next((mode for mode in asked if mode in MODES), "planning"),
        primary=_seat(order.primary, routing, ask.model),
        review=_seat(order.review, routing, ""),
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
