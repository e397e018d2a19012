"""Faults on the wire: what a caller's socket meets."""

import asyncio
import json

import aiohttp
import msgspec
import pytest

from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Faults

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


async def on_the_wire(sim, ask: dict) -> tuple[bytes, bool]:
    """Everything the provider sends to one request, and whether it ended with a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    body = json.dumps(ask).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
    got = b""
    try:
        while piece := await reader.read(65_536):
            got += piece
    except ConnectionResetError:
        return got, True
    else:
        return got, False
    finally:
        writer.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_before_headers_sends_nothing(sim, chat, stream) -> None:
    sim.next(Fault.reset())

    assert (b"", True) == await on_the_wire(sim, {**chat, "stream": stream})


async def test_a_reset_within_headers_sends_half_of_them(sim, chat) -> None:
    sim.next(Fault.reset(within_headers=True))

    got, reset = await on_the_wire(sim, chat)

    assert reset
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in got


@pytest.mark.parametrize(
    ("how", "reset", "ended"),
    [("reset", True, False), ("closed", False, False), ("ended", False, True)],
)
async def test_a_cut_stream_has_its_tokens_and_no_last_event(sim, chat, how, reset, ended) -> None:
    sim.next(Fault.cut(how, after=3))

    got, was_reset = await on_the_wire(sim, {**chat, "stream": True})

    assert reset == was_reset
    assert ended == got.endswith(b"0\r\n\r\n")
    assert 4 == got.count(b"data: ")  # the role and three tokens
    assert b"[DONE]" not in got


async def test_a_stream_cut_after_its_last_token_lacks_only_its_end(sim, chat) -> None:
    sim.next(Fault.cut("ended", after=1000))

    got, _ = await on_the_wire(sim, {**chat, "stream": True})

    assert 13 == got.count(b"data: ")
    assert b"[DONE]" not in got


async def test_a_stream_cut_before_its_first_token_is_only_a_head(sim, chat) -> None:
    sim.next(Fault.cut("closed", after=0))

    got, _ = await on_the_wire(sim, {**chat, "stream": True})

    assert got.endswith(b"\r\n\r\n")
    assert b"data: " not in got


@pytest.mark.parametrize(("how", "reset"), [("reset", True), ("closed", False)])
async def test_a_cut_whole_answer_is_shorter_than_it_promised(sim, chat, how, reset) -> None:
    sim.next(Fault.cut(how))

    got, was_reset = await on_the_wire(sim, chat)

    head, _, body = got.partition(b"\r\n\r\n")
    promised = int(head.partition(b"content-length: ")[2])
    assert reset == was_reset
    assert 0 < len(body) < promised


async def test_a_whole_answer_cut_at_its_end_is_half_a_json(sim, http, chat) -> None:
    sim.next(Fault.cut("ended"))
    async with http.post(CHAT, json=chat) as response:
        body = await response.text()

    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


@pytest.mark.parametrize("stream", [False, True])
async def test_invalid_json_comes_in_good_http(sim, http, chat, stream) -> None:
    sim.next(Fault.invalid_json())
    async with http.post(CHAT, json={**chat, "stream": stream}) as response:
        body = await response.text()

    assert 200 == response.status
    lines = [line[6:] for line in body.split("\n") if line.startswith("data: {")]
    with pytest.raises(json.JSONDecodeError):
        [json.loads(line) for line in lines or [body]]


async def test_a_hang_never_answers_and_sees_the_caller_leave(sim, http, chat) -> None:
    sim.next(Fault.hang())

    with pytest.raises(TimeoutError):
        await http.post(CHAT, json=chat, timeout=aiohttp.ClientTimeout(total=0.05))

    await sim.abandoned(1)
    assert 1 == len(sim.requests)


async def test_a_slow_drip_is_whole_in_the_end(sim, http, chat) -> None:
    sim.next(Fault.slow_drip(0.0))
    async with http.post(CHAT, json=chat) as response:
        body = await response.json()

    assert body["choices"][0]["message"]["content"].startswith("Simulated")


async def test_a_delayed_answer_comes_late(sim, http, chat) -> None:
    loop = asyncio.get_running_loop()
    sim.next(Fault.slow(0.05))
    begun = loop.time()
    async with http.post(CHAT, json=chat) as response:
        await response.read()

    assert loop.time() - begun >= 0.045


async def test_a_page_or_any_bytes_can_be_the_answer(sim, http, chat) -> None:
    sim.next(Fault.body(b"<html>"), Fault.raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
    async with http.post(CHAT, json=chat) as page:
        text = await page.text()
    async with http.post(CHAT, json=chat) as bare:
        await bare.read()

    assert (200, "text/html", "<html>") == (page.status, page.content_type, text)
    assert 204 == bare.status


async def test_scripted_faults_are_met_in_order_and_once(sim, http, chat) -> None:
    sim.next(Fault.status(503), Fault.none())
    statuses = []
    for _ in range(3):
        async with http.post(CHAT, json=chat) as response:
            statuses.append(response.status)

    assert [503, 200, 200] == statuses


async def test_a_fault_for_a_path_waits_for_that_path(sim, http, chat) -> None:
    sim.next(Fault.status(500), path="/v1/models")
    async with http.post(CHAT, json=chat) as chatted:
        await chatted.read()
    async with http.get("/v1/models") as first:
        await first.read()
    async with http.get("/v1/models") as second:
        await second.read()

    assert [200, 500, 200] == [chatted.status, first.status, second.status]


async def test_a_scripted_good_answer_stands_against_the_rates(sim, http, chat) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, faults=Faults(server_error=1.0))
    sim.next(Fault.none())
    async with http.post(CHAT, json=chat) as good:
        await good.read()
    async with http.post(CHAT, json=chat) as bad:
        await bad.read()

    assert [200, 500] == [good.status, bad.status]


async def test_embeddings_meet_faults_too(sim, http) -> None:
    sim.next(Fault.rate_limited(""))
    ask = {"model": "sim-large", "input": "a"}
    async with http.post("/v1/embeddings", json=ask) as response:
        await response.read()

    assert 429 == response.status
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    ("ask", "status"),
    [({"model": "sim-large"}, 400), ({"model": "none", "input": "a"}, 404)],
)
async def test_bad_embedding_requests_are_refused(http, ask, status) -> None:
    async with http.post("/v1/embeddings", json=ask) as response:
        body = await response.json()

    assert (status, "invalid_request_error") == (response.status, body["error"]["type"])


async def test_vllm_speaks_its_own_errors(sim, http, chat) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, dialect="vllm", api_key="right")
    async with http.post(CHAT, json=chat) as closed:
        refused = await closed.json()
    key = {"authorization": "Bearer right"}
    async with http.post(CHAT, json={**chat, "model": "none"}, headers=key) as response:
        unknown = await response.json()

    assert (401, {"error": "Unauthorized"}) == (closed.status, refused)
    assert ("NotFoundError", 404) == (unknown["error"]["type"], unknown["error"]["code"])
