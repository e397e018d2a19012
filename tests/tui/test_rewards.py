"""The rewards, before a real server."""

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
    models=(Model(id="gpt"), Model(id="large")),
    answer_tokens=Constant(value=12),
)


async def judged(hub: Hub, sim: Sim) -> None:
    """Answers of two models: one was good, one was bad."""
    await hub.provider("one", sim, models=["gpt", "large"])
    key = await hub.key()
    # Questions that are alike would count as a retry, which is a judgement as well.
    questions = {"gpt": "What is the capital of Peru?", "large": "Write of rain in ten words."}
    for model, thumbs in (("gpt", "up"), ("large", "down")):
        answer = await hub.http.post(
            "/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": questions[model]}]},
            headers={"authorization": f"Bearer {key}"},
        )
        request_id = answer.headers["x-request-id"]
        await hub.admin("POST", "feedback", {"request_id": request_id, "thumbs": thumbs})


async def test_beliefs_are_shown_drawn_from_and_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await judged(hub, sim)
        async with before(hub) as (console, pilot):
            await pilot.press("8")
            first = await seen(console, pilot, "all work", "1 one/gpt", "2 one/large", "2 arms")
            await pilot.press("down")
            below = await seen(console, pilot, "2 one/large  0.", "95 % in")
            await pilot.press("d")
            drawn = await seen(console, pilot, "who is best in 1,000 draws · seed 1", "█")
            await pilot.press("escape", "b")
            await seen(console, pilot, "believed to be", "chat · 0 useless")
            await pilot.press("a")
            await seen(console, pilot, "every kind of work")
            await pilot.press("R")
            await seen(console, pilot, "is forgotten", 'Type "one/large"')
            await pilot.press(*"one/large", "enter")
            await until(pilot, lambda: "1 arm " in text(console))
            said = [one.text for one in console.said]

    assert "how good its answers are believed to be" in first
    assert "one/large  0." in below
    assert any(one.startswith("Forgot what was learned of one/large") for one in said)
    assert "quality alone" in drawn


async def test_judgements_are_filtered_and_judged_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await judged(hub, sim)
        async with before(hub, (200, 60), start="rewards") as (console, pilot):
            tall = await seen(console, pilot, "mean of the judgements", "0 ─ quality ─ 1", "├")
            await pilot.press("tab")
            entries = await seen(console, pilot, "✓  1.00", "✗  0.00", "operator", "2 of 2")
            await pilot.press("slash", *"score<0.5", "enter")
            filtered = await seen(console, pilot, "1 in the newest 2 of 2")
            await pilot.press("J")
            await seen(console, pilot, "How good was req_")
            await pilot.press("enter")
            # What was said before happened, too: it counts no more, and stays in the list.
            await seen(console, pilot, "1 in the newest 3 of 3")
            said = [one.text for one in console.said]
            await pilot.press("escape")
            await until(pilot, lambda: "filter" not in text(console).partition("╭")[0])
            await pilot.press("enter")
            await until(pilot, lambda: len(console.screen_stack) > 1)

    assert "one/gpt" in tall
    assert "one/large" in entries
    assert "one/gpt" not in filtered
    assert any(one.startswith("Judged req_") for one in said)


async def test_without_a_judgement_it_tells_how_to_make_one(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="rewards") as (console, pilot):
        shown = await seen(console, pilot, "no answer was judged")
        await pilot.press("tab")
        entries = await seen(console, pilot, "No answer was judged yet.")

    assert "tokenhubctl feedback add" in shown
    assert "tokenhubctl feedback add" in entries
