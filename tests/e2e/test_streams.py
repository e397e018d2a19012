"""Streams that end before their end: by the provider, by the caller; and connections after one."""

import asyncio
import contextlib
import gc
import json

import httpx
import msgspec
import openai
import pytest

from tests.support.server import running
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = STREAM + b"transfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
LOST, BROKEN, OVERLOADED = "lost", "broken", "overloaded"
CODES = {
    LOST: "upstream_lost",
    BROKEN: "upstream_invalid_response",
    OVERLOADED: "upstream_overloaded",
    "timeout": "upstream_timeout",
}
STATUS = {OVERLOADED: 503}


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


BREAKS = [
    pytest.param(Fault.cut("reset", after=3), LOST, id="reset"),
    pytest.param(Fault.cut("closed", after=3), LOST, id="closed within the body"),
    pytest.param(Fault.cut("ended", after=3), LOST, id="ended without the last event"),
    pytest.param(Fault.cut("error", after=3), OVERLOADED, id="the vendor's error event"),
    pytest.param(Fault.invalid_json(), BROKEN, id="an event of half a JSON"),
]
# A head, and what follows the first event.
RAW_BREAKS = [
    pytest.param(CHUNKED, chunk(b"data: []\n\n"), BROKEN, id="an event of no object"),
    pytest.param(CHUNKED, chunk(b'data: {"choices":"\xff"}\n\n'), BROKEN, id="bad UTF-8"),
    pytest.param(CHUNKED, chunk(b"data: " + b"a" * 1_100_000), BROKEN, id="an endless line"),
    pytest.param(CHUNKED, chunk(b"data: " + b"[" * 100_000 + b"\n\n"), BROKEN, id="deep JSON"),
    pytest.param(CHUNKED, b"5\r\nabc", LOST, id="closed within a chunk"),
    pytest.param(CHUNKED, b"zz\r\n", BROKEN, id="a chunk without a size"),
    pytest.param(CHUNKED, b"", LOST, id="closed between chunks"),
    pytest.param(CHUNKED, b"0\r\n\r\n", LOST, id="ended in order, without the last event"),
    pytest.param(STREAM + b"content-length: 500\r\n\r\n", b"", LOST, id="shorter than promised"),
    pytest.param(STREAM + b"\r\n", b"", LOST, id="closed in the style of HTTP/1.0"),
]


class Scripted:
    """A provider that sends the first part of a stream, and the rest when it is told to."""

    def __init__(self, first, rest, *, close):
        self.first = first
        self.rest = rest
        self.close = close
        self.go = asyncio.Event()
        self.connections = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        self.connections += 1
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(
                    int(head.lower().partition(b"content-length: ")[2].split()[0])
                )
                writer.write(self.first)
                await self.go.wait()
                self.go.clear()
                writer.write(self.rest)
                if self.close:
                    return


@pytest.fixture
async def served(hub, sim):
    await hub.provider("one", sim, models=["gpt"])
    return hub


@pytest.fixture
async def sdk(served, sdk):
    return sdk


@pytest.fixture
def paced(sim):
    """Makes the simulated provider send a token each so many seconds."""

    def pace(gap_s, *, first_s=0.0, tokens=1_000):
        sim.profile = msgspec.structs.replace(
            sim.profile,
            latency=Latency(first_token_s=Constant(value=first_s), tokens_per_s=1 / gap_s),
            answer_tokens=Constant(value=tokens),
        )

    return pace


def streamed(hub, key, path="/v1/chat/completions", **fields):
    """The context of a streamed response."""
    body = {"model": "gpt", "messages": HELLO, "stream": True, **fields}
    return hub.http.stream("POST", path, json=body, headers={"x-api-key": key})


async def the_row(hub, request_id):
    """The request's row, as soon as the log has it."""
    async with asyncio.timeout(2):
        while not (rows := await hub.logs(request_id=request_id)):
            pass
    return rows[0]


