"""The async driver where tasks are cancelled, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tokenhub.client.calls.events import follow_events
from tokenhub.client.calls.info import healthz
from tokenhub.client.errors import Unreachable
from tokenhub.client.link import Change, Connecting, Live
from tokenhub.client.profile import Profile
from tokenhub.client.transport import AsyncClient

pytestmark = pytest.mark.anyio

HEALTH = b'{"status":"ok","adapters":1,"models":2}'
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CONNECTED = b'id: 1\nevent: connected\ndata: {"status":"ok"}\n\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server:
    """Answers what it is asked, or is `mute`; `open` and `taken` count connections."""

    def __init__(self) -> None:
        self.open = self.taken = 0
        self.mute = False
        self.changed = asyncio.Condition()
        self.profile = Profile()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._count(1)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"/events" in head:
                    writer.write(STREAM + CONNECTED)
                elif not self.mute:
                    writer.write(JSON % (len(HEALTH), HEALTH))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            await self._count(-1)

    async def until_open(self, count: int) -> None:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: self.open == count)

    async def _count(self, change: int) -> None:
        async with self.changed:
            self.open += change
            self.taken += max(0, change)
            self.changed.notify_all()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    one = Server()
    async with await asyncio.start_server(one.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        one.profile = Profile(url=f"http://{host}:{port}")
        yield one


async def test_a_task_may_be_cancelled_at_any_point() -> None:
    """At each step that a call takes, more often than a pool has connections to lose."""
    async with serving() as server, asyncio.TaskGroup() as group:
        async with AsyncClient(server.profile, timeout_s=5.0) as client:
            server.mute = True
            for steps in [*range(16)] * 60:
                tasks = [group.create_task(client(healthz())) for _ in range(1 + steps % 3)]
                for _ in range(steps):
                    await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

            server.mute = False
            after = [await client(healthz()) for _ in range(20)]

        await server.until_open(0)

    assert ["ok"] * 20 == [one.status for one in after]


async def test_a_connection_is_used_again() -> None:
    async with serving() as server, AsyncClient(server.profile) as client:
        for _ in range(20):
            await client(healthz())

    assert 1 == server.taken


async def test_a_stream_that_is_left_is_closed() -> None:
    told: list[Change] = []
    live = asyncio.Event()

    async def follow(client: AsyncClient) -> None:
        async for rows in client.stream(follow_events(), told.append):
            assert "connected" == rows[0].type
            live.set()

    async with serving() as server, asyncio.TaskGroup() as group:
        async with AsyncClient(server.profile) as client:
            following = group.create_task(follow(client))
            await live.wait()
            await client(healthz())
            following.cancel()
            await server.until_open(1)
        await server.until_open(0)

    assert [Connecting(), Live()] == told


async def test_a_client_that_is_closed_ends_what_is_on_its_way() -> None:
    async def call(client: AsyncClient) -> None:
        with pytest.raises(Unreachable):
            await client(healthz())

    async def follow(client: AsyncClient) -> None:
        with pytest.raises(Unreachable, match="this client was closed"):
            async for _ in client.stream(follow_events(), gives_up=False):
                pass

    async with serving() as server, asyncio.timeout(30):
        server.mute = True
        client = AsyncClient(server.profile)
        async with asyncio.TaskGroup() as group:
            group.create_task(call(client))
            group.create_task(follow(client))
            await server.until_open(2)
            await client.close()
        await call(client)
        await server.until_open(0)
