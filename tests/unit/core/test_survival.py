"""survival: how long calls take, where some were cut short."""

import pytest

from tokenhub.core.rng import uniform
from tokenhub.core.survival import Times


def times(*heard, cut=()):
    found = Times()
    for seconds in heard:
        found.heard(seconds)
    for seconds in cut:
        found.cut(seconds)
    return found


def test_without_cuts_it_is_the_share_of_longer_times():
    curve = times(1.0, 2.0, 3.0, 4.0).curve()

    assert [1.0, 0.75, 0.75, 0.5, 0.0] == [curve.over(t) for t in (0.5, 1.0, 1.9, 2.0, 9.0)]
    assert [1.0, 3.0, 4.0] == [curve.at(share) for share in (0.75, 0.25, 0.0)]


def test_the_example_of_a_textbook_comes_out():
    """Of Kaplan and Meier, 1958: eight lives, four of which were lost from sight."""
    curve = times(0.8, 3.1, 5.4, 9.2, cut=(1.0, 2.7, 7.0, 12.1)).curve()

    found = [curve.over(t) for t in (0.8, 3.1, 5.4, 9.2)]

    assert pytest.approx([7 / 8, 7 / 10, 21 / 40, 21 / 80]) == found


def test_calls_that_were_cut_short_do_not_hide_the_tail():
    """One call in five takes 10 s, and most of those are no longer waited for after 2 s."""
    found = Times(2000)
    for number in range(2000):
        slow, patient = uniform(1, number) < 0.2, uniform(2, number) < 0.2
        if not slow:
            found.heard(1.0)
        elif patient:
            found.heard(10.0)
        else:
            found.cut(2.0)

    curve = found.curve()

    assert pytest.approx(0.2, abs=0.03) == curve.over(5.0)
    assert 10.0 == curve.at(0.05)


def test_where_nothing_longer_was_seen_the_longest_wait_is_what_is_known():
    curve = times(1.0, 1.0, 1.0, cut=(8.0,)).curve()

    assert 8.0 == curve.at(0.01)


def test_only_the_most_recent_are_kept():
    found = Times(3)
    for seconds in (9.0, 9.0, 9.0, 1.0, 2.0, 3.0):
        found.heard(seconds)

    assert 3 == len(found)
    assert 0.0 == found.curve().over(3.0)


def test_nothing_at_all_and_times_of_nothing_are_no_trouble():
    nothing = times(cut=(0.0, -1.0))
    instant = times(-1.0, 0.0)

    assert (0, 0.0, 1.0) == (len(nothing), nothing.curve().at(0.5), nothing.curve().over(1.0))
    assert 0.0 == instant.curve().at(0.01)