# --- broken off by the provider


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat"])
@pytest.mark.parametrize(("fault", "kind"), BREAKS)
async def test_a_break_ends_with_an_error_event(served, key, sim, *, path, fault, kind):
    sim.next(fault)

    async with streamed(served, key, path) as answer:
        body = await answer.aread()

    assert 200 == answer.status_code
    assert_told(body, kind)
    assert_charged(await served.log(answer), kind)
    assert 1 == len(sim.requests)


@pytest.mark.parametrize(("head", "rest", "kind"), RAW_BREAKS)
async def test_a_break_on_the_wire_ends_with_an_error_event(hub, key, head, rest, kind):
    first = head + (chunk(EVENT) if head is CHUNKED else EVENT)
    async with Scripted(first, rest, close=True) as provider:
        await hub.provider("one", provider, models=["gpt"])
        async with streamed(hub, key) as answer:
            pieces = answer.aiter_bytes()
            body = await anext(pieces)
            provider.go.set()
            body += b"".join([piece async for piece in pieces])

        assert body.startswith(EVENT)
        assert_told(body, kind)
        assert_charged(await hub.log(answer), kind)
        assert 1 == provider.connections


def assert_told(body, kind):
    """The body ends with an error event that names the class, and with nothing else."""
    events = body.decode().removesuffix("\n\n").split("\n\n")
    error = json.loads(events[-1].removeprefix("data: "))["error"]
    assert CODES[kind] == error["code"]
    assert [kind] == [attempt["class"] for attempt in error["attempts"]]
    assert "[DONE]" not in body.decode()
    assert len(events) > 1


def assert_charged(row, kind):
    """The log names the class, and the part that came is charged."""
    (attempt,) = row["attempts"]
    assert (CODES[kind], STATUS.get(kind, 502)) == (row["error_class"], row["status_code"])
    assert (kind, "settled", True) == (
        attempt["error_class"],
        attempt["state"],
        attempt["estimated"],
    )
    assert 0 < row["output_tokens"] < 12
    assert row["estimated_cost_usd"] > 0


@pytest.mark.parametrize("how", ["reset", "closed", "ended", "error"])
async def test_a_break_raises_in_the_sdk(sdk, sim, how):
    sim.next(Fault.cut(how, after=3))
    stream = await sdk.chat.completions.create(model="gpt", messages=HELLO, stream=True)
    # The role comes with the first of three tokens, in an event of its own.
    texts = [(await anext(stream)).choices[0].delta.content for _ in range(4)]

    with pytest.raises(openai.APIError) as caught:
        await anext(stream)

    assert caught.value.code in CODES.values()
    assert [False, True, True, True] == [bool(text) for text in texts]


@pytest.mark.parametrize("how", ["reset", "closed", "ended", "error"])
async def test_a_break_before_the_first_token_leaves_the_other(served, key, second, how):
    await served.provider("two", second, models=["gpt"], model={"weight": 10})
    second.next(Fault.cut(how, after=0))

    async with streamed(served, key) as answer:
        body = await answer.aread()

    assert body.endswith(DONE)
    assert ("one", "2") == (
        answer.headers["x-tokenhub-provider"],
        answer.headers["x-tokenhub-attempts"],
    )
    assert "stream-fallback" == answer.headers["x-tokenhub-reason"]


async def test_a_pause_that_is_too_long_ends_it(tmp_path, sim, paced):
    paced(5.0)
    async with running(tmp_path, PROVIDER_TIMEOUT_SECS="0.2") as hub:
        await hub.provider("one", sim, models=["gpt"])

        async with streamed(hub, await hub.key()) as answer:
            body = await answer.aread()

        row = await hub.log(answer)
    assert b'"upstream_timeout"' in body
    assert ("upstream_timeout", 504) == (row["error_class"], row["status_code"])
    assert row["latency_ms"] < 1_000


async def test_a_stream_in_drops_is_whole(served, key, sim):
    sim.next(Fault.slow_drip(0.00005))

    async with streamed(served, key) as answer:
        body = await answer.aread()

    assert body.endswith(DONE)
    assert 12 == (await served.log(answer))["output_tokens"]


