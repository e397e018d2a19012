"""What of a provider's bytes the caller hears, by how they came."""

import asyncio
from types import SimpleNamespace

import pytest

from tokenhub.adapters.providers.connection import Connection
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


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Wire:
    """A response whose body comes in the portions that a test gives it."""

    def __init__(self):
        self.connection = Connection(rest=lambda _: None, lost=lambda _: None)
        self.connection.connection_made(
            SimpleNamespace(write=lambda _: None, abort=lambda: None, is_closing=lambda: False)
        )
        self.response = self.connection.exchange(b"", b"", 5.0)
        self.response.lift_deadline()
        self.connection.data_received(HEAD)

    def stream(self, *, idle_s=5.0):
        loop = asyncio.get_running_loop()
        watch = Watch(self.response, idle_s=idle_s, end=loop.time() + 5.0)
        reader = passing.StreamReader(hide_usage=True)
        return HttpStream(self.response, reader, watch, dropped=())

    def come(self, *events):
        portion = b"".join(events)
        self.connection.data_received(b"%x\r\n%b\r\n" % (len(portion), portion))

    def drip(self, data, gap_s):
        """Let the bytes come one at a time; gives the seconds until the last of them."""
        loop = asyncio.get_running_loop()
        for number in range(len(data)):
            loop.call_later((number + 1) * gap_s, self.come, data[number : number + 1])
        return (len(data) + 1) * gap_s


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


async def test_bytes_that_end_no_line_do_not_end_a_silence():
    wire = Wire()
    stream = wire.stream(idle_s=0.2)
    wire.come(said(b"one"))
    await stream.begin()
    await stream.next()
    wire.drip(b"data: " + b"a" * 40, 0.02)

    with pytest.raises(UpstreamError) as failed:
        await stream.next()

    assert Kind.TIMEOUT is failed.value.kind


@pytest.mark.parametrize("line", [b": a\n", b": a\r\n", b": a\r"], ids=["LF", "CRLF", "CR"])
async def test_lines_that_come_slowly_keep_a_stream_open(line):
    wire = Wire()
    stream = wire.stream(idle_s=0.3)
    wire.come(said(b"one"))
    await stream.begin()
    await stream.next()
    last_s = wire.drip(line * 12, 0.015)
    asyncio.get_running_loop().call_later(last_s, wire.come, b"\n", said(b"two"))

    heard = b""
    while b"two" not in heard:
        heard += await stream.next()

    assert last_s > 0.3
    assert not stream._watch.expired
    stream.close()


async def test_a_callers_pause_within_a_line_is_not_the_providers():
    wire = Wire()
    loop = asyncio.get_running_loop()
    watch = Watch(wire.response, idle_s=0.1, end=loop.time() + 5.0)
    watch.began()
    watch.saw(b"data: half a line")

    for _ in range(3):
        await asyncio.sleep(0.06)
        watch.began()
        watch.saw(b"still half")

    assert not watch.expired
    watch.cancel()
