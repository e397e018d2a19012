"""Token buckets: what was measured of the original, and the laws of a bucket."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.buckets import (
    FULL,
    UNLIMITED,
    Allowance,
    Limit,
    corrected,
    lasting,
    take,
    tighter,
)

SMALL = Limit(rps=2, burst=3)
LIMITS = st.builds(Limit, rps=st.integers(1, 1000), burst=st.integers(1, 1000))
STARTS = st.floats(0, 1e7)
GAPS = st.lists(st.floats(0, 2), min_size=1, max_size=60)


def sent(limit: Limit, times: list[float]) -> list[bool]:
    """Whether each request passed."""
    full_at, passed = FULL, []
    for now in times:
        allowance, full_at = take(limit, full_at, now)
        passed.append(allowance.allowed)
    return passed


def test_a_burst_passes_and_then_fractions_of_a_second_count() -> None:
    """The original let nothing pass at 0.9 s, and two at 1.0 s."""
    times = [0.0, 0.0, 0.0, 0.0, 0.49, 0.5, 0.9, 1.0, 1.0]

    assert [True] * 3 + [False, False, True, False, True, False] == sent(SMALL, times)


def test_a_request_learns_what_is_left() -> None:
    first, full_at = take(SMALL, FULL, 10.0)
    second, full_at = take(SMALL, full_at, 10.0)
    third, full_at = take(SMALL, full_at, 10.0)
    refused, after = take(SMALL, full_at, 10.125)

    assert Allowance(limit=3, remaining=2, reset_s=0.5) == first
    assert Allowance(limit=3, remaining=1, reset_s=1.0) == second
    assert Allowance(limit=3, remaining=0, retry_after_s=0.5, reset_s=1.5) == third
    assert Allowance(allowed=False, limit=3, retry_after_s=0.375, reset_s=1.375) == refused
    assert full_at == after


def test_a_bucket_is_full_again_and_no_fuller() -> None:
    _, full_at = take(SMALL, FULL, 0.0)

    later, _ = take(SMALL, full_at, 1_000_000.0)

    assert 2 == later.remaining


@given(LIMITS, STARTS, GAPS)
def test_no_window_admits_more_than_its_burst_and_its_rate(
    limit: Limit, start: float, gaps: list[float]
) -> None:
    times = [start + sum(gaps[:count]) for count in range(len(gaps))]
    passed = [now for now, good in zip(times, sent(limit, times), strict=True) if good]

    for first in range(len(passed)):
        window_s = passed[-1] - passed[first]
        assert len(passed) - first <= limit.burst + limit.rps * (window_s + 2e-6)


@given(LIMITS, STARTS, GAPS)
def test_who_waits_as_long_as_told_passes_and_who_does_not_is_refused(
    limit: Limit, start: float, gaps: list[float]
) -> None:
    full_at, now = FULL, start
    for gap in gaps:
        allowance, full_at = take(limit, full_at, now)
        wait_s = allowance.retry_after_s
        assert take(limit, full_at, now + wait_s)[0].allowed
        if wait_s > 1e-5:
            assert not take(limit, full_at, now + wait_s - 5e-6)[0].allowed
        now += gap * wait_s


@given(LIMITS, STARTS)
def test_what_remains_passes_at_once_and_one_more_does_not(limit: Limit, start: float) -> None:
    allowance, full_at = take(limit, FULL, start)

    for left in range(allowance.remaining - 1, -1, -1):
        allowance, full_at = take(limit, full_at, start)
        assert (True, left) == (allowance.allowed, allowance.remaining)
    assert not take(limit, full_at, start)[0].allowed


def test_a_patient_caller_gets_the_whole_rate_for_a_day() -> None:
    """The original gave about half of it (original-behaviour W-41)."""
    limit, full_at, now, passed = Limit(rps=3, burst=1), FULL, 1e7, 0

    while now < 1e7 + 86_400:
        allowance, full_at = take(limit, full_at, now)
        passed += allowance.allowed
        now += allowance.retry_after_s

    assert 3 * 86_400 == pytest.approx(passed, abs=1)


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        ("0s", 0.0),
        ("1ms", 0.0001),
        ("17ms", 0.017),
        ("1s", 0.9995),
        ("1s", 1.0),
        ("1.5s", 1.5),
        ("8.64s", 8.64),
        ("59.999s", 59.999),
        ("1m0s", 60.0),
        ("6m0s", 360.0),
        ("1h1m1.25s", 3661.25),
    ],
)
def test_a_duration_is_written_as_openai_does(expected: str, seconds: float) -> None:
    assert expected == lasting(seconds)


@given(st.floats(0, 59.9))
def test_a_duration_is_never_told_too_short(seconds: float) -> None:
    text = lasting(seconds)

    told_s = float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])

    assert ceil(seconds * 1000 - 1e-6) == pytest.approx(told_s * 1000)


def test_the_tighter_allowance_has_fewer_left_or_takes_longer() -> None:
    wide, narrow = Allowance(limit=9, remaining=8), Allowance(limit=3, remaining=2)
    slow = Allowance(limit=3, remaining=2, reset_s=5.0)

    assert narrow is tighter(wide, narrow)
    assert narrow is tighter(narrow, wide)
    assert slow is tighter(narrow, slow)
    assert narrow is tighter(narrow, UNLIMITED)
    assert narrow is tighter(UNLIMITED, narrow)


TOKENS = Limit(rps=10.0, burst=600)


def test_a_bucket_of_tokens_gives_what_it_has_and_says_what_is_left() -> None:
    one, after = take(TOKENS, FULL, 0.0, 500)
    two, after = take(TOKENS, after, 0.0, 101)
    three, _ = take(TOKENS, after, 0.0, 100)

    assert (True, 600, 100) == (one.allowed, one.limit, one.remaining)
    assert (False, 100, pytest.approx(0.1)) == (two.allowed, two.remaining, two.retry_after_s)
    assert (True, 0) == (three.allowed, three.remaining)


def test_what_a_request_did_not_need_is_given_back() -> None:
    _, after = take(TOKENS, FULL, 0.0, 600)

    given, _ = take(TOKENS, corrected(TOKENS, after, 0.0, -500), 0.0, 500)

    assert given.allowed


def test_what_it_needed_beyond_is_owed_and_the_rate_holds_all_the_same() -> None:
    _, after = take(TOKENS, FULL, 0.0, 600)
    after = corrected(TOKENS, after, 0.0, 900)

    refused, _ = take(TOKENS, after, 90.0, 1)
    passed, _ = take(TOKENS, after, 150.0, 600)

    assert not refused.allowed
    assert passed.allowed


def test_no_bucket_is_ever_more_than_full() -> None:
    _, after = take(TOKENS, FULL, 0.0, 100)

    assert FULL == corrected(TOKENS, after, 0.0, -100)
    assert FULL == corrected(TOKENS, after, 500.0, -1)
    assert FULL == corrected(TOKENS, FULL, 0.0, -600)


@given(st.lists(st.tuples(st.integers(1, 600), st.integers(-600, 3000), st.floats(0, 100))))
def test_on_average_no_more_than_the_rate_is_used(
    asked: list[tuple[int, int, float]],
) -> None:
    """Whatever the estimates: what was used, less one burst and the last request, fits the time."""
    now, full_at, used, last = 0.0, FULL, 0, 0
    for estimate, more, pause in asked:
        now += pause
        allowance, full_at = take(TOKENS, full_at, now, estimate)
        if allowance.allowed:
            came_to = max(0, estimate + more)
            full_at = corrected(TOKENS, full_at, now, came_to - estimate)
            used, last = used + came_to, came_to

    assert used - last <= 600 + 10.0 * now + 1
