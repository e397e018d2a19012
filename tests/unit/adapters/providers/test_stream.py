"""What of a provider's bytes the caller hears, by how they came."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from tokenhub.adapters.providers.stream import HttpStream
from tokenhub.adapters.providers.transport import Watch
from tokenhub.core.failures import Kind
from tokenhub.dialects.openai import passing
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio

FAULT = b'data: {"error":{"message":"no","type":"server_error"}}\n\n'
GARBAGE = b"data: {\n\n"


def said(text):
    return b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text


class Wire:
    """A response whose body comes in the portions that a test gives it."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        protocol = BaseProtocol(loop)
        protocol.transport = SimpleNamespace(close=lambda: None)
        self.content = StreamReader(protocol, 1 << 16, loop=loop)
        self.response = SimpleNamespace(content=self.content, close=lambda: None, connection=None)

    def stream(self):
        loop = asyncio.get_running_loop()
        watch = Watch(self.response, idle_s=5.0, end=loop.time() + 5.0)
        reader = passing.StreamReader(hide_usage=True)
        return HttpStream(self.response, reader, watch, dropped=())

    def come(self, *events):
        self.content.feed_data(b"".join(events))


@pytest.mark.parametrize("bad", [FAULT, GARBAGE], ids=["error", "garbage"])
@pytest.mark.parametrize("lines", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
async def test_what_came_before_an_error_in_the_same_portion_is_heard(bad, lines):
    wire = Wire()
    stream = wire.stream()
    wire.come(said(b"one"))
    await stream.begin()
    await stream.next()
    events = [event.replace(b"\n", lines) for event in (said(b"two"), bad)]
    wire.come(*events)

    heard = await stream.next()

    assert events[0] == heard
    with pytest.raises(UpstreamError) as failed:
        await stream.next()
    assert failed.value.kind in {Kind.OVERLOADED, Kind.BROKEN}


async def test_an_error_in_the_first_portion_is_told_before_anything_is_heard():
    wire = Wire()
    wire.come(said(b"one"), FAULT)

    with pytest.raises(UpstreamError) as failed:
        await wire.stream().begin()

    assert Kind.OVERLOADED is failed.value.kind
