"""`/v1/plan`: headers, weights, aliases, and what its key may, hold for every step."""

import msgspec
import pytest

from tests.e2e.plans import HELLO, assert_adds_up, events
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

MODES = {
    "planning": {"mode": "planning"},
    "adversarial": {"mode": "adversarial"},
    "vote": {"mode": "vote"},
    "refine": {"mode": "refine"},
}


@pytest.fixture
async def served(hub, sim, second):
    """A cheap model and a better one, each at a provider of its own."""
    await hub.provider("one", sim, models=["gpt"], model={"weight": 1})
    dear = {"weight": 9, "input_per_1k": 0.002, "output_per_1k": 0.004}
    await hub.provider("two", second, models=["large"], model=dear)
    return hub


@pytest.fixture
def plan(served):
    async def ask(orchestration, *, headers=None, limits=None, path="/v1/plan", **fields):
        body = {"name": "a test", "scopes": ["plan", "chat"], **(limits or {})}
        key = (await served.admin("POST", "apikeys", body))["key"]
        answer = await served.http.post(
            path,
            json={"messages": HELLO, "orchestration": orchestration, **fields},
            headers={"x-api-key": key, **(headers or {})},
        )
        assert 200 == answer.status_code, answer.text
        return answer.json()

    return ask


async def policies(hub, told):
    found = []
    for step in told["steps"]:
        detail = await hub.admin("GET", f"requests/{step['request_id']}")
        found.append(detail["decision"]["policy"])
    return found


@pytest.mark.parametrize("by", ["header", "body", "key"])
@pytest.mark.parametrize("name", ["adversarial", "refine", "vote"])
async def test_a_mode_of_routing_holds_for_every_step(served, plan, name, by):
    given = {
        "header": {"headers": {"x-tokenhub-mode": "cheap"}},
        "body": {"policy": {"mode": "cheap"}},
        "key": {"limits": {"mode": "cheap"}},
    }[by]

    told = await plan(MODES[name], **given)

    found = await policies(served, told)
    assert {("cheap", by)} == {(one["mode"], one["origin"]["mode"]) for one in found}


@pytest.mark.parametrize("by", ["header", "body"])
@pytest.mark.parametrize("name", MODES)
async def test_weights_hold_for_every_step(served, plan, name, by):
    weights = {"cost": 0.25, "latency": 0.25, "failure": 0.5, "weight": 0}
    given = {
        "header": {"headers": {"x-tokenhub-weights": "cost=1,latency=1,failure=2"}},
        "body": {"policy": {"weights": weights}},
    }[by]

    told = await plan(MODES[name], **given)

    for policy in await policies(served, told):
        assert (weights, by) == (policy["weights"], policy["origin"]["weights"])


async def test_a_header_names_the_plan_where_nothing_else_does(plan):
    by_header = await plan({}, headers={"x-tokenhub-mode": "adversarial"})
    by_body = await plan({}, headers={"x-tokenhub-mode": "adversarial"}, policy={"mode": "refine"})

    assert ("adversarial", "refine") == (by_header["mode"], by_body["mode"])


async def test_a_directive_routes_the_steps_and_stands_over_weights(served, plan):
    said = "Hello @@tokenhub mode=cheap min_weight=2"

    told = await plan(
        {"mode": "refine"},
        messages=[{"role": "user", "content": said}],
        policy={"weights": {"cost": 1}},
    )

    for policy in await policies(served, told):
        assert ("cheap", 2, None) == (policy["mode"], policy["min_weight"], policy["weights"])
        assert "directive" == policy["origin"]["mode"] == policy["origin"]["min_weight"]


async def test_the_record_of_a_step_says_what_is_of_the_plan(served, plan):
    told = await plan(
        {"mode": "refine", "iterations": 1},
        headers={"x-tokenhub-max-budget-usd": "0.04", "x-tokenhub-min-weight": "1"},
    )

    first, second = await policies(served, told)
    assert ("plan", "header", "header") == tuple(
        first["origin"][name] for name in ("mode", "max_budget_usd", "min_weight")
    )
    assert ("plan", "plan") == (
        first["origin"]["max_latency_ms"],
        second["origin"]["max_budget_usd"],
    )
    assert 0.04 == first["max_budget_usd"] > second["max_budget_usd"]


@pytest.mark.parametrize("by", ["header", "body", "key"])
@pytest.mark.parametrize("seat", [0, 3])
@pytest.mark.parametrize("name", MODES)
async def test_the_least_weight_of_the_request_holds_for_every_step(plan, sim, name, seat, by):
    given = {
        "header": {"headers": {"x-tokenhub-min-weight": "5"}},
        "body": {"policy": {"min_weight": 5}},
        "key": {"limits": {"min_weight": 5}},
    }[by]

    await plan({**MODES[name], "primary_min_weight": seat, "review_min_weight": seat}, **given)

    assert [] == sim.requests


@pytest.mark.parametrize("lists", [{"allowed_models": ["large"]}, {"allowed_providers": ["two"]}])
@pytest.mark.parametrize("name", MODES)
async def test_what_a_key_may_use_holds_for_every_step_and_judge(plan, sim, name, lists):
    told = await plan(
        {**MODES[name], "primary_model_id": "gpt", "review_model_id": "gpt"}, limits=lists
    )

    assert [] == sim.requests
    assert {"large"} == {step["model"] for step in told["steps"]}


