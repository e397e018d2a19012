"""Every screen as it is kept, at three sizes and in two themes. `just snap` keeps it.

Beside the text, which a person can read in a diff, is an SVG that shows the colours. The servers
are recordings of simulated providers, and the clock stands.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.console import SIZES, text
from tests.tui.picture import svg
from tests.tui.recorded import Away, Broken, Recorded, Silent, load
from tests.tui.staged import PLACES, THEMES, here, rested, shown, staged
from tokenhub_tui.app import Console
from tokenhub_tui.screens import PAGES
from tokenhub_tui.state.standing import OFFLINE, Standing

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

FOLDER = Path(__file__).parent / "snapshots"
WRITING = os.environ.get("SNAP") == "write"  # noqa: TID251 - of this test, no setting
SMALL = SIZES[0]
# What each state shows, by the server that a console is before.
STATES = {
    "empty": ("empty", Recorded),
    "locked": ("locked", Recorded),
    "loading": ("busy", Silent),
    "error": ("busy", Broken),
    "offline": ("busy", Away),
}


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    before = os.environ.get("TZ", "")  # noqa: TID251 - of this process alone
    here()
    yield
    here(before)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("place", PLACES)
async def test_screen_looks_as_it_did(place: str, size: tuple[int, int]) -> None:
    session = load("busy")
    server = Recorded(session)
    async with staged(server, session.at, size, place) as (console, pilot):
        for theme in THEMES:
            console.theme = theme
            if theme == THEMES[0]:
                await shown(console, pilot, place, server)
            await rested(console, pilot, server)
            same(f"{place}/{size[0]}x{size[1]}", console, theme)

    # Where the log comes before the events, the newest is asked for, and told right after by them.
    missing = [ask for ask in server.missing if "/admin/v1/requests/" not in ask]
    assert [] == missing, "asked for what is not recorded: just record"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("place", PAGES)
async def test_state_looks_as_it_did(place: str, state: str) -> None:
    name, kind = STATES[state]
    session = load(name)
    server = kind(session)
    async with staged(server, session.at, SMALL, place) as (console, pilot):
        if state == "offline":
            # How often it has tried depends on the machine.
            console.workers.cancel_group(console, "events")
            console.link.standing = Standing(
                state=OFFLINE, since=session.at - 130, reason="connection refused"
            )
            console.draw_bars()
        if state == "loading":
            await pilot.pause(0.3)
        else:
            await rested(console, pilot, server)
        same(f"{place}/{state}", console, THEMES[0])


def same(name: str, console: Console, theme: str) -> None:
    """Compare with what is kept; where it is wanted, keep it."""
    shown_text = text(console)
    picture = svg(console)
    plain = FOLDER / f"{name}.txt"
    coloured = FOLDER / f"{name}-{theme.removeprefix('tokenhub-')}.svg"
    if WRITING:
        plain.parent.mkdir(parents=True, exist_ok=True)
        if theme == THEMES[0]:
            plain.write_text(shown_text)
        coloured.write_text(picture)
        return
    assert plain.exists(), f"{name} is new: just record, just snap, and look at it"
    # One text does for both themes: the other differs in nothing but a theme's own name.
    assert theme != THEMES[0] or plain.read_text() == shown_text
    assert coloured.read_text() == picture, f"the colours of {name} are others"
