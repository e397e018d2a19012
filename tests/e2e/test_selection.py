"""The choice from outside: headers, keys, own weights, draws, and what the record says of it."""

import json

import pytest

from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
BODIES = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/messages": {"messages": HELLO, "max_tokens": 8},
    "/v1/chat": {"messages": HELLO},
}


@pytest.fixture(autouse=True)
async def three(hub, sim):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 5})
    await hub.model("org/small", "one", weight=1, input_per_1k=0.00001, output_per_1k=0.00001)
    await hub.model("large", "one", weight=10, input_per_1k=0.01, output_per_1k=0.03)


@pytest.fixture
def ask(hub, key):
    async def one(path="/v1/chat/completions", body=None, *, by=key, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await hub.http.post(
            path, json=BODIES[path] | (body or {}), headers={"x-api-key": by, **sent}
        )

    return one


@pytest.fixture
def decision(hub):
    async def one(answer):
        found = await hub.admin("GET", f"requests/{answer.headers['x-request-id']}")
        return found["decision"]

    return one


@pytest.fixture
def restricted(hub):
    async def one(**grant):
        made = await hub.admin("POST", "apikeys", {"name": "app", "scopes": ["*"], **grant})
        return made["key"], made["id"]

    return one


@pytest.mark.parametrize("path", BODIES)
async def test_headers_make_a_policy_in_every_dialect(ask, decision, path):
    answer = await ask(
        path,
        x_tokenhub_mode="High_Confidence",
        x_tokenhub_max_budget_usd="0.5",
        x_tokenhub_max_latency_ms="9000",
        x_tokenhub_min_weight="3",
    )

    told = await decision(answer)
    policy = told["policy"]
    assert ("high_confidence", 0.5, 9000, 3) == (
        policy["mode"],
        policy["max_budget_usd"],
        policy["max_latency_ms"],
        policy["min_weight"],
    )
    assert {"header"} == set(policy["origin"].values())
    assert "one/large" == told["candidates"][0]["route"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-TokenHub-Mode", "turbo"),
        ("X-TokenHub-Max-Budget-Usd", "0"),
        ("X-TokenHub-Max-Budget-Usd", "nan"),
        ("X-TokenHub-Max-Latency-Ms", "1.5"),
        ("X-TokenHub-Min-Weight", "11"),
        ("X-TokenHub-Weights", "cost=1,cost=2"),
        ("X-TokenHub-Weights", "price=1"),
        ("X-TokenHub-Weights", "cost=0"),
        ("X-TokenHub-Weights", "cost"),
        ("X-TokenHub-Weights", "cost=-1"),
        ("X-TokenHub-Weights", "cost=" + "9" * 300),
    ],
)
@pytest.mark.parametrize("path", BODIES)
async def test_bad_header_is_refused_by_its_name(ask, sim, path, header, value):
    answer = await ask(path, **{header.replace("-", "_"): value})

    assert (400, True) == (answer.status_code, header in answer.json()["error"]["message"])
    assert [] == sim.requests


async def test_draws_and_weights_in_one_place_contradict(ask):
    refused = [
        await ask(x_tokenhub_mode="thompson", x_tokenhub_weights="cost=1"),
        await ask("/v1/chat", {"policy": {"mode": "thompson", "weights": {"cost": 1}}}),
    ]

    assert [400, 400] == [answer.status_code for answer in refused]


async def test_own_weights_are_normalised_and_told(ask, decision):
    by_header = await decision(await ask(x_tokenhub_weights="weight=3, cost = 1"))
    by_body = await decision(await ask("/v1/chat", {"policy": {"weights": {"cost": 5}}}))

    assert {"cost": 0.25, "latency": 0.0, "failure": 0.0, "weight": 0.75} == by_header["weights"]
    assert ("header", "one/large") == (
        by_header["policy"]["origin"]["weights"],
        by_header["candidates"][0]["route"],
    )
    assert ("body", "one/org/small") == (
        by_body["policy"]["origin"]["weights"],
        by_body["candidates"][0]["route"],
    )


# The weights of cost, latency, failure and weight, by original-behaviour 2.5.
BY_MODE = {
    "cheap": ((0.7, 0.1, 0.1, 0.1), "org/small"),
    "normal": ((0.25, 0.25, 0.25, 0.25), "gpt"),
    "high_confidence": ((0.05, 0.1, 0.15, 0.7), "large"),
    "planning": ((0.1, 0.1, 0.2, 0.6), "large"),
    "adversarial": ((0.1, 0.1, 0.2, 0.6), "large"),
}


