"""hedging: where a second request pays, when it goes out, and what it may cost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.hedging import BURST, ENOUGH, REFRESH, Cap, Learner, plan
from tokenhub.core.rng import normal, uniform
from tokenhub.core.survival import RECENT, Times


def curve_of(law, count=1000):
    """The curve of a law at evenly spaced probabilities."""
    found = Times(count)
    for number in range(count):
        found.heard(law((number + 0.5) / count))
    return found.curve()


def slow_share(share, slow_s=20.0):
    return lambda p: slow_s * (1 + p) if p >= 1 - share else 1.0 + p / 10


def exponential(p):
    return -math.log(1 - p)


@pytest.mark.parametrize(
    "law",
    [lambda p: 1.0, lambda p: 1.0 + p, exponential],
    ids=["constant", "even", "exponential"],
)
def test_a_thin_tail_has_little_to_gain(law):
    found = plan(curve_of(law), most=0.15)

    assert found is None or found.gain < 2.0


def test_a_heavy_tail_is_cut_at_a_delay_within_the_share():
    found = plan(curve_of(slow_share(0.10, 20.0)), most=0.15)

    assert found is not None
    assert 1.0 < found.delay_s < 2.0
    assert found.share <= 0.15
    assert found.gain > 5


def test_what_is_promised_is_what_two_independent_calls_give():
    law = slow_share(0.05)
    found = plan(curve_of(law), most=0.15)
    assert found is not None

    def took(number):
        first, second = law(uniform(1, number)), law(uniform(2, number))
        return min(first, found.delay_s + second) if first > found.delay_s else first

    ended = [took(number) for number in range(20_000)]
    assert pytest.approx(found.left, rel=0.3) == sum(t > found.end_s for t in ended) / len(ended)


def test_where_few_calls_are_slow_few_more_are_sent():
    found = plan(curve_of(slow_share(0.02)), most=0.15)

    assert found is not None
    assert found.gain > 5
    assert found.share < 0.10


def test_no_delay_is_shorter_than_the_least():
    found = plan(curve_of(slow_share(0.05)), most=0.15, least_s=3.0)

    assert found is not None
    assert 3.0 == found.delay_s
    assert plan(curve_of(slow_share(0.05)), most=0.15, least_s=90.0) is None


@given(
    st.integers(1, 100),
    st.lists(
        st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 10**12)), st.integers(1, 60)),
        max_size=60,
    ),
)
def test_the_cap_holds_in_calls_and_in_money_at_every_moment(percent, steps):
    cap = Cap(percent)
    calls = extra = paid = extra_paid = 0
    for second, cost_nusd, times in steps:
        for _ in range(times):
            if not second:
                cap.sent(cost_nusd)
                calls, paid = calls + 1, paid + (cost_nusd or 0)
            elif cap.take(cost_nusd):
                extra, extra_paid = extra + 1, extra_paid + (cost_nusd or 0)

            assert 100 * extra <= percent * calls
            assert 100 * extra_paid <= percent * paid


def test_a_calm_is_not_saved_up_beyond_a_burst():
    cap = Cap(15)
    for _ in range(100_000):
        cap.sent(1000)

    taken = sum(cap.take(1000) for _ in range(1000))

    assert BURST == taken


def test_a_dear_second_call_takes_what_several_cheap_ones_would():
    cap = Cap(10)
    for _ in range(1000):
        cap.sent(1000)

    assert 3 == sum(cap.take(10_000) for _ in range(10))
    assert cap.price > 3


def test_it_is_as_full_as_the_scarcer_of_calls_and_money():
    free, poor = Cap(50), Cap(50)
    for _ in range(BURST):
        free.sent(None)
        poor.sent(1000)

    poor.take(8000)

    assert 0.5 == free.full
    assert 0.25 == poor.full


def test_where_prices_are_known_one_that_is_not_may_not_go_out():
    cap, without_prices = Cap(50), Cap(50)
    for _ in range(10):
        cap.sent(1000)
        without_prices.sent(None)

    assert not cap.take(None)
    assert without_prices.take(None)
    assert not without_prices.take(1)


class Replay:
    """A route whose calls follow a law; the first and the second call of a request are drawn."""

    def __init__(self, percent=15):
        self.cap = Cap(percent)
        self.learner = Learner(self.cap)
        self.number = 0

    def run(self, law, count):
        """Times with hedging, times without it, and how many calls were added."""
        took, alone, extra = [], [], 0
        for _ in range(count):
            self.number += 1
            first_s, second_s = law(uniform(1, self.number)), law(uniform(2, self.number))
            answered_s, fired = self.one(first_s, second_s)
            took.append(answered_s)
            alone.append(first_s)
            extra += fired
        return sorted(took), sorted(alone), extra

    def one(self, first_s, second_s):
        self.cap.sent(1000)
        after_s = self.learner.after_s()
        if after_s is None or first_s <= after_s or not self.cap.take(1000):
            self.learner.heard(first_s)
            return first_s, False
        answered_s = min(first_s, after_s + second_s)
        if answered_s == first_s:
            self.learner.heard(first_s)
            self.learner.lost(first_s - after_s)
        else:
            self.learner.heard(second_s)
            self.learner.lost(answered_s)
        return answered_s, True


def lognormal(sigma):
    # The quantile function, by the approximation of Tukey's lambda: near enough for a shape.
    return lambda p: math.exp(sigma * (max(p, 1e-6) ** 0.1349 - (1 - p) ** 0.1349) / 0.1975)


@pytest.mark.parametrize(
    "law",
    [lognormal(0.2), lognormal(0.4), lambda p: 0.2 + p / 10],
    ids=["lognormal 0.2", "lognormal 0.4", "even"],
)
def test_a_thin_tail_is_let_alone(law):
    _, _, extra = Replay().run(law, 5000)

    assert 0 == extra


@pytest.mark.parametrize(
    "law",
    [slow_share(0.03), slow_share(0.06), slow_share(0.08, 60.0)],
    ids=["3 % slow", "6 % slow", "8 % very slow"],
)
def test_a_heavy_tail_falls_fivefold_for_few_more_calls(law):
    took, alone, extra = Replay().run(law, 8000)

    p99 = 8000 * 99 // 100
    assert alone[p99] / took[p99] >= 5
    assert extra <= 0.15 * 8000


def test_it_goes_on_while_it_works_though_slow_calls_are_seldom_seen_to_their_end():
    replay = Replay()
    replay.run(slow_share(0.08), 3 * RECENT)

    took, alone, extra = replay.run(slow_share(0.08), 10 * RECENT)

    p99 = 10 * RECENT * 99 // 100
    assert alone[p99] / took[p99] >= 5
    assert extra >= 0.08 * 10 * RECENT


def test_a_bad_stretch_cannot_double_the_traffic():
    replay = Replay()
    replay.run(slow_share(0.05), 2000)

    _, _, extra = replay.run(lambda p: 60 * (1 + p), 200)

    assert extra <= BURST + 0.15 * 200


def test_a_route_that_has_become_slower_is_learned_anew():
    replay = Replay()
    replay.run(slow_share(0.05), 3000)
    replay.run(lambda p: 4 * slow_share(0.05)(p), 2000)

    took, alone, _ = replay.run(lambda p: 4 * slow_share(0.05)(p), 3000)

    p99 = 3000 * 99 // 100
    assert alone[p99] / took[p99] >= 5


def test_where_the_second_call_is_as_slow_as_the_first_it_ends_and_stays_ended():
    """Long answers: the time is the request's, so a second call takes it too."""
    replay = Replay()
    fired = []
    for number in range(40_000):
        length_s = math.exp(normal(1, 2 * number))
        fired.append(replay.one(length_s, length_s * (0.9 + 0.2 * uniform(2, number)))[1])

    assert sum(fired[:4000]) > 0
    assert sum(fired[20_000:]) < 0.05 * 20_000


def test_nothing_is_said_before_enough_was_seen():
    learner = Learner(Cap(15))
    for _ in range(ENOUGH - REFRESH):
        learner.heard(1.0)

    assert all(learner.after_s() is None for _ in range(4 * REFRESH))
