"""How many requests are let in when the loop is late."""

from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.overload import CALM_S, FEW, STANDING_S, Window

MOST = 2000
LATE_S = 0.01
LOOK_S = 0.01


class Loop:
    """Looks at a window, one each LOOK_S."""

    def __init__(self, *, late_s=LATE_S, most=MOST):
        self.window = Window(most=most, late_s=late_s)
        self.now = 100.0
        self.window.begin(self.now)

    def look(self, for_s, *, by_s, under_way=500, refused=False):
        until = self.now + for_s
        while self.now < until:
            self.now += LOOK_S
            self.window.saw(self.now, by_s=by_s, under_way=under_way, refused=refused)
        return self.window


def test_a_loop_that_is_late_for_long_makes_it_crowded_at_what_is_under_way():
    window = Loop().look(STANDING_S + LOOK_S, by_s=LATE_S)

    assert window.crowded
    assert 500 <= window.limit <= 520


def test_a_burst_does_not():
    loop = Loop()
    for _ in range(20):
        loop.look(STANDING_S - 3 * LOOK_S, by_s=1.0)
        loop.look(LOOK_S, by_s=0.0)

    assert (False, MOST) == (loop.window.crowded, loop.window.limit)


def test_one_pause_does_not_however_long_it_is():
    loop = Loop()
    loop.look(0.1, by_s=0.0)
    loop.now += 10 * STANDING_S

    loop.look(LOOK_S, by_s=10 * STANDING_S)
    loop.look(LOOK_S, by_s=0.0)

    assert (False, MOST) == (loop.window.crowded, loop.window.limit)


def test_pauses_without_end_do():
    loop = Loop()

    for _ in range(2):
        loop.now += STANDING_S
        loop.look(LOOK_S, by_s=STANDING_S)

    assert loop.window.crowded


def test_few_requests_are_never_held_up():
    """On a machine that others keep busy the loop is late, and it is nobody's number."""
    window = Loop().look(10.0, by_s=1.0, under_way=FEW)

    assert (False, MOST) == (window.crowded, window.limit)


def test_while_it_is_late_the_limit_falls_to_few_and_rises_again():
    loop = Loop()
    loop.look(STANDING_S + 1.5, by_s=2 * LATE_S)
    assert FEW == loop.window.limit

    loop.look(0.5, by_s=0.0, refused=True)

    assert loop.window.crowded
    assert 2 * FEW < loop.window.limit < 4 * FEW


def test_one_pause_says_little():
    """As of a collector: what comes in time before and after it counts for more."""
    loop = Loop()
    loop.look(STANDING_S + LOOK_S, by_s=LATE_S)
    limit = loop.look(0.1, by_s=LATE_S / 2, refused=True).limit

    loop.look(LOOK_S, by_s=2 * LATE_S, refused=True)

    assert limit < loop.window.limit


def test_a_loop_that_is_very_late_loses_no_more_than_a_part_at_a_look():
    loop = Loop()
    before = loop.look(STANDING_S + LOOK_S, by_s=1.0).limit

    loop.look(LOOK_S, by_s=1.0)

    assert 0.79 * before <= loop.window.limit < before


def test_it_is_over_when_nobody_was_refused_for_a_while():
    loop = Loop()
    loop.look(1.0, by_s=LATE_S, refused=True)
    loop.look(CALM_S - 2 * LOOK_S, by_s=0.0)
    assert loop.window.crowded

    loop.look(4 * LOOK_S, by_s=0.0)

    assert (False, MOST) == (loop.window.crowded, loop.window.limit)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5000), st.booleans())))
def test_the_limit_stays_between_few_and_most(looks):
    for most in (3, MOST):
        loop = Loop(most=most)
        for by_s, under_way, refused in looks:
            window = loop.look(0.05, by_s=by_s, under_way=under_way, refused=refused)

            assert min(FEW, most) <= window.limit <= most
