"""The router asked without a request: the same choice as a live one, and no trace of it."""

import asyncio
from collections import Counter

import pytest

from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

ASK = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}


@pytest.fixture(autouse=True)
async def three(hub, sim):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 5})
    await hub.model("org/small", "one", weight=1, input_per_1k=0.00001, output_per_1k=0.00001)
    await hub.model("large", "one", weight=10, input_per_1k=0.01, output_per_1k=0.03)


@pytest.fixture
def simulate(hub):
    async def one(**question):
        return await hub.admin("POST", "routing/simulate", question)

    return one


async def test_the_answer_is_the_original_s_and_tells_more(simulate):
    found = await simulate(mode="cheap", token_count=1000, max_tokens=100)

    assert {
        "model_id": "org/small",
        "provider_id": "one",
        "estimated_cost_usd": 0.000011,
        "reason": "routed-weight-1",
    } == found["decision"]
    assert [True, False, False] == [model["selected"] for model in found["eligible"]]
    assert (3, "") == (found["total"], found["error"])
    explained = found["results"][0]["explained"]
    assert (1000, 100) == (explained["input_tokens"], explained["output_tokens"])
    assert ["one/org/small", "one/gpt", "one/large"] == [
        one["route"] for one in explained["candidates"]
    ]


async def test_policies_are_compared(simulate):
    policies = [{"mode": "cheap"}, {"mode": "high_confidence"}, {"min_weight": 7}]

    found = await simulate(policies=policies)

    assert ["org/small", "large", "large"] == [
        one["decision"]["model_id"] for one in found["results"]
    ]
    assert ["cheap", "high_confidence", "normal"] == [
        one["policy"]["mode"] for one in found["results"]
    ]
    skipped = found["results"][2]["explained"]["skipped"]
    assert {"weight_below_minimum"} == {one["reason"] for one in skipped}


async def test_the_choice_is_that_of_a_live_request(hub, key, simulate):
    headers = {"authorization": f"Bearer {key}"}
    for fields in ({}, {"model": "gpt"}, {"model": "org/small", "models": ["gpt"]}):
        live = await hub.http.post("/v1/chat/completions", json=ASK | fields, headers=headers)
        record = (await hub.admin("GET", f"requests/{live.headers['x-request-id']}"))["decision"]

        found = await simulate(
            model_hint=fields.get("model", ""),
            models=fields.get("models", []),
            token_count=record["input_tokens"],
            max_tokens=4,
            seed=record["seed"],
        )

        chosen = [one["route"] for one in found["results"][0]["explained"]["candidates"]]
        assert [one["route"] for one in record["candidates"]] == chosen


async def test_nothing_is_called_learned_or_counted(hub, key, sim, simulate):
    turns = {"variants": [{"model_id": "gpt"}, {"model_id": "large"}], "sticky_by": "round_robin"}
    await hub.admin("PUT", "aliases/fast", turns)

    found = [await simulate(model_hint="fast") for _ in range(3)]

    assert ["gpt"] * 3 == [one["decision"]["model_id"] for one in found]
    assert [] == sim.requests
    assert [] == await hub.logs()


async def test_health_counts(hub, key, sim, simulate):
    sim.next(Fault.rate_limited("60"))
    headers = {"authorization": f"Bearer {key}"}
    await hub.http.post("/v1/chat/completions", json=ASK | {"model": "gpt"}, headers=headers)

    found = await simulate(model_hint="gpt", substitute="never")

    assert (None, []) == (found["decision"], found["eligible"])
    assert "one/gpt: cooling_down" in found["error"]
    assert "no_provider_available" == found["results"][0]["code"]


async def test_an_operator_who_removes_a_model_meanwhile_disturbs_no_answer(hub, simulate):
    """A thousand draws take their time, and the catalog goes on; the answer is of one version."""
    wanted = [{"mode": "thompson"}] * 8

    before = (await simulate())["catalog_version"]
    found, _ = await asyncio.gather(
        simulate(policies=wanted), hub.admin("DELETE", "models/gpt?provider_id=one")
    )

    assert (3, 3, before) == (found["total"], len(found["eligible"]), found["catalog_version"])


async def test_an_alias_is_split_as_for_live_requests(hub, simulate):
    """By chance it is the seed's; for a key, what that key meets."""
    halves = {"variants": [{"model_id": "gpt"}, {"model_id": "large"}]}
    await hub.admin("PUT", "aliases/fast", halves)
    await hub.admin("PUT", "aliases/ours", {**halves, "sticky_by": "api_key"})
    met, simulated = {}, {}
    for _ in range(6):
        made = await hub.admin("POST", "apikeys", {"name": "app", "scopes": ["chat"]})
        live = await hub.http.post(
            "/v1/chat/completions", json=ASK | {"model": "ours"}, headers={"x-api-key": made["key"]}
        )
        met[made["id"]] = live.headers["x-tokenhub-model"]
        found = await simulate(
            model_hint="ours", api_key_id=made["id"], token_count=10, max_tokens=4
        )
        simulated[made["id"]] = found["decision"]["model_id"]

    found = [await simulate(model_hint="fast", seed=seed) for seed in range(40)]

    assert met == simulated
    chosen = Counter(one["decision"]["model_id"] for one in found)
    assert {"gpt", "large"} == set(chosen)
    assert min(chosen.values()) > 8
    assert found[7]["decision"] == (await simulate(model_hint="fast", seed=7))["decision"]


async def test_names_are_read_as_in_a_request(simulate):
    found = await simulate(models=[" org/small ", ""])

    assert "org/small" == found["decision"]["model_id"]
    assert ["org/small"] == found["results"][0]["explained"]["fallbacks"]


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        ({"mode": "thoughtful"}, "#/policy/mode"),
        ({"policies": []}, "#/policies"),
        ({"seed": -1}, "#/seed"),
        ({"substitute": "perhaps"}, "#/substitute"),
        ({"model": "gpt"}, "#/model"),
    ],
)
async def test_bad_questions_are_refused_with_the_field(hub, question, pointer):
    answer = await hub.http.post(
        "/admin/v1/routing/simulate",
        json=question,
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
    )

    assert (400, pointer) == (answer.status_code, answer.json()["errors"][0]["pointer"])
