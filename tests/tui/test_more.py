"""The screen More, before a real server."""

from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from tests.support.server import running
from tests.tui.console import before, seen
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model, Profile
from tokenhub_tui.state.more import Fact
from tokenhub_tui.widgets.facts import Facts

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


class Told(App[None]):
    """Facts, and nothing else."""

    def compose(self) -> ComposeResult:
        yield Facts(id="facts")


async def test_a_fact_in_wide_letters_goes_on_under_its_beginning() -> None:
    app = Told()
    async with app.run_test(size=(24, 8)) as pilot:
        app.query_one(Facts).show([Fact(name="name", value="模型" * 10)])
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        shown = [strip.text.rstrip() for strip in strips if strip.text.strip()]

    assert ["name  " + "模型" * 4 + "模", "      型" + "模型" * 4, "      模型"] == shown
