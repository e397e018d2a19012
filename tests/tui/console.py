"""A console without a terminal, before a real server or a recorded one.

async with before(hub) as (console, pilot):
    await pilot.press("7")
    assert "Logs" in text(console)
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from textual.events import Key
from textual.pilot import Pilot

from tests.support.server import ADMIN_TOKEN, Hub
from tokenhub.client.profile import Profile
from tokenhub_tui.app import Console

SIZES = ((80, 24), (120, 36), (200, 60))


class Way(httpx.AsyncBaseTransport):
    """The way to a real server, for tests to stand in. Several clients share it; none ends it."""

    def __init__(self) -> None:
        self._server = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._server.handle_async_request(request)

    async def aclose(self) -> None:
        """One of the clients has ended."""

    async def end(self) -> None:
        """Close its connections."""
        await self._server.aclose()


class Gate(Way):
    """Passes calls on; `asked` has them. Those that have `held` in them wait until `open` is set.

    What `fake` gives for a call is its answer, in JSON; None is passed on. A call is written as
    `GET /admin/v1/audit?limit=100`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.held = ""
        self.open = asyncio.Event()
        self.fake: Callable[[httpx.URL], bytes | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.raw_path.decode()}"
        self.asked.append(call)
        if self.held and self.held in call:
            await self.open.wait()
        answer = self.fake(request.url)
        if answer is not None:
            return httpx.Response(200, content=answer)
        return await super().handle_async_request(request)


class Unsteady(Way):
    """Fails. Changes, `held` of them, wait for `goes`; with `lost`, their answers are."""

    def __init__(self) -> None:
        super().__init__()
        self.goes = asyncio.Event()
        self.goes.set()
        self.lost = False
        self.held = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await super().handle_async_request(request)
        self.held += 1
        await self.goes.wait()
        self.held -= 1
        response = await super().handle_async_request(request)
        if self.lost:
            await response.aread()
            raise httpx.ReadError("the line was cut")
        return response


@asynccontextmanager
async def before(
    hub: Hub,
    size: tuple[int, int] = (80, 24),
    token: str = ADMIN_TOKEN,
    *,
    toasts: bool = False,
    **given: Any,
) -> AsyncIterator[tuple[Console, Pilot[None]]]:
    """A console of a server, that has drawn its first screen; without toasts, which come and go."""
    console = Console(Profile(url=hub.url, token=token), name="test", **given)
    try:
        async with console.run_test(size=size, notifications=toasts) as pilot:
            yield console, pilot
    finally:
        if isinstance(way := given.get("transport"), Way):
            await way.end()


def at_once(console: Console, *keys: str) -> None:
    """Type keys as a quick hand does: the next is there before the one before is handled."""
    for key in keys:
        console.post_message(Key(key, key if len(key) == 1 else None))


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until something holds; where it does not for half a minute, show the screen."""
    for _ in range(1500):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"it never came to that:\n{text(cast('Console', pilot.app))}")


async def seen(console: Console, pilot: Pilot[None], *wanted: str) -> str:
    """The screen, as soon as it shows all of these."""
    await until(pilot, lambda: all(one in text(console) for one in wanted))
    return text(console)


def text(console: Console) -> str:
    """What stands on the screen, without colours."""
    # Textual has no other way to its lines than this, by which it draws them.
    strips = console.screen._compositor.render_strips(console.size)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


# NO_COLOR would change every picture, and the machine's own settings are not the test's.
for _name in [name for name in os.environ if name in {"NO_COLOR", "TEXTUAL_THEME"}]:  # noqa: TID251
    del os.environ[_name]  # noqa: TID251
