"""The simulator's question: what is written into it, stepped through, and carried along."""

import pytest

from tokenhub.wire.native import PolicyIn
from tokenhub.wire.simulate import Simulation
from tokenhub_tui.state import policies
from tokenhub_tui.state.policies import Bench, Wrong, changed, command, stepped, taken, written


def bench(*several: PolicyIn) -> Bench:
    return Bench(question=Simulation(token_count=500, policies=[*several] or [PolicyIn()]))


@pytest.mark.parametrize(
    ("field", "text", "shown"),
    [
        ("tokens", "12_000", "12000"),
        ("answer", "", ""),
        ("answer", "300", "300"),
        ("hint", " gpt-4o ", "gpt-4o"),
        ("seed", "42", "42"),
        ("last", "1,000", "1000"),
        ("mode", "cheap", "cheap"),
        ("mode", "", ""),
        ("budget", "$0.05", "0.05"),
        ("latency", "5s", "5000"),
        ("latency", "750ms", "750"),
        ("min weight", "3", "3"),
        ("weights", "3, 2 1 4", "3 2 1 4"),
        ("weights", "", ""),
    ],
)
def test_what_is_written_into_a_field_stands_there(field: str, text: str, shown: str) -> None:
    assert shown == written(changed(bench(), field, 0, text), field, 0)


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("tokens", "many", "whole number"),
        ("last", "0", "1 to 50,000"),
        ("mode", "fast", "cheap, normal"),
        ("budget", "nan", "to $100"),
        ("budget", "101", "to $100"),
        ("budget", "five", "USD"),
        ("latency", "0", "1 to 300,000"),
        ("latency", "xs", "milliseconds"),
        ("min weight", "11", "0 to 10"),
        ("weights", "1 2 3", "four numbers"),
        ("weights", "0 0 0 0", "not all"),
        ("weights", "1 1 1 -1", "below 0"),
        ("weights", "inf 1 1 1", "below 0"),
    ],
)
def test_what_no_field_takes_is_told(field: str, text: str, says: str) -> None:
    with pytest.raises(Wrong, match=says.replace("$", r"\$")):
        changed(bench(), field, 0, text)


def test_only_the_policy_that_is_written_changes() -> None:
    two = bench(PolicyIn("cheap"), PolicyIn("normal"))

    after = changed(two, "budget", 1, "0.5")

    assert [None, 0.5] == [one.max_budget_usd for one in after.policies]
    assert [None, None] == [one.max_budget_usd for one in two.policies]


def test_steps_go_through_one_two_five_and_through_modes() -> None:
    one = bench(PolicyIn("cheap", 0.05))

    assert "0.1" == written(stepped(one, "budget", 0, by=1), "budget", 0)
    assert "0.02" == written(stepped(one, "budget", 0, by=-1), "budget", 0)
    assert "1000" == written(stepped(one, "tokens", 0, by=1), "tokens", 0)
    assert "normal" == written(stepped(one, "mode", 0, by=1), "mode", 0)
    assert "" == written(stepped(one, "mode", 0, by=-1), "mode", 0)
    assert "1" == written(stepped(one, "min weight", 0, by=1, now=0.0), "min weight", 0)
    assert "0" == written(stepped(one, "seed", 0, by=-1), "seed", 0)


def test_a_step_begins_with_what_counts_where_nothing_is_said() -> None:
    after = stepped(bench(), "latency", 0, by=-1, now=120_000.0)

    assert "100000" == written(after, "latency", 0)
    assert bench() == stepped(bench(), "budget", 0, by=1, now=None)


def test_steps_end_at_the_bounds() -> None:
    most = bench(PolicyIn(None, 100.0, 300_000, 10))

    for field in ("budget", "latency", "min weight"):
        assert written(most, field, 0) == written(stepped(most, field, 0, by=1), field, 0)


def test_a_request_that_was_made_is_policy_a_with_others_beside_it() -> None:
    given = Simulation(
        mode="cheap", max_budget_usd=0.01, min_weight=2, token_count=37, model_hint="auto",
        api_key_id="key_1",
    )  # fmt: skip

    made = taken(given)

    assert PolicyIn("cheap", 0.01, None, 2) == made.policies[0]
    assert ["cheap", "high_confidence", "thompson"] == [one.mode for one in made.policies]
    assert {0.01} == {one.max_budget_usd for one in made.policies}
    assert (37, "auto", "key_1", None) == (
        made.question.token_count, made.question.model_hint, made.question.api_key_id,
        made.question.mode,
    )  # fmt: skip


def test_the_command_says_what_the_question_does() -> None:
    asked = changed(bench(PolicyIn("cheap", 0.05)), "hint", 0, "it's")

    line = command(asked)

    assert line.startswith("tokenhubctl simulate '{")
    assert '"policies":[{"mode":"cheap","max_budget_usd":0.05}]' in line
    assert "it\\u0027s" in line


def test_weights_are_told_as_parts_of_their_sum() -> None:
    given = {"cost": 3.0, "latency": 2.0, "failure": 1.0, "weight": 4.0}

    assert "cost 30% · latency 20% · failure 10% · weight 40%" == policies.shares(given)
    assert "30 20 10 40 %" == policies.short(given)
