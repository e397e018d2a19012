"""F19 and F23: what is no answer, and what is no HTTP."""

import pytest

from tests.faults.conftest import IDLE_S
from tests.faults.harness import CANARY, FORMATS, GRACE_S, calls, kinds
from tests.faults.wires import CHUNKED, JSON, OK, SSE, Drip, Wire, chunk, whole
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

BROKEN = (502, "upstream_invalid_response")
ECHO = CANARY.encode()
NOT_ANSWERS = {
    "half a JSON": Fault.body(
        b'{"id":"a","choices":[{"message":{"content":"%b' % ECHO, content_type="application/json"
    ),
    "HTML": Fault.body(b"<html><title>%b</title>" % ECHO),
    "HTML called JSON": Fault.body(b"<p>%b" % ECHO, content_type="application/json"),
    "nothing": Fault.body(b"", content_type="application/json"),
    "null": Fault.body(b"null", content_type="application/json"),
    "a text": Fault.body(b'"%b"' % ECHO, content_type="application/json"),
    "a list": Fault.body(b'["%b"]' % ECHO, content_type="application/json"),
}
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
GOOD = whole(
    b'{"id":"a","object":"chat.completion","created":1,"model":"gpt","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Grapes"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)
NOT_HTTP = {
    "bad chunk size": (OK + JSON + CHUNKED + chunk(b'{"id"') + b"zz\r\n{}\r\n",),
    "negative chunk size": (OK + JSON + CHUNKED + b"-5\r\n{}\r\n",),
    "NUL in a header": (OK + b"x-a: b\0c\r\n\r\n",),
    "CR in a header": (OK + b"x-a: b\rc: d\r\n\r\n",),
    "header of 400 KB": (OK + b"x-a: " + b"a" * 400_000 + b"\r\n\r\n",),
    "no HTTP": (b"\0\1\2 220 mail.test ESMTP\r\n\r\n",),
    "two lengths": (OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n{}",),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", FORMATS)
@pytest.mark.parametrize("what", NOT_ANSWERS)
async def test_f19_what_is_no_answer_is_a_502_without_it(  # noqa: PLR0917 - a table of cases
    bench, sim, second, figure, what, vendor, stream
):
    await bench.provider("one", sim, type=vendor)
    # It may be asked once more before the other is.
    sim.next(*[NOT_ANSWERS[what]] * 4)

    ack = await bench.ask(stream=stream)
    await bench.provider("two", second, type=vendor, weight=1)
    after = await bench.ask(stream=stream)

    row = await bench.row(ack)
    figure("F19", "status", ack.status)
    figure("F19", "times that it was echoed", ack.answer.text.count(CANARY))
    assert BROKEN == (ack.status, ack.code)
    assert {"broken"} == set(kinds(row))
    assert CANARY not in ack.answer.text
    assert CANARY not in repr(row)
    assert CANARY not in "".join(bench.hub.said + bench.hub.logged)
    assert 200 == after.status


@pytest.mark.parametrize("what", NOT_HTTP)
@pytest.mark.parametrize("stream", [False, True])
async def test_f23_what_is_no_http_is_a_502(bench, second, figure, what, stream):
    async with Wire({"it": NOT_HTTP[what]}) as wire:
        await bench.provider("one", wire.url("it"))

        ack = await bench.ask(stream=stream)
        await bench.provider("two", second, weight=1)
        after = await bench.ask(stream=stream)

    figure("F23", "no HTTP: status", ack.status)
    assert BROKEN == (ack.status, ack.code)
    assert {"broken"} == set(kinds(await bench.row(ack)))
    assert 200 == after.status


async def test_f23_early_hints_are_read_over(bench, figure):
    async with Wire({"hints": (HINT * 2_000, GOOD)}) as wire:
        await bench.provider("one", wire.url("hints"))

        ack = await bench.ask()

    figure("F23", "2,000 x 103: answer after", ack.seconds * 1000, "ms")
    assert (200, 1) == (ack.status, calls(wire))
    assert "Grapes" in ack.answer.text


async def test_f23_hints_without_end_are_under_the_first_byte_limit(hurried, second, figure):
    async with Wire({"hints": (Drip(HINT, 0.0005, for_ever=True),)}) as wire:
        await hurried.both(wire.url("hints"), second)

        ack = await hurried.ask(stream=True)

    figure("F23", "103 without end: failover after", ack.seconds * 1000, "ms")
    assert ("two", ["timeout", ""]) == (ack.provider, kinds(await hurried.row(ack)))
    assert ack.seconds <= IDLE_S + GRACE_S


async def test_f23_a_bad_chunk_in_the_middle_of_a_stream_is_told(hurried):
    begun = b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"Grapes"}}]}\n\n'
    bad = (OK + SSE + CHUNKED + chunk(begun), Drip(chunk(b": a\n\n"), 0.02), b"zz\r\n{}\r\n")
    async with Wire({"bad": bad}) as wire:
        await hurried.provider("one", wire.url("bad"))

        ack = await hurried.ask(stream=True)

    assert 200 == ack.status
    assert ack.code in {"upstream_invalid_response", "upstream_timeout"}
    assert not ack.ended_well()
    assert ack.seconds <= IDLE_S + GRACE_S
