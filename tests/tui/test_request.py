"""One request with all that is known of it, before a real server."""

from pathlib import Path

import pytest

from tests.support.server import running
from tests.tui.console import before, seen, until
from tests.tui.test_live import PROFILE, ask
from tokenhub.client.calls.observe import get_request
from tokenhub.client.calls.routing import simulate
from tokenhub.client.stream import Heard
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub_tui.app import Console
from tokenhub_tui.screens.plan import PlanPage
from tokenhub_tui.state.request import simulation
from tokenhub_tui.widgets.json_tree import JsonTree

pytestmark = pytest.mark.anyio


async def test_request_tells_who_was_tried_and_is_asked_again(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as good, Sim(PROFILE) as bad:
        await hub.provider("good", good, models=["gpt"])
        await hub.provider("bad", bad, models=["large"])
        bad.next(Fault.status(500))
        request_id = await ask(hub, await hub.key(), "large")
        await hub.admin(
            "POST", "feedback", {"request_id": request_id, "score": 0.8, "label": "accepted"}
        )
        async with before(hub, size=(200, 60)) as (console, pilot):
            await seen(console, pilot, "↻", request_id[:12])
            await pilot.press("enter")
            shown = await seen(console, pilot, "200 after 1 fail-over", "0.80")
            await pilot.press("tab")
            await seen(console, pilot, '"attempts": [ 2 ]', f'"request_id": "{request_id}"')
            while '"attempts"' not in under_cursor(console):
                await pilot.press("j")
            await pilot.press("down", "right")
            record = await seen(console, pilot, '"error_class": "overloaded"')
            await pilot.press("left", "left", "left")
            folded = await seen(console, pilot, '▶ "attempts": [ 2 ]')
            await pilot.press("s")
            await seen(console, pilot, "3 Simulate", "hint large")
            asked = simulation(await console.link(get_request(request_id)))
            answer = await console.link(simulate(asked))

    assert "bad/large" in shown
    assert "good/gpt" in shown
    assert "500" in shown
    assert "voided" in shown or "unknown" in shown
    assert '▼ "attempts": [ 2 ]' in record
    assert "overloaded" not in folded
    assert "large" == asked.model_hint
    assert {"bad/large", "good/gpt"} >= {one.route for one in _ranked(answer)} != set()


def under_cursor(console: Console) -> str:
    tree = console.screen.query_one(JsonTree)
    return tree.render_line(tree.cursor_line - tree.scroll_offset.y).text


def _ranked(answer):
    return answer.results[0].explained.candidates


async def test_request_is_copied_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        request_id = await ask(hub, await hub.key(), "gpt")
        async with before(hub, start="logs") as (console, pilot):
            await seen(console, pilot, "1 of 1")
            await pilot.press("enter")
            await seen(console, pilot, "Attempts", "Policy", "default")
            await pilot.press("y")
            copied = console.clipboard
            await pilot.press("Y")
            await seen(console, pilot, "Copy as", "with the token by its variable")
            await pilot.press("down", "enter")
            await until(pilot, lambda: console.clipboard != copied)
            console.copy("x" * 80_000, "much")

    assert request_id == copied
    assert f"/admin/v1/requests/{request_id}" in console.clipboard
    assert hub.url in console.clipboard
    assert 80_000 == (tmp_path / "tokenhub" / "clip.txt").stat().st_size
    assert console.said[-1].text.startswith("Too long for the terminal's clipboard")


async def test_step_leads_to_its_plan_and_back(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key("chat", "plan")
        body = {
            "messages": [{"role": "user", "content": "Hello"}],
            "orchestration": {"mode": "refine", "iterations": 1},
        }
        answer = await hub.http.post("/v1/plan", json=body, headers={"x-api-key": key})
        plan_id = answer.json()["orchestration_id"]
        async with before(hub, start="logs") as (console, pilot):
            await seen(console, pilot, " gpt ")
            await pilot.press("enter")
            await seen(console, pilot, "step of", plan_id)
            await pilot.press("o")
            plan = await seen(console, pilot, "refine · succeeded", f"Steps of {plan_id}")
            # It has ended, so that there is nothing to ask again.
            assert isinstance(console.page, PlanPage)
            assert console.page.every_s is None
            await pilot.press("enter")
            await seen(console, pilot, "Attempts")
            await pilot.press("escape", "escape", "escape")
            listed = await seen(console, pilot, "newest first")

    assert " gpt " in plan
    assert "Requests │ Audit" in listed


async def test_unknown_request_is_said_to_be_none(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        console.open_request("req_none")
        shown = await seen(console, pilot, "esc goes back")
        await pilot.press("y", "s", "escape")
        left = await seen(console, pilot, "No request yet")

    assert "req_none" in shown
    assert "Attempts" not in left


async def test_request_that_runs_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        request_id = await ask(hub, await hub.key(), "gpt")
        now = "2026-01-31T10:00:00.000Z"
        async with before(hub) as (console, pilot):
            await seen(console, pilot, request_id[:12])
            console.link.inbox.append(Heard(type="request_started", timestamp=now, request_id="r"))
            await until(pilot, lambda: console.feed.get("r"))
            console.open_request("r")
            waiting = await seen(console, pilot, "r is still running")

    assert "as soon as it is over" in waiting
