"""What a key may still spend: money is held before a call, and charged or given back after it.

    held ── made ──> charged: settled at its cost, unknown at its estimate, voided at nothing
      └── not made ──> given back

All of it is arithmetic on one purse for each key and month, done between two waits of the event
loop, so that no two requests can be promised the same money. A purse never forgets: what is held
is the sum of what is open, and what is spent is the sum of what was charged.
"""

from datetime import UTC, datetime

_MONTHS = 12
# The parts of a budget, in percent, at which somebody should hear of it.
ALERTS = (50, 80, 100)


class Purse:
    """The money of one key in one month, in nano-USD. `spent_nusd` was charged, of all attempts."""

    __slots__ = ("reserved_nusd", "spent_nusd")

    def __init__(self, spent_nusd: int = 0) -> None:
        self.spent_nusd = spent_nusd
        self.reserved_nusd = 0


class Held:
    """Money that is held for one call, whose answers may come to `output_tokens` together.

    Nothing is held for one of an unknown price, which is not `priced`.
    """

    __slots__ = ("amount_nusd", "output_tokens", "priced", "route_id")

    def __init__(
        self, route_id: str, amount_nusd: int, output_tokens: int, *, priced: bool
    ) -> None:
        self.route_id = route_id
        self.amount_nusd = amount_nusd
        self.output_tokens = output_tokens
        self.priced = priced


class Tab:
    """One request's dealings with the purse of its key.

    `budget_nusd` is what may be spent from the purse in all, None for no limit. `held` are the
    calls under way, the oldest first.
    """

    __slots__ = ("budget_nusd", "held", "purse")

    def __init__(self, purse: Purse, budget_nusd: int | None = None) -> None:
        self.purse = purse
        self.budget_nusd = budget_nusd
        self.held: list[Held] = []

    @property
    def left_nusd(self) -> int | None:
        """What is neither spent nor held, never negative; None where there is no limit."""
        if self.budget_nusd is None:
            return None
        return max(0, self.budget_nusd - self.purse.spent_nusd - self.purse.reserved_nusd)

    def hold(self, route_id: str, amount_nusd: int | None, output_tokens: int = 0) -> Held | None:
        """Hold money for a call; None where there is less. An unknown price fits no budget."""
        left = self.left_nusd
        if left is not None and (amount_nusd is None or amount_nusd > left):
            return None
        held = Held(route_id, amount_nusd or 0, output_tokens, priced=amount_nusd is not None)
        self.held.append(held)
        self.purse.reserved_nusd += held.amount_nusd
        return held

    def give_back(self, held: Held) -> None:
        """The call is not made."""
        self.held.remove(held)
        self.purse.reserved_nusd -= held.amount_nusd

    def charge(self, route_id: str, cost_nusd: int) -> None:
        """A call to this route has ended, and cost so much: what was held for it is free again.

        Of two calls to one route, the one that was sent first.
        """
        held = self.of(route_id)
        if held is not None:
            self.give_back(held)
        self.purse.spent_nusd += cost_nusd

    def of(self, route_id: str) -> Held | None:
        """The first call to this route that is under way."""
        for held in self.held:
            if held.route_id == route_id:
                return held
        return None

    def close(self) -> int:
        """Give back whatever is held still; how many calls that was of, 0 where all were booked."""
        left = list(self.held)
        for held in left:
            self.give_back(held)
        return len(left)


def crossed(before_nusd: int, after_nusd: int, budget_nusd: int) -> list[int]:
    """The parts of a budget, of ALERTS, that were reached between the two; none of a budget of 0.

    Spent money never becomes less within a month, so each part is reached once.
    """
    if budget_nusd <= 0:
        return []
    return [
        percent
        for percent in ALERTS
        if before_nusd * 100 < percent * budget_nusd <= after_nusd * 100
    ]


def reached(spent_nusd: int, budget_nusd: int) -> list[int]:
    """The parts of a budget, of ALERTS, that so much is; none of a budget of 0."""
    return [percent for percent in ALERTS if 0 < percent * budget_nusd <= spent_nusd * 100]


def month_of(at: float) -> int:
    """The UTC month of a Unix time, as the number of months since the year 0."""
    then = datetime.fromtimestamp(at, UTC)
    return then.year * _MONTHS + then.month - 1


def begins(month: int) -> float:
    """The Unix time at which a month begins, in UTC."""
    year, place = divmod(month, _MONTHS)
    return datetime(year, place + 1, 1, tzinfo=UTC).timestamp()
