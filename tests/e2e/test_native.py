"""`/v1/chat`, and which provider answers: policies, names, endpoints that take turns, fallbacks."""

import asyncio
import json

import msgspec
import pytest

from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def chat(hub, key):
    """Asks /v1/chat; gives the response."""

    async def ask(body):
        return await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})

    return ask


@pytest.fixture
def named(hub, key):
    """Asks /v1/chat/completions for a model; gives the response."""

    async def ask(model, **headers):
        body = {"model": model, "messages": HELLO}
        sent = {"x-api-key": key, **headers}
        return await hub.http.post("/v1/chat/completions", json=body, headers=sent)

    return ask


NESTED = {"request": {"messages": HELLO, "model_hint": "gpt"}}
FLAT = {"messages": HELLO, "model_hint": "gpt"}


@pytest.mark.parametrize("body", [NESTED, FLAT], ids=["nested", "flat"])
async def test_the_answer_is_in_an_envelope(hub, chat, sim, body):
    await hub.provider("one", sim, models=["gpt", "large"])

    answer = await chat(body)

    told = answer.json()
    assert {"negotiated_model", "estimated_cost_usd", "routing_reason", "response"} == set(told)
    assert ("gpt", "routed-hint-exact") == (told["negotiated_model"], told["routing_reason"])
    assert "chat.completion" == told["response"]["object"]
    usage = told["response"]["usage"]
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert cost == pytest.approx(told["estimated_cost_usd"])
    assert told["estimated_cost_usd"] == (await hub.log(answer))["estimated_cost_usd"]


@pytest.mark.parametrize("body", [NESTED, FLAT], ids=["nested", "flat"])
async def test_a_stream_is_the_providers_own(hub, chat, sim, body):
    await hub.provider("one", sim, models=["gpt"])
    streaming = msgspec.json.decode(
        msgspec.json.encode(body).replace(b'"model_hint"', b'"stream":true,"model_hint"')
    )

    answer = await chat(streaming)

    events = answer.text.removesuffix("\n\n").split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert "data: [DONE]" == events[-1]
    assert {"chat.completion.chunk"} == {chunk["object"] for chunk in chunks}
    assert all(chunk["choices"] and not chunk.get("usage") for chunk in chunks)


async def test_parameters_reach_the_provider_and_cannot_replace_the_request(hub, chat, sim):
    await hub.provider("one", sim, models=["gpt"])
    parameters = {
        "temperature": 0.5,
        "max_tokens": 3,
        "model": "x",
        "stream": True,
        "logit_bias": {"1": 5},
    }

    answer = await chat({"request": {**FLAT, "parameters": parameters}})

    sent = sim.requests[0].json()
    assert {"temperature": 0.5, "max_tokens": 3, "model": "gpt", "logit_bias": {"1": 5}} == {
        name: value for name, value in sent.items() if name != "messages"
    }
    assert 3 == answer.json()["response"]["usage"]["completion_tokens"]


async def test_a_model_without_a_price_costs_null(hub, chat, sim):
    free = {"input_per_1k": None, "output_per_1k": None}
    await hub.provider("one", sim, models=["gpt"], model=free)

    answer = await chat(FLAT)

    assert answer.json()["estimated_cost_usd"] is None
    assert (await hub.log(answer))["estimated_cost_usd"] is None


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"mode": "fast"}, "policy.mode"),
        ({"max_budget_usd": -1}, "policy.max_budget_usd"),
        ({"max_budget_usd": 101}, "policy.max_budget_usd"),
        ({"max_latency_ms": -1}, "policy.max_latency_ms"),
        ({"max_latency_ms": 300_001}, "policy.max_latency_ms"),
        ({"min_weight": 11}, "policy.min_weight"),
        ({"min_weight": -1}, "policy.min_weight"),
        ({"max_latency_ms": "5"}, "policy.max_latency_ms"),
        ({"max_cost": 1}, "policy.max_cost"),
    ],
)
async def test_a_policy_out_of_bounds_names_its_field(hub, chat, sim, policy, field):
    await hub.provider("one", sim, models=["gpt"])

    answer = await chat({**FLAT, "policy": policy})

    assert (400, field) == (answer.status_code, answer.json()["error"]["param"])
    assert [] == sim.requests


