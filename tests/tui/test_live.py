"""The live decisions, before a real server."""

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

    assert "filter: model:large" in filtered
    assert "esc clears the filter" in unmatched
