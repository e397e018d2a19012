"""`/v1/plan` and its kin: what is accepted, what the steps are told, and what operators see."""

import json

import msgspec
import pytest

from tests.e2e.conftest import PROFILE
from tests.e2e.plans import HELLO, assert_adds_up, events
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

SCHEMA = {"type": "object", "properties": {"plan": {"type": "string"}}, "required": ["plan"]}


@pytest.fixture
async def served(hub, sim):
    await hub.provider("one", sim, models=["gpt", "large"])
    return hub


@pytest.fixture
async def key(hub):
    return await hub.key("plan", "chat")


@pytest.fixture
def plan(served, key):
    """Asks for a plan; gives the response."""

    async def ask(orchestration=None, path="/v1/plan", headers=None, **fields):
        body = {"messages": HELLO, **fields}
        if orchestration is not None:
            body["orchestration"] = orchestration
        return await served.http.post(path, json=body, headers={"x-api-key": key} | (headers or {}))

    return ask


def sent(sim):
    return [request.json() for request in sim.requests]


# --- What is accepted


@pytest.mark.parametrize(
    ("orchestration", "field", "message"),
    [
        ({"mode": "guess"}, "mode", "unknown orchestration mode"),
        ({"iterations": 11}, "iterations", "iterations must be between 0 and 10"),
        ({"iterations": -1}, "iterations", "iterations must be between 0 and 10"),
        ({"iterations": "2"}, "iterations", "Expected `int"),
        ({"primary_min_weight": 11}, "primary_min_weight", "must be between 0 and 10"),
        ({"review_min_weight": -1}, "review_min_weight", "must be between 0 and 10"),
        ({"primary_model_id": "x" * 300}, "primary_model_id", "at most 256"),
        ({"review_model_id": 3}, "review_model_id", "Expected `str"),
        ({"output_schema": "{"}, "output_schema", "it is not JSON"),
        ({"output_schema": {"type": 3}}, "output_schema", "is not"),
        ({"judge": "gpt"}, "judge", "is not known"),
    ],
)
async def test_a_bad_value_names_its_field_and_nothing_is_asked(
    plan, sim, orchestration, field, message
):
    answer = await plan(orchestration)

    error = answer.json()["error"]
    assert (400, f"orchestration.{field}") == (answer.status_code, error["param"])
    assert message in error["message"]
    assert [] == sim.requests


async def test_messages_are_required(plan):
    answer = await plan({"mode": "vote"}, messages=[])

    assert (400, "messages required") == (answer.status_code, answer.json()["error"]["message"])


async def test_a_key_without_the_scope_may_not_plan(served):
    chat = await served.key("chat")

    answer = await served.http.post(
        "/v1/plan", json={"messages": HELLO}, headers={"x-api-key": chat}
    )

    assert (403, "insufficient_scope") == (answer.status_code, answer.json()["error"]["code"])


async def test_an_alias_stands_for_its_model_and_is_named(served, plan):
    await served.model("org/small", "one")
    variants = [{"model_id": "large", "weight": 1}]
    await served.admin("PUT", "aliases/ours", {"variants": variants})

    whole = await plan({"mode": "refine"}, model_hint="ours")
    streamed = await plan({"mode": "vote", "review_model_id": "ours"}, stream=True)

    assert ("large", "ours") == (whole.json()["response"]["model"], whole.headers["x-alias-from"])
    assert "large" == events(streamed.text)[-1][1]["answer"]["response"]["judge"]


async def test_nulls_say_nothing(plan):
    names = ["mode", "iterations", "primary_min_weight", "review_min_weight"]
    names += ["primary_model_id", "review_model_id", "return_plan_only", "output_schema"]

    answer = await plan(dict.fromkeys(names))

    assert (200, "planning") == (answer.status_code, answer.json()["mode"])


async def test_a_repeat_gets_the_same_answer_and_costs_nothing(plan, sim):
    once = {"idempotency-key": "a"}

    first = await plan({"mode": "refine"}, headers=once)
    again = await plan({"mode": "refine"}, headers=once)

    assert "true" == again.headers["idempotency-replay"]
    assert first.json() == again.json()
    assert 3 == len(sim.requests)