async def test_a_policy_that_nobody_meets_says_who_was_left_out_and_why(hub, chat, sim):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 2})
    await hub.provider("two", sim, models=["gpt"], model={"weight": 9, "input_per_1k": 900})

    answer = await chat({**FLAT, "policy": {"min_weight": 5, "max_budget_usd": 0.01}})

    error = answer.json()["error"]
    assert (503, "no_provider_available") == (answer.status_code, error["code"])
    assert {
        "one/gpt": "weight_below_minimum",
        "two/gpt": "budget_exceeded",
    } == {skip["route"]: skip["reason"] for skip in error["skipped"]}
    assert [] == sim.requests
    assert "no_provider_available" == (await hub.log(answer))["error_class"]


async def test_the_mode_decides_between_a_cheap_and_a_heavy_model(hub, chat, sim):
    cheap = {"weight": 1, "input_per_1k": 0.0001, "output_per_1k": 0.0001}
    heavy = {"weight": 10, "input_per_1k": 0.01, "output_per_1k": 0.01}
    await hub.provider("one", sim, models=["gpt"], model=cheap)
    await hub.model("large", "one", **heavy)

    answers = [
        await chat({"messages": HELLO, "policy": {"mode": mode}})
        for mode in ("cheap", "high_confidence")
    ]

    assert ["gpt", "large"] == [answer.json()["negotiated_model"] for answer in answers]


async def test_two_endpoints_take_turns(hub, chat, sim, second):
    await hub.provider("local", sim, second, models=["gpt"])

    for stream in (False, False, True, True, False, True):
        await chat({**FLAT, "stream": stream})

    assert (3, 3) == (len(sim.requests), len(second.requests))


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("gpt", "gpt"),
        ("one/gpt", "gpt"),
        ("org/small", "org/small"),
        ("one/org/small", "org/small"),
        ("openai/gpt", "gpt"),
    ],
)
async def test_a_model_by_its_names(hub, named, sim, name, answers):
    await hub.provider("one", sim, models=["gpt", "org/small", "large"])

    answer = await named(name)

    assert (answers, "routed-hint-exact") == (
        answer.headers["x-negotiated-model"],
        answer.headers["x-tokenhub-reason"],
    )
    assert answers == sim.requests[0].json()["model"]


async def test_a_provider_in_the_name_is_the_one_asked(hub, named, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})

    answers = [await named("two/gpt") for _ in range(3)]

    assert ["two"] * 3 == [answer.headers["x-tokenhub-provider"] for answer in answers]
    assert ([], 3) == (sim.requests, len(second.requests))


async def test_the_same_model_at_another_provider_steps_in(hub, named, sim, second):
    """It comes before any other model, even one that scores better."""
    await hub.provider("one", sim, models=["gpt"], model={"weight": 5})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    await hub.model("large", "two", weight=10)
    sim.next(Fault.status(503))

    answer = await named("one/gpt")

    assert ("gpt", "two", "2", "routed-weight-1") == tuple(
        answer.headers[f"x-{name}"]
        for name in (
            "negotiated-model",
            "tokenhub-provider",
            "tokenhub-attempts",
            "tokenhub-reason",
        )
    )


@pytest.mark.parametrize(("substitute", "calls"), [("never", (2, 0)), ("same-model", (2, 2))])
async def test_a_caller_may_forbid_substitutes(hub, named, sim, second, *, substitute, calls):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    await hub.model("large", "two", weight=10)
    for one in (sim, second):
        one.next(*[Fault.status(500)] * 4)

    answer = await named("gpt", **{"x-tokenhub-substitute": substitute})

    assert (503, "upstream_overloaded") == (answer.status_code, answer.json()["error"]["code"])
    assert calls == (len(sim.requests), len(second.requests))


