"""The simulator, before a real server."""

from pathlib import Path

import pytest

from tests.support.server import Hub, running
from tests.tui.console import before, seen, text, until
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub.wire.simulate import Simulation

pytestmark = pytest.mark.anyio

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    models=(Model(id="small", context_tokens=64_000), Model(id="large", context_tokens=64_000)),
    answer_tokens=Constant(value=12),
)


async def stocked(hub: Hub, sim: Sim) -> None:
    await hub.provider("one", sim)
    await hub.model("small", "one", weight=2)
    await hub.model("large", "one", weight=9, input_per_1k=0.02, output_per_1k=0.04)


async def test_policies_are_compared_edited_and_explained(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await stocked(hub, sim)
        async with before(hub) as (console, pilot):
            await pilot.press("3")
            first = await seen(console, pilot, "A default (normal)", "B cheap", "▶ one/small")
            await pilot.press("right", "down", "e", *"0.00001")
            budget = await seen(
                console, pilot, "✗ no eligible models", "Most that a request may cost"
            )
            await pilot.press("escape")
            await until(pilot, lambda: "✗ no eligible" not in text(console))
            await pilot.press("up", "greater_than_sign", "greater_than_sign")
            third = await seen(console, pilot, "B high_confidence", "the model's weight counts")
            await pilot.press("enter")
            explained = await seen(console, pilot, "lower score wins", "one/large is chosen")
            await pilot.press("escape", "d")
            dropped = await seen(console, pilot, "2 of 3 ←→")

    assert "est. cost" in first
    assert "B would answer nobody" not in first
    assert "no choice" in budget
    assert "\N{MULTIPLICATION SIGN}20 $" in third
    assert "mode high_confidence" in explained
    assert "B high_confidence" in dropped


async def test_what_is_wrong_is_said_where_it_is_written(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await stocked(hub, sim)
        async with before(hub, start="simulate") as (console, pilot):
            await seen(console, pilot, "est. cost")
            await pilot.press("e", *"odd", "enter")
            mode = await seen(console, pilot, "✗ mode: one of cheap, normal")
            await pilot.press("escape", "up", "right", "right", "e", *"none", "enter")
            hint = await seen(console, pilot, "hint none", "A and C differ")
            await pilot.press("down", *"nnnnnnnnnnnnn")
            await until(pilot, lambda: bool(console.page and console.page.off("new")))
            full = console.page.off("new") if console.page else ""

    assert "odd" in mode
    assert "hint none" in hint
    assert "16 are compared at most" == full


async def test_policy_becomes_the_default_and_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await stocked(hub, sim)
        async with before(hub, start="simulate") as (console, pilot):
            await seen(console, pilot, "est. cost")
            await pilot.press("right", "w")
            asked = await seen(console, pilot, "cheap, at most $0.0500", "normal, at most")
            await pilot.press("tab", "enter")
            await seen(console, pilot, "A default (cheap)")
            saved = await hub.admin("GET", "routing-config")
            await pilot.press("ctrl+z")
            await seen(console, pilot, "A default (normal)")
            restored = await hub.admin("GET", "routing-config")
        async with before(hub, start="simulate", read_only=True) as (console, pilot):
            await seen(console, pilot, "est. cost")
            off = console.page.off("save") if console.page else ""

    assert "Cancel" in asked
    assert ("cheap", "normal") == (saved["default_mode"], restored["default_mode"])
    assert "the console only reads here" == off


async def test_logged_requests_are_replayed_and_a_request_is_carried_along(tmp_path: Path) -> None:
    async with running(tmp_path, EXPLORATION_TEMP="5") as hub, Sim(PROFILE) as sim:
        await stocked(hub, sim)
        headers = {"authorization": f"Bearer {await hub.key()}"}
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
        for _ in range(60):
            await hub.http.post("/v1/chat/completions", json=body, headers=headers)
        async with before(hub, size=(200, 60)) as (console, pilot):
            console.prefill = Simulation(mode="cheap", token_count=37, max_budget_usd=0.02)
            await pilot.press("3")
            carried = await seen(console, pilot, "tokens 37", "A cheap", "C thompson", "est. cost")
            await pilot.press("p")
            replayed = await seen(console, pilot, "60 requests", "was→would", "refused")
            await pilot.press("escape")
            again = await seen(console, pilot, "est. cost", "A cheap")

    assert "B high_confidence" in carried
    assert "$0.0200" in carried
    assert "cannot be told" in replayed
    assert "$ each" in replayed
    assert "was→would" not in again