@pytest.mark.parametrize("mode", BY_MODE)
@pytest.mark.parametrize("stream", [False, True])
async def test_each_mode_weighs_as_it_says(ask, decision, mode, stream):
    answer = await ask(body={"stream": stream}, x_tokenhub_mode=mode)

    told = await decision(answer)
    weights, chosen = BY_MODE[mode]
    names = ("cost", "latency", "failure", "weight")
    assert dict(zip(names, weights, strict=True)) == told["weights"]
    assert chosen == answer.headers["x-tokenhub-model"]
    scores = [one["score"] for one in told["candidates"]]
    assert sorted(scores) == scores
    for one in told["candidates"]:
        terms = [one["terms"][name] for name in names]
        cost, latency, failure, weight = (a * b for a, b in zip(weights, terms, strict=True))
        assert one["score"] == pytest.approx(cost + latency + failure - weight)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("name", ["*", " * ", "", "auto"])
async def test_who_names_no_model_gets_the_routers_choice(ask, decision, sim, path, name):
    field = "model_hint" if path == "/v1/chat" else "model"

    answer = await ask(path, {field: name}, x_tokenhub_mode="high_confidence")

    assert (200, "large") == (answer.status_code, answer.headers["x-tokenhub-model"])
    assert ("auto" if name == "auto" else "") == (await decision(answer))["hint"]
    assert ["large"] == [json.loads(one.body)["model"] for one in sim.requests]


async def test_a_budget_holds_to_the_last_billionth(ask, decision):
    told = await decision(await ask(body={"model": "large", "max_tokens": 8}))
    cost_nusd = round(told["candidates"][0]["cost_usd"] * 10**9)

    found = {
        extra: await ask(
            body={"model": "large", "max_tokens": 8},
            x_tokenhub_substitute="never",
            x_tokenhub_max_budget_usd=f"{cost_nusd + extra}e-9",
        )
        for extra in (-1, 0)
    }

    assert (503, 200) == (found[-1].status_code, found[0].status_code)
    (skip,) = found[-1].json()["error"]["skipped"]
    assert ("one/large", "budget_exceeded") == (skip["route"], skip["reason"])


async def test_an_unknown_price_is_the_dearest_and_under_no_budget(hub, ask, decision, second):
    await hub.provider("two", second)
    await hub.model("gpt", "two", input_per_1k=None, output_per_1k=None, weight=10)

    chosen = await ask(x_tokenhub_weights="cost=1")
    told = await decision(chosen)
    named = await ask(
        body={"model": "two/gpt"},
        x_tokenhub_substitute="never",
        x_tokenhub_max_budget_usd="1e-9",
    )

    by_route = {one["route"]: one for one in told["candidates"]}
    unknown = by_route["two/gpt"]
    assert (None, 1.0) == (unknown["cost_usd"], unknown["terms"]["cost"])
    assert "org/small" == chosen.headers["x-tokenhub-model"]
    assert {"two/gpt", "one/large"} == {
        route for route, one in by_route.items() if one["terms"]["cost"] == 1.0
    }
    assert (200, "two") == (named.status_code, named.headers["x-tokenhub-provider"])


async def test_a_directive_cannot_widen_what_a_key_says(ask, decision, restricted):
    """The text may come from anywhere; the key's owner is who set its limits."""
    key, _ = await restricted(max_budget_usd=0.005, min_weight=5, max_latency_ms=30_000)
    said = "@@tokenhub budget=5 min_weight=0 latency=300000 mode=high_confidence\nHello"

    answer = await ask(body={"messages": [{"role": "user", "content": said}]}, by=key)

    policy = (await decision(answer))["policy"]
    assert "gpt" == answer.headers["x-tokenhub-model"]
    assert (0.005, 5, 30_000) == (
        policy["max_budget_usd"],
        policy["min_weight"],
        policy["max_latency_ms"],
    )
    assert 3 == len(policy["notes"])


@pytest.mark.parametrize("body", [{"model": "gpt"}, {"model": "large", "models": ["gpt"]}, {}])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failing_list_is_not_left_as_a_last_resort(ask, sim, restricted, body, stream):
    """Where all that a key may use has failed, nobody else is asked, not even in the end."""
    key, _ = await restricted(allowed_models=["gpt"])
    sim.next(*[Fault.status(503)] * 60)

    answers = [await ask(body={**body, "stream": stream}, by=key) for _ in range(6)]

    assert {503} == {one.status_code for one in answers}
    assert {"gpt"} == {json.loads(one.body)["model"] for one in sim.requests}


async def test_each_layer_goes_over_the_one_below(ask, decision, restricted):
    key, _ = await restricted(mode="planning", max_latency_ms=50_000, min_weight=1)
    body = {
        "policy": {"mode": "cheap"},
        "messages": [{"role": "user", "content": "@@tokenhub min_weight=5\nHello"}],
    }

    told = await decision(await ask("/v1/chat", body, by=key, x_tokenhub_max_budget_usd="1"))

    assert {
        "mode": "body",
        "max_budget_usd": "header",
        "max_latency_ms": "key",
        "min_weight": "directive",
    } == told["policy"]["origin"]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [False, True])
