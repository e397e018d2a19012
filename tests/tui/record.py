"""Records the sessions that pictures of the console are made of. All providers are simulated.

    python -m tests.tui.record [--requests N]

Each is a server of its own on this machine: `busy` with the traffic of `tokenhub demo`, `empty`
with nothing, and `locked` with a vault that is locked. The console goes to every screen at every
size, and what it was answered is kept. Where the server and its files were is left out.
"""

import argparse
import asyncio
import itertools
import logging
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from tests.support.server import ADMIN_TOKEN, Hub, running
from tests.tui.console import SIZES
from tests.tui.recorded import Answer, Recorded, Session, asked, write
from tests.tui.staged import PLACES, here, shown
from tokenhub.client.calls.events import EVENTS
from tokenhub.client.profile import Profile
from tokenhub.commands.demo import WEIGHTS, _profiles, _register
from tokenhub.commands.traffic import Traffic, questions
from tokenhub.sim.app import Sim
from tokenhub_tui.app import Console

NOTE = "Simulated: no provider of this session exists. Made by python -m tests.tui.record."
# So many requests, the newest, are told as events as well.
TOLD = 40
PASSWORD = "the vault of a recording"


class Recorder(Recorded):
    """Asks the real server once for each question, and keeps what it says."""

    def __init__(self, url: str, session: Session) -> None:
        super().__init__(session)
        self._url = httpx.URL(url)
        self._real = httpx.AsyncHTTPTransport()
        self.answers: dict[str, Answer] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == EVENTS:
            return await super().handle_async_request(request)
        ask = asked(request)
        if found := self.answers.get(ask):
            # What follows from an answer must fit the one that is kept.
            head = {"content-type": found.type}
            return httpx.Response(found.status, headers=head, content=found.content)
        self.asking += 1
        try:
            request.url = request.url.copy_with(host=self._url.host, port=self._url.port)
            response = await self._real.handle_async_request(request)
            body = await response.aread()
        finally:
            self.asking -= 1
        kind = response.headers.get("content-type", "")
        self.answers[ask] = _answer(ask, response.status_code, kind, body)
        head = {"content-type": kind}
        return httpx.Response(response.status_code, headers=head, content=body)

    async def aclose(self) -> None:
        """It is closed at the end of all."""


def _answer(ask: str, status: int, kind: str, body: bytes) -> Answer:
    raw = body if "json" in kind else msgspec.json.encode(body.decode())
    return Answer(ask=ask, status=status, type=kind, answer=msgspec.Raw(raw))


async def record(name: str, hub: Hub, folder: Path, events: str = "") -> None:
    """Go through all screens, and keep what they were told."""
    at = float(int(time.time()))  # noqa: TID251 - when it was recorded
    session = Session(note=NOTE, at=at, events=events)
    server = Recorder(hub.url, session)
    for size, place in itertools.product(SIZES, PLACES):
        if place == "request" and name != "busy":
            continue
        console = Console(
            Profile(url="http://127.0.0.1:8080", token=ADMIN_TOKEN),
            start=place if place in PLACES[:-1] else "live", clock=_Set(at), transport=server,
        )  # fmt: skip
        async with console.run_test(size=size) as pilot:
            await shown(console, pilot, place, server)
    kept = msgspec.json.encode(server.answers).decode()
    kept = kept.replace(hub.url, "http://127.0.0.1:8080").replace(str(folder), "/var/lib/tokenhub")
    answers = msgspec.json.decode(kept, type=dict[str, Answer])
    write(name, msgspec.structs.replace(session, answers=answers))
    print(f"{name}: {len(answers)} answers")


class _Set:
    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at


@asynccontextmanager
async def told(hub: Hub) -> AsyncIterator[list[str]]:
    """The frames of the stream of events, for as long as the block lasts."""
    frames: list[str] = []
    there = asyncio.Event()
    head = {"authorization": f"Bearer {ADMIN_TOKEN}", "accept": "text/event-stream"}

    async def read() -> None:
        async with hub.http.stream("GET", EVENTS, headers=head, timeout=None) as answer:
            rest = ""
            async for part in answer.aiter_text():
                *whole, rest = re.split(r"\r?\n\r?\n", rest + part)
                frames.extend(whole)
                there.set()

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await there.wait()
        yield frames
        await asyncio.sleep(1)  # what is on its way
        reading.cancel()


async def busy(folder: Path, requests: int) -> None:
    """The server of the demo, and its traffic."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running(folder))
        sims = [await stack.enter_async_context(Sim(p, record=False)) for p in _profiles()]
        key = await _register(hub.http, sims, admin_token=ADMIN_TOKEN)
        async with told(hub) as frames:
            traffic = Traffic(hub.http, key=key, admin_token=ADMIN_TOKEN, tell=lambda _: None)
            await traffic.flow(questions(tuple(WEIGHTS)), stop=asyncio.Event(), limit=requests)
            await plans(hub)
        await record("busy", hub, folder, _newest(frames))


async def plans(hub: Hub) -> None:
    """One of each kind, for the screen that shows their steps."""
    bearer = {"authorization": f"Bearer {await hub.key('chat', 'plan')}"}
    for mode in ("planning", "refine", "vote", "adversarial"):
        body = {
            "messages": [{"role": "user", "content": "How do we move the shop?"}],
            "orchestration": {"mode": mode, "iterations": 2},
        }
        answer = await hub.http.post("/v1/plan", json=body, headers=bearer, timeout=60)
        answer.raise_for_status()


def _newest(frames: list[str]) -> str:
    """The first frame, which says that the stream is there, and all of the newest requests."""
    begun = [place for place, frame in enumerate(frames) if '"request_started"' in frame]
    first = begun[-TOLD] if len(begun) > TOLD else 1
    return "\n\n".join([frames[0], *frames[first:]]) + "\n\n"


async def empty(folder: Path) -> None:
    """A server that was just started."""
    async with running(folder) as hub:
        await record("empty", hub, folder)


async def locked(folder: Path) -> None:
    """A server whose vault is locked."""
    async with running(folder) as hub, Sim(next(_profiles())) as sim:
        await hub.admin("POST", "vault/init", {"admin_password": PASSWORD})
        await hub.provider("sim-openai", sim, models=["sim-atlas"], api_key="sk-simulated")
        await hub.admin("POST", "vault/lock")
        await record("locked", hub, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=150, help="of the busy one, two a second")
    parser.add_argument("names", nargs="*", default=["busy", "empty", "locked"])
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    here()
    for name in given.names:
        with tempfile.TemporaryDirectory() as folder:
            work = {
                "busy": lambda at: busy(at, given.requests),
                "empty": empty,
                "locked": locked,
            }[name]
            asyncio.run(work(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
