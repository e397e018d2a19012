"""The health of providers, before a real server."""

from pathlib import Path

import pytest

from tests.support.server import Hub, running
from tests.tui.console import before, seen, text, until
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

pytestmark = pytest.mark.anyio

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(Model(id="gpt", context_tokens=4_000),),
    answer_tokens=Constant(value=12),
)
# Nobody listens there.
DEAD = "http://127.0.0.1:9"


async def ask(hub: Hub, key: str, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    await hub.http.post(
        "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
    )


async def test_provider_that_goes_down_is_seen_explained_and_reset(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("good", sim, models=["gpt"])
        await hub.provider("dead", DEAD, models=["lost"])
        key = await hub.key()
        async with before(hub, start="health") as (console, pilot):
            fresh = await seen(console, pilot, "✓ healthy", "2 of 2 providers healthy", "● live")
            await ask(hub, key, "gpt")
            for _ in range(5):
                await ask(hub, key, "lost")
            await seen(console, pilot, "✗✗✗✗✗", "1 of 2 providers healthy")
            await pilot.press("g")
            told = await seen(console, pilot, "─ dead ─", "degraded → down")
            await pilot.press("i")
            ill = await seen(console, pilot, "filter: !state:healthy")
            await until(pilot, lambda: "good" not in text(console))
            await pilot.press("escape", "g", "t")
            await until(pilot, lambda: any("dead" in one.text for one in console.said))
            tested = console.said[-1]
            await pilot.press("R")
            effect = await seen(console, pilot, "Forget what is known of dead and its route")
            await pilot.press("tab", "enter")
            await until(pilot, lambda: console.said[-1].text.startswith("Reset dead in"))
            after = await seen(console, pilot, "2 of 2 providers healthy")

    assert "dead" in fresh
    assert "Last error unreachable" in told
    assert "filter" in ill
    assert "bad" == tested.tone
    assert "after that it is asked" in effect
    assert "✗ down" not in after.split("╭─ dead")[0]


async def test_good_provider_answers_a_test_and_wide_screens_use_their_room(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("good", sim, models=["gpt"])
        await ask(hub, await hub.key(), "gpt")
        async with before(hub, (200, 60), start="health") as (console, pilot):
            shown = await seen(console, pilot, "last 44 calls", "▇", "Never probed")
            await pilot.press("t")
            await until(pilot, lambda: console.said)
            tested = console.said[-1].text
            await seen(console, pilot, "Probed")

    assert "last ok" in shown
    assert tested.endswith("it offers 1 model")


async def test_without_providers_it_says_how_to_have_one(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="health") as (console, pilot):
        shown = await seen(console, pilot, "No provider yet", "● live")
        await pilot.press("slash", *"colour:red")
        wrong = await seen(console, pilot, "there is no field")

    assert "tokenhubctl provider" in shown
    assert "colour" in wrong
