"""Idempotency keys over a socket: one paid call for each (reliability.md F26 and F27)."""

import asyncio
import json
from collections import Counter

import msgspec
import pytest

from tests.support.server import running
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

BODY = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
PATHS = {
    "/v1/chat/completions": BODY,
    "/v1/chat": {"model_hint": "gpt", "messages": BODY["messages"]},
    "/v1/messages": BODY | {"max_tokens": 20},
    "/v1/embeddings": {"model": "gpt", "input": "Hello"},
}
KEY, OTHER_NAME = "idempotency-key", "x-idempotency-key"


@pytest.fixture
async def served(hub, sim):
    await hub.provider("one", sim, models=["gpt"])
    return hub


@pytest.fixture
async def key(served):
    return await served.key("chat", "embeddings")


@pytest.fixture
def ask(served, key):
    """Asks with an idempotency key; gives the response."""

    async def post(once="a", body=BODY, path="/v1/chat/completions", name=KEY, **headers):
        sent = {"x-api-key": key, name: once, **headers}
        return await served.http.post(path, json=body, headers=sent)

    return post


def replays(answers):
    """How many of the answers were given before."""
    return Counter(answer.headers.get("idempotency-replay") for answer in answers)["true"]


@pytest.mark.parametrize("path", PATHS)
async def test_fifty_at_once_cost_one_call(served, ask, sim, path):
    late = Latency(first_token_s=Constant(value=0.1))
    sim.profile = msgspec.structs.replace(sim.profile, latency=late)

    answers = await asyncio.gather(*(ask(path=path, body=PATHS[path]) for _ in range(50)))

    assert {200} == {answer.status_code for answer in answers}
    assert 1 == len(sim.requests)
    assert 1 == len({answer.content for answer in answers})
    assert 49 == replays(answers)
    assert 50 == len({answer.headers["x-request-id"] for answer in answers})
    (row,) = await served.logs()
    assert {row["request_id"]} == {
        answer.headers.get("x-tokenhub-original-request-id", answer.headers["x-request-id"])
        for answer in answers
    }


@pytest.mark.parametrize("path", PATHS)
async def test_another_body_is_refused(ask, sim, path):
    await ask(path=path, body=PATHS[path])

    answer = await ask(path=path, body=PATHS[path] | {"user": "somebody"})

    error = answer.json()["error"]
    assert (422, "idempotency_key_reuse") == (answer.status_code, error["code"])
    assert path != "/v1/messages" or "error" == answer.json()["type"]
    assert 1 == len(sim.requests)


async def test_another_body_beside_the_first_is_refused_at_once(ask, sim):
    late = Latency(first_token_s=Constant(value=0.2))
    sim.profile = msgspec.structs.replace(sim.profile, latency=late)
    first = asyncio.ensure_future(ask())
    await sim.arrived(1)

    answer = await ask(body=BODY | {"seed": 5})

    assert (422, False) == (answer.status_code, first.done())
    assert 200 == (await first).status_code


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat", "/v1/messages"])
async def test_a_stream_is_replayed_byte_for_byte(ask, sim, path):
    body = PATHS[path] | {"stream": True}

    first, second = [await ask(path=path, body=body) for _ in range(2)]

    assert first.content == second.content
    end = b"message_stop" if path == "/v1/messages" else b"[DONE]"
    assert end in first.content[-80:]
    assert first.headers["content-type"] == second.headers["content-type"]
    assert (1, 1) == (replays([first, second]), len(sim.requests))


async def test_streams_at_once_cost_one_call(ask, sim):
    answers = await asyncio.gather(*(ask(body=BODY | {"stream": True}) for _ in range(10)))

    assert 1 == len({answer.content for answer in answers})
    assert (9, 1) == (replays(answers), len(sim.requests))


async def test_tenants_never_meet(served, ask, sim):
    other = await served.key("chat")

    mine, theirs = await ask(), await ask(**{"x-api-key": other})

    assert (0, 2) == (replays([mine, theirs]), len(sim.requests))
    assert mine.json()["id"] != theirs.json()["id"]


