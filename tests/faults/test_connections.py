"""F10, F11, F14: a provider that cannot be reached, hangs up, or never begins."""

import asyncio
import contextlib
import socket

import pytest

from tests.faults.harness import GRACE_S, calls, kinds, states
from tests.faults.table import LONG
from tests.faults.wires import OK, Hang, Reset, Wire
from tokenhub.core.failover import MAX_ATTEMPTS
from tokenhub.core.retries import FLOOR, PER_REQUEST, PER_SECOND

pytestmark = pytest.mark.anyio

TIMES = 20 if LONG else 5
HALF_A_HEAD = {"half": (OK + b"content-ty", Reset()), "hang": (Hang(),)}


@pytest.fixture
def nowhere():
    """What cannot be reached, by its name."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        yield {
            "a closed port": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "an unknown name": "http://no.such.host.invalid:9",
        }


@pytest.fixture
async def wire():
    async with Wire(HALF_A_HEAD) as one:
        yield one


@pytest.mark.parametrize("what", ["a closed port", "an unknown name"])
@pytest.mark.parametrize("stream", [False, True])
async def test_f10_alone_it_is_told_and_costs_nothing(bench, nowhere, figure, what, stream):
    await bench.provider("one", nowhere[what])

    ack = await bench.ask(stream=stream)

    row = await bench.row(ack)
    figure("F10", f"{what}: error after", ack.seconds * 1000, "ms")
    assert (502, "upstream_unreachable") == (ack.status, ack.code)
    assert {"voided"} == set(states(row))
    assert 0 == row["estimated_cost_usd"]


@pytest.mark.parametrize("what", ["a closed port", "an unknown name"])
async def test_f10_another_provider_answers(bench, nowhere, second, figure, what):
    await bench.both(nowhere[what], second)
    acks = []
    for _ in range(TIMES):
        await bench.forget()
        acks.append(await bench.ask(stream=bool(len(acks) % 2)))

    rows = await bench.rows()
    for ack in acks:
        figure("F10", f"{what}: failover after", ack.seconds * 1000, "ms")
    assert ["two"] * TIMES == [ack.provider for ack in acks]
    assert [["unreachable", ""]] * TIMES == [kinds(row) for row in rows]


async def test_f10_however_many_servers_of_a_provider_are_gone(bench, second):
    """More than a request has attempts: its last one is for who is well."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(MAX_ATTEMPTS + 1)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in taken]
        await bench.both(urls[0], second)
        rack = {"type": "vllm", "base_url": "", "endpoints": urls}
        await bench.hub.admin("PATCH", f"providers/{bench.id('one')}", rack)

        acks = [await bench.ask(model=bench.at("one"), stream=bool(n % 2)) for n in range(TIMES)]

    assert ["two"] * TIMES == [ack.provider for ack in acks]
    assert ["unreachable"] * (MAX_ATTEMPTS - 1) + [""] == kinds(await bench.row(acks[0]))


async def test_f10_what_failed_so_may_be_sent_again(bench, nowhere, second):
    """The same Idempotency-Key is not answered with the failure once somebody can answer."""
    headers = {"idempotency-key": "order-10"}
    await bench.provider("one", nowhere["a closed port"])

    refused = await bench.ask(headers=headers)
    await bench.provider("two", second)
    answered = await bench.ask(headers=headers)

    assert (502, 200) == (refused.status, answered.status)


@pytest.mark.parametrize("stream", [False, True])
async def test_f11_alone_it_is_asked_twice_and_both_are_booked(bench, wire, figure, stream):
    await bench.provider("one", wire.url("half"))

    ack = await bench.ask(stream=stream)

    row = await bench.row(ack)
    figure("F11", "attempts, alone", calls(wire))
    assert (502, "upstream_lost") == (ack.status, ack.code)
    assert ["lost"] * calls(wire) == kinds(row)
    assert 2 == calls(wire)
    assert ["unknown"] * 2 == states(row)
    assert all(attempt["cost_usd"] > 0 for attempt in row["attempts"])


@pytest.mark.parametrize("stream", [False, True])
async def test_f11_another_provider_answers(bench, wire, second, stream):
    await bench.both(wire.url("half"), second)

    ack = await bench.ask(stream=stream)

    assert ("two", ["lost", ""]) == (ack.provider, kinds(await bench.row(ack)))
    assert (1, 1) == (calls(wire), calls(second))


async def test_f11_tries_again_stay_within_the_retry_budget(bench, wire, figure):
    count = 150
    await bench.provider("one", wire.url("half"))
    clock = asyncio.get_running_loop().time
    began = clock()

    for _ in range(count):
        await bench.ask()

    seconds = clock() - began
    most = FLOOR + count * (1 + PER_REQUEST) + PER_SECOND * (seconds + 1)
    figure("F11", "calls a request, alone, at load", calls(wire) / count)
    assert calls(wire) <= most


@pytest.mark.parametrize("stream", [False, True])
async def test_f14_alone_it_ends_by_the_deadline(hurried, wire, figure, stream):
    await hurried.provider("one", wire.url("hang"))

    ack = await hurried.ask(stream=stream, deadline_ms=900)

    figure("F14", "deadline of 900 ms: error after", ack.seconds * 1000, "ms")
    assert (504, "upstream_timeout") == (ack.status, ack.code)
    assert ack.seconds <= 0.9 + GRACE_S
    assert {"unknown"} == set(states(await hurried.row(ack)))


@pytest.mark.parametrize("stream", [False, True])
async def test_f14_another_provider_answers_in_time(hurried, wire, second, figure, stream):
    """A stream after the limit of silence, 500 ms; a whole answer after half of its time."""
    await hurried.both(wire.url("hang"), second)

    ack = await hurried.ask(stream=stream, deadline_ms=1_600)

    limit = "stream, limit of 500 ms" if stream else "whole, deadline of 1,600 ms"
    figure("F14", f"{limit}: failover after", ack.seconds * 1000, "ms")
    assert ("two", ["timeout", ""]) == (ack.provider, kinds(await hurried.row(ack)))
    assert ack.seconds <= (0.5 if stream else 0.8) + GRACE_S
