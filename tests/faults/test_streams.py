"""F12, F13, F15: streams that end before their end, or hardly go on."""

import json

import pytest

from tests.faults.harness import FORMATS, GRACE_S, calls, kinds
from tests.faults.wires import CHUNKED, JSON, OK, SSE, Drip, Wire, chunk
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

WAYS = [(speech, provider) for speech in FORMATS for provider in FORMATS]
# Tokens as models cut them; the first few of them are sent.
TOKENS = ("Gra", "pes", " grow", " on", " the", " old", " vines", " of", " our", " valley", ".")
SENT_TOKENS = 7
GAP_S = 0.25
# Far from a deadline of 6 s, and from the silence of 0.5 s.
SOON_S = 3.0


def openai(**delta):
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    event = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
    return b"data: %b\n\n" % json.dumps(event | {"choices": [choice]}).encode()


def anthropic(kind, **fields):
    data = json.dumps({"type": kind, **fields}).encode()
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


MESSAGE = {
    "id": "a",
    "type": "message",
    "role": "assistant",
    "model": "gpt",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
# The beginning of an answer in each format, up to its first word.
BEGUN = {
    "openai": openai(role="assistant", content="") + openai(content="Grapes"),
    "anthropic": anthropic("message_start", message=MESSAGE)
    + anthropic("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": "Grapes"}),
}


def said(ack):
    """The words of a streamed answer, from either dialect."""
    found = []
    for event in ack.events():
        deltas = [choice["delta"].get("content") or "" for choice in event.get("choices", ())]
        found += deltas or [event.get("delta", {}).get("text", "")]
    return "".join(found)


# Correct ends of an HTTP body, each after the same beginning of an answer.
ENDS = {
    "last chunk": lambda begun: OK + SSE + CHUNKED + chunk(begun) + b"0\r\n\r\n",
    "closed, HTTP/1.0": lambda begun: b"HTTP/1.0 200 OK\r\n" + SSE + b"\r\n" + begun,
    "closed, HTTP/1.1": lambda begun: OK + SSE + b"connection: close\r\n\r\n" + begun,
    "content-length": lambda begun: OK + SSE + b"content-length: %d\r\n\r\n" % len(begun) + begun,
}


@pytest.mark.parametrize(("speech", "provider"), WAYS)
async def test_f12_half_an_answer_is_never_asked_for_again(  # noqa: PLR0917 - a table of cases
    bench, sim, second, figure, speech, provider
):
    await bench.both(sim, second, type=provider)
    sim.say(*TOKENS)
    sim.next(Fault.cut("reset", after=SENT_TOKENS))

    ack = await bench.ask(speech=speech, stream=True)

    row = await bench.row(ack)
    charged = row["output_tokens"]
    figure("F12", f"of {SENT_TOKENS} tokens sent, charged", charged)
    assert (1, 0) == (calls(sim), calls(second))
    assert (200, "upstream_lost") == (ack.status, ack.code)
    assert not ack.ended_well()
    assert [("lost", "settled", True)] == [
        (attempt["error_class"], attempt["state"], attempt["estimated"])
        for attempt in row["attempts"]
    ]
    assert SENT_TOKENS - 1 <= charged <= SENT_TOKENS + 1
    assert "".join(TOKENS[:SENT_TOKENS]) == said(ack)
    assert row["input_tokens"] > 0