async def test_a_caller_who_reads_slowly_is_no_fault_of_the_provider(tmp_path):
    """The provider waits while the caller does; then all of it comes."""
    large = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"a" * 60_000)
    # More than what fits into the buffers of the sockets.
    rest = chunk(large) * 250 + chunk(DONE) + b"0\r\n\r\n"
    async with (
        Scripted(CHUNKED + chunk(EVENT), rest, close=False) as provider,
        running(tmp_path, PROVIDER_TIMEOUT_SECS="0.2") as hub,
    ):
        await hub.provider("one", provider, models=["gpt"])
        async with streamed(hub, await hub.key()) as answer:
            pieces = answer.aiter_bytes()
            await anext(pieces)
            provider.go.set()
            await asyncio.sleep(0.6)  # it is about time, and the loop's cannot be turned

            body = b"".join([piece async for piece in pieces])

    assert b"upstream_timeout" not in body[-1_000:]
    assert body.endswith(DONE)
    assert 250 == body.count(b"data: {")


# --- left by the caller


@pytest.mark.parametrize("gap_s", [0.001, 0.05], ids=["busy", "idle"])
async def test_a_caller_who_hangs_up_ends_the_upstream_call(served, key, sim, paced, gap_s):
    paced(gap_s)
    async with streamed(served, key) as answer:
        seen = answer.aiter_text()
        await anext(seen)
        await anext(seen)
        await answer.aclose()
        began = asyncio.get_running_loop().time()

    async with asyncio.timeout(1):
        await sim.abandoned(1)

    assert asyncio.get_running_loop().time() - began < 0.5
    row = await the_row(served, answer.headers["x-request-id"])
    (attempt,) = row["attempts"]
    assert ("client_gone", 499) == (row["error_class"], row["status_code"])
    assert ("client_gone", "settled", True) == (
        attempt["error_class"],
        attempt["state"],
        attempt["estimated"],
    )
    assert 0 < row["output_tokens"] < 1_000
    assert row["estimated_cost_usd"] > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_hangs_up_before_the_first_token_ends_it_too(served, key, sim, stream):
    """The provider may bill for it: it is charged at the estimate, and is not to blame."""
    sim.next(Fault.hang())
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, verify=False) as other:
        asking = asyncio.ensure_future(
            other.post(
                "/v1/chat",
                json={"messages": HELLO, "stream": stream},
                headers={"x-api-key": key},
            )
        )
        await sim.arrived(1)
        asking.cancel()

        async with asyncio.timeout(1):
            await sim.abandoned(1)
    async with asyncio.timeout(1):
        while not (rows := await served.logs()):
            pass
    (attempt,) = rows[0]["attempts"]
    assert ("client_gone", 499) == (rows[0]["error_class"], rows[0]["status_code"])
    assert ("client_gone", "unknown") == (attempt["error_class"], attempt["state"])
    assert rows[0]["estimated_cost_usd"] > 0
    assert 1 == len(sim.requests)


async def test_a_server_that_stops_ends_its_streams_with_an_error(tmp_path, sim, paced, caplog):
    """Past the time to drain they are cut, told so, and charged for what came."""
    paced(0.02)
    request = {"json": {"messages": HELLO, "stream": True}}
    async with httpx.AsyncClient(trust_env=False, verify=False) as other:
        async with running(tmp_path, SHUTDOWN_DRAIN_SECS="1") as hub:
            await hub.provider("one", sim, models=["gpt"])
            key = {"x-api-key": await hub.key()}
            asked = other.build_request("POST", f"{hub.url}/v1/chat", headers=key, **request)
            answer = await other.send(asked, stream=True)

        await answer.aread()

    last = json.loads(answer.text.rstrip().rpartition("data: ")[2])
    assert ("draining", "server_error") == (last["error"]["code"], last["error"]["type"])
    assert "drain_over" in caplog.messages
    async with running(tmp_path) as hub:
        (row,) = await hub.logs()
    assert ("draining", 503) == (row["error_class"], row["status_code"])
    assert 0 < row["output_tokens"] < 1_000