async def test_one_key_means_another_request_on_another_route(ask, sim):
    answers = [await ask(path=path, body=body) for path, body in PATHS.items()]

    assert {200} == {answer.status_code for answer in answers}
    assert (0, 4) == (replays(answers), len(sim.requests))


async def test_both_names_of_the_header_are_one(ask, sim):
    answers = [await ask("a"), await ask("a", name=OTHER_NAME), await ask('"a"')]

    assert (2, 1) == (replays(answers), len(sim.requests))


@pytest.mark.parametrize(
    "headers",
    [{KEY: "a" * 256}, {KEY: ""}, {KEY: '"a'}, {KEY: "a", OTHER_NAME: "b"}],
    ids=["long", "empty", "quote", "two"],
)
async def test_a_key_that_is_none_is_refused(served, key, sim, headers):
    answer = await served.http.post(
        "/v1/chat/completions", json=BODY, headers={"x-api-key": key, **headers}
    )

    error = answer.json()["error"]
    assert (400, "invalid_idempotency_key") == (answer.status_code, error["code"])
    assert [] == sim.requests


async def test_the_order_of_headers_means_nothing(ask, sim):
    """No client promises one, and a proxy may make another of it."""
    features = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-1m"}
    body, path = PATHS["/v1/messages"], "/v1/messages"

    answers = [await ask(body=body, path=path, **features)]
    answers.append(await ask(body=body, path=path, **dict(reversed(features.items()))))
    other = await ask(body=body, path=path, **features | {"anthropic-beta": "other"})

    assert [200, 200, 422] == [answer.status_code for answer in (*answers, other)]
    assert (1, 1) == (replays(answers), len(sim.requests))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_replay_has_an_id_of_its_own_where_anthropics_sdk_looks_for_it(ask, stream):
    body = PATHS["/v1/messages"] | {"stream": stream}

    first, second = [await ask(path="/v1/messages", body=body) for _ in range(2)]

    named = [answer.headers.get_list("request-id") for answer in (first, second)]
    assert [[a.headers["x-request-id"]] for a in (first, second)] == named
    assert named[0] == [second.headers["x-tokenhub-original-request-id"]]


async def test_a_refusal_of_the_provider_is_replayed(ask, sim):
    body = BODY | {"n": 5}

    first, second = [await ask(body=body) for _ in range(2)]

    assert (400, 400) == (first.status_code, second.status_code)
    assert first.content == second.content
    assert (1, 1) == (replays([first, second]), len(sim.requests))


async def test_a_refused_key_is_not_remembered(served, key, ask, sim):
    """Nothing of who may not ask is kept, so the owner's request runs."""
    refused = await ask(**{"x-api-key": "wrong"})

    answer = await ask()

    assert (401, 200) == (refused.status_code, answer.status_code)
    assert 1 == len(sim.requests)


async def test_after_a_restart_a_repeat_is_refused_until_it_is_forced(tmp_path, sim):
    """What was said is in memory alone; that it was said is on disk."""
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        headers = {"x-api-key": await hub.key(), KEY: "a"}
        first = await hub.http.post("/v1/chat/completions", json=BODY, headers=headers)

    async with running(tmp_path) as hub:
        path = "/v1/chat/completions"
        refused = await hub.http.post(path, json=BODY, headers=headers)
        other = await hub.http.post(path, json=BODY | {"seed": 5}, headers=headers)
        calls = len(sim.requests)
        force = headers | {"idempotency-retry": "force"}
        forced = await hub.http.post(path, json=BODY, headers=force)
        repeated = await hub.http.post(path, json=BODY, headers=headers)

    error = refused.json()["error"]
    assert (409, "idempotency_outcome_unknown") == (refused.status_code, error["code"])
    assert first.headers["x-request-id"] in error["message"]
    assert "false" == refused.headers["x-should-retry"]
    assert (422, 1) == (other.status_code, calls)
    assert (200, 2) == (forced.status_code, len(sim.requests))
    assert forced.content == repeated.content
    assert (0, 1) == (replays([forced]), replays([repeated]))


async def test_a_retry_that_is_no_force_is_refused(ask, sim):
    answer = await ask(**{"idempotency-retry": "please"})

    assert "invalid_idempotency_retry" == json.loads(answer.text)["error"]["code"]
    assert [] == sim.requests
