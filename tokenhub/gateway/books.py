"""The purses of all keys, in memory: what requests are checked against, and charged to.

A month that was begun is kept, so that a clock that is set back finds what was spent in it.
"""

from collections.abc import Iterable

import msgspec

from tokenhub.core.keys import ApiKey
from tokenhub.core.purse import Purse, Tab, begins, month_of

DAY_S = 86_400


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """A key's month so far. `month` is as `core.purse.month_of` counts; money is nano-USD.

    `spent_nusd` is what counts against the budget: all since the month's begin, or since it was
    paid.
    """

    month: int
    spent_nusd: int
    reserved_nusd: int
    budget_nusd: int | None

    @property
    def left_nusd(self) -> int | None:
        """What is neither spent nor held; None where there is no limit."""
        if self.budget_nusd is None:
            return None
        return max(0, self.budget_nusd - self.spent_nusd - self.reserved_nusd)


class Books:
    """One for each process."""

    def __init__(self) -> None:
        self._months: dict[int, dict[str, Purse]] = {}
        # The month of the last request, and when it begins and ends: seldom another one.
        self._month, self._from, self._until = 0, 0.0, 0.0

    def load(self, rows: Iterable[tuple[int, str, int]]) -> None:
        """Take up what was charged: (day since 1970, key id, nano-USD). Before anything else."""
        for day, key_id, spent_nusd in rows:
            self._purse(key_id, month_of(day * DAY_S)).spent_nusd += spent_nusd

    def tab(self, key: ApiKey, at: float) -> Tab:
        """A request of this key that arrived at `at`, in Unix seconds: its month is charged."""
        month = self._month_of(at)
        return Tab(self._purse(key.id, month), _limit(key, month))

    def spend(self, key: ApiKey, at: float) -> Spend:
        """What the key has spent in the month of `at`."""
        month = self._month_of(at)
        purse = self._months.get(month, {}).get(key.id) or Purse()
        return Spend(
            month=month,
            spent_nusd=_counted(key, month, purse),
            reserved_nusd=purse.reserved_nusd,
            budget_nusd=key.budget_nusd,
        )

    def charged_nusd(self, key_id: str, at: float) -> tuple[int, int]:
        """The month of `at`, and all that the key was charged in it, paid or not."""
        month = self._month_of(at)
        purse = self._months.get(month, {}).get(key_id)
        return month, purse.spent_nusd if purse else 0

    def sums(self, at: float) -> tuple[int, int]:
        """Over all keys: what was charged in the month of `at`, and what is held in any."""
        month = self._months.get(self._month_of(at), {})
        held = sum(p.reserved_nusd for purses in self._months.values() for p in purses.values())
        return sum(purse.spent_nusd for purse in month.values()), held

    def _purse(self, key_id: str, month: int) -> Purse:
        purses = self._months.setdefault(month, {})
        purse = purses.get(key_id)
        if purse is None:
            purse = purses[key_id] = Purse()
        return purse

    def _month_of(self, at: float) -> int:
        if not self._from <= at < self._until:
            self._month = month_of(at)
            self._from, self._until = begins(self._month), begins(self._month + 1)
        return self._month


def _limit(key: ApiKey, month: int) -> int | None:
    if key.budget_nusd is None:
        return None
    return key.budget_nusd + (key.paid_nusd if key.paid_month == month else 0)


def _counted(key: ApiKey, month: int, purse: Purse) -> int:
    paid = key.paid_nusd if key.paid_month == month else 0
    return max(0, purse.spent_nusd - paid)
