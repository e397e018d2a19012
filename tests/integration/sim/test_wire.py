"""HTTP itself: keep-alive, pipelining, odd requests, and serving until told to stop."""

import asyncio
import json

import aiohttp
import msgspec
import pytest

from tokenhub.sim.app import address, serve
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


def request(ask: dict, *, version: str = "1.1", more: str = "") -> bytes:
    body = json.dumps(ask).encode()
    head = f"POST {CHAT} HTTP/{version}\r\nhost: x\r\n{more}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def everything(sim, wire: bytes) -> bytes:
    """All that comes back for these bytes, until the provider closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    writer.write(wire)
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_pipelined_requests_are_answered_in_order(sim, chat, stream) -> None:
    asks = [{**chat, "stream": stream, "max_tokens": 1 + n % 3} for n in range(40)]
    closing = request(asks.pop(), more="connection: close\r\n")

    got = await everything(sim, b"".join([request(ask) for ask in asks]) + closing)

    assert 40 == got.count(b"HTTP/1.1 200 OK")
    assert [ask["max_tokens"] for ask in asks] == [
        json.loads(received.body)["max_tokens"] for received in sim.requests[:-1]
    ]


async def test_a_pause_holds_back_the_pipelined_ones(sim, chat) -> None:
    latency = Latency(first_token_s=Constant(value=0.01), tokens_per_s=2000.0)
    sim.profile = msgspec.structs.replace(sim.profile, latency=latency)
    first = request({**chat, "stream": True})

    got = await everything(sim, first + request(chat, more="connection: close\r\n"))

    assert got.index(b"[DONE]") < got.rindex(b"HTTP/1.1 200 OK")


async def test_a_request_in_single_bytes_is_understood(sim, chat) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    for byte in request(chat):
        writer.write(bytes([byte]))
        await asyncio.sleep(0)

    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.1 200 OK")


async def test_http_1_0_gets_a_stream_that_ends_with_the_connection(sim, chat) -> None:
    got = await everything(sim, request({**chat, "stream": True}, version="1.0"))

    assert b"transfer-encoding" not in got
    assert got.endswith(b"data: [DONE]\n\n")


async def test_a_caller_may_wait_for_continue(sim, chat) -> None:
    more = "expect: 100-continue\r\nconnection: close\r\n"

    got = await everything(sim, request(chat, more=more))

    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_bytes_that_are_no_http_get_400(sim) -> None:
    assert (await everything(sim, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_body_over_the_limit_gets_413(sim) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    writer.write(head + b" " * (32 * 1024 * 1024 + 1))

    got = await reader.read(100)
    writer.close()

    assert got.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/v1/models/none", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/v1/models?limit=5", 200),
    ],
)
async def test_each_route_has_its_method(http, method, path, status) -> None:
    async with http.request(method, path) as response:
        await response.read()

    assert status == response.status
    assert "true" == response.headers["x-tokenhub-simulation"]


async def test_what_came_is_kept_for_the_test_to_see(sim, http, chat) -> None:
    async with http.post(CHAT, json=chat, headers={"X-Mine": "1"}) as response:
        await response.read()

    await sim.arrived(1)
    received = sim.requests[0]
    assert ("POST", CHAT, "1", chat) == (
        received.method,
        received.path,
        received.headers["x-mine"],
        received.json(),
    )


async def test_a_reader_that_is_slow_pauses_the_play_and_loses_nothing(sim, chat) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, answer_tokens=Constant(value=20_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port, limit=1024)
    writer.write(request({**chat, "stream": True}, more="connection: close\r\n"))
    await sim.arrived(1)
    (connection,) = sim._connections
    while not connection._stalled:  # noqa: ASYNC110  # only the connection sees its buffers fill
        await asyncio.sleep(0)

    got = await reader.read()
    writer.close()

    assert 20_002 == got.count(b"data: {")
    assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_serving_ends_when_it_is_told_to(sim) -> None:
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve("127.0.0.1:0", sim.profile, ready=port.set_result, stop=stop))
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{await port}/health"
            async with session.get(url) as response:
                await response.read()
            stop.set()

    assert 200 == response.status


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:9900", ("127.0.0.1", 9900)),
        ("[::1]:80", ("::1", 80)),
        (":9900", ("0.0.0.0", 9900)),
    ],
)
def test_an_address_is_host_and_port(listen, expected) -> None:
    assert expected == address(listen)


@pytest.mark.parametrize("listen", ["9900", "host:", "host:http", "host:70000"])
def test_what_is_no_address_is_refused(listen) -> None:
    with pytest.raises(ValueError, match="host:port"):
        address(listen)
