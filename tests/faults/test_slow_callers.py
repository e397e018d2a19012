"""F34: callers who are slow to say what they want, or say far too much."""

import asyncio
import time
from contextlib import suppress

import pytest

from tests.faults.harness import MODEL, PROFILE
from tests.faults.table import LONG
from tests.support.server import child, running
from tokenhub.sim.app import Sim
from tokenhub.web import protocol

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

# As many as the prototype had; the limits are those that it ships with, or shorter ones.
MANY = 400 if LONG else 60
HEAD_S = protocol.HEAD_S if LONG else 0.5
BODY_S = protocol.BODY_S if LONG else 0.8
IDLE_S = 5.0  # uvicorn's own, after an answer
GRACE_S = 2.0
HELLO = [{"role": "user", "content": "Hello"}]
GET = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"
POST = b"POST /v1/chat HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


@pytest.fixture
async def served(tmp_path, monkeypatch):
    """The server process as it ships, or for the short form one in this loop that is stricter."""
    if LONG:
        async with child(tmp_path) as hub:
            yield hub
        return
    monkeypatch.setattr(protocol, "HEAD_S", HEAD_S)
    monkeypatch.setattr(protocol, "BODY_S", BODY_S)
    async with running(tmp_path) as hub:
        yield hub


class Line:
    """A connection that says its parts, and hears what comes until the end of it."""

    def __init__(self, port, *parts, drip_s=0.0):
        self._port = port
        self._parts = parts
        self._drip_s = drip_s
        self.answer = b""
        self.lasted_s = 0.0

    async def __call__(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            saying = group.create_task(self._say(writer))
            with suppress(ConnectionError):
                while piece := await reader.read(65_536):
                    self.answer += piece
            saying.cancel()
        self.lasted_s = time.perf_counter() - began
        writer.close()

    async def _say(self, writer):
        with suppress(OSError, RuntimeError):
            for part in self._parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(self._drip_s)

    @property
    def status(self):
        return int(self.answer.split()[1]) if self.answer else 0


async def all_of(lines):
    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(line())


def bytewise(data):
    return [data[at : at + 1] for at in range(len(data))]


async def test_f34_slow_heads_and_bodies_end_and_nobody_else_notices(served, figure):
    async with Sim(PROFILE) as sim:
        await served.provider("one", sim, models=[MODEL])
        key = await served.key()
        slow_body = POST + b"x-api-key: " + key.encode() + b"\r\ncontent-length: 1000\r\n\r\n"
        heads = [
            Line(served.port, *bytewise(GET + b"x: y\r\n" * 9_000), drip_s=HEAD_S / 20)
            for _ in range(MANY)
        ]
        silent = [Line(served.port) for _ in range(MANY)]
        bodies = [
            Line(served.port, slow_body, *bytewise(b" " * 1_000), drip_s=BODY_S / 20)
            for _ in range(MANY)
        ]
        async with asyncio.TaskGroup() as group:
            storm = group.create_task(all_of([*heads, *silent, *bodies]))
            others = []
            while not storm.done():
                body = {"request": {"messages": HELLO}}
                answer = await served.http.post("/v1/chat", json=body, headers={"x-api-key": key})
                others.append(answer.status_code)
                await asyncio.sleep(HEAD_S / 20)

    figure("F34", f"{MANY} slow heads: the last one open for", _longest(heads), "s")
    figure("F34", f"{MANY} slow bodies: the last one open for", _longest(bodies), "s")
    figure("F34", "requests of others that failed", sum(status != 200 for status in others))
    assert {408} == {line.status for line in (*heads, *silent, *bodies)}
    assert _longest([*heads, *silent]) <= HEAD_S + GRACE_S + protocol.LINGER_S
    assert _longest(bodies) <= BODY_S + GRACE_S + protocol.LINGER_S
    assert {200} == set(others)


async def test_f34_a_connection_that_says_no_more_after_its_answer_is_closed(served, figure):
    lines = [Line(served.port, GET + b"\r\n") for _ in range(5)]

    await all_of(lines)

    figure("F34", "idle after an answer: open for", _longest(lines), "s")
    assert {200} == {line.status for line in lines}
    assert _longest(lines) <= IDLE_S + GRACE_S


@pytest.mark.parametrize(
    ("expected", "head"),
    [
        (431, GET + b"x-a: y\r\n" * 10_000),
        (431, GET + b"a:\r\n" * 10_000),
        (431, GET + b"a:\r\n" * 100),
        (200, GET + b"connection: close\r\n" + b"a:\r\n" * 98),
        (431, GET + b"x: " + b"a" * (1 << 20)),
        (431, b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n"),
        (400, b"GET /healthz\r\n"),
        (400, b"GET /healthz HTTP/1.1\r\n"),
        (400, GET + b"host: there\r\n"),
        (400, b"GET /healthz HTTP/2.0\r\nhost: here\r\n"),
        (400, GET + b"x: a\r\n b\r\n"),
        (400, POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n"),
        (400, POST + b"content-length: 2\r\ncontent-length: 3\r\n"),
    ],
    ids=[
        "10,000 headers",
        "10,000 short ones",
        "101 headers",
        "100 headers",
        "1 MB header",
        "1 MB path",
        "HTTP/0.9",
        "no host",
        "two hosts",
        "HTTP/2.0",
        "a folded line",
        "a length and chunks",
        "two lengths",
    ],
)
async def test_f34_far_too_much_and_what_is_no_request_is_refused(served, expected, head):
    line = Line(served.port, head + b"\r\n")

    await line()

    assert expected == line.status
    assert 1 == line.answer.count(b"HTTP/1.1 ")


def _longest(lines):
    return max(line.lasted_s for line in lines)