async def test_a_repeated_stream_is_the_same_stream(plan, sim):
    once = {"idempotency-key": "a"}

    first = await plan({"mode": "vote"}, headers=once, stream=True)
    again = await plan({"mode": "vote"}, headers=once, stream=True)

    assert first.text == again.text
    assert 3 == len(sim.requests)


async def test_a_plan_that_failed_at_a_cost_is_not_repeated_by_itself(plan, sim):
    sim.next(*[Fault.cut("reset", after=5)] * 12)
    once = {"idempotency-key": "a"}

    await plan({"mode": "adversarial"}, headers=once)
    asked = len(sim.requests)
    again = await plan({"mode": "adversarial"}, headers=once)

    assert (409, "idempotency_outcome_unknown") == (
        again.status_code,
        again.json()["error"]["code"],
    )
    assert asked == len(sim.requests)


# --- What the steps are told


async def test_system_prompts_and_parameters_of_the_caller_hold_in_every_step(plan, sim):
    turns = [{"role": "system", "content": "Speak Latin."}, *HELLO]

    await plan(
        {"mode": "adversarial"},
        messages=turns,
        parameters={"temperature": 0.5, "max_tokens": 9, "stop": ["#"], "n": 1},
    )

    first, critique, revision = sent(sim)
    for body in (first, critique, revision):
        assert turns[0] == body["messages"][0]
        assert "system" == body["messages"][1]["role"]
        assert turns[1] == body["messages"][2]
        assert (0.5, 9) == (body["temperature"], body["max_tokens"])
        assert "n" not in body
    assert ("#" in first["stop"], "stop" in critique) == (True, False)


async def test_the_judge_knows_the_request_and_not_who_answered(plan, sim):
    await plan({"mode": "vote"}, messages=[{"role": "system", "content": "Be brief."}, *HELLO])

    first, second, judge = sent(sim)
    assert first["messages"] == second["messages"]
    told = json.dumps(judge["messages"])
    assert '<answer number=\\"2\\">' in told
    assert "Be brief." in told
    assert not {"gpt", "large", "one"} & set(told.replace('"', " ").split())
    assert "json_schema" == judge["response_format"]["type"]


async def test_a_judge_of_another_speech_is_understood(hub, key, sim, tmp_path):
    profile = msgspec.structs.replace(PROFILE, dialect="anthropic")
    async with Sim(profile) as anthropic:
        await hub.provider("one", sim, models=["gpt", "large"])
        await hub.provider("two", anthropic, models=["org/small"], type="anthropic")
        body = {
            "messages": HELLO,
            "orchestration": {"mode": "vote", "review_model_id": "org/small"},
        }

        answer = await hub.http.post("/v1/plan", json=body, headers={"x-api-key": key})

    told = answer.json()
    assert ("org/small", False) == (told["response"]["judge"], told["partial"])
    await assert_adds_up(hub, tmp_path, told)


@pytest.mark.parametrize(
    ("words", "selected", "reason"),
    [
        ("The second one: 2", 1, "vote-orchestration"),
        ("Both are fine.", 0, "vote-judge-failed"),
    ],
)
async def test_a_judge_who_keeps_to_no_form_is_read_by_the_last_number(  # noqa: PLR0917 - fixtures, and parameters
    served, plan, tmp_path, sim, words, selected, reason
):
    """It gets a second try at the form first, as any answer with a schema does."""
    sim.next(Fault.none(), Fault.none(), Fault.body(said(words), content_type="application/json"))
    sim.next(Fault.body(said(words), content_type="application/json"))

    told = (await plan({"mode": "vote"})).json()

    assert (selected, reason) == (told["response"]["selected"], told["routing_reason"])
    assert ("judge", 2) == (told["steps"][-1]["name"], told["steps"][-1]["attempts"])
    await assert_adds_up(served, tmp_path, told)


