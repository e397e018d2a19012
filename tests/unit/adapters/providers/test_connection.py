"""HTTP answers over real sockets, by servers that keep to the rules and by those that do not."""

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.places import allowed
from tokenhub.adapters.providers import pool
from tokenhub.adapters.providers.connection import (
    MAX_HEAD_BYTES,
    MAX_WAITING_BYTES,
    BadResponse,
    Connection,
)
from tokenhub.adapters.providers.transport import Transport, target

pytestmark = pytest.mark.anyio

SOME_S = 5.0
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
IN_CHUNKS = CHUNKED + b"2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\nTrailer: x\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
CONTINUE = b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"


class Server:
    """Says the next of its lines for each request head that comes, byte by byte where told to."""

    def __init__(self, *says: bytes, close: bool = False):
        self.says = list(says)
        self.close = close
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.ended = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, sized = head.lower().partition(b"content-length: ")
                body = await reader.readexactly(int(sized.split(b"\r\n")[0])) if sized else b""
                self.requests.append(head + body)
                self.asked.set()
                writer.write(self.says.pop(0) if self.says else b"")
                if self.close and not self.says:
                    writer.close()
        self.ended.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def serving(*says, close=False):
    server = Server(*says, close=close)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    transport = Transport(allowed=allowed())
    try:
        yield server, transport
    finally:
        await transport.close()
        listener.close()
        for writer in server.writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def asked(server, transport, *, body=b"{}", within_s=SOME_S):
    to = target("POST", server.url)
    return await transport.request(to, b"X: y\r\n", within_s=within_s, body=body)


async def read(response):
    parts = []
    while part := await response.some():
        parts.append(part)
    return b"".join(parts)


async def test_a_request_says_where_it_goes_and_how_long_it_is():
    async with serving(SIZED) as (server, transport):
        await asked(server, transport)

    lines = ("POST /v1 HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "X: y", "Content-Length: 2")
    assert ["\r\n".join([*lines, "", "{}"]).encode()] == server.requests


@pytest.mark.parametrize("said", [SIZED, IN_CHUNKS, CONTINUE + SIZED, CONTINUE * 4000 + IN_CHUNKS])
async def test_a_connection_whose_answer_has_ended_is_used_again(said):
    async with serving(said, said) as (server, transport):
        for _ in range(2):
            response = await asked(server, transport)
            assert (200, b"hello") == (response.status, await read(response))
            assert b"x-early" not in response.headers
            assert response.ended

    assert 1 == server.connections


@pytest.mark.parametrize(
    "said",
    [CLOSING, SIZED + b"HTTP/1.1 200 OK\r\n", SIZED + SIZED, SIZED + b"junk", IN_CHUNKS + b"0"],
    ids=["close", "half an answer more", "two answers", "junk", "junk after chunks"],
)
async def test_a_connection_with_more_to_say_is_not(said):
    async with serving(said, SIZED) as (server, transport):
        for _ in range(2):
            assert b"hello" == await read(await asked(server, transport))

    assert 2 == server.connections


async def test_a_connection_on_which_somebody_speaks_unasked_is_not():
    async with serving(SIZED, SIZED) as (server, transport):
        await read(await asked(server, transport))
        server.writers[0].write(SIZED)
        await server.ended.wait()
        await read(await asked(server, transport))

    assert 2 == server.connections


async def test_an_answer_may_last_until_its_connection_ends():
    async with serving(TO_THE_END, close=True) as (server, transport):
        response = await asked(server, transport)

        assert b"hello" == await read(response)
        assert response.ended


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2 * MAX_HEAD_BYTES,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
    ids=[
        "two lengths", "lengths differ", "negative", "space in a name", "upgrade", "head too long",
        "ssh", "tls",
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_refused_and_hung_up_on(said):
    async with serving(said) as (server, transport):
        with pytest.raises(BadResponse):
            await asked(server, transport)
        await asyncio.wait_for(server.ended.wait(), SOME_S)


@pytest.mark.parametrize(
    "rest",
    [b"zz\r\n", b"2\r\nlooong\r\n", b"0\r\nX: " + b"a" * 2 * MAX_HEAD_BYTES],
    ids=["no size", "longer than its size", "trailer without end"],
)
async def test_a_broken_body_is_told_after_what_came_of_it(rest):
    async with serving(CHUNKED + b"2\r\nhe\r\n") as (server, transport):
        response = await asked(server, transport)
        first = await response.some()
        server.writers[0].write(rest)

        assert b"he" == first
        with pytest.raises(BadResponse):
            await read(response)


@pytest.mark.parametrize(
    "said", [SIZED[:-1], IN_CHUNKS[:-1], CHUNKED + b"5\r\nhell"], ids=["size", "last", "chunk"]
)
async def test_an_answer_cut_short_is_told_after_what_came_of_it(said):
    async with serving(said, close=True) as (server, transport):
        response = await asked(server, transport)
        assert (await response.some()).startswith(b"hell")
        with pytest.raises(ConnectionResetError):
            await read(response)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", CONTINUE])
async def test_a_head_that_never_comes_is_lost(said):
    async with serving(said, close=True) as (server, transport):
        with pytest.raises(ConnectionResetError):
            await asked(server, transport)


@pytest.mark.parametrize("said", [b"", SIZED[:20], CONTINUE, CONTINUE * 4000])
async def test_a_head_has_to_come_in_time(said):
    async with serving(said) as (server, transport):
        with pytest.raises(TimeoutError):
            await asked(server, transport, within_s=0.05)
        await asyncio.wait_for(server.ended.wait(), SOME_S)


async def test_so_has_the_body_unless_the_deadline_is_lifted():
    async with serving(CHUNKED + b"2\r\nhe\r\n", CHUNKED + b"2\r\nhe\r\n") as (server, transport):
        late = await asked(server, transport, within_s=0.1)
        with pytest.raises(TimeoutError):
            await read(late)

        patient = await asked(server, transport, within_s=0.1)
        patient.lift_deadline()
        await asyncio.sleep(0.15)
        server.writers[1].write(b"3\r\nllo\r\n0\r\n\r\n")

        assert b"hello" == await read(patient)


async def test_whoever_is_cancelled_hangs_up():
    async with serving(b"") as (server, transport):
        task = asyncio.ensure_future(asked(server, transport))
        await asyncio.wait_for(server.asked.wait(), SOME_S)
        task.cancel()

        await asyncio.wait_for(server.ended.wait(), SOME_S)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_closing_ends_a_wait_elsewhere():
    async with serving(CHUNKED) as (server, transport):
        response = await asked(server, transport)
        asyncio.get_running_loop().call_later(0.01, response.close)

        with pytest.raises(ConnectionAbortedError):
            await response.some()
        await asyncio.wait_for(server.ended.wait(), SOME_S)


async def test_an_answer_before_the_request_was_sent_ends_the_connection():
    """The server reads no further, so that nothing else can be said over it."""

    server = Server()

    async def serve(reader, writer):
        server.writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SIZED.replace(b"200 OK", b"413 Too Large"))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 12)
    server.port = listener.sockets[0].getsockname()[1]
    transport = Transport(allowed=allowed())
    response = await asked(server, transport, body=b"x" * (32 << 20))

    assert (413, b"hello") == (response.status, await read(response))
    free = [one for each in transport._pools.values() for one in each._free]
    assert [] == free
    await transport.close()
    listener.close()
    server.writers[0].close()