async def test_key_never_reaches_what_it_may_not_use(ask, sim, restricted, path, stream):
    key, _ = await restricted(allowed_models=["org/*"])
    hint = {"model_hint": "large"} if path == "/v1/chat" else {"model": "large"}

    answer = await ask(path, {"stream": stream, **hint}, by=key)
    never = await ask(path, {"stream": stream, **hint}, by=key, x_tokenhub_substitute="never")

    assert (200, "org/small") == (answer.status_code, answer.headers["x-tokenhub-model"])
    assert (403, True) == (never.status_code, "may use none" in never.json()["error"]["message"])
    assert {"org/small"} == {json.loads(one.body)["model"] for one in sim.requests}


async def test_lists_hold_where_their_models_fail(hub, ask, sim, second, restricted):
    """A failover is no way around a list either."""
    await hub.provider("two", second, models=["other"])
    key, _ = await restricted(allowed_providers=["two"])
    await hub.admin("PATCH", "models/two/other", {"enabled": False})

    answer = await ask(by=key)

    assert 503 == answer.status_code
    assert "other: disabled" in answer.json()["error"]["message"]
    assert [] == sim.requests


async def test_thompson_draws_learns_and_tells_its_chance(hub, ask, decision):
    told = [await decision(await ask(x_tokenhub_mode="thompson")) for _ in range(8)]

    for one in told:
        drawn = [candidate["sample"]["draw"] for candidate in one["candidates"]]
        assert sorted(drawn, reverse=True) == drawn
        assert 0 < one["propensity"] <= 1
    first = [c["sample"]["failing"] for c in told[0]["candidates"]]
    last = [c["sample"]["failing"] for c in told[-1]["candidates"]]
    assert min(last) < min(first)


async def test_what_a_model_usually_writes_is_its_estimate(ask, decision):
    first = await decision(await ask(body={"model": "gpt", "max_tokens": 400}))
    second = await decision(await ask(body={"model": "gpt", "max_tokens": 400}))

    assert 400 == first["candidates"][0]["output_tokens"]
    assert 0 < second["candidates"][0]["output_tokens"] < 400
    assert {400} == {one["output_tokens"] for one in second["candidates"][1:]}
    assert (400, 400) == (second["output_limit"], second["reserved_tokens"])


# --- The simulator


@pytest.fixture
def simulate(hub):
    async def one(**question):
        return await hub.admin("POST", "routing/simulate", question)

    return one


async def test_simulated_draws_come_as_shares(simulate):
    found = (await simulate(mode="thompson", seed=7))["results"][0]

    assert 1000 == found["draws"]
    assert pytest.approx(1.0) == sum(one["share"] for one in found["shares"])
    for one in found["shares"]:
        assert 0 < one["share"] < 1
    assert (await simulate(mode="thompson", seed=7))["results"][0] == found


async def test_simulated_exploration_takes_a_temperature(simulate):
    found = (await simulate(temperature=0.3, seed=1))["results"][0]
    greedy = (await simulate(seed=1))["results"][0]

    assert 0.964 == pytest.approx(found["shares"][0]["share"], abs=0.03)
    assert (0.3, 0, []) == (found["explained"]["temperature"], greedy["draws"], greedy["shares"])


async def test_simulated_key_brings_its_lists_and_its_policy(simulate, restricted):
    _, key_id = await restricted(allowed_models=["gpt"], mode="cheap")

    found = (await simulate(api_key_id=key_id, output_tokens=50))["results"][0]

    explained = found["explained"]
    assert ["one/gpt"] == [one["route"] for one in explained["candidates"]]
    assert 50 == explained["candidates"][0]["output_tokens"]
    assert ("cheap", "key") == (found["policy"]["mode"], found["policy"]["origin"]["mode"])
    assert {"not_allowed"} == {one["reason"] for one in explained["skipped"]}


@pytest.mark.parametrize(
    ("question", "status", "field"),
    [
        ({"temperature": 11}, 400, "#/temperature"),
        ({"output_tokens": -1}, 400, "#/output_tokens"),
        ({"weights": {"price": 1}}, 400, "#/policy/weights"),
        ({"api_key_id": "nobody"}, 404, None),
    ],
)
async def test_simulated_nonsense_is_refused(hub, question, status, field):
    answer = await hub.http.post(
        "/admin/v1/routing/simulate",
        json=question,
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
    )

    assert status == answer.status_code
    if field:
        assert field == answer.json()["errors"][0]["pointer"]
