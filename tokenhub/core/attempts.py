"""The steps of a request's way through its routes: what core.failover asks for.

Whoever drives the machine does each step and tells it how that went: a `Start` ends as refused,
failed, won or cancelled, a `Wait` when its time has come or a leg has ended, a `Cancel` when the
leg is gone. `Won` and `GiveUp` are the end.
"""

from enum import StrEnum

import msgspec

from tokenhub.core.catalog import Route
from tokenhub.core.failures import Kind

# Why another way than the first choice answered, in the original's words (original-behaviour 2.9).
RETRIED = "retried-transient"
REDUCED = "reduced-max-tokens"
ESCALATED = "escalated-context-overflow"
HEDGED = "hedged-dispatch"


class Toll(StrEnum):
    """What an attempt takes from the retry budget of the provider that is asked.

    `free` is nothing. `wanted` is a token where there is one; without one the route has to wait
    until nobody with a token is left. `needed` is a token, or the attempt is not made. `spare` is
    a token that stays where it is: what has a cap of its own is only kept from those who have none.
    """

    FREE = "free"
    WANTED = "wanted"
    NEEDED = "needed"
    SPARE = "spare"


class Refusal(StrEnum):
    """Why a `Start` was not made.

    `money` is that of the request, `budget` that of its key, for which a `price` must be known.
    """

    BUDGET = "budget"
    CLOSED = "closed"
    MONEY = "money"
    PRICE = "price"
    RETRIES = "retries"
    UNSHRINKABLE = "unshrinkable"


class Start(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Call this route, as leg number `leg`.

    `within_s` is the time for the call and `left_s` that of the request. `insist` asks for it even
    where the route is down. `again` is a repetition, `hedge` a second leg beside a first one.
    `max_tokens` is set where the answer must be shorter than the caller allowed. `reason` is why
    this leg answered, if it does and there is more to say than that it was its turn.
    """

    leg: int
    route: Route
    within_s: float
    left_s: float
    insist: bool = False
    again: bool = False
    hedge: bool = False
    toll: Toll = Toll.FREE
    max_tokens: int | None = None
    reason: str = ""


class Wait(msgspec.Struct, frozen=True):
    """Come back at `until`, or when a leg has ended; None is for a leg only."""

    until: float | None = None


class Cancel(msgspec.Struct, frozen=True):
    """A leg to end: what it brings is not wanted any more."""

    leg: int


class Won(msgspec.Struct, frozen=True):
    """The leg that has answered; no other is under way."""

    leg: int


class GiveUp(msgspec.Struct, frozen=True):
    """No more attempts: the last failure, None where nothing was tried, and why."""

    kind: Kind | None
    why: str


Step = Start | Wait | Cancel | Won | GiveUp