async def test_a_wrong_wish_for_substitutes_is_told(hub, named, sim):
    await hub.provider("one", sim, models=["gpt"])

    answer = await named("gpt", **{"x-tokenhub-substitute": "maybe"})

    assert (400, "X-TokenHub-Substitute") == (answer.status_code, answer.json()["error"]["param"])


@pytest.mark.parametrize(
    ("substitute", "status"), [("any", 200), ("same-model", 200), ("never", 503)]
)
async def test_the_model_of_a_named_route_is_looked_for_elsewhere(
    hub, named, sim, second, *, substitute, status
):
    """Before any other model, however good; and where only the same one may, at all."""
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    await hub.model("large", "one", weight=10)
    await hub.admin("PATCH", "models/gpt?provider_id=one", {"enabled": False})

    answer = await named("one/gpt", **{"x-tokenhub-substitute": substitute})

    assert status == answer.status_code
    assert (0, int(status == 200)) == (len(sim.requests), len(second.requests))


async def test_two_wishes_for_substitutes_are_none(hub, key, sim):
    """Neither the first nor the last of them counts in silence: a proxy may have added one."""
    await hub.provider("one", sim, models=["gpt"])

    answer = await hub.http.post(
        "/v1/chat/completions",
        json={"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]},
        headers=[
            ("x-api-key", key),
            ("x-tokenhub-substitute", "never"),
            ("x-tokenhub-substitute", "any"),
        ],
    )

    assert (400, "X-TokenHub-Substitute") == (answer.status_code, answer.json()["error"]["param"])
    assert [] == sim.requests


async def test_a_disabled_model_is_asked_no_more(hub, named, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    await hub.admin("PATCH", "providers/one", {"enabled": False})

    answer = await named("gpt")

    assert "two" == answer.headers["x-tokenhub-provider"]


async def test_nothing_to_choose_from_says_what_to_do(named):
    answer = await named("gpt")

    error = answer.json()["error"]
    assert (503, "no_provider_available") == (answer.status_code, error["code"])
    assert "tokenhubctl model add" in error["message"]


@pytest.mark.parametrize("substitute", ["never", "any"])
@pytest.mark.parametrize("dead", ["closed", "503"])
async def test_one_dead_endpoint_of_two_is_not_noticed(hub, key, sim, second, *, dead, substitute):
    """Nor does anybody else have to answer for it."""
    url = "http://127.0.0.1:1" if dead == "closed" else second.url
    second.next(*[Fault.status(503)] * 50)
    await hub.admin(
        "POST", "providers", {"id": "local", "type": "vllm", "endpoints": [url, sim.url]}
    )
    await hub.model("gpt", "local")
    await hub.provider("dear", sim, models=["large"])
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"x-api-key": key, "x-tokenhub-substitute": substitute}

    answers = await asyncio.gather(
        *[hub.http.post("/v1/chat/completions", json=body, headers=headers) for _ in range(20)]
    )

    assert [200] * 20 == [answer.status_code for answer in answers]
    assert {"local"} == {answer.headers["x-tokenhub-provider"] for answer in answers}


async def test_model_that_a_provider_does_not_know_is_left_for_what_may_answer_instead(
    hub, key, sim, second
):
    await hub.provider("one", sim, models=["gone"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    named = {**body, "model_hint": "gone"}
    alone = {"x-api-key": key, "x-tokenhub-substitute": "never"}

    answers = [
        await hub.http.post("/v1/chat", json=one, headers={"x-api-key": key})
        for one in (body, named)
    ]
    refused = await hub.http.post("/v1/chat", json=named, headers=alone)

    assert [(200, "two")] * 2 == [
        (answer.status_code, answer.headers["x-tokenhub-provider"]) for answer in answers
    ]
    error = refused.json()["error"]
    assert (404, "model_not_found") == (refused.status_code, error["code"])
    assert "`gone`" in error["message"]
