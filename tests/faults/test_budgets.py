"""F5, F6: 200 requests at once on a key with money for 10, and a ledger that cannot be written."""

import asyncio
import contextlib
import re

import httpx
import pytest

from tests.faults.harness import MODEL, PATHS, calls
from tests.faults.table import LONG
from tests.faults.wires import JSON, OK, SSE, Wire
from tests.support.server import child
from tokenhub.core.budget import UNSAID_TOKENS
from tokenhub.core.money import nusd, usd

pytestmark = pytest.mark.anyio

CALLERS = 200
AFFORDED = 10
MAX_TOKENS = 64
# What each token of an answer costs; prompts are free here, so that a call's most is known.
EACH_NUSD = 2_000
FREE_PROMPTS = {"input_per_1k": 0.0, "output_per_1k": 0.002}
# For all refusals, on a busy machine; only where there are too few of them is it waited for.
PATIENCE_S = 30.0
TOLD = [{"role": "user", "content": "Hello"}]
WHOLE = {"model": MODEL, "messages": TOLD, "max_tokens": MAX_TOKENS}
ASKED = {"messages": TOLD, "model_hint": MODEL, "parameters": {"max_tokens": MAX_TOKENS}}
PLAN = {"request": ASKED, "orchestration": {"mode": "planning"}}
# By name: the path, the body, and the tokens that are held for each call.
KINDS = {
    "whole": (PATHS["openai"], WHOLE, MAX_TOKENS),
    "stream": (PATHS["openai"], WHOLE | {"stream": True}, MAX_TOKENS),
    "messages": (PATHS["anthropic"], WHOLE, MAX_TOKENS),
    "plan": ("/v1/plan", PLAN, MAX_TOKENS),
    "no limit": (PATHS["openai"], {"model": MODEL, "messages": TOLD}, UNSAID_TOKENS),
}
# A provider that writes a fifth more than it was allowed to.
GREEDY = (
    b'{"id":"a","object":"chat.completion","created":1,"model":"gpt","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Grapes"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":76,"total_tokens":85}}'
)


STREAM = (
    b'data: {"id":"a","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{'
    b'"index":0,"delta":{"role":"assistant","content":"Grapes"},"finish_reason":null}]}\n\n'
    b'data: {"id":"a","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{'
    b'"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,'
    b'"completion_tokens":12,"total_tokens":21}}\n\ndata: [DONE]\n\n'
)
MODEST = GREEDY.replace(b'"completion_tokens":76,"total_tokens":85', b'"completion_tokens":12')


class Gate:
    """A simulated provider that answers nobody until it is told to; then everybody."""

    def __init__(self):
        self.calls = 0
        self.opened = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
        body = await reader.readexactly(size)
        self.calls += 1
        await self.opened.wait()
        stream = b'"stream":true' in body.replace(b" ", b"")
        said = STREAM if stream else MODEST
        kind = SSE if stream else JSON
        length = b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(said)
        writer.write(OK + kind + length + said)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()


async def a_key(hub, budget_nusd):
    """A key with so much for the month, and its id."""
    body = {"name": "poor", "scopes": ["chat", "plan"], "monthly_budget_usd": usd(budget_nusd)}
    made = await hub.admin("POST", "apikeys", body)
    return made["key"], made["id"]


