"""What is believed of routes: curves, rows, draws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.wire.rewards import Arm, Reward
from tokenhub_tui.state import posteriors
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.posteriors import POINTS, STRIP, arm_id


def arm(route: str, *, task: str = "", alpha: float = 8.0, beta: float = 2.0) -> Arm:
    provider_id, _, model_id = route.partition("/")
    mean = alpha / (alpha + beta)
    return Arm(
        route=route, provider_id=provider_id, model_id=model_id, task=task, alpha=alpha, beta=beta,
        mean=mean, low=max(0.0, mean - 0.2), high=min(1.0, mean + 0.2), n=alpha + beta, prior=0.1,
        calls=30.0, failing=0.02,
    )  # fmt: skip


def judged(number: int, route: str, score: float, task: str = "chat") -> Reward:
    provider_id, _, model_id = route.partition("/")
    return Reward(
        id=number, timestamp=f"2026-01-01T00:00:{number:02}Z", request_id=f"req_{number}",
        model_id=model_id, provider_id=provider_id, reward=score, weight=1.0, source="caller",
        task=task,
    )  # fmt: skip


@given(st.floats(min_value=1.5, max_value=40), st.floats(min_value=1.5, max_value=40))
def test_density_holds_all_probability_and_its_mean_is_that_of_the_arm(
    alpha: float, beta: float
) -> None:
    points = posteriors.density(alpha, beta)

    assert POINTS == len(points)
    assert 1.0 == pytest.approx(sum(y or 0.0 for _, y in points) / POINTS, abs=0.02)
    mean = sum(x * (y or 0.0) for x, y in points) / POINTS
    assert alpha / (alpha + beta) == pytest.approx(mean, abs=0.02)


@given(st.floats(min_value=0.01, max_value=5000), st.floats(min_value=0.01, max_value=5000))
def test_every_arm_has_a_curve(alpha: float, beta: float) -> None:
    picture = posteriors.plot([arm("one/gpt", alpha=alpha, beta=beta)], "one/gpt", {"one/gpt": 0})

    assert all(y is not None and y >= 0 for curve in picture.curves for _, y in curve.points)


def test_kinds_of_work_begin_with_all_of_it_and_arms_with_the_best() -> None:
    arms = [
        arm("one/gpt"), arm("two/opal", alpha=3.0),
        arm("two/opal", task="code", alpha=9.0), arm("one/gpt", task="chat"),
    ]  # fmt: skip

    assert ["", "chat", "code"] == posteriors.tasks(arms)
    best = posteriors.meant(arms, "", every=False)
    assert ["one/gpt", "two/opal"] == [arm_id(one) for one in best]
    every = posteriors.meant(arms, "", every=True)
    assert ["two/opal@code", "one/gpt@chat"] == [arm_id(one) for one in every]


def test_interval_of_the_arm_under_the_cursor_stands_upright() -> None:
    arms = [arm("one/gpt"), arm("two/opal")]
    colours = {"one/gpt": 0, "two/opal": 1}

    upright = [
        curve
        for curve in posteriors.plot(arms, "two/opal", colours).curves
        if len(curve.points) == 2 and curve.points[0][0] == curve.points[1][0]
    ]

    assert [0.6, 1.0] == pytest.approx([curve.points[0][0] for curve in upright])
    assert {1} == {curve.colour for curve in upright}


def test_one_sharp_belief_does_not_flatten_all_others() -> None:
    arms = [arm("one/gpt", alpha=3, beta=3), arm("two/opal", alpha=90_000, beta=10_000)]

    drawn = posteriors.plot(arms, "", {"one/gpt": 0, "two/opal": 1})

    assert 6 > max(y or 0.0 for curve in drawn.curves for _, y in curve.points)


def test_arm_under_the_cursor_is_always_drawn() -> None:
    arms = [arm(f"one/m{n:02}", alpha=20.0 - n) for n in range(12)]

    assert 8 == len(posteriors.shown(arms, "one/m00"))
    assert ["one/m06", "one/m11"] == posteriors.shown(arms, "one/m11")[-2:]


def test_draws_are_the_same_for_a_seed_and_the_better_wins_more() -> None:
    arms = [arm("one/good", alpha=8, beta=2), arm("one/bad", alpha=2, beta=8)]

    wins = posteriors.drawn(arms, 7)

    assert wins == posteriors.drawn(arms, 7)
    assert 1000 == sum(wins.values())
    assert 900 < wins["one/good"]
    assert {} == posteriors.drawn([], 7)


def test_winners_have_bars_of_their_share() -> None:
    rows = posteriors.winners({"a": 250, "b": 750, "c": 0}, {"b": 0}, 12)

    assert ["b", "a", "c"] == [row.id for row in rows]
    assert ["750", "75.0%", "█" * 12] == [natural(cell) for cell in rows[0].cells[2:]]
    assert ["250", "25.0%", "█" * 4] == [natural(cell) for cell in rows[1].cells[2:]]
    assert "" == natural(rows[2].cells[-1])


def test_row_tells_the_share_of_calls_and_the_interval() -> None:
    row = posteriors.rows([arm("one/gpt"), arm("two/opal")], {"one/gpt": 2}, every=False)[0]

    told = [natural(cell) for cell in row.cells]
    assert ["3", "one/gpt", "0.800", "0.60-1.00", "10.0", "10%", "30", "50%", "2.0%"] == told[:9]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_strip_is_as_wide_as_its_column(one: float, two: float, three: float) -> None:
    drawn = posteriors.strip(*sorted((one, two, three)))

    assert STRIP == len(drawn)
    assert 1 == drawn.count("●")


def test_course_is_the_mean_by_then_in_steps() -> None:
    rewards = [
        judged(3, "one/gpt", 1.0, "code"),
        judged(2, "one/gpt", 0.0),
        judged(1, "one/gpt", 1),
    ]

    all_work = posteriors.course(rewards, {"one/gpt": 0}, left=0.0, right=9e9).curves[0]
    chat = posteriors.course(rewards, {"one/gpt@chat": 0}, left=0.0, right=9e9).curves[0]

    assert [1.0, 1.0, 0.5, 0.5, 2 / 3, 2 / 3] == [y for _, y in all_work.points]
    assert [1.0, 1.0, 0.5, 0.5] == [y for _, y in chat.points]
