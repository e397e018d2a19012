"""Laws of all plans: they end, within their number of steps, with the best that there was."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.plans.driven import MODELS, bound, driven
from tokenhub.core.ordered import plan_of
from tokenhub.core.plans.steps import MODES, Elected, Order, Refined, Revised, Single

ORDERS = st.builds(
    Order,
    mode=st.sampled_from(MODES),
    iterations=st.integers(0, 10),
    plan_only=st.booleans(),
)


@given(order=ORDERS, voters=st.integers(1, 10), data=st.data())
def test_any_steps_may_fail_and_the_best_so_far_comes_out(order, voters, data):
    said = []

    def fate(step):
        if data.draw(st.booleans(), label=step.name):
            return None
        said.append((step, f"{step.name} says 1"))
        return said[-1][1]

    shuffled = lambda steps: data.draw(st.permutations(steps))  # noqa: E731 - one line, used once
    done, asked = driven(order, fate, voters=voters, shuffled=shuffled)

    finals = [text for step, text in said if step.final]
    assert len({step.name for step in asked}) == len(asked)
    assert bool(finals) == (done.result is not None)
    if done.result is not None:
        assert done.partial == (len(said) < len(asked))
        assert done.model_id
        assert best(done.result) in finals
        if order.mode != "vote":
            assert best(done.result) in {finals[-1], ""}


@given(order=ORDERS, voters=st.integers(1, 10))
def test_without_a_failure_the_steps_are_those_of_the_outline(order, voters):
    done, asked = driven(order, lambda step: "1", voters=voters)

    outline = plan_of(order, MODELS[:voters]).outline()
    assert [sketch.seat.mode for sketch in outline] == [step.seat.mode for step in asked]
    assert not done.partial
    if order.mode == "vote":
        assert (voters + 1 if voters > 1 else 1) == len(asked)
    else:
        assert bound(order, voters) == len(asked)


@given(order=ORDERS, voters=st.integers(1, 10))
def test_where_everything_fails_nothing_comes_out_and_little_is_asked(order, voters):
    done, asked = driven(order, lambda step: None, voters=voters)

    assert done.result is None
    assert (voters if order.mode == "vote" else 1) == len(asked)


def best(result):
    match result:
        case Single(text=text) | Refined(text=text):
            return text
        case Revised(initial_plan=initial, refined_plan=refined):
            return refined or initial
        case Elected(voices=voices, selected=selected):
            return voices[selected].text
    raise AssertionError(result)
