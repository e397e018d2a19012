"""A console of a recording, on a screen of a size, that has come to rest."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.tui.console import text
from tests.tui.recorded import Recorded, SetClock
from tokenhub.client.profile import Profile
from tokenhub_tui.app import Console
from tokenhub_tui.screens import PAGES
from tokenhub_tui.screens.base import Page
from tokenhub_tui.state.standing import LIVE, OFFLINE

# Beside the screens of the digits, what is opened from them.
PLACES = (*PAGES, "request")
THEMES = ("tokenhub-dark", "tokenhub-light")
# So often in a row nothing is another, and it is taken as the end.
_STILL, _LOOK_S, _PATIENCE_S = 3, 0.15, 60.0


@asynccontextmanager
async def staged(
    server: Recorded, at: float, size: tuple[int, int], start: str = "live"
) -> AsyncIterator[tuple[Console, Pilot[None]]]:
    """A console before a recorded server; the time stands at `at`."""
    console = Console(
        Profile(url="http://127.0.0.1:8080", token="a token"),
        name="demo", start=start if start in PAGES else "live",
        clock=SetClock(at), transport=server,
    )  # fmt: skip
    console.animation_level = "none"
    async with console.run_test(size=size) as pilot:
        yield console, pilot


async def shown(console: Console, pilot: Pilot[None], place: str, server: Recorded) -> None:
    """Go to a place and wait until nothing moves there."""
    if place in PAGES:
        console.action_go(place)
    else:
        await rested(console, pilot, server)
        line = next(one for one in reversed(console.feed.lines) if one.attempts[1:])
        console.open_request(line.request_id)
    await rested(console, pilot, server)


async def rested(console: Console, pilot: Pilot[None], server: Recorded) -> None:
    """Wait until all answers are there, and drawn."""
    still, before = 0, ""
    async with asyncio.timeout(_PATIENCE_S):
        while still < _STILL:
            # What is drawn once a second may have been drawn before something came.
            console.draw_bars()
            if console.page is not None:
                console.page.ticked()
            await pilot.pause(_LOOK_S)
            now = text(console)
            heard = console.link.standing.state in {LIVE, OFFLINE} and not console.link.inbox
            quiet = heard and not server.asking and _settled(console)
            still = still + 1 if quiet and now == before else 0
            before = now


def _settled(console: Console) -> bool:
    """Whether what is seen has got its answer, or the word that there will be none."""
    page = console.screen
    if not isinstance(page, Page):
        return True
    return page.loaded or "Asking the server" not in text(console)


def here(zone: str = "UTC") -> None:
    """Let this process be in a time zone."""
    os.environ["TZ"] = zone  # noqa: TID251 - of this process alone
    time.tzset()