# --- the connection after it


async def test_connections_are_used_again(served, key, sim):
    peers = []
    sim.opened_before = sim.opened
    sim.opened = lambda connection: (peers.append(connection), sim.opened_before(connection))

    for _ in range(3):
        async with streamed(served, key) as answer:
            await answer.aread()
        await served.http.post(
            "/v1/chat/completions", json={"messages": HELLO}, headers={"x-api-key": key}
        )

    assert 1 == len(peers)


async def test_a_connection_whose_last_chunk_comes_late_is_used_again(hub, key):
    """Most servers send the end of the HTTP body in a packet of its own."""
    async with Scripted(
        CHUNKED + chunk(EVENT) + chunk(DONE), b"0\r\n\r\n", close=False
    ) as provider:
        await hub.provider("one", provider, models=["gpt"])
        for _ in range(3):
            async with streamed(hub, key) as answer:
                assert (await answer.aread()).endswith(DONE)
            provider.go.set()
            await hub.logs()  # a round trip, in which the last chunk arrives

        assert 1 == provider.connections


async def test_a_connection_whose_last_chunk_does_not_come_is_closed(hub, key):
    async with Scripted(CHUNKED + chunk(EVENT) + chunk(DONE), b"", close=True) as provider:
        await hub.provider("one", provider, models=["gpt"])
        for _ in range(3):
            async with streamed(hub, key) as answer:
                assert (await answer.aread()).endswith(DONE)

        assert 3 == provider.connections
        provider.go.set()


async def test_a_provider_changed_or_deleted_lets_its_streams_end(served, key, sim, second, paced):
    paced(0.01, tokens=20)
    async with streamed(served, key) as one, streamed(served, key) as two:
        await served.admin("PATCH", "providers/one", {"base_url": second.url})
        async with streamed(served, key) as three:
            await served.admin("DELETE", "providers/one")
            ends = [(await answer.aread())[-len(DONE) :] for answer in (one, two, three)]

    assert [DONE] * 3 == ends
    assert (2, 1) == (len(sim.requests), len(second.requests))
    assert (0, 0) == (sim.hangups, second.hangups)


async def test_a_server_that_stops_leaves_nothing_open(tmp_path, sim, second):
    """What is left open would be warned of when it is collected, and a warning is an error."""
    async with running(tmp_path) as hub:
        key = await hub.key()
        await hub.provider("one", sim, models=["gpt"])
        await hub.provider("two", second, models=["gpt"])
        for fault in (Fault.none(), Fault.cut("ended"), Fault.hang(), Fault.invalid_json()):
            sim.next(fault)
            second.next(fault)
            for stream in (True, False):
                body = {"request": {"messages": HELLO, "stream": stream}}
                body["policy"] = {"max_latency_ms": 100}
                await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})
        await hub.admin("GET", "providers/one/discover")
        await hub.admin("DELETE", "providers/one")

    gc.collect()

    async with asyncio.timeout(1):
        for one in (sim, second):
            await one._until(lambda left=one._connections: not left)


async def test_new_key_does_not_go_to_the_old_address(tmp_path, sim, second):
    """A request keeps the catalog it began with, and with it an address that is no more."""
    async with running(tmp_path) as hub:
        key = await hub.key()
        await hub.provider("slow", sim, models=["gpt"], model={"weight": 10})
        await hub.provider("moved", second, models=["gpt"], model={"weight": 1}, api_key="old")
        sim.next(Fault.hang())
        body = {"request": {"messages": HELLO}, "policy": {"max_latency_ms": 1000}}
        asking = asyncio.ensure_future(
            hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})
        )
        await sim.arrived(1)

        moved = {"base_url": sim.url, "api_key": "new"}
        await hub.admin("PATCH", "providers/moved", moved)
        await asking

    assert [None] == [request.headers.get("authorization") for request in second.requests]
