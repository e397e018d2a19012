from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tokenhub.core import purse
from tokenhub.core.purse import Purse, Tab, begins, crossed, month_of

BUDGET = 1_000


@pytest.mark.parametrize(
    ("before", "after", "reached"),
    [
        (0, 499, []),
        (499, 500, [50]),
        (500, 799, []),
        (500, 1_000, [80, 100]),
        (0, 5_000, [50, 80, 100]),
        (1_000, 2_000, []),
    ],
)
def test_a_part_of_a_budget_is_reached_once(before, after, reached):
    assert reached == crossed(before, after, BUDGET)


def test_no_part_is_reached_of_a_budget_of_nothing():
    assert [] == crossed(0, 10, 0)
    assert [] == purse.reached(10, 0)


@pytest.mark.parametrize(
    ("spent", "parts"), [(0, []), (499, []), (500, [50]), (800, [50, 80]), (1_200, [50, 80, 100])]
)
def test_what_is_reached_of_a_budget(spent, parts):
    assert parts == purse.reached(spent, BUDGET)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_what_is_held_is_not_left():
    tab = Tab(Purse(spent_nusd=100), BUDGET)

    tab.hold("a/gpt", 300)

    assert 600 == tab.left_nusd


def test_more_than_is_left_is_not_held():
    purse = Purse()
    first, second = Tab(purse, BUDGET), Tab(purse, BUDGET)
    first.hold("a/gpt", 600)

    refused = second.hold("a/gpt", 401)

    assert refused is None
    assert 600 == purse.reserved_nusd
    assert second.hold("a/gpt", 400) is not None


def test_an_unknown_price_fits_no_budget_and_holds_nothing_without_one():
    free = Tab(Purse())

    held = free.hold("a/gpt", None)

    assert Tab(Purse(), BUDGET).hold("a/gpt", None) is None
    assert held is not None
    assert (0, False) == (held.amount_nusd, held.priced)


def test_a_charge_frees_what_was_held_and_takes_what_it_cost():
    tab = Tab(Purse(), BUDGET)
    tab.hold("a/gpt", 300)

    tab.charge("a/gpt", 120)

    assert (120, 0, 880) == (tab.purse.spent_nusd, tab.purse.reserved_nusd, tab.left_nusd)


def test_of_two_calls_to_one_route_the_first_ends_first():
    tab = Tab(Purse(), BUDGET)
    first, second = tab.hold("a/gpt", 300), tab.hold("a/gpt", 200)

    tab.charge("a/gpt", 10)

    assert first not in tab.held
    assert [second] == tab.held


def test_a_call_that_was_never_held_is_charged_all_the_same():
    tab = Tab(Purse(), BUDGET)

    tab.charge("a/gpt", 7)

    assert 7 == tab.purse.spent_nusd


def test_what_is_spent_beyond_the_budget_leaves_nothing_and_never_less():
    tab = Tab(Purse(spent_nusd=BUDGET + 5), BUDGET)

    assert 0 == tab.left_nusd


def test_a_key_without_a_budget_has_no_end():
    tab = Tab(Purse(spent_nusd=10**15))

    assert tab.left_nusd is None
    assert tab.hold("a/gpt", 10**12) is not None


@pytest.mark.parametrize(
    ("when", "month"),
    [
        ("1970-01-01T00:00:00", 1970 * 12),
        ("2026-02-28T23:59:59.999", 2026 * 12 + 1),
        ("2026-03-01T00:00:00", 2026 * 12 + 2),
        ("2026-12-31T23:59:59", 2026 * 12 + 11),
        ("2027-01-01T00:00:00", 2027 * 12),
    ],
)
def test_months_are_those_of_utc(when, month):
    assert month == month_of(at(when))
    assert begins(month) <= at(when) < begins(month + 1)


class Spending(RuleBasedStateMachine):
    """Any number of requests of one key, in any order: the purse against sums kept beside it."""

    tabs = Bundle("tabs")
    calls = Bundle("calls")

    def __init__(self):
        super().__init__()
        self.purse = Purse()
        self.under_way = {}
        self.paid = 0
        self.number = 0
        self.all = []

    @rule(target=tabs)
    def request(self):
        tab = Tab(self.purse, BUDGET)
        self.all.append(tab)
        return tab

    @rule(target=calls, tab=tabs, amount=st.integers(0, BUDGET + 10))
    def call(self, tab, amount):
        self.number += 1
        name = f"route/{self.number}"
        fits = self.paid + sum(self.under_way.values()) + amount <= BUDGET
        held = tab.hold(name, amount)
        assert fits == (held is not None)
        if held is None:
            return None
        self.under_way[held] = amount
        return tab, held

    @rule(call=calls, share=st.floats(0, 1))
    def end(self, call, share):
        if call is None or call[1] not in self.under_way:
            return
        tab, held = call
        cost = int(self.under_way.pop(held) * share)
        self.paid += cost
        tab.charge(held.route_id, cost)

    @rule(call=calls)
    def give_back(self, call):
        if call is None or call[1] not in self.under_way:
            return
        tab, held = call
        del self.under_way[held]
        tab.give_back(held)

    @rule(tab=tabs)
    def close(self, tab):
        mine = [held for held in tab.held if held in self.under_way]
        assert len(mine) == tab.close()
        for held in mine:
            del self.under_way[held]

    @invariant()
    def never_overspent(self):
        assert self.purse.spent_nusd + self.purse.reserved_nusd <= BUDGET

    @invariant()
    def sums_agree(self):
        assert self.paid == self.purse.spent_nusd
        assert sum(self.under_way.values()) == self.purse.reserved_nusd
        assert self.purse.reserved_nusd == sum(h.amount_nusd for t in self.all for h in t.held)


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
