"""What goes wrong beside a screen is told, and the screen goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.support.server import ADMIN_TOKEN, running
from tests.tui.console import Way, before, seen, until
from tokenhub.wire.logs import Facet, FacetValue, LogFacets
from tokenhub.wire.problem import Problem
from tokenhub_tui.state.flushes import MOST_LONG
from tokenhub_tui.widgets.filter_bar import FilterBar

pytestmark = pytest.mark.anyio

PASSWORD = "correct_horse_battery"


async def at_once(_: httpx.Request) -> None:
    """Without waiting."""


class Between(Way):
    """Passes questions on, and keeps their paths; `does` may raise, or answer, in their place."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.waits: Callable[[httpx.Request], Awaitable[None]] = at_once
        self.does: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        await self.waits(request)
        return self.does(request) or await super().handle_async_request(request)


def breaks(part: str) -> Callable[[httpx.Request], None]:
    """A fault at each question whose path has this part."""

    def does(request: httpx.Request) -> None:
        if part in request.url.path:
            raise KeyError(f"x {ADMIN_TOKEN}")

    return does


def gone(_: httpx.Request) -> None:
    raise httpx.ConnectError("refused")


async def test_a_fault_while_a_screen_is_loaded_is_told_and_it_is_asked_again(
    tmp_path: Path,
) -> None:
    between = Between()
    async with (
        running(tmp_path) as hub,
        before(hub, start="keys", transport=between) as (console, pilot),
    ):
        await seen(console, pilot, "No API key yet")
        between.does = breaks("apikeys")
        await pilot.press("r")
        await until(pilot, lambda: console.said)
        between.does = lambda _: None
        await hub.admin("POST", "apikeys", {"name": "one", "scopes": ["chat"]})
        await pilot.press("r")
        await seen(console, pilot, "1 key")

    assert "KeyError: 'x …'" == console.said[0].text


async def test_a_dialog_can_be_tried_again_after_a_fault(tmp_path: Path) -> None:
    between = Between()
    async with (
        running(tmp_path, VAULT_ENABLED="true") as hub,
        before(hub, transport=between) as (console, pilot),
    ):
        await seen(console, pilot, "no vault")
        await pilot.press("u")
        await seen(console, pilot, "Set up the vault")
        between.does = breaks("vault")
        await pilot.press(*PASSWORD, "enter", *PASSWORD, "enter")
        await until(pilot, lambda: console.said)
        button = console.screen.query_one("#yes")
        await until(pilot, lambda: not button.disabled)


class Faulty:
    """A witness that cannot bear what it hears."""

    def heard(self, events: object) -> None:
        raise KeyError

    def answered(self, call: object, answer: object, at: float) -> None:
        """It bears answers."""


async def test_a_fault_of_the_stream_is_a_lost_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "● live")
        console.link.witness = Faulty()
        await hub.admin("POST", "apikeys", {"name": "one", "scopes": ["chat"]})
        await seen(console, pilot, "◐ retry")


async def test_what_did_not_come_is_asked_for_again_where_it_is_asked_for_once(
    tmp_path: Path,
) -> None:
    between = Between()
    between.does = gone
    async with (
        running(tmp_path) as hub,
        before(hub, start="simulate", transport=between) as (console, pilot),
    ):
        await seen(console, pilot, "it is asked again by itself")
        between.does = lambda _: None
        await until(pilot, lambda: console.page is not None and console.page.loaded)


async def test_what_is_said_of_the_server_does_not_starve_under_changes(tmp_path: Path) -> None:
    between = Between()
    asked, let = asyncio.Event(), asyncio.Event()

    async def waits(request: httpx.Request) -> None:
        if request.url.path.endswith("/info"):
            asked.set()
            await let.wait()

    async with running(tmp_path) as hub, before(hub, transport=between) as (console, pilot):
        await seen(console, pilot, "● live", "no vault")
        console.info = None
        between.waits = waits
        await pilot.press("r")
        await asked.wait()
        count = len(between.asked)
        for _ in range(3):
            await pilot.press("r")
        let.set()
        await until(pilot, lambda: console.info)
        await until(pilot, lambda: between.asked[count:].count("/admin/v1/info") == 1)


def refuses(request: httpx.Request) -> httpx.Response | None:
    """What steers a terminal, in what a server says."""
    if request.url.path.endswith("/facets"):
        value = FacetValue(value="gpt\x1b[2Jx", count=1)
        facets = {"model": Facet(values=[value], distinct=1, others=0)}
        found = LogFacets(since="", until="", total=1, exact=True, facets=facets)
        return httpx.Response(200, content=msgspec.json.encode(found))
    if request.url.path.endswith("/apikeys"):
        why = "no \x1b]52;c;ZXZp\x07way"
        problem = Problem(
            type="about:blank", title="", status=400, detail=why, code="x", error=why
        )  # fmt: skip
        return httpx.Response(400, content=msgspec.json.encode(problem))
    return None


async def test_words_of_a_server_do_not_steer_the_terminal(tmp_path: Path) -> None:
    between = Between()
    async with running(tmp_path) as hub, before(hub, transport=between) as (console, pilot):
        await seen(console, pilot, "No request yet")
        between.does = refuses
        await pilot.press("slash", *"model:g")
        bar = console.screen.query_one(FilterBar)
        await until(pilot, lambda: bar.first)
        await pilot.press("escape")
        between.does = lambda _: None
        await pilot.press("5")
        await seen(console, pilot, "No API key yet")
        between.does = refuses
        await pilot.press("r")
        await until(pilot, lambda: list(console._notifications))
        toasts = [one.message for one in console._notifications]

    assert "model:gptx" == bar.first
    assert toasts[0].startswith("no way")


async def test_a_terminal_that_does_not_keep_up_is_told_and_sent_less(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        quick = await seen(console, pilot, "● live")
        for _ in range(MOST_LONG):
            console.flushes.took(1.0)
        slow = await seen(console, pilot, "slow")
        turns: list[int] = []
        maybe = console._paced(lambda: turns.append(1))
        for _ in range(10):
            maybe()
        console.on_app_blur()
        console._blurred_at -= 100
        for _ in range(10):
            maybe()

    assert "slow" not in quick
    assert "● live" in slow
    assert 5 + 2 == len(turns)