async def test_who_does_not_read_makes_the_provider_wait():
    total = 64 << 20
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total) as (server, there):
        response = await asked(server, there)
        writer = server.writers[0]
        writer.write(b"x" * total)
        await asyncio.sleep(0.2)

        waiting = sum(map(len, response._parts))
        assert 0 < waiting < 4 * MAX_WAITING_BYTES
        assert total == len(await read(response))
        assert response.ended


class Wire:
    """A transport that takes anything."""

    def write(self, data):
        pass

    def abort(self):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def is_closing(self):
        return False

    def get_write_buffer_size(self):
        return 0


@given(said=st.sampled_from([SIZED, IN_CHUNKS, CONTINUE + IN_CHUNKS]), data=st.data())
def test_how_an_answer_is_cut_changes_nothing(said, data):
    """Every byte may be the last of what one read brings."""
    cuts = data.draw(st.sets(st.integers(1, len(said) - 1)))
    places = [0, *sorted(cuts), len(said)]
    pieces = [said[a:b] for a, b in itertools.pairwise(places)]

    async def exchanged():
        free = []
        connection = Connection(rest=free.append, lost=lambda _: None)
        connection.connection_made(Wire())
        response = connection.exchange(b"", b"", SOME_S)
        for piece in pieces:
            connection.data_received(piece)
        return (await response.head()).status, await read(response), free == [connection]

    assert (200, b"hello", True) == asyncio.run(exchanged())


@given(data=st.binary(max_size=400))
def test_noise_never_ends_in_anything_but_a_refusal(data):
    async def exchanged():
        connection = Connection(rest=lambda _: None, lost=lambda _: None)
        connection.connection_made(Wire())
        response = connection.exchange(b"", b"", SOME_S)
        connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + data)
        connection.connection_lost(None)
        with suppress(BadResponse, ConnectionResetError):
            await read(await response.head())

    asyncio.run(exchanged())


async def test_a_free_connection_is_given_up_after_a_while(monkeypatch):
    monkeypatch.setattr(pool, "KEEP_S", 0.05)
    async with serving(SIZED, SIZED) as (server, transport):
        await read(await asked(server, transport))
        await asyncio.wait_for(server.ended.wait(), SOME_S)
        await read(await asked(server, transport))

    assert 2 == server.connections


async def test_each_of_many_at_once_has_a_connection_and_the_name_is_looked_up_once():
    looked_up = []

    async def resolve(host, port):
        looked_up.append(host)
        await asyncio.sleep(0.01)
        return await pool.system("127.0.0.1", port)

    async with serving(*[SIZED] * 20) as (server, _):
        transport = Transport(allowed=allowed(), resolve=resolve)
        to = target("GET", f"http://provider.test:{server.port}/v1")
        ask = [transport.request(to, b"", within_s=SOME_S) for _ in range(20)]
        answers = await asyncio.gather(*ask)
        bodies = [await read(answer) for answer in answers]
        await transport.close()

    assert [b"hello"] * 20 == bodies
    assert 20 == server.connections
    assert ["provider.test"] == looked_up
