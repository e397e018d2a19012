"""Wires that no vendor would send, byte by byte; and the table of drills."""

import asyncio
import json
import tracemalloc
import zlib

import aiohttp
import pytest

from tokenhub.sim.app import Sim
from tokenhub.sim.drills import DRILLS, WORDS
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


async def opened(sim, ask: dict, path: str = CHAT):
    """A connection that has asked; what comes is the test's to read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    body = json.dumps(ask).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
    return reader, writer


async def received(sim, ask: dict, path: str = CHAT) -> bytes:
    reader, writer = await opened(sim, ask, path)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_hundred_megabytes_in_a_line_take_no_memory_here(sim, chat) -> None:
    sim.next(Fault.long_line())
    reader, writer = await opened(sim, {**chat, "stream": True})
    size = 0
    tracemalloc.start()
    while piece := await reader.read(1_048_576):
        size += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.close()

    assert size > 100_000_000
    assert peak < 5_000_000


async def test_a_bomb_unpacks_to_zeros(sim, chat) -> None:
    sim.next(Fault.gzip_bomb())
    async with (
        aiohttp.ClientSession(sim.url, auto_decompress=False) as session,
        session.post(CHAT, json=chat) as response,
    ):
        packed = await response.read()
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    start = unpacker.decompress(packed, 1_000)

    assert "gzip" == response.headers["content-encoding"]
    assert len(packed) < 1_000_000
    assert bytes(1_000) == start


async def test_an_endless_stream_ends_with_its_caller(sim, chat) -> None:
    sim.next(Fault.endless())
    reader, writer = await opened(sim, {**chat, "stream": True})

    got = await reader.readexactly(200_000)
    writer.close()
    await sim.abandoned(1)

    assert got.count(b": still here") > 1_000


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.long_header(), b"x-filler: " + b"x" * 400_000),
        (Fault.early_hints(), b"HTTP/1.1 103 Early Hints\r\n"),
        (Fault.bad_chunk(), b"\r\nzz\r\n"),
        (Fault.garbage(), b"\xff\xfe\x00garbage\x80"),
        (Fault.broken(429), b"rate_limit"),
        (Fault.slow_drip(0.0, part="head"), b"\r\n\r\n"),
        (Fault.slow_drip(0.0, part="body"), b"\r\n\r\n"),
    ],
)
async def test_each_wire_is_as_bad_as_it_says(
    sim, message, *, path, stream, fault, expected
) -> None:
    sim.next(fault)

    assert expected in await received(sim, {**message, "stream": stream}, path)


@pytest.mark.parametrize(
    ("path", "end", "finish"),
    [(CHAT, b"[DONE]", b'"stop"'), (MESSAGES, b"message_stop", b'"end_turn"')],
)
async def test_ends_may_be_missing_or_come_twice(sim, message, path, end, finish) -> None:
    sim.next(Fault.unterminated(), Fault.twice("finish"), Fault.twice("usage"), Fault.none())
    ask = {**message, "stream": True}
    if path == CHAT:
        ask["stream_options"] = {"include_usage": True}

    wires = [await received(sim, ask, path) for _ in range(4)]

    assert [False, True, True, True] == [end in wire for wire in wires]
    assert [1, 2] == [wires[place].count(finish) for place in (0, 1)]
    assert wires[2].count(b"_tokens") > wires[3].count(b"_tokens")
    assert all(wire.endswith(b"0\r\n\r\n") for wire in wires)


@pytest.mark.parametrize("stream", [False, True])
async def test_text_split_in_single_bytes_is_whole_again(sim, http, chat, stream) -> None:
    sim.next(Fault.split(1, text=WORDS))
    async with http.post(CHAT, json={**chat, "stream": stream}) as response:
        body = await response.text()

    assert WORDS in body
    assert stream == ("[DONE]" in body)


async def test_no_usage_is_zero(sim, http, chat) -> None:
    sim.next(Fault.no_usage())
    async with http.post(CHAT, json=chat) as response:
        usage = (await response.json())["usage"]

    assert (0, 0) == (usage["prompt_tokens"], usage["completion_tokens"])


async def test_a_stall_is_silence_until_the_caller_leaves(sim, chat) -> None:
    sim.next(Fault.stall(after=2))
    reader, writer = await opened(sim, {**chat, "stream": True})

    got = await reader.readuntil(b'"content":" answer:"')
    writer.close()
    await sim.abandoned(1)

    assert 3 == got.count(b"data: ")


async def test_a_redirect_shows_whether_the_key_followed(sim, http, chat) -> None:
    async with Sim(sim.profile) as other:
        sim.next(Fault.redirect(f"{other.url}{CHAT}"))
        headers = {"authorization": "Bearer k"}
        async with http.post(CHAT, json=chat, headers=headers) as response:
            await response.read()

    assert 200 == response.status
    assert ["k"] == [request.key() for request in sim.requests]
    assert [""] == [request.key() for request in other.requests]


async def test_a_stream_may_come_where_none_was_asked(sim, http, chat) -> None:
    sim.next(Fault.unstreamed(), Fault.unstreamed())
    async with http.post(CHAT, json=chat) as one:
        streamed = await one.text()
    async with http.post(CHAT, json={**chat, "stream": True}) as other:
        whole = await other.json()

    assert "[DONE]" in streamed
    assert "chat.completion" == whole["object"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("name", DRILLS)
async def test_every_drill_can_be_played(sim, message, path, stream, name) -> None:
    sim.next(DRILLS[name].fault)
    reader, writer = await opened(sim, {**message, "stream": stream}, path)

    await sim.arrived(1)
    if name not in {"hang", "reset"}:
        await reader.read(1)
    writer.close()

    assert 1 == len(sim.requests)


def test_the_table_is_long_and_promises_something() -> None:
    assert len(DRILLS) >= 20
    assert all(drill.promise for drill in DRILLS.values())
