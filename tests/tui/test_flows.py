"""Orchestrations, before a real server."""

import asyncio
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from tests.support.server import Hub, running
from tests.tui.console import before, seen
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Latency, Model, Profile

pytestmark = pytest.mark.anyio


PROFILE = Profile(
    name="simulated",
    dialect="openai",
    models=(Model(id="small"), Model(id="large")),
    answer_tokens=Constant(value=5),
)
# Who asks the second of them waits for longer than any test does.
STUCK = replace(
    PROFILE,
    models=(
        Model(id="small"),
        Model(id="large", latency=Latency(first_token_s=Constant(value=1000.0))),
    ),
)


async def ask(hub: Hub, key: str, mode: str, **fields: object) -> httpx.Response:
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "orchestration": {"mode": mode, "iterations": 2, **fields},
    }
    headers = {"authorization": f"Bearer {key}"}
    return await hub.http.post("/v1/plan", json=body, headers=headers)


async def test_plans_are_shown_with_their_steps_and_lead_to_each_request(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["small", "large"])
        key = await hub.key("chat", "plan")
        async with before(hub) as (console, pilot):
            await pilot.press("9")
            nothing = await seen(console, pilot, "No orchestration yet", "/v1/plan")
            await pilot.press("tab")
            off = await seen(console, pilot, "Temporal is off")
            await pilot.press("tab")
            await ask(hub, key, "adversarial")
            chain = await seen(console, pilot, "adversarial", "critique-2", "refine-2")
            await ask(hub, key, "vote")
            voted = await seen(console, pilot, "vote-2", "judge", "✓ vote")
            await pilot.press("down")
            older = await seen(console, pilot, "not following", "critique-1")
            await pilot.press("enter", "down", "enter")
            request = await seen(console, pilot, "step of")
            await pilot.press("escape", "escape", "f")
            await seen(console, pilot, "judge")

    assert "--scope plan" in nothing
    assert "TOKENHUB_TEMPORAL_ENABLED has no effect yet" in off
    assert "expected $" in chain
    assert "a judge chooses" in voted
    assert "▓" in older
    assert "Attempts" in request


async def test_plan_is_watched_until_its_caller_leaves(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(STUCK) as sim:
        await hub.provider("one", sim, models=["small", "large"])
        key = await hub.key("chat", "plan")
        models = {"primary_model_id": "small", "review_model_id": "large"}
        async with before(hub, size=(200, 60)) as (console, pilot):
            await pilot.press("9")
            await seen(console, pilot, "No orchestration yet", "● live")
            async with asyncio.TaskGroup() as group:
                caller = group.create_task(ask(hub, key, "adversarial", **models))
                going = await seen(console, pilot, "⇢ adversarial", "✓ plan", "⇢ critique-1")
                caller.cancel()
            ended = await seen(console, pilot, "cancelled", "✗ critique-1")

    assert "1 running" in going
    assert "one/large" in going
    assert "caller hung up" in ended
    assert "running" not in ended


async def test_plans_are_filtered_and_those_further_back_asked_for(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["small", "large"])
        key = await hub.key("chat", "plan")
        await ask(hub, key, "vote")
        for _ in range(10):
            await asyncio.gather(*(ask(hub, key, "planning") for _ in range(10)))
        async with before(hub, start="flows") as (console, pilot):
            await seen(console, pilot, "100 of 101", "planning")
            await pilot.press("slash", *"mode:vote", "enter")
            found = await seen(console, pilot, "filter: mode:vote", "1 in the newest 101", "judge")
            await pilot.press("slash", "ctrl+u", *"mode:none", "enter")
            nothing = await seen(console, pilot, "Nothing matches  mode:none")
            await pilot.press("escape")
            await seen(console, pilot, "─ 101 ─", "planning")
            await pilot.press("G")
            last = await seen(console, pilot, "not following", "✓ vote")

    assert "planning" not in found.partition("Steps")[0]
    assert "judge" not in nothing
    assert "✓ planning" in last
