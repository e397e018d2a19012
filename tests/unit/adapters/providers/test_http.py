"""A provider over HTTP: what is made beside the loop, and which endpoint is left out."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.builders import an_ask
from tests.support.clock import FakeClock
from tests.support.places import allowed
from tokenhub.adapters.providers.http import LARGE_BYTES, HttpProvider
from tokenhub.adapters.providers.transport import Transport
from tokenhub.adapters.providers.vendors import ANTHROPIC, OPENAI, Vendor
from tokenhub.core.ask import Ask
from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio

SOME_S = 5.0
SHORT_S = 0.05
NOWHERE = "http://127.0.0.1:1"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
MODELS = b'{"data":[{"id":"gpt"}]}'
LISTED = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (
    len(MODELS),
    MODELS,
)
REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"
DONE = b"data: [DONE]\n\n"
SAID = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
COMMENTS = HEAD + b": still here\n\n"


class Watched(FakeClock):
    """A clock that knows who looked at it: the translation does, once."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def now(self) -> float:
        self.threads.append(threading.get_ident())
        return super().now()


@asynccontextmanager
async def served(*says: bytes) -> AsyncIterator[list[str]]:
    """The addresses of servers that answer every request so, and then say nothing more."""

    writers: list[asyncio.StreamWriter] = []

    def speaking(said: bytes):
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)

        return serve

    servers = [await asyncio.start_server(speaking(said), "127.0.0.1", 0) for said in says]
    try:
        yield [f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in servers]
    finally:
        for one in (*servers, *writers):
            one.close()
        with suppress(ConnectionError):
            for writer in writers:
                await writer.wait_closed()


@asynccontextmanager
async def calling(
    *endpoints: str,
    vendor: Vendor = OPENAI,
    clock: FakeClock | None = None,
    secret: bytes | None = None,
) -> AsyncIterator[HttpProvider]:
    transport = Transport(allowed=allowed())
    yield HttpProvider(
        endpoints,
        vendor=vendor,
        transport=transport,
        secret=lambda: secret,
        clock=clock or FakeClock(),
    )
    await transport.close()


def unreadable(size: int) -> Ask:
    """A body that the reader of its dialect refuses, once it is to be translated."""
    return Ask(payload=b'{"messages":[{"role":"user","content":5}],"x":"%s"}' % (b"x" * size))


def opened(provider: HttpProvider, ask: Ask, *, begin_s: float = SOME_S):
    return provider.open(ask, "m", idle_s=SOME_S, begin_s=begin_s, within_s=SOME_S)


def completed(provider: HttpProvider, ask: Ask):
    return provider.complete(ask, "m", within_s=SOME_S)


@pytest.mark.parametrize("call", [completed, opened])
async def test_body_that_cannot_be_read_is_no_error_of_the_gateways(call) -> None:
    async with calling(NOWHERE, vendor=ANTHROPIC) as provider:
        with pytest.raises(UpstreamError) as caught:
            await call(provider, unreadable(1))

    error = caught.value
    assert (Kind.UNSUPPORTED, 400) == (error.kind, error.status)
    assert "content" in error.field
    assert error.message


@pytest.mark.parametrize(("size", "beside"), [(1, False), (LARGE_BYTES, True)])
async def test_large_body_is_translated_beside_the_loop(size: int, beside) -> None:
    clock = Watched()

    async with calling(NOWHERE, vendor=ANTHROPIC, clock=clock) as provider:
        with pytest.raises(UpstreamError):
            await completed(provider, unreadable(size))

    assert [beside] == [threading.get_ident() != thread for thread in clock.threads]


async def test_stream_that_ends_before_it_has_begun_is_no_answer() -> None:
    async with served(HEAD + DONE) as endpoints, calling(*endpoints) as provider:
        with pytest.raises(UpstreamError) as caught:
            await opened(provider, an_ask(stream=True))

    assert (Kind.BROKEN, 200) == (caught.value.kind, caught.value.status)


async def test_endpoint_whose_streams_never_begin_rests_while_there_is_another() -> None:
    async with served(COMMENTS, HEAD + SAID) as endpoints, calling(*endpoints) as provider:
        ask = an_ask(stream=True)
        with pytest.raises(UpstreamError) as caught:
            await opened(provider, ask, begin_s=SHORT_S)

        streams = [await opened(provider, ask) for _ in range(3)]

        assert Kind.TIMEOUT is caught.value.kind
        assert [SAID] * 3 == [await stream.next() for stream in streams]
        for stream in streams:
            stream.close()


async def test_stream_that_has_begun_may_take_longer_than_its_beginning() -> None:
    async with served(HEAD + SAID) as endpoints, calling(*endpoints) as provider:
        stream = await provider.open(
            an_ask(stream=True), "m", idle_s=SOME_S, begin_s=SHORT_S, within_s=4 * SHORT_S
        )
        began = asyncio.get_running_loop().time()
        await stream.next()

        with pytest.raises(UpstreamError) as caught:
            await stream.next()

    assert Kind.TIMEOUT is caught.value.kind
    assert asyncio.get_running_loop().time() - began > 2 * SHORT_S


@pytest.mark.parametrize("others", [(), (NOWHERE,), (NOWHERE, NOWHERE)])
async def test_models_are_listed_by_whichever_endpoint_is_there(others: tuple[str, ...]) -> None:
    async with served(LISTED) as urls, calling(*others, *urls) as provider:
        found = [await provider.models(within_s=SOME_S) for _ in range(3)]

    assert [["gpt"]] * 3 == [[model["id"] for model in models] for models in found]


async def test_silent_endpoint_leaves_time_to_ask_the_other_for_its_models() -> None:
    async with served(b"", LISTED) as urls, calling(*urls) as provider:
        found = await provider.models(within_s=4 * SHORT_S)

    assert ["gpt"] == [model["id"] for model in found]


async def test_endpoint_that_refuses_the_key_speaks_for_the_others() -> None:
    async with served(REFUSED, LISTED) as urls, calling(*urls) as provider:
        with pytest.raises(UpstreamError) as caught:
            await provider.models(within_s=SOME_S)

    assert Kind.CREDENTIAL is caught.value.kind


async def test_provider_whose_endpoints_are_all_gone_is_unreachable() -> None:
    async with calling(NOWHERE, NOWHERE) as provider:
        with pytest.raises(UpstreamError) as caught:
            await provider.models(within_s=SOME_S)

    assert Kind.UNREACHABLE is caught.value.kind


KEY = b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ECHO = b'{"error":{"message":"bad %s","code":"%s","param":"%s"}}' % (KEY, KEY, KEY)
REFUSES = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%s" % (len(ECHO), ECHO)
BREAKS = HEAD + SAID + b"data: %s\n\n" % ECHO


@pytest.mark.parametrize(
    ("call", "said"), [(completed, REFUSES), (opened, REFUSES), (opened, BREAKS)]
)
async def test_a_provider_that_says_our_key_back_is_not_repeated(call, said) -> None:
    async with served(said) as urls, calling(*urls, secret=KEY) as provider:
        with pytest.raises(UpstreamError) as caught:
            await _to_the_end(call, provider)

    error = caught.value
    assert KEY.decode() not in error.message + error.code + error.field


async def _to_the_end(call, provider: HttpProvider) -> None:
    stream = await call(provider, an_ask(stream=call is opened))
    while await stream.next():
        pass
