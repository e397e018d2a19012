"""What a provider may send: how much size, time and trust its worst can take.

What its worst takes of the memory is in tests/faults/test_sizes.py.
"""

import asyncio
import contextlib

import pytest

from tests.support.server import running
from tokenhub.adapters.providers import stream as streams
from tokenhub.adapters.providers.stream import MAX_BEFORE_BYTES
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
MODELS = {"openai": "gpt", "anthropic": "large"}
WAYS = [(speech, provider) for speech in PATHS for provider in MODELS]
DEADLINE_S = 0.9
GRACE_S = 2.0
MB = 1_000_000
# What a write to a caller that hung up raises; the last is uvloop's.
GONE = (OSError, EOFError, RuntimeError)
BROKEN = "upstream_invalid_response"
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ENDLESS = {
    "openai": (
        b'data: {"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"a" * 16_000),
    ),
    "anthropic": (
        (
            b'event: message_start\ndata: {"type":"message_start","message":{"id":"a",'
            b'"type":"message","role":"assistant","model":"large","content":[],"stop_reason":null,"stop_sequence":null,'
            b'"usage":{"input_tokens":9,"output_tokens":1}}}\n\n'
            b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
            b'"content_block":{"type":"text","text":""}}\n\n'
        ),
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"%b"}}\n\n' % (b"a" * 16_000),
    ),
}
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


class Pouring:
    """A provider that sends a beginning and then the same piece again and again."""

    def __init__(self, first, piece, *, gap_s=0.0):
        self.first = first
        self.piece = piece
        self.gap_s = gap_s
        self.sent = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        with contextlib.closing(writer), contextlib.suppress(*GONE):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.first)
            while not reader.at_eof():
                writer.write(self.piece)
                self.sent += len(self.piece)
                await writer.drain()
                await asyncio.sleep(self.gap_s)


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
async def hub(tmp_path):
    limits = {
        "PROVIDER_TIMEOUT_SECS": "0.3",
        "DEFAULT_MAX_LATENCY_MS": str(int(DEADLINE_S * 1000)),
    }
    async with running(tmp_path, **limits) as server:
        yield server


async def register(hub, *places, **fields):
    """Each place as a provider of both formats; the first of them is asked first."""
    for number, place in enumerate(places):
        for speech, model in MODELS.items():
            await hub.provider(
                f"{speech}-{number}",
                place if isinstance(place, str) else place.url,
                models=[model],
                model={"weight": 10 - number},
                type=speech,
                **fields,
            )


async def ask(hub, key, way, *, stream):
    """The answer to a request that goes this way, and its seconds."""
    speech, provider = way
    body = {"model": MODELS[provider], "messages": HELLO, "max_tokens": 16, "stream": stream}
    headers = {"x-api-key": key, "x-tokenhub-substitute": "same-model"}
    began = asyncio.get_running_loop().time()
    answer = await hub.http.post(PATHS[speech], json=body, headers=headers)
    return answer, asyncio.get_running_loop().time() - began


# --- size


@pytest.mark.parametrize("way", WAYS, ids="-".join)
async def test_comments_without_an_answer_end_by_their_size(hub, key, way):
    """Whether they would be handed on or not."""
    async with Pouring(STREAM, chunk(b": " + b"a" * 16_000 + b"\n\n")) as provider:
        await register(hub, provider)

        answer, seconds = await ask(hub, key, way, stream=True)

        assert (502, BROKEN) == (
            answer.status_code,
            answer.json()["error"]["code"],
        )
        assert seconds < DEADLINE_S
        # What the sockets' buffers hold was sent as well.
        assert provider.sent < MAX_BEFORE_BYTES + 8 * MB


@pytest.mark.parametrize("way", WAYS, ids="-".join)
async def test_an_answer_without_end_is_broken_off(hub, key, way, monkeypatch):
    """The limit is made small, as the test would take minutes otherwise."""
    monkeypatch.setattr(streams, "MAX_STREAM_BYTES", MB)
    first, piece = ENDLESS[way[1]]
    async with Pouring(STREAM + chunk(first), chunk(piece)) as provider:
        await register(hub, provider)

        answer, seconds = await ask(hub, key, way, stream=True)

    assert 200 == answer.status_code
    assert BROKEN in answer.text.splitlines()[-2]
    assert seconds < DEADLINE_S
    assert len(answer.content) < 2 * MB


# --- time


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("first", "piece", "streamed_only"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"a", False, id="drip of the head"),
        pytest.param(b"", HINT, False, id="endless hints"),
        pytest.param(JSON, chunk(b" "), False, id="drip of a body"),
        pytest.param(STREAM, chunk(b":"), True, id="drip of a stream"),
        pytest.param(STREAM, chunk(b": a\n\n"), True, id="comments"),
    ],
)
async def test_a_slow_drip_ends_by_the_deadline(hub, key, *, first, piece, streamed_only, stream):
    if streamed_only and not stream:
        first = first.replace(b"text/event-stream", b"application/json")
    async with Pouring(first, piece, gap_s=0.02) as provider:
        await register(hub, provider)

        ends = await asyncio.gather(*[ask(hub, key, way, stream=stream) for way in WAYS])

    refused = stream and first is JSON
    for answer, seconds in ends:
        told = (answer.status_code, answer.json()["error"]["code"])
        assert (502, BROKEN) if refused else (504, "upstream_timeout") == told
        assert seconds <= DEADLINE_S + GRACE_S


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_drip_leaves_time_for_another_provider(hub, key, sim, stream):
    """What keeps a connection busy without an answer may take half of the time."""
    head = STREAM if stream else JSON
    piece = chunk(b": a\n\n" if stream else b" ")
    async with Pouring(head, piece, gap_s=0.02) as provider:
        await register(hub, provider, sim)

        ends = await asyncio.gather(*[ask(hub, key, way, stream=stream) for way in WAYS])

    assert [(200, "2")] * 4 == [(a.status_code, a.headers["x-tokenhub-attempts"]) for a, _ in ends]


# --- trust


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_never_takes_the_key_elsewhere(hub, key, sim, second, *, status, stream):
    """Neither the key nor the prompt: the other server is not called at all."""
    await register(hub, sim, api_key="sk-of-the-first")
    for way in WAYS:
        sim.next(Fault.redirect(f"{second.url}{PATHS[way[1]]}", status=status))

        answer, _ = await ask(hub, key, way, stream=stream)

        assert (502, BROKEN) == (
            answer.status_code,
            answer.json()["error"]["code"],
        )
        assert second.url not in answer.text
        assert "location" not in answer.headers
    assert [] == second.requests
    assert {"sk-of-the-first"} == {
        request.headers.get("x-api-key") or request.headers["authorization"].removeprefix("Bearer ")
        for request in sim.requests
    }


async def test_lists_of_models_are_not_followed_elsewhere(hub, sim, second):
    await hub.provider("one", sim, api_key="sk-of-the-first")
    sim.next(Fault.redirect(f"{second.url}/v1/models"), path="/v1/models")

    answer = await hub.http.get(
        "/admin/v1/providers/one/discover",
        headers={"authorization": "Bearer tha_0123456789abcdef0123456789abcdef"},
    )

    assert 200 != answer.status_code
    assert [] == second.requests