async def all_at_once(hub, key, path, body, *, callers=CALLERS, gate=None):
    """The answers. The gate is opened when all have been refused who are not waiting there."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=hub.url, timeout=60, limits=limits, trust_env=False) as c:
        asked = [
            asyncio.ensure_future(c.post(path, json=body, headers={"x-api-key": key}))
            for _ in range(callers)
        ]
        if gate is not None:
            await _most(asked, callers - AFFORDED)
            gate.opened.set()
        return await asyncio.gather(*asked)


async def _most(tasks, number):
    """Wait until so many have ended, or there is no more patience."""
    left = set(tasks)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while len(tasks) - len(left) < number:
                _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)


async def verified(hub):
    """The books, which must be right and hold nothing any more."""
    found = await hub.admin("POST", "ledger/verify")
    assert (True, [], 0.0) == (found["ok"], found["problems"], found["reserved_usd"])
    assert found["charged_usd"] == found["written_usd"]
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_f5_money_for_10_is_10_admitted(bench, figure, kind):
    path, body, tokens = KINDS[kind]
    async with Gate() as gate:
        await bench.provider("one", gate.url, fields=FREE_PROMPTS)
        budget = AFFORDED * tokens * EACH_NUSD
        key, key_id = await a_key(bench.hub, budget)

        answers = await all_at_once(bench.hub, key, path, body, gate=gate)

    refused = [answer for answer in answers if answer.status_code != 200]
    row = await bench.hub.admin("GET", f"apikeys/{key_id}")
    figure("F5", f"{kind}: admitted", len(answers) - len(refused))
    figure("F5", "spent of the budget", row["current_spend_usd"] / usd(budget) * 100, "%")
    assert (AFFORDED, AFFORDED) == (len(answers) - len(refused), gate.calls)
    assert {402 if kind == "messages" else 429} == {answer.status_code for answer in refused}
    assert {"false"} == {answer.headers["x-should-retry"] for answer in refused}
    assert all("retry-after" not in answer.headers for answer in refused)
    told = [answer.json() for answer in refused]
    assert {"budget_exceeded"} == {one["error"]["code"] for one in told}
    word = "billing_error" if kind == "messages" else "insufficient_quota"
    assert {word} == {one["error"]["type"] for one in told}
    assert {usd(budget)} == {one["budget_usd"] for one in told}
    assert AFFORDED * 12 * EACH_NUSD == nusd(row["current_spend_usd"])
    await verified(bench.hub)


async def test_f5_every_call_of_a_plan_is_held_for(bench, sim, figure):
    await bench.provider("one", sim, fields=FREE_PROMPTS)
    budget = AFFORDED * MAX_TOKENS * EACH_NUSD
    key, key_id = await a_key(bench.hub, budget)
    plan = {"request": ASKED, "orchestration": {"mode": "refine", "iterations": 1}}

    await all_at_once(bench.hub, key, "/v1/plan", plan)

    row = await bench.hub.admin("GET", f"apikeys/{key_id}")
    figure("F5", "refine: spent of the budget", row["current_spend_usd"] / usd(budget) * 100, "%")
    assert row["current_spend_usd"] <= usd(budget)
    assert calls(sim) > 0
    await verified(bench.hub)


async def test_f5_a_provider_that_writes_too_much_is_paid_once(bench, figure):
    """Beyond what was held goes only what was under way."""
    head = OK + JSON + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(GREEDY)
    async with Wire({"greedy": (head, GREEDY)}) as wire:
        await bench.provider("one", wire.url("greedy"), fields=FREE_PROMPTS)
        budget = AFFORDED * MAX_TOKENS * EACH_NUSD
        key, key_id = await a_key(bench.hub, budget)

        answers = await all_at_once(bench.hub, key, PATHS["openai"], WHOLE, callers=50)

    row = await bench.hub.admin("GET", f"apikeys/{key_id}")
    admitted = [answer for answer in answers if answer.status_code == 200]
    over = row["current_spend_usd"] / usd(budget) - 1
    figure("F5", "a fifth too many tokens: overspent", over * 100, "%")
    # Each of the ten may cost a fifth more; sooner or later than that nobody is let in.
    assert len(admitted) <= AFFORDED
    assert over <= 0.2
    assert nusd(row["current_spend_usd"]) == len(admitted) * 76 * EACH_NUSD
    await verified(bench.hub)


async def test_f5_what_is_left_shortens_the_answer(bench, sim):
    await bench.provider("one", sim, fields=FREE_PROMPTS)
    key, _ = await a_key(bench.hub, 300 * EACH_NUSD)

    answer = await bench.hub.http.post(
        PATHS["openai"], json=WHOLE | {"max_tokens": 5_000}, headers={"x-api-key": key}
    )

    assert 200 == answer.status_code
    assert 300 == sim.requests[-1].json()["max_tokens"]


async def test_f5_paid_lets_the_month_begin_anew(bench, sim):
    await bench.provider("one", sim, fields=FREE_PROMPTS)
    key, key_id = await a_key(bench.hub, MAX_TOKENS * EACH_NUSD)
    ask = bench.hub.http.post
    sent = {"json": WHOLE, "headers": {"x-api-key": key}}
    first, second = await ask(PATHS["openai"], **sent), await ask(PATHS["openai"], **sent)

    paid = await bench.hub.admin("POST", f"apikeys/{key_id}/paid")
    third = await ask(PATHS["openai"], **sent)

    assert [200, 429, 200] == [answer.status_code for answer in (first, second, third)]
    assert 0.0 == paid["key"]["current_spend_usd"]
    assert paid["key"]["budget_reset_at"]


async def test_f5_an_answer_that_was_paid_for_is_given_again_when_the_money_is_gone(bench, sim):
    await bench.provider("one", sim, fields=FREE_PROMPTS)
    key, _ = await a_key(bench.hub, MAX_TOKENS * EACH_NUSD)
    once = {"x-api-key": key, "idempotency-key": "once"}
    sent = [once, {"x-api-key": key}, once, once | {"idempotency-key": "twice"}]

    answers = [
        await bench.hub.http.post(PATHS["openai"], json=WHOLE, headers=headers) for headers in sent
    ]

    assert [200, 429, 200, 429] == [answer.status_code for answer in answers]
    assert "true" == answers[2].headers["idempotency-replay"]
    assert answers[0].content == answers[2].content
    assert 1 == calls(sim)


async def test_f5_a_model_without_a_price_is_not_for_a_key_with_a_budget(bench, sim):
    await bench.provider(
        "one", sim, fields={"input_per_1k": None, "output_per_1k": None, "pricing_source": "x"}
    )
    key, _ = await a_key(bench.hub, MAX_TOKENS * EACH_NUSD)

    answer = await bench.hub.http.post(PATHS["openai"], json=WHOLE, headers={"x-api-key": key})

    assert 503 == answer.status_code
    assert ["price_unknown"] == [skip["reason"] for skip in answer.json()["error"]["skipped"]]
    assert 0 == calls(sim)


async def test_f5_the_owner_of_a_key_sees_its_month(bench, sim):
    await bench.provider("one", sim, fields=FREE_PROMPTS)
    budget = AFFORDED * MAX_TOKENS * EACH_NUSD
    key, key_id = await a_key(bench.hub, budget)
    sent = {"x-api-key": key}
    await bench.hub.http.post(PATHS["openai"], json=WHOLE, headers=sent)

    usage = (await bench.hub.http.get("/v1/usage", headers=sent)).json()
    listed = await bench.hub.admin("GET", f"ledger?group_by=model&api_key_id={key_id}")

    assert ("usage", usd(budget), 0.0) == tuple(
        usage[name] for name in ("object", "budget_usd", "reserved_usd")
    )
    assert usage["spent_usd"] == usage["models"][0]["cost_usd"] == listed["sum"]["cost_usd"] > 0
    assert usage["left_usd"] == pytest.approx(usd(budget) - usage["spent_usd"])
    assert [MODEL] == [row["model_id"] for row in listed["ledger"]]
    assert 401 == (await bench.hub.http.get("/v1/usage")).status_code


async def test_f6_a_ledger_that_cannot_be_written_lets_no_budgeted_call_out(tmp_path, sim, figure):
    """From some moment on nothing can be written, as on a full disk."""
    callers = CALLERS if LONG else 50
    async with child(tmp_path) as server:
        await server.provider("one", sim, models=[MODEL], model=FREE_PROMPTS)
        key, _ = await a_key(server, CALLERS * MAX_TOKENS * EACH_NUSD)
        before = calls(sim)
        _no_more_room(server.process.pid)

        answers = await all_at_once(server, key, PATHS["openai"], WHOLE, callers=callers)

        free = calls(sim) - before
    figure("F6", "calls that were made for free", free)
    assert 0 == free
    assert {(503, "ledger_unavailable")} == {
        (answer.status_code, answer.json()["error"]["code"]) for answer in answers
    }


def _no_more_room(pid):
    """Let the process write to no file: all writes fail (EFBIG)."""
    import resource  # noqa: PLC0415 - there is none on every system

    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
