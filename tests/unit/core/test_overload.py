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

    def look(self, for_s, *, by_s, under_way=500, waiting=0):
        until = self.now + for_s
        while self.now < until:
            self.now += LOOK_S
            self.window.saw(self.now, by_s=by_s, under_way=under_way, waiting=waiting)
        return self.window


def test_a_loop_that_is_late_for_long_makes_it_crowded_at_what_is_under_way():
    window = Loop().look(STANDING_S + LOOK_S, by_s=LATE_S)

    assert window.crowded
    assert 450 <= window.limit <= 500


def test_a_burst_does_not():
    loop = Loop()
    for _ in range(20):
        loop.look(STANDING_S - 3 * LOOK_S, by_s=1.0)
        loop.look(LOOK_S, by_s=0.0)

    assert (False, MOST) == (loop.window.crowded, loop.window.limit)


def test_few_requests_are_never_held_up():
    """On a machine that others keep busy the loop is late, and it is nobody's number."""
    window = Loop().look(10.0, by_s=1.0, under_way=FEW)

    assert (False, MOST) == (window.crowded, window.limit)


def test_while_it_is_late_the_limit_falls_to_few_and_rises_again_one_by_one():
    loop = Loop()
    loop.look(STANDING_S + 1.5, by_s=LATE_S)
    assert FEW == loop.window.limit

    loop.look(0.5, by_s=0.0, waiting=3)

    assert loop.window.crowded
    assert FEW + 50 == loop.window.limit


def test_it_is_over_when_nobody_has_waited_for_a_while():
    loop = Loop()
    loop.look(1.0, by_s=LATE_S, waiting=3)
    loop.look(CALM_S - 2 * LOOK_S, by_s=0.0)
    assert loop.window.crowded

    loop.look(4 * LOOK_S, by_s=0.0)

    assert (False, MOST) == (loop.window.crowded, loop.window.limit)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5000), st.integers(0, 300))))
def test_the_limit_stays_between_few_and_most(looks):
    for most in (3, MOST):
        loop = Loop(most=most)
        for by_s, under_way, waiting in looks:
            window = loop.look(0.05, by_s=by_s, under_way=under_way, waiting=waiting)

            assert min(FEW, most) <= window.limit <= most
