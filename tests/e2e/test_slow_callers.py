"""Callers who are slow to say what they want are let go; those who wait for an answer are not."""

import asyncio
from contextlib import suppress

import pytest

from tests.support.server import running
from tokenhub.sim.fault import Fault
from tokenhub.web import protocol

pytestmark = pytest.mark.anyio

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"
POST = b"POST /v1/chat HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


@pytest.fixture
async def hub(tmp_path, monkeypatch):
    """Limits of a tenth of a second in place of ten: the only thing that is not as it ships."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.5)
    monkeypatch.setattr(protocol, "BODY_S", 0.5)
    async with running(tmp_path) as server:
        yield server


async def said(hub, *parts):
    """All that the server answers to these parts, up to its closing the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    for part in parts:
        writer.write(part)
    answer = b""
    with suppress(ConnectionResetError):
        async with asyncio.timeout(3):
            while piece := await reader.read(65_536):
                answer += piece
    writer.close()
    return answer


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((), id="nothing"),
        pytest.param((REQUEST[:20],), id="half a head"),
        pytest.param((REQUEST, REQUEST[:20]), id="half a second head"),
        pytest.param((POST + b"content-length: 10\r\n\r\n{",), id="half a body"),
    ],
)
async def test_half_a_request_is_closed_with_408(hub, parts):
    answer = await said(hub, *parts)

    assert b"HTTP/1.1 408" in answer
    assert answer.endswith(b"connection: close\r\n\r\n")


async def test_endless_head_is_closed_with_431(hub):
    answer = await said(hub, REQUEST[:-2], b"x-a: y\r\n" * 10_000)

    assert answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("size", [66_000, 100_000, 200_000, 1_000_000])
@pytest.mark.parametrize("line", [b"x-a: y\r\n", b"x: %b\r\n"], ids=["many lines", "one line"])
async def test_a_long_head_is_refused_however_it_comes(hub, size, line):
    """All of it in one write, with its end: the refusal arrives, and no reset in its place."""
    lines = line % (b"a" * size) if b"%b" in line else line * (size // len(line))

    answer = await said(hub, REQUEST[:-2] + lines + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 431")
    assert 1 == answer.count(b"HTTP/1.1")


async def test_a_head_just_short_enough_is_read_whatever_comes_with_it(hub):
    """Neither the body of the request before it counts, nor its own."""
    first = POST + b"content-length: 300000\r\n\r\n" + b"x" * 300_000
    second = (
        POST + b"x: " + b"a" * 65_000 + b"\r\nconnection: close\r\ncontent-length: 90000\r\n\r\n"
    )

    answer = await said(hub, first + second + b"x" * 90_000)

    assert 0 == answer.count(b"HTTP/1.1 431")


@pytest.mark.parametrize("end", [b"x-a: y\r\n", b"x: %b" % (b"a" * 9_000)])
async def test_endless_trailers_are_ended(hub, key, end):
    head = POST + b"x-api-key: " + key.encode() + b"\r\ntransfer-encoding: chunked\r\n\r\n"

    answer = await said(hub, head + b"1\r\n{\r\n0\r\n", *[end * 1_000] * 100)

    assert answer.startswith(b"HTTP/1.1 431")


async def test_who_waits_for_a_slow_answer_is_not_hurried(hub, sim):
    await hub.provider("one", sim, models=["gpt"])
    sim.next(Fault.slow(0.4))
    key = await hub.key()

    answer = await hub.http.post(
        "/v1/chat",
        json={"messages": [{"role": "user", "content": "Hi"}]},
        headers={"x-api-key": key},
    )

    assert 200 == answer.status_code
