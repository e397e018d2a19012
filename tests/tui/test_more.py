"""The screen More, before a real server."""

from pathlib import Path

import pytest

from tests.support.server import running
from tests.tui.console import before, seen
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model, Profile

pytestmark = pytest.mark.anyio

PROFILE = Profile(name="simulated", dialect="openai", models=(Model(id="gpt"),))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_more_tells_of_server_console_messages_and_checks(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        await hub.provider("gone", "http://127.0.0.1:9")
        async with before(hub, size=size, start="more") as (console, pilot):
            first = await seen(
                console, pilot, "Server", "1 model", "missed", "said nothing yet", hub.url
            )
            console.say("Rotated key ci-bot in 82 ms")
            await pilot.press("m")
            messages = await seen(console, pilot, "Messages · 1", "✓ Rotated key ci-bot")
            await pilot.press("D")
            checked = await seen(
                console, pilot, "✓ provider one", "✗ provider gone", "! vault", "Checks ─"
            )
            await pilot.press("m")
            await seen(console, pilot, "Messages · 1")

    assert "no vault" in first
    assert "nothing" in first
    assert "Rotated key" in messages
    assert checked.index("✗ provider gone") < checked.index("✓ provider one")