@pytest.mark.parametrize(
    ("words", "judge_failed"), [("I choose 2.", False), ("Both are fine.", True)]
)
async def test_a_partial_vote_names_the_step_that_failed(  # noqa: PLR0917 - fixtures, and parameters
    served, plan, tmp_path, sim, words, judge_failed
):
    """A judge that keeps to no form has not failed where it is understood."""
    await served.model("org/small", "one")
    body = Fault.body(said(words), content_type="application/json")
    sim.next(Fault.status(404), Fault.none(), Fault.none(), body, body)

    told = (await plan({"mode": "vote"})).json()

    voter = next(step for step in told["steps"] if step["error_class"])
    failed = (voter["name"], voter["error_class"])
    if judge_failed:
        failed = ("judge", "judge_unclear")
    assert failed == (told["error"]["step"], told["error"]["code"])
    record = await assert_adds_up(served, tmp_path, told)
    assert failed[1] == record["error_class"]


def said(words):
    message = {"role": "assistant", "content": words}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55},
        }
    ).encode()


async def test_tools_are_not_offered_where_nobody_could_be_called(plan, sim):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}

    answer = await plan({"mode": "refine"}, parameters={"tools": [tool], "tool_choice": "required"})

    assert 200 == answer.status_code
    assert not any("tools" in body or "tool_choice" in body for body in sent(sim))


async def test_tools_that_earlier_turns_called_stay_and_are_not_called(plan, sim):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "blue"},
    ]

    answer = await plan({"mode": "refine"}, messages=turns, parameters={"tools": [tool]})

    assert 200 == answer.status_code
    assert {"none"} == {body["tool_choice"] for body in sent(sim)}
    assert all(turns == body["messages"][-len(turns) :] for body in sent(sim)[:1])


@pytest.mark.parametrize("form", [SCHEMA, json.dumps(SCHEMA)], ids=["object", "text"])
@pytest.mark.parametrize("mode", ["planning", "adversarial", "refine", "vote"])
async def test_the_answer_fits_the_schema(plan, sim, mode, form):
    answer = await plan({"mode": mode, "output_schema": form})

    told = answer.json()["response"]
    texts = {
        "planning": lambda: told["choices"][0]["message"]["content"],
        "adversarial": lambda: told["refined_plan"],
        "refine": lambda: told["refined_response"],
        "vote": lambda: told["responses"][0]["content"],
    }
    assert isinstance(json.loads(texts[mode]())["plan"], str)


async def test_two_schemas_that_differ_are_refused(plan):
    answer = await plan({"output_schema": SCHEMA}, output_schema={"type": "object"})

    assert (400, "orchestration.output_schema") == (
        answer.status_code,
        answer.json()["error"]["param"],
    )


async def test_the_output_is_in_shape_and_the_steps_see_all_of_it(plan, sim):
    told = (await plan({"mode": "refine"}, output_format={"max_tokens": 4})).json()

    final = told["response"]["refined_response"]
    last = sent(sim)[-1]["messages"][-1]["content"]
    assert len(final) <= 4 * 4 + len("...")
    assert len(last.partition("<answer>")[2].partition("</answer>")[0]) > 40


# --- Directives


async def test_a_directive_names_the_mode_where_the_body_does_not(plan):
    turns = [{"role": "user", "content": "Hello @@tokenhub mode=refine"}]

    by_directive = (await plan(messages=turns)).json()
    by_body = (await plan({"mode": "vote"}, messages=turns)).json()

    assert ("refine", "vote") == (by_directive["mode"], by_body["mode"])


@pytest.mark.parametrize("mode", ["vote", "refine"])
@pytest.mark.parametrize("by", ["directive", "policy"])
async def test_a_chat_may_be_a_plan(  # noqa: PLR0917 - fixtures, and two parameters
    served, plan, tmp_path, sim, mode, by
):
    text = f"Hello @@tokenhub mode={mode}" if by == "directive" else "Hello"
    fields = {"policy": {"mode": mode}} if by == "policy" else {}

    answer = await plan(path="/v1/chat", messages=[{"role": "user", "content": text}], **fields)

    told = answer.json()
    assert {"negotiated_model", "estimated_cost_usd", "routing_reason", "response"} <= set(told)
    assert f"{mode}-orchestration" == told["routing_reason"]
    assert not any("@@tokenhub" in json.dumps(body) for body in sent(sim))
    record = await assert_adds_up(served, tmp_path, told)
    assert ("native", mode) == (record["dialect"], record["mode"])


