"""Keys from outside: limits of tokens and of requests at once, revocation while something goes on.

No rate refills enough to matter while a test runs: a token a second is the fastest of them.
"""

import asyncio
import json

import httpx
import msgspec
import pytest

from tests.e2e.conftest import ASK, PROFILE
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.core.keys import mint
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

COMPLETIONS, MESSAGES = "/v1/chat/completions", "/v1/messages"
TOLD = {
    COMPLETIONS: "x-ratelimit-{}-tokens",
    MESSAGES: "anthropic-ratelimit-tokens-{}",
}
# Many short pieces, so that a stream is under way for as long as a test needs.
SLOW = msgspec.structs.replace(
    PROFILE, answer_tokens=Constant(value=3000), latency=Latency(tokens_per_s=100)
)


@pytest.fixture
async def served(hub, sim):
    await hub.provider("one", sim, models=["gpt", "large"])
    return hub


async def made(hub, **fields):
    """A key: what the admin API says of it, and headers that carry it."""
    row = await hub.admin("POST", "apikeys", {"name": "a test", "scopes": ["*"], **fields})
    return row, {"authorization": f"Bearer {row['key']}"}


async def asked(hub, headers, path=COMPLETIONS, **fields):
    return await hub.http.post(path, json=ASK | fields, headers=headers)


@pytest.mark.parametrize("path", TOLD)
async def test_tokens_are_counted_with_the_longest_answer_and_corrected(served, path):
    _, headers = await made(served, tokens_per_minute=60)

    # The prompt and 40 tokens fit once; 4 of them are used, so that they fit again.
    first = await asked(served, headers, path, max_tokens=40)
    second = await asked(served, headers, path, max_tokens=4)
    refused = await asked(served, headers, path, max_tokens=55)

    assert [200, 200, 429] == [answer.status_code for answer in (first, second, refused)]
    limit, remaining, reset = (TOLD[path].format(n) for n in ("limit", "remaining", "reset"))
    assert {"60"} == {answer.headers[limit] for answer in (first, second, refused)}
    assert int(first.headers[remaining]) < 20 < int(second.headers[remaining])
    assert reset in refused.headers
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    error = refused.json()["error"]
    assert ("rate_limit_error", "rate_limit_exceeded") == (error["type"], error["code"])
    assert "may use 60 tokens a minute, and this request may come to 60" in error["message"]


@pytest.mark.parametrize("path", TOLD)
async def test_a_prompt_beyond_the_limit_is_refused_for_good(served, sim, path):
    _, headers = await made(served, tokens_per_minute=60)
    long = [{"role": "user", "content": "word " * 400}]

    refused = await asked(served, headers, path, messages=long)

    assert (429, "false") == (refused.status_code, refused.headers["x-should-retry"])
    assert "retry-after" not in refused.headers
    assert [] == sim.requests


async def test_a_refused_request_costs_nothing_and_frees_its_idempotency_key(served, sim):
    row, headers = await made(served, tokens_per_minute=30)
    once = headers | {"idempotency-key": "order-1"}
    await asked(served, headers, max_tokens=20)
    refused = await asked(served, once, max_tokens=30)

    await served.admin("PATCH", f"apikeys/{row['id']}", {"tokens_per_minute": 0})
    answered = await asked(served, once, max_tokens=30)

    assert [429, 200] == [refused.status_code, answered.status_code]
    assert 2 == len(sim.requests) == len(await served.logs())


async def test_failed_calls_and_streams_are_counted_by_what_they_came_to(served, sim):
    _, headers = await made(served, tokens_per_minute=100)
    sim.next(Fault.status(400))

    failed = await asked(served, headers, max_tokens=80)
    streamed = await asked(served, headers, max_tokens=80, stream=True)
    again = await asked(served, headers, max_tokens=40)

    assert [400, 200, 200] == [answer.status_code for answer in (failed, streamed, again)]
    assert "[DONE]" in streamed.text


