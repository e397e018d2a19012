"""The rewards, before a real server."""

from pathlib import Path

import httpx
import msgspec
import pytest

from tests.support.server import Hub, running
from tests.tui.console import Gate, before, seen, text, until
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub.wire.rewards import Reward, RewardPage

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


def judgements(url: httpx.URL) -> bytes | None:
    """A page of 5,000 judgements of one model."""
    if url.path != "/admin/v1/rewards":
        return None
    first, limit = int(url.params.get("before") or 5001) - 1, int(url.params["limit"])
    rows = [
        Reward(
            id=number, timestamp="2026-01-01T12:00:00Z", request_id=f"req_{number}",
            model_id="gpt", provider_id="one", reward=1.0, weight=1.0, source="caller", task="chat",
        )
        for number in range(first, first - limit, -1)
    ]  # fmt: skip
    following = str(rows[-1].id) if rows[-1].id > 1 else None
    page = RewardPage(rewards=rows, total=5000, limit=limit, offset=0, next=following)
    return msgspec.json.encode(page)


async def test_a_rare_filter_looks_at_some_pages_and_rests(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake = judgements
    async with running(tmp_path) as hub, before(hub, start="rewards", transport=gate) as seat:
        console, pilot = seat
        await seen(console, pilot, "Entries")
        await pilot.press("tab")
        await seen(console, pilot, "200 of 5,000")
        await pilot.press("slash", *"model:nobody", "enter")
        await seen(console, pilot, "0 in the newest 2,200 of 5,000")
        for _ in range(2):
            asked = len(gate.asked)
            await pilot.press("r")
            await until(pilot, lambda asked=asked: len(gate.asked) > asked + 1)
        shown = text(console)

    assert "0 in the newest 2,200 of 5,000" in shown
    assert 10 == len(following(gate))


async def test_the_end_of_the_list_is_asked_for_once_however_it_is_moved_to(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake, gate.held = judgements, "before="
    async with running(tmp_path) as hub, before(hub, start="rewards", transport=gate) as seat:
        console, pilot = seat
        await seen(console, pilot, "Entries")
        await pilot.press("tab")
        await seen(console, pilot, "200 of 5,000")
        await pilot.press("G", "k", "j", "k", "j")
        asked = following(gate)
        gate.open.set()
        await seen(console, pilot, "400 of 5,000")
        gate.open.clear()
        await pilot.press("G", "k")
        await until(pilot, lambda: len(following(gate)) == 2)
        await pilot.press("1", "8", "G", "k", "j")
        await until(pilot, lambda: len(following(gate)) == 3)
        gate.open.set()
        await seen(console, pilot, "600 of 5,000")

    assert 1 == len(asked)
    assert 3 == len(following(gate))


def following(gate: Gate) -> list[str]:
    return [call for call in gate.asked if "before=" in call]
