import pytest

from tests.support.builders import an_ask
from tokenhub.core.ask import Directed, Wish
from tokenhub.core.ordered import ordered
from tokenhub.core.plans.steps import Order, Seat


def told(mode):
    return Directed(payload=b"{}", input_tokens=1, wish=Wish(mode=mode))


def of(ask, *, directives=True, may_plan=True):
    return ordered(ask, directives=directives, may_plan=may_plan)


@pytest.mark.parametrize("mode", ["vote", "refine"])
def test_a_chat_is_a_plan_where_policy_or_directive_says_so(mode):
    by_policy = an_ask(model="gpt", wish=Wish(mode=mode))
    by_directive = an_ask(directed=told(mode))

    assert Order(mode=mode, primary=Seat(model="gpt")) == of(by_policy)
    assert Order(mode=mode) == of(by_directive)


@pytest.mark.parametrize("mode", ["planning", "adversarial", "cheap", None])
def test_any_other_mode_of_a_chat_is_one_of_routing(mode):
    assert of(an_ask(wish=Wish(mode=mode))) is None


def test_a_key_that_may_not_plan_gets_one_answer():
    assert of(an_ask(wish=Wish(mode="vote")), may_plan=False) is None


def test_a_key_without_directives_has_none_that_order():
    assert of(an_ask(directed=told("vote")), directives=False) is None


def test_a_directive_stands_over_the_policy():
    assert of(an_ask(wish=Wish(mode="vote"), directed=told("cheap"))) is None


@pytest.mark.parametrize(
    ("order", "wish", "directive", "mode"),
    [
        ("", None, None, "planning"),
        ("", "vote", None, "vote"),
        ("", "vote", "refine", "refine"),
        ("", "cheap", None, "planning"),
        ("vote", "refine", "adversarial", "vote"),
    ],
)
def test_a_plan_has_the_mode_of_the_body_then_directive_then_policy(order, wish, directive, mode):
    ask = an_ask(order=Order(mode=order), wish=Wish(mode=wish))
    if directive:
        ask = an_ask(order=Order(mode=order), wish=Wish(mode=wish), directed=told(directive))

    assert mode == of(ask).mode


def test_a_mode_that_is_no_plans_routes_its_steps():
    found = of(an_ask(order=Order(mode="vote"), wish=Wish(mode="cheap")))

    assert ("cheap", "cheap") == (found.primary.mode, found.review.mode)


def test_the_first_mode_that_is_no_plans_routes_the_steps_of_the_first_that_is():
    ask = an_ask(order=Order(), wish=Wish(mode="refine"), header=Wish(mode="cheap"))

    plain = ordered(ask, directives=True, may_plan=True, own=Wish(mode="normal"))
    directed = ordered(
        an_ask(order=Order(), wish=Wish(mode="vote"), directed=told("cheap")),
        directives=True,
        may_plan=True,
    )

    assert ("refine", "cheap") == (plain.mode, plain.primary.mode)
    assert ("vote", "cheap") == (directed.mode, directed.review.mode)


def test_the_hint_is_the_primary_model_unless_one_is_named():
    hinted = of(an_ask(model="gpt", order=Order()))
    named = of(an_ask(model="gpt", order=Order(primary=Seat(model="other"))))

    assert ("gpt", "other") == (hinted.primary.model, named.primary.model)
    assert "" == hinted.review.model
