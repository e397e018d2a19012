"""The charts, before a real server."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.server import Hub, running
from tests.tui.console import before, seen, text, until
from tests.tui.test_live import Asked
from tests.tui.test_live import ask as live
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub_tui.state.series import TOTALS

pytestmark = pytest.mark.anyio

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(Model(id="gpt"), Model(id="large")),
    answer_tokens=Constant(value=12),
)


SERIES = "/admin/v1/tsdb/query"
# Under the cross-hair: when, and what each curve is then, or that it is a gap.
READ = re.compile(r"[0-9:]{8}  1 gpt [0-9,.-]+  2 large [0-9,.-]+")


async def asked(hub: Hub, sim: Sim, models: Sequence[str]) -> None:
    """A provider with both models, and a request to each that is named."""
    await hub.provider("one", sim, models=["gpt", "large"])
    key = await hub.key()
    for model in models:
        answer = await hub.http.post(
            "/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": "Hello"}]},
            headers={"authorization": f"Bearer {key}"},
        )
        assert 200 == answer.status_code


async def test_charts_are_read_by_keys_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await asked(hub, sim, ["gpt", "gpt", "large"])
        async with before(hub) as (console, pilot):
            await pilot.press("2")
            first = await seen(
                console, pilot, "p95 latency, ms", "last 5 minutes", "1 gpt  2 large"
            )
            await pilot.press("left")
            await until(pilot, lambda: READ.search(text(console)))
            await pilot.press("escape", "enter")
            await seen(console, pilot, "only gpt")
            await pilot.press("escape", "down", "x")
            hidden = await seen(console, pilot, "1 hidden")
            await pilot.press("x", "l", "o", "m")
            await seen(console, pilot, "log scale", "dots: the 5m before", "p50 latency, ms")
            await pilot.press("t")
            await seen(console, pilot, "last hour · step 1 m")
            await pilot.press("b")
            await seen(console, pilot, "one/gpt", "one/large", "2 routes")
            await pilot.press("b", "b")
            await seen(console, pilot, "1 a test", "1 key")
            await pilot.press("s")
            sorted_by = await seen(console, pilot, "p50▾")

    assert "model" in first
    assert "req▾" in first
    assert "x large" in hidden
    assert "req▾" not in sorted_by


async def test_charts_that_are_held_still_answer_another_question(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await asked(hub, sim, ["gpt"])
        key = await hub.key()
        async with before(hub, start="charts") as (console, pilot):
            await seen(console, pilot, "last 5 minutes", "1 model")
            await pilot.press("space")
            held = await seen(console, pilot, "· paused at ")
            await live(hub, key, "large")
            console.link.witness = told = Asked()
            await pilot.press("r")
            await until(pilot, lambda: told.paths.count(SERIES) >= len(TOTALS) + 1)
            await pilot.pause()
            still = text(console)
            await pilot.press("t")
            await seen(console, pilot, "last hour", "paused at ", "2 models")
            await pilot.press("space")
            await until(pilot, lambda: "paused" not in text(console))

    assert "1 model" in held
    assert "1 model" in still


async def test_large_terminal_shows_four_with_the_same_time(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await asked(hub, sim, ["gpt", "large"])
        async with before(hub, (200, 60), start="charts") as (console, pilot):
            shown = await seen(
                console, pilot, "p95 latency, ms", "cost, $/h", "tokens a second", "errors", "1 gpt"
            )
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "cost, $/h" not in text(console))

    axes = [line for line in shown.splitlines() if line.count(":") >= 4 and "─" not in line]
    assert axes
    for axis in axes:
        left, right = (half.split() for half in (axis[:100], axis[100:200]))
        assert left[1:-1] == right[1:-1]


async def test_nothing_to_chart_tells_how_to_make_something(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="charts") as (console, pilot):
        shown = await seen(console, pilot, "No request in the last hour.")

    assert "t shows a longer time" in shown
    assert "tokenhubctl chat" in shown
