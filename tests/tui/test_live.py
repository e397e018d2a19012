"""The live decisions, before a real server."""

from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.server import Hub, running
from tests.tui.console import before, seen, text, until
from tests.tui.recorded import SetClock
from tokenhub.client.call import Call
from tokenhub.client.stream import Heard
from tokenhub.client.text import from_ms
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub_tui.app import Console
from tokenhub_tui.state.feed import RING

pytestmark = pytest.mark.anyio
T = TypeVar("T")

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(Model(id="gpt", context_tokens=4_000), Model(id="large", context_tokens=64_000)),
    answer_tokens=Constant(value=12),
)


async def ask(hub: Hub, key: str, model: str = "auto") -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    answer = await hub.http.post(
        "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
    )
    request_id: str = answer.headers["x-request-id"]
    return request_id


async def test_request_appears_with_its_candidates(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        async with before(hub) as (console, pilot):
            await seen(console, pilot, "No request yet", "● live")
            request_id = await ask(hub, key)
            shown = await seen(console, pilot, "✓", request_id[:12], "one/gpt", "one/large")

    assert "lower score wins" in shown


async def test_requests_of_before_are_there_with_their_decisions(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        request_id = await ask(hub, await hub.key())
        async with before(hub) as (console, pilot):
            shown = await seen(console, pilot, "✓", request_id[:12], "one/gpt", "one/large")

    assert "▶" in shown


async def test_filter_shows_what_it_means_and_esc_clears_it(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        async with before(hub) as (console, pilot):
            await seen(console, pilot, "No request yet")
            await ask(hub, key, "gpt")
            await ask(hub, key, "large")
            await until(pilot, lambda: len(console.feed) == 2)
            await pilot.press("slash", *"model:large", "enter")
            filtered = await seen(console, pilot, "1 of 2")
            await pilot.press("slash", *"zzz", "enter")
            unmatched = await seen(console, pilot, "Nothing matches")
            await pilot.press("escape")
            await until(pilot, lambda: "filter" not in text(console))
            await pilot.press("up")
            await seen(console, pilot, "f follows")

    assert "filter: model:large" in filtered
    assert "esc clears the filter" in unmatched


async def test_pause_and_follow_say_what_is_waiting(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        async with before(hub, size=(200, 60)) as (console, pilot):
            first = await ask(hub, key)
            wide = await seen(console, pilot, first, "✓", "What the scores are made of", "in/out")
            await pilot.press("space")
            await ask(hub, key)
            await ask(hub, key)
            paused = await seen(console, pilot, "1 · paused 00:", "2 new")
            await pilot.press("space", "up")
            left = await seen(console, pilot, "f follows · 0 new")
            last = await ask(hub, key)
            await seen(console, pilot, "f follows · 1 new")
            await pilot.press("f")
            await seen(console, pilot, last)
            await until(pilot, lambda: "f follows" not in text(console))

    assert "best of 2" in wide
    assert 1 == paused.count(" best of 2")
    assert first not in left


async def test_pause_holds_what_is_seen_and_all_that_can_be_done_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, size=(120, 36)) as (console, pilot):
        await seen(console, pilot, "No request yet", "● live")
        hear(console, "request_started", "first", key="cheap-bot")
        await seen(console, pilot, "cheap-bot")
        await pilot.press("space")
        await seen(console, pilot, "paused")
        hear(console, "route_error", "first", key="cheap-bot")
        hear(console, "route_success", *(f"request {number}" for number in range(RING + 10)))
        shown = await seen(console, pilot, f"{RING + 11:,} new, 1 ✗")
        await pilot.press("y")
        copied = console.clipboard
        await pilot.press("space")
        await until(pilot, lambda: "cheap-bot" not in text(console))

    assert "✗" not in shown.split("cheap-bot")[0].splitlines()[-1]
    assert "cheap-bot" in shown
    assert "first" == copied


async def test_filter_of_the_last_minutes_goes_on_with_the_time(tmp_path: Path) -> None:
    clock = SetClock(1_767_225_600.0)
    async with running(tmp_path) as hub, before(hub, clock=clock) as (console, pilot):
        await seen(console, pilot, "No request yet")
        hear(console, "route_success", "first", key="cheap-bot")
        await pilot.press("slash", *"since:5m", "enter")
        await seen(console, pilot, "✓", "1 of 1")
        clock.at += 301
        await seen(console, pilot, "Nothing matches", "0 of 1")


def hear(console: Console, what: str, *requests: str, key: str = "") -> None:
    """Let the console hear of these requests."""
    at = from_ms(console.clock.now() * 1000)
    console.link.inbox += [
        Heard(type=what, timestamp=at, request_id=name, api_key_name=key) for name in requests
    ]


async def test_w_tells_why_not_and_y_copies_the_id(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        await hub.model("old", "one", enabled=False)
        key = await hub.key()
        async with before(hub) as (console, pilot):
            request_id = await ask(hub, key)
            await seen(console, pilot, request_id, "✓", "switched off")
            await pilot.press("y", "w")
            lost = await seen(console, pilot, "Why not?", "is at place 2 by its score")
            await pilot.press("end")
            left = await seen(console, pilot, "one/old was left out: switched off.")
            await pilot.press("escape")
            await until(pilot, lambda: "Why not? ─" not in text(console))
            copied = console.clipboard

    assert "against" in lost
    assert "Close" in left
    assert request_id == copied


class Asked:
    """What the console has asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def heard(self, events: list[Heard]) -> None:
        """Events are no questions."""

    def answered(self, call: Call[T], answer: T, at: float) -> None:
        del answer
        self.paths.append(call.path)


async def test_wide_and_high_terminal_charts_the_models_on_screen(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        await ask(hub, key, "gpt")
        async with before(hub, size=(159, 60)) as (console, pilot):
            console.link.witness = asked = Asked()
            await seen(console, pilot, "✓ gpt")
            await pilot.press("r")
            await until(pilot, lambda: "/admin/v1/stats" in asked.paths)
            narrow = [*asked.paths]
            await pilot.resize_terminal(160, 60)
            charted = await seen(console, pilot, "p95 latency, ms · last 15 minutes", "1 gpt ─")
            await ask(hub, key, "large")
            await pilot.press("r")
            await seen(console, pilot, "1 gpt  2 large ─")
            await pilot.resize_terminal(160, 36)
            await until(pilot, lambda: "last 15 minutes" not in text(console))

    assert "/admin/v1/tsdb/query" not in narrow
    assert 2 == charted.count("one/large")  # among the candidates, and by the parts of its score


async def test_figures_are_counted_up_by_events(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        async with before(hub) as (console, pilot):
            await seen(console, pilot, "No request yet", "● live")
            console.workers.cancel_group(console.screen, "poll")
            for _ in range(3):
                await ask(hub, key)
            shown = await seen(console, pilot, "\n 0.6 ")

    assert "0.0%" in shown