async def test_a_streamed_chat_that_is_a_plan_streams_its_progress(plan):
    answer = await plan(path="/v1/chat", stream=True, policy={"mode": "refine"})

    assert ["plan_started", "plan_finished"] == [events(answer.text)[at][0] for at in (0, -1)]


@pytest.mark.parametrize("scopes", [("chat",), ("chat", "plan")])
async def test_a_chat_is_one_answer_where_the_key_may_not_plan(served, sim, scopes):
    key = await served.key(*scopes)
    body = {"messages": HELLO, "policy": {"mode": "vote"}}

    answer = await served.http.post("/v1/chat", json=body, headers={"x-api-key": key})

    assert 200 == answer.status_code
    assert (3 if "plan" in scopes else 1) == len(sim.requests)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_elsewhere_vote_is_a_mode_of_routing(served, plan, sim, path):
    turns = [{"role": "user", "content": "Hello @@tokenhub mode=vote"}]

    answer = await plan(path=path, messages=turns, model="gpt", max_tokens=20)

    assert (200, 1) == (answer.status_code, len(sim.requests))
    assert "vote" == (await served.log(answer))["mode"]


# --- What operators see


async def test_the_record_lists_plans_newest_first_and_by_what_they_are(served, plan, sim):
    for mode in ("planning", "vote", "refine"):
        await plan({"mode": mode})
    sim.next(*[Fault.status(500)] * 20)
    await plan({"mode": "vote"})

    async def listed(query=""):
        page = await served.admin("GET", f"orchestrations{query}")
        return [(row["mode"], row["status"]) for row in page["orchestrations"]], page

    every, page = await listed()
    assert [("vote", "failed"), ("refine", "succeeded")] == every[:2]
    assert (4, None) == (page["total"], page["next"])
    assert [("vote", "failed"), ("vote", "succeeded")] == (await listed("?mode=vote"))[0]
    assert [("vote", "failed")] == (await listed("?status=failed"))[0]
    first = (await listed("?limit=3"))[1]
    rest, _ = await listed(f"?limit=3&before={first['next']}")
    assert [("planning", "succeeded")] == rest
    assert rest == (await listed("?offset=3"))[0]


async def test_the_steps_of_a_plan_can_be_explained_one_by_one(served, plan):
    told = (await plan({"mode": "adversarial"})).json()

    record = await served.admin("GET", f"orchestrations/{told['orchestration_id']}")

    assert ["planning", "adversarial", "planning"] == [step["mode"] for step in record["steps"]]
    for step in record["steps"]:
        detail = await served.admin("GET", f"requests/{step['request_id']}")
        assert told["orchestration_id"] == step["parent_id"] == detail["parent_id"]
        assert detail["decision"]["candidates"]


@pytest.mark.parametrize("path", ["orchestrations/none", "requests/none"])
async def test_what_is_not_there_is_not_found(served, path):
    headers = {"authorization": "Bearer tha_0123456789abcdef0123456789abcdef"}

    answer = await served.http.get(f"/admin/v1/{path}", headers=headers)

    assert 404 == answer.status_code


@pytest.mark.parametrize(
    "path",
    [
        "orchestrations?mode=x",
        "orchestrations?status=x",
        "workflows?status=x",
        "workflows?limit=201",
    ],
)
async def test_a_filter_that_is_none_is_refused(served, path):
    headers = {"authorization": "Bearer tha_0123456789abcdef0123456789abcdef"}

    answer = await served.http.get(f"/admin/v1/{path}", headers=headers)

    assert 400 == answer.status_code


@pytest.mark.parametrize("query", ["", "?limit=200&status=RUNNING", "?status=Completed"])
async def test_there_are_no_workflows_without_temporal(served, query):
    found = await served.admin("GET", f"workflows{query}")

    assert {"workflows": [], "temporal_enabled": False} == found


@pytest.mark.parametrize("path", ["chat-1", "chat-host/1", "chat-host/1/history", "a/history"])
async def test_no_workflow_is_known_whatever_its_id(served, path):
    assert {"temporal_enabled": False} == await served.admin("GET", f"workflows/{path}")