async def test_a_plan_takes_the_tokens_of_all_its_steps(served):
    _, headers = await made(served, tokens_per_minute=400)
    body = {"request": ASK | {"max_tokens": 8}, "orchestration": {"mode": "adversarial"}}

    plan = await served.http.post("/v1/plan", json=body, headers=headers)
    after = await asked(served, headers, max_tokens=4)

    assert 200 == plan.status_code, plan.text
    steps = plan.json()["steps"]
    used = sum(step["input_tokens"] + step["output_tokens"] for step in steps)
    assert 3 <= len(steps)
    assert "x-ratelimit-limit-tokens" in plan.headers
    left = int(after.headers.get("x-ratelimit-remaining-tokens", "-1"))
    assert left < max(0, 400 - used) + 20


async def test_counting_tokens_takes_none(served):
    _, headers = await made(served, tokens_per_minute=1)

    counted = await asked(served, headers, "/v1/messages/count_tokens")

    assert 200 == counted.status_code


@pytest.mark.parametrize("path", TOLD)
async def test_so_many_requests_are_under_way_and_no_more(served, sim, path):
    _, headers = await made(served, concurrency=2)
    sim.next(*[Fault.hang()] * 2)
    async with asyncio.TaskGroup() as group:
        hanging = [group.create_task(asked(served, headers, path)) for _ in "12"]
        await sim.arrived(2)

        refused = await asked(served, headers, path)
        hanging[0].cancel()
        await sim.abandoned(1)
        passed = await asked(served, headers, path)
        hanging[1].cancel()

    assert [429, 200] == [refused.status_code, passed.status_code]
    assert "1" == refused.headers["retry-after"]
    assert "2 requests under way at once" in refused.json()["error"]["message"]


async def test_a_place_is_free_again_however_a_request_ends(served, sim):
    _, headers = await made(served, concurrency=1)
    sim.next(*[Fault.status(400)] * 2, Fault.cut("reset", after=1))
    once = headers | {"idempotency-key": "one"}

    answers = [
        await served.http.post(COMPLETIONS, content=b"{", headers=headers),
        await asked(served, headers, model="nobody's"),
        await asked(served, headers),
        await asked(served, headers, stream=True),
        await asked(served, headers, stream=True),
        await asked(served, once),
        await asked(served, once),
        await served.http.post("/v1/plan", json={"request": ASK}, headers=headers),
        await asked(served, headers),
    ]

    assert 429 not in [answer.status_code for answer in answers]
    assert 200 == answers[-1].status_code


async def test_every_bad_key_gets_the_same_answer(served):
    off, off_key = await made(served)
    await served.admin("PATCH", f"apikeys/{off['id']}", {"enabled": False})
    gone, gone_key = await made(served)
    await served.admin("DELETE", f"apikeys/{gone['id']}")
    old, old_key = await made(served)
    await served.admin("POST", f"apikeys/{old['id']}/rotate", {"overlap": "0"})
    typo = off_key["authorization"][:-1] + ("0" if off["key"][-1] != "0" else "1")
    texts = [
        off_key["authorization"],
        gone_key["authorization"],
        old_key["authorization"],
        typo,
        f"Bearer {mint(5)}",
        "Bearer tokenhub_",
        "Bearer sk-proj-0123456789",
        f"Bearer {'x' * 4000}",
        f"Bearer {ADMIN_TOKEN}",
    ]

    answers = [await asked(served, {"authorization": text}) for text in texts]

    own = {"x-request-id", "date"}
    told = {
        (
            answer.status_code,
            answer.content,
            *((name, value) for name, value in answer.headers.items() if name not in own),
        )
        for answer in answers
    }
    ((status, body, *_),) = told
    assert (401, "invalid_api_key") == (status, json.loads(body)["error"]["code"])