@pytest.mark.parametrize(("speech", "provider"), WAYS)
async def test_f13_a_clean_end_without_the_last_event_is_told(
    bench, second, figure, speech, provider
):
    begun = BEGUN[provider]
    async with Wire({str(at): (end(begun),) for at, end in enumerate(ENDS.values())}) as wire:
        for at in range(len(ENDS)):
            await bench.provider(f"end{at}", wire.url(str(at)), weight=9 - at, type=provider)
            await bench.provider(f"well{at}", second, weight=1, type=provider)

        acks = [
            await bench.ask(speech=speech, stream=True, model=bench.at(f"end{at}"))
            for at in range(len(ENDS))
        ]

        told = [ack.code == "upstream_lost" and not ack.ended_well() for ack in acks]
        figure("F13", "detected", 100 * sum(told) / len(told), "%")
        assert [True] * len(ENDS) == told
        assert len(ENDS) == calls(wire)
        assert 0 == calls(second)
        for ack, row in zip(acks, await bench.rows(), strict=True):
            assert [("lost", "settled")] == [
                (attempt["error_class"], attempt["state"]) for attempt in row["attempts"]
            ]
            assert row["output_tokens"] > 0
            assert "Grapes" in ack.answer.text
        for at in range(len(ENDS)):
            _, route = await bench.health(f"end{at}")
            assert (1, "lost") == (route["total_errors"], route["last_error"])


@pytest.mark.parametrize(("speech", "provider"), WAYS)
async def test_f13_all_of_an_answer_but_its_last_event_is_told(bench, sim, speech, provider):
    await bench.provider("one", sim, type=provider)
    sim.next(Fault.unterminated())

    ack = await bench.ask(speech=speech, stream=True)

    assert (200, "upstream_lost", False) == (ack.status, ack.code, ack.ended_well())


DRIPS = {
    "head": (b"HTTP/1.1 200 OK\r\n", Drip(b"x", GAP_S, for_ever=True)),
    "body": (OK + JSON + CHUNKED, Drip(b"1\r\n \r\n", GAP_S / 6, for_ever=True)),
    "event": (
        OK + SSE + CHUNKED + chunk(BEGUN["openai"]),
        Drip(b"1\r\na\r\n", GAP_S / 6, for_ever=True),
    ),
}


@pytest.mark.parametrize(("what", "stream"), [("head", False), ("head", True), ("body", False)])
async def test_f15_a_drip_ends_by_the_deadline(hurried, figure, what, stream):
    async with Wire(DRIPS) as wire:
        await hurried.provider("one", wire.url(what))

        ack = await hurried.ask(stream=stream, deadline_ms=1_500)

    figure("F15", f"{what}, deadline of 1,500 ms: error after", ack.seconds * 1000, "ms")
    assert (504, "upstream_timeout") == (ack.status, ack.code)
    assert ack.seconds <= 1.5 + GRACE_S
    assert 1 == calls(wire)


@pytest.mark.parametrize(("what", "stream"), [("head", True), ("body", False)])
async def test_f15_a_drip_leaves_time_for_another_provider(hurried, second, what, stream):
    async with Wire(DRIPS) as wire:
        await hurried.both(wire.url(what), second)

        ack = await hurried.ask(stream=stream, deadline_ms=2_000)

    assert ("two", ["timeout", ""]) == (ack.provider, kinds(await hurried.row(ack)))


async def test_f15_bytes_that_end_no_line_are_no_progress(hurried, figure):
    """Each comes well within the limit of silence, 500 ms; the event that they are of does not."""
    async with Wire(DRIPS) as wire:
        await hurried.provider("one", wire.url("event"))

        ack = await hurried.ask(stream=True, deadline_ms=6_000)

    figure("F15", "event, limit of 500 ms: error after", ack.seconds * 1000, "ms")
    assert (200, "upstream_timeout") == (ack.status, ack.code)
    assert "Grapes" in ack.answer.text
    assert ack.seconds <= SOON_S


async def test_f15_slow_lines_are_progress(hurried):
    """A stream whose events come within the limit, however slowly each byte comes, goes on."""
    finish = b'data: {"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    steps = [OK + SSE + CHUNKED + chunk(BEGUN["openai"])]
    steps += [Drip(chunk(b": a\n\n"), 0.02)] * 8
    steps += [chunk(finish + b"data: [DONE]\n\n") + b"0\r\n\r\n"]
    async with Wire({"slow": steps}) as wire:
        await hurried.provider("one", wire.url("slow"))

        ack = await hurried.ask(stream=True, deadline_ms=8_000)

    assert (200, "", True) == (ack.status, ack.code, ack.ended_well())
