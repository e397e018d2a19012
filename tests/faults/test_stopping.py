"""F36: SIGTERM while answers are on their way."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from msgspec.structs import replace

from tests.faults.harness import FORMATS, MODEL, PROFILE, Bench
from tests.faults.table import LONG
from tests.faults.wires import CHUNKED, OK, SSE, Hang, Wire, chunk
from tests.support.server import child
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Latency

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

STREAMS = 50 if LONG else 20
LASTING_S = 5.0 if LONG else 1.0
TOKENS = 50
# What the promise gives beyond the time to drain.
EXIT_S = 1.0
DRAIN_S = 1
HELLO = [{"role": "user", "content": "Hello"}]


def paced(seconds):
    """Answers that take so long."""
    return replace(
        PROFILE,
        latency=Latency(tokens_per_s=TOKENS / seconds),
        answer_tokens=Constant(value=TOKENS),
    )


async def ended(hub):
    """Seconds from the signal to the end of the process, and its exit code."""
    clock = asyncio.get_running_loop().time
    began = clock()
    hub.process.terminate()
    code = await hub.process.wait()
    return clock() - began, code


async def logged(folder, count):
    """The log of a server that has ended, as the next one reads it."""
    async with child(folder) as hub:
        return await hub.logs(limit=count + 1)


async def test_f36_streams_under_way_end_whole_and_nobody_new_gets_in(tmp_path, figure):
    async with (
        Sim(paced(LASTING_S)) as sim,
        child(tmp_path, SHUTDOWN_DRAIN_SECS=str(LASTING_S + 5)) as hub,
        asyncio.TaskGroup() as group,
    ):
        bench = Bench(hub, await hub.key(), 1)
        await bench.provider("one", sim)
        asked = [
            group.create_task(bench.ask(stream=True, speech=FORMATS[number % 2]))
            for number in range(STREAMS)
        ]
        await sim.arrived(STREAMS)
        stopping = group.create_task(ended(hub))
        await asyncio.sleep(0.3)
        with pytest.raises(httpx.ConnectError):
            await hub.http.get("/readyz", headers={"connection": "close"})
        acks = [await one for one in asked]
        took_s, code = await stopping

    rows = await logged(tmp_path, STREAMS)
    truncated = sum(not ack.ended_well() for ack in acks)
    figure("F36", "truncated streams", truncated, f"of {STREAMS}")
    figure("F36", f"with streams of {LASTING_S:g} s: exit after", took_s, "s")
    assert 0 == truncated
    assert 0 == code
    assert took_s <= LASTING_S + EXIT_S
    assert STREAMS == len(rows)
    assert {""} == {row["error_class"] for row in rows}
    assert [] == [line for line in hub.logged if "Traceback" in line]


async def test_f36_what_outlasts_the_drain_is_cut_told_so_and_settled(tmp_path, figure):
    """Streams get an error event, whole answers and plans a 503, each in its caller's words."""
    async with (
        Sim(paced(60.0)) as sim,
        child(tmp_path, SHUTDOWN_DRAIN_SECS=str(DRAIN_S)) as hub,
        asyncio.TaskGroup() as group,
    ):
        key = {"x-api-key": await hub.key("chat", "plan")}
        bench = Bench(hub, key["x-api-key"], 1)
        await bench.provider("one", sim)
        streams = [
            group.create_task(bench.ask(stream=True, speech=FORMATS[number % 2]))
            for number in range(STREAMS)
        ]
        whole = [group.create_task(bench.ask(speech=speech)) for speech in FORMATS]
        plans = [
            group.create_task(
                hub.http.post(
                    "/v1/plan",
                    json={
                        "request": {"messages": HELLO, "stream": stream, "model_hint": MODEL},
                        "orchestration": {"mode": "refine", "iterations": 1},
                    },
                    headers=key,
                )
            )
            for stream in (False, True)
        ]
        native = group.create_task(
            hub.http.post("/v1/chat", json={"request": {"messages": HELLO}}, headers=key)
        )
        count = STREAMS + len(whole) + len(plans) + 1
        await sim.arrived(count)
        took_s, code = await ended(hub)
        acks = [await one for one in (*streams, *whole)]
        planned = [await one for one in plans]
        told = await native

    rows = await logged(tmp_path, count)
    figure("F36", f"to drain {DRAIN_S} s, {count} cut: exit after", took_s, "s")
    figure("F36", "cut without a word", sum(ack.code != "draining" for ack in acks))
    assert 0 == code
    assert took_s <= DRAIN_S + EXIT_S
    assert {"draining"} == {ack.code for ack in acks}
    assert [200] * STREAMS + [503] * 2 == [ack.status for ack in acks]
    assert ["1"] * 2 == [ack.answer.headers["retry-after"] for ack in acks[STREAMS:]]
    assert (503, "draining") == (told.status_code, told.json()["error"]["code"])
    assert (503, "draining") == (planned[0].status_code, planned[0].json()["error"]["code"])
    assert '"code":"draining"' in planned[1].text
    assert count == len(rows)
    assert {"draining"} == {row["error_class"] for row in rows}
    attempts = [attempt for row in rows for attempt in row["attempts"]]
    assert {"settled", "unknown"} == {attempt["state"] for attempt in attempts}
    assert all(row["estimated_cost_usd"] > 0 for row in rows)
    assert [] == [line for line in hub.logged + hub.said if "Traceback" in line]


async def test_f36_who_does_not_read_does_not_hold_the_end_up(tmp_path):
    """Nor does half a request, nor a connection that says nothing."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * 60_000)
    endless = (OK + SSE + CHUNKED, *[chunk(event)] * 200, Hang())
    async with (
        Wire({"endless": endless}) as wire,
        child(tmp_path, SHUTDOWN_DRAIN_SECS=str(DRAIN_S)) as hub,
    ):
        key = await hub.key()
        await hub.provider("one", wire.url("endless"), models=[MODEL])
        body = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\nx-api-key: %b\r\n"
        head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writers = []
        for part in (head % (key.encode(), len(body)) + body, head[:20], b""):
            _, writer = await asyncio.open_connection("127.0.0.1", hub.port, limit=1)
            writer.write(part)
            writers.append(writer)
        await asyncio.sleep(0.5)
        took_s, code = await ended(hub)
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    (row,) = await logged(tmp_path, 1)
    assert (0, "draining") == (code, row["error_class"])
    assert took_s <= DRAIN_S + EXIT_S