async def test_both_credentials_open_a_rotated_key_and_are_told_apart(served):
    first, old = await made(served)
    second = await served.admin("POST", f"apikeys/{first['id']}/rotate")
    new = {"x-api-key": second["key"]}

    answers = [await asked(served, old), await asked(served, new)]
    row = await served.admin("GET", f"apikeys/{first['id']}")

    assert [200, 200] == [answer.status_code for answer in answers]
    assert {first["id"]} == {log["api_key_id"] for log in await served.logs()}
    newer, older = row["credentials"]
    assert (second["prefix"], first["prefix"]) == (newer["prefix"], older["prefix"])
    assert row["last_used_at"] == newer["last_used_at"] >= older["last_used_at"]


async def test_the_last_use_outlives_the_server(tmp_path, sim):
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        row, headers = await made(hub)
        unused, _ = await made(hub)
        await asked(hub, headers)
        before = (await hub.admin("GET", f"apikeys/{row['id']}"))["last_used_at"]
    async with running(tmp_path) as hub:
        after = (await hub.admin("GET", f"apikeys/{row['id']}"))["last_used_at"]
        never = (await hub.admin("GET", f"apikeys/{unused['id']}"))["last_used_at"]

    assert before == after is not None
    assert never is None


@pytest.mark.parametrize("path", TOLD)
@pytest.mark.parametrize("how", ["deleted", "disabled", "rotated"])
async def test_a_stream_ends_with_an_error_when_its_key_is_revoked(tmp_path, how, path):
    async with Sim(SLOW) as sim, running(tmp_path) as hub:
        await hub.provider("one", sim, models=["large"])
        row, headers = await made(hub)
        one = f"apikeys/{row['id']}"
        body = ASK | {"model": "large", "stream": True, "max_tokens": 3000}
        said = b""
        async with hub.http.stream("POST", path, json=body, headers=headers) as answer:
            async for piece in answer.aiter_bytes():
                if not said and how == "deleted":
                    await hub.admin("DELETE", one)
                elif not said and how == "disabled":
                    await hub.admin("PATCH", one, {"enabled": False})
                elif not said:
                    await hub.admin("POST", f"{one}/rotate", {"overlap": "0"})
                said += piece
        await sim.abandoned(1)
        log = await hub.log(answer)

    assert 200 == answer.status_code
    last = said.decode().rstrip().rsplit("data: ", 1)[1]
    assert "invalid_api_key" == json.loads(last)["error"]["code"]
    assert b"[DONE]" not in said
    assert b"message_stop" not in said
    (attempt,) = log["attempts"]
    assert (401, "invalid_api_key") == (log["status_code"], log["error_class"])
    assert ("settled", "key_revoked") == (attempt["state"], attempt["error_class"])
    assert 0 < attempt["output_tokens"] < 3000


async def test_a_stream_goes_on_when_another_key_is_revoked_or_its_own_is_changed(served):
    row, headers = await made(served)
    other, _ = await made(served)
    body = ASK | {"stream": True, "max_tokens": 12}

    async with served.http.stream("POST", COMPLETIONS, json=body, headers=headers) as answer:
        await served.admin("DELETE", f"apikeys/{other['id']}")
        await served.admin("PATCH", f"apikeys/{row['id']}", {"name": "renamed"})
        await served.admin("POST", f"apikeys/{row['id']}/rotate")
        said = await answer.aread()

    assert b"[DONE]" in said


@pytest.mark.parametrize(
    ("expected", "patch"), [(401, {"enabled": False}), (403, {"scopes": []}), (200, {"name": "b"})]
)
async def test_a_key_that_is_changed_while_its_body_comes_is_asked_for_again(
    served, expected, patch
):
    row, headers = await made(served)
    body = json.dumps(ASK).encode()

    async def slowly():
        yield body[:5]
        await served.admin("PATCH", f"apikeys/{row['id']}", patch)
        yield body[5:]

    typed = headers | {"content-type": "application/json"}
    answer = await served.http.post(COMPLETIONS, content=slowly(), headers=typed)

    assert expected == answer.status_code


async def test_a_key_without_limits_is_told_of_none(served, key):
    answer = await asked(served, {"x-api-key": key})

    assert isinstance(answer, httpx.Response)
    assert not [name for name in answer.headers if "tokens" in name]
