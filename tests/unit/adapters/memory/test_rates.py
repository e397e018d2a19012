"""Buckets in memory: bounded, and kept only while they say something."""

from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.core.buckets import Limit

LIMIT = Limit(rps=1, burst=2)


def test_names_do_not_share_a_bucket() -> None:
    rates = MemoryRates()

    left = [rates.take(name, LIMIT, 0.0).remaining for name in ("a", "b", "a")]

    assert [1, 1, 0] == left


def test_refused_requests_cost_nothing() -> None:
    rates = MemoryRates()
    for _ in range(1_000):
        rates.take("a", LIMIT, 0.0)

    assert not rates.take("a", LIMIT, 0.999).allowed
    assert rates.take("a", LIMIT, 1.0).allowed


def test_a_flood_of_names_fills_no_more_than_the_table() -> None:
    rates = MemoryRates(capacity=100)

    for number in range(10_000):
        rates.take(f"name {number}", LIMIT, 0.0)

    assert 100 >= len(rates)


def test_full_buckets_go_when_new_names_come() -> None:
    rates = MemoryRates()
    for number in range(100):
        rates.take(f"name {number}", LIMIT, 0.0)

    for number in range(100):
        rates.take(f"later {number}", LIMIT, 10.0)

    assert 100 == len(rates)


def test_the_longest_unused_goes_first_and_who_still_sends_stays() -> None:
    rates = MemoryRates(capacity=3)
    for name in ("busy", "busy", "idle", "new", "busy"):
        rates.take(name, LIMIT, 0.0)

    rates.take("newest", LIMIT, 0.0)

    assert not rates.take("busy", LIMIT, 0.0).allowed