@pytest.mark.parametrize("by", ["header", "key"])
@pytest.mark.parametrize("name", ["adversarial", "vote", "refine"])
async def test_a_budget_of_header_or_key_is_over_the_sum(served, plan, tmp_path, name, by):
    whole = await plan(MODES[name])
    limit = whole["estimated_cost_usd"] * 0.6
    given = {
        "header": {"headers": {"x-tokenhub-max-budget-usd": f"{limit:.9f}"}},
        "key": {"limits": {"max_budget_usd": limit}},
    }[by]

    told = await plan(MODES[name], **given)

    assert told["partial"]
    assert told["estimated_cost_usd"] <= limit
    await assert_adds_up(served, tmp_path, told)


async def test_a_split_under_the_name_of_a_model_does_not_change_who_refines(served, plan):
    variants = [{"model_id": "one/gpt", "weight": 1}, {"model_id": "large", "weight": 1}]
    split = {"variants": variants, "sticky_by": "round_robin"}
    await served.admin("PUT", "aliases/gpt", split)

    refined = await plan({"mode": "refine", "iterations": 3, "primary_model_id": "gpt"})
    voted = await plan({"mode": "vote"})

    assert 1 == len({step["model"] for step in refined["steps"]})
    assert ["gpt", "large"] == sorted(one["model"] for one in voted["response"]["responses"])


async def test_a_judge_named_by_an_alias_does_not_vote(served, plan):
    await served.admin("PUT", "aliases/judge", {"variants": [{"model_id": "large", "weight": 1}]})

    told = await plan({"mode": "vote", "review_model_id": "judge"})

    assert ["gpt"] == [one["model"] for one in told["response"]["responses"]]


async def test_voters_keep_to_never(plan, sim):
    told = await plan(
        {"mode": "vote"}, model_hint="large", headers={"x-tokenhub-substitute": "never"}
    )

    assert ("vote-single-response", []) == (told["routing_reason"], sim.requests)


@pytest.mark.parametrize("name", ["adversarial", "vote"])
async def test_a_reviewer_whom_nobody_knows_is_told_before_anything_is_paid(served, sim, name):
    key = await served.key("plan")
    orchestration = {**MODES[name], "review_model_id": "absent"}

    answer = await served.http.post(
        "/v1/plan",
        json={"messages": HELLO, "orchestration": orchestration},
        headers={"x-api-key": key, "x-tokenhub-substitute": "same-model"},
    )

    assert (404, "model_not_found") == (answer.status_code, answer.json()["error"]["code"])
    assert [] == sim.requests


async def test_a_plan_that_ran_out_of_budget_says_so(plan):
    whole = await plan(MODES["refine"])

    told = await plan(MODES["refine"], policy={"max_budget_usd": 0.5 * whole["estimated_cost_usd"]})

    assert "one/gpt: budget_exceeded" in told["error"]["message"]


async def test_a_voter_costs_what_the_request_alone_would(served, plan):
    """What is foreseen of the first step is what is asked, so that a budget that fits does."""
    told = await plan(MODES["vote"])

    record = await served.admin("GET", f"orchestrations/{told['orchestration_id']}")
    voter = next(step for step in record["steps"] if step["mode"] == "normal")
    detail = await served.admin("GET", f"requests/{voter['request_id']}")
    alone = await plan({"mode": "planning"})
    single = await served.admin("GET", f"requests/{alone['steps'][0]['request_id']}")
    assert single["decision"]["input_tokens"] == detail["decision"]["input_tokens"]


@pytest.mark.parametrize("named", [{}, {"primary_model_id": "text-embedding-3-small"}])
async def test_models_for_embeddings_do_not_vote(served, plan, named):
    await served.model("text-embedding-3-small", "one", weight=9)

    told = await plan({"mode": "vote", **named})

    assert ["gpt", "large"] == sorted(one["model"] for one in told["response"]["responses"])
    assert not told["partial"]


@pytest.mark.parametrize("name", MODES)
async def test_the_estimate_is_near_the_cost_once_it_is_known_what_models_write(plan, name):
    for _ in range(3):
        told = await plan(MODES[name])

    assert 0.8 < told["cost_estimate_usd"] / told["estimated_cost_usd"] < 1.4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, "invalid_api_key"),
        ({"allowed_models": ["large"], "allowed_providers": ["one"]}, "model_not_allowed"),
    ],
)
async def test_what_becomes_of_a_key_holds_for_the_next_step(  # noqa: PLR0917 - fixtures, and parameters
    served, sim, second, tmp_path, change, code
):
    slow = Latency(first_token_s=Constant(value=0.2))
    sim.profile = second.profile = msgspec.structs.replace(sim.profile, latency=slow)
    issued = await served.admin("POST", "apikeys", {"name": "a test", "scopes": ["plan"]})
    body = {"messages": HELLO, "stream": True, "orchestration": MODES["refine"]}
    headers = {"x-api-key": issued["key"]}

    async with served.http.stream("POST", "/v1/plan", json=body, headers=headers) as answer:
        pieces = answer.aiter_text()
        text = await anext(pieces)
        await served.admin("PATCH", f"apikeys/{issued['id']}", change)
        text += "".join([piece async for piece in pieces])

    told = events(text)[-1][1]["answer"]
    assert ("refine-1", code) == (told["error"]["step"], told["error"]["code"])
    await assert_adds_up(served, tmp_path, told)
