"""The one connection, before real servers that come and go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.support.server import ADMIN_TOKEN, child, running
from tests.tui.console import before, seen, until
from tests.tui.test_live import PROFILE, ask
from tokenhub.client.calls.info import info
from tokenhub.client.profile import Profile
from tokenhub.sim.app import Sim
from tokenhub_tui.app import Console
from tokenhub_tui.clock import SystemClock
from tokenhub_tui.link import Link
from tokenhub_tui.screens.logs import LogsPage

pytestmark = pytest.mark.anyio

PATIENCE_S = 30.0


@asynccontextmanager
async def linked(url: str, token: str = ADMIN_TOKEN) -> AsyncIterator[Link]:
    """A link that listens."""
    link = Link(Profile(url=url, token=token), SystemClock())
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(link.listen())
        try:
            yield link
        finally:
            listening.cancel()
            await link.aclose()


async def comes(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


def heard(link: Link, kind: str) -> list[str]:
    return [one.request_id or one.resource for one in link.inbox if one.type == kind]


async def test_stream_goes_on_after_the_server_was_killed_and_the_feed_is_filled(
    tmp_path: Path,
) -> None:
    async with Sim(PROFILE) as sim, child(tmp_path) as first:
        await first.provider("one", sim, models=["gpt", "large"])
        key = await first.key()
        async with before(first, size=(120, 36)) as (console, pilot):
            await seen(console, pilot, "No request yet", "● live")
            early = await ask(first, key)
            await seen(console, pilot, "✓", early)
            await first.kill()
            lost = await seen(console, pilot, "◐ retry")
            async with child(tmp_path, LISTEN_ADDR=f"127.0.0.1:{first.port}") as second:
                unheard = [await ask(second, key) for _ in range(3)]
                await until(pilot, lambda: console.link.standing.state == "live")
                filled = "The server was started anew; "
                await until(pilot, lambda: any(filled in one.text for one in console.said))
                await until(pilot, lambda: len(console.feed) == 4)
                late = await ask(second, key, "large")
                await until(pilot, lambda: len(console.feed) == 5)
                await seen(console, pilot, late, "● live")
                ids = [line.request_id for line in console.feed.lines]

    assert "● live" not in lost
    assert [early, *unheard, late] == ids
    assert console.link.standing.gaps == 1


async def test_a_server_that_is_not_there_at_the_start_is_found_when_it_comes(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as gone:
        port, url = gone.port, gone.url

    async with linked(url) as link:
        await comes(lambda: link.standing.tries >= 2)
        before_it = link.standing
        async with running(tmp_path, LISTEN_ADDR=f"127.0.0.1:{port}") as hub:
            await comes(lambda: link.standing.state == "live")
            answer = await link(info())
            await hub.provider("one", "http://127.0.0.1:9/v1")
            await comes(lambda: heard(link, "config_changed"))
            found = link.standing

    assert "retrying" == before_it.state
    assert "connection refused" == before_it.reason
    assert ("live", 0, 0) == (found.state, found.tries, found.gaps)
    assert 0 == answer.providers


async def test_a_connection_that_breaks_goes_on_behind_the_last_event(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim, Cable(hub.port) as cable:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = await hub.key()
        async with linked(f"http://127.0.0.1:{cable.port}") as link:
            await comes(lambda: link.standing.state == "live")
            first = await ask(hub, key)
            await comes(lambda: heard(link, "route_success"))
            cable.cut()
            meanwhile = [await ask(hub, key) for _ in range(3)]
            await comes(lambda: len(heard(link, "route_success")) == 4)

    assert [first, *meanwhile] == heard(link, "route_success")
    assert (0, 0) == (link.standing.gaps, link.standing.missed)


class Cable:
    """What stands between a console and its server, and can be cut; it mends by itself."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections at once."""
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _joined(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends += [back, forth]
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(_carried(near, forth))
                group.create_task(_carried(far, back))


async def _carried(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
    sink.transport.abort()


async def test_a_refused_token_is_not_shown_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def refuses(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(401)

    monkeypatch.setattr(LogsPage, "EVERY_S", 0.01)
    console = Console(
        Profile(url="http://127.0.0.1:9", token="wrong"),
        start="logs",
        transport=httpx.MockTransport(refuses),
    )
    async with console.run_test() as pilot:
        await seen(console, pilot, "Admin token")
        await pilot.press("escape")
        before_long = len(asked)
        for _ in range(20):
            await pilot.pause(0.02)

    assert before_long == len(asked)


async def test_a_token_that_is_taken_away_is_told_and_not_tried_again(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        issued = await hub.admin("POST", "tokens", {"name": "alice", "role": "viewer"})
        async with before(hub, token=issued["token"]) as (console, pilot):
            await seen(console, pilot, "● live")
            await hub.admin("DELETE", "tokens/alice")
            shown = await seen(console, pilot, "✗ token refused")
            await until(pilot, lambda: not any(w.group == "events" for w in console.workers))

    assert "✗ token refused" in shown
    assert "refused" == console.link.standing.state


class Off:
    """The clock of a machine that is off by so many seconds."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s

    def now(self) -> float:
        return SystemClock().now() + self._by_s


@pytest.mark.parametrize("by_s", [-40.0, 40.0])
async def test_rates_and_clocks_go_by_the_servers_time(tmp_path: Path, by_s: float) -> None:
    async with Sim(PROFILE) as sim, running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        async with before(hub, clock=Off(by_s)) as (console, pilot):
            await seen(console, pilot, "● live 0/s")
            await until(pilot, lambda: abs(console.clock.now() - SystemClock().now()) < 10)
            await ask(hub, key)
            await seen(console, pilot, "● live 6/min")
