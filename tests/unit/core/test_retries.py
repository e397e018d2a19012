"""The retry budget: what fills it, what empties it, and that it never gives more than it had."""

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.retries import FLOOR, PER_REQUEST, PER_SECOND, RetryBudget, filled, taken, tokens


def spent(budget: RetryBudget, now: float) -> int:
    """How many attempts there are at once."""
    count = 0
    while (left := taken(budget, now)) is not None:
        budget, count = left, count + 1
    return count


def test_new_provider_has_ten_seconds_worth() -> None:
    assert 30 == spent(RetryBudget(), 0.0)


def test_fifth_of_the_requests_comes_on_top() -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget = filled(budget, 0.0)

    assert 30 + 20 == spent(budget, 0.0)


def test_empty_purse_gets_three_a_second_up_to_the_floor() -> None:
    empty = RetryBudget(0.0, 100.0)

    assert [0, 3, 30, 30] == [spent(empty, 100.0 + s) for s in (0, 1, 10, 1_000)]


def test_what_requests_have_brought_fades() -> None:
    rich = RetryBudget(FLOOR + 100.0, 0.0)

    assert FLOOR + 100.0 == tokens(rich, 0.0)
    assert FLOOR + 36.7 < tokens(rich, 10.0) < FLOOR + 36.8
    assert FLOOR <= tokens(rich, 1e6) < FLOOR + 1e-6


def test_clock_that_goes_back_brings_nothing() -> None:
    assert 5.0 == tokens(RetryBudget(5.0, 100.0), 50.0)


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(0, 30), st.integers(0, 30)), max_size=30)
)
def test_extra_attempts_are_at_most_a_fifth_and_three_a_second(
    turns: list[tuple[float, int, int]],
) -> None:
    """And what was there at the beginning; however requests and retries come."""
    budget, now, requests, extra = RetryBudget(), 0.0, 0, 0

    for seconds, asked, wanted in turns:
        now += seconds
        for _ in range(asked):
            budget, requests = filled(budget, now), requests + 1
        for _ in range(wanted):
            left = taken(budget, now)
            if left is not None:
                budget, extra = left, extra + 1

    assert extra <= FLOOR + PER_REQUEST * requests + PER_SECOND * now + 1e-6
