"""Feedback of callers and operators, over the whole server; and what signs say by themselves."""

import asyncio
import json

import msgspec
import pytest

from tests.e2e.conftest import ASK, PROFILE
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Model

pytestmark = pytest.mark.anyio
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
YEAR = {
    "type": "object",
    "properties": {"year": {"type": "integer"}},
    "required": ["year"],
    "additionalProperties": False,
}


@pytest.fixture
async def hub(tmp_path, sim):
    async with running(tmp_path) as server:
        await server.provider("one", sim, models=["gpt", "large"])
        yield server


@pytest.fixture
def say(hub, key):
    """Sends feedback, with the key of `ask` where no other is given."""

    async def one(request_id, *, by=None, **fields):
        headers = {"authorization": f"Bearer {by or key}"}
        body = {"request_id": request_id, **fields}
        return await hub.http.post("/v1/feedback", json=body, headers=headers)

    return one


@pytest.fixture
async def asked(ask):
    """The id of a request that was answered."""
    answer = await ask()
    assert 200 == answer.status_code
    return answer.headers["x-request-id"]


async def kept(hub, query=""):
    return (await hub.admin("GET", f"feedback?{query}"))["feedback"]


# --- from callers


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ({"score": 0.25}, 0.25),
        ({"score": 1}, 1.0),
        ({"thumbs": "up"}, 1.0),
        ({"thumbs": "down"}, 0.0),
        ({"thumbs": True}, 1.0),
        ({"thumbs": False, "score": None}, 0.0),
    ],
)
async def test_a_caller_says_how_good_an_answer_was(hub, say, asked, said, score):
    answer = await say(asked, **said, label="wrong tone")

    assert 200 == answer.status_code, answer.text
    assert {
        "object": "feedback",
        "request_id": asked,
        "model": "gpt",
        "provider": "one",
        "score": score,
        "label": "wrong tone",
        "comment_stored": False,
        "replaced": False,
    } == answer.json()
    (row,) = await kept(hub)
    assert (asked, "caller", "gpt", score, 1.0, "wrong tone") == tuple(
        row[name] for name in ("request_id", "source", "model_id", "score", "weight", "label")
    )


async def test_the_last_word_counts(hub, say, asked):
    first = await say(asked, thumbs="up", label="fine")
    second = await say(asked, score=0.5)

    assert (False, True) == (first.json()["replaced"], second.json()["replaced"])
    (row,) = await kept(hub)
    assert (0.5, "") == (row["score"], row["label"])


async def test_it_is_about_the_route_that_answered_and_not_the_one_that_failed(hub, ask, say, sim):
    async with Sim(msgspec.structs.replace(PROFILE, models=(Model(id="gpt"),))) as broken:
        broken.next(*[Fault.status(500)] * 4)
        await hub.provider("broken", broken, models=["gpt"], model={"weight": 9})
        answers = [await ask(model="gpt") for _ in range(2)]
    rows = [await hub.log(answer) for answer in answers]
    answer, row = next((a, r) for a, r in zip(answers, rows, strict=True) if r["attempts"][1:])

    given = await say(answer.headers["x-request-id"], thumbs="down")

    assert ["broken", "one"] == [attempt["provider_id"] for attempt in row["attempts"]]
    assert "one" == given.json()["provider"]


async def test_only_the_key_that_asked_may_judge(hub, say, asked):
    stranger = await hub.key()

    theirs = await say(asked, by=stranger, thumbs="down")
    nobodys = await say("req_ffffffffffffffffffffffffffff", by=stranger, thumbs="down")
    keyless = await hub.http.post("/v1/feedback", json={"request_id": asked, "thumbs": "up"})

    assert (404, 404, 401) == (theirs.status_code, nobodys.status_code, keyless.status_code)
    ids = (asked, "req_ffffffffffffffffffffffffffff")
    shown = [
        answer.json()["error"]["message"].replace(name, "ID")
        for answer, name in zip((theirs, nobodys), ids, strict=True)
    ]
    assert shown[0] == shown[1]
    assert [] == await kept(hub)


async def test_a_key_needs_no_scope_for_it(hub, say, asked):
    rows = await hub.logs(request_id=asked)
    key_id = rows[0]["api_key_id"]
    await hub.admin("PATCH", f"apikeys/{key_id}", {"scopes": ["embeddings"]})

    assert 200 == (await say(asked, thumbs="up")).status_code


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_type", "request_id"),
        ({"request_id": ""}, "invalid_request", "request_id"),
        ({"request_id": "r"}, "invalid_request", "score"),
        ({"request_id": "r", "score": 1.5}, "invalid_request", "score"),
        ({"request_id": "r", "score": -0.1}, "invalid_request", "score"),
        ({"request_id": "r", "score": "1"}, "invalid_type", "score"),
        ({"request_id": "r", "score": 1, "thumbs": "up"}, "invalid_request", "score"),
        ({"request_id": "r", "thumbs": "sideways"}, "invalid_request", "thumbs"),
        ({"request_id": "r", "thumbs": "up", "label": "x" * 65}, "invalid_request", "label"),
        ({"request_id": "r", "thumbs": "up", "label": "a\nb"}, "invalid_request", "label"),
        ({"request_id": "r", "thumbs": "up", "comment": "x" * 4001}, "invalid_request", "comment"),
        ({"request_id": "r", "thumbs": "up", "stars": 5}, "invalid_type", "stars"),
    ],
    ids=range(12),
)
async def test_what_is_no_feedback_is_refused(hub, key, body, code, param):
    answer = await hub.http.post("/v1/feedback", json=body, headers={"x-api-key": key})

    error = answer.json()["error"]
    assert (400, code, param) == (answer.status_code, error["code"], error["param"])


@pytest.mark.parametrize("told", [True, False])
async def test_more_than_feedback_needs_is_refused(hub, key, asked, told):
    body = json.dumps({"request_id": asked, "thumbs": "up"}).encode() + b" " * (64 << 10)

    async def pieces():
        yield body

    answer = await hub.http.post(
        "/v1/feedback",
        content=body if told else pieces(),
        headers={"x-api-key": key, "content-type": "application/json"},
    )

    assert (413, "request_too_large") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_request_without_an_answer_cannot_be_judged(hub, ask, say, sim):
    sim.next(Fault.status(400))
    failed = await ask()

    answer = await say(failed.headers["x-request-id"], thumbs="down")

    assert (409, "no_answer") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_plan_is_judged_by_its_steps(hub):
    key = await hub.key("chat", "plan")
    body = {"messages": ASK["messages"], "orchestration": {"mode": "refine", "iterations": 1}}
    headers = {"x-api-key": key}
    plan = await hub.http.post("/v1/plan", json=body, headers=headers)
    assert 200 == plan.status_code, plan.text

    async def said(request_id, by):
        sent = {"request_id": request_id, "thumbs": "up"}
        return await hub.http.post("/v1/feedback", json=sent, headers={"x-api-key": by})

    whole = await said(plan.json()["orchestration_id"], key)
    step = await said(plan.json()["steps"][-1]["request_id"], key)
    strangers = await said(plan.json()["orchestration_id"], await hub.key())

    assert (400, "plan_has_steps") == (whole.status_code, whole.json()["error"]["code"])
    assert (200, 404) == (step.status_code, strangers.status_code)


async def test_feedback_counts_against_the_rate_of_the_key(hub, asked):
    made = await hub.admin(
        "POST", "apikeys", {"name": "slow", "scopes": ["chat"], "rate_limit_rps": 1}
    )
    sent = {"request_id": asked, "thumbs": "up"}
    headers = {"x-api-key": made["key"]}

    answers = [await hub.http.post("/v1/feedback", json=sent, headers=headers) for _ in range(4)]

    assert 429 == answers[-1].status_code


async def test_a_comment_is_kept_where_the_operator_wants_it(tmp_path, sim):
    async with running(tmp_path, FEEDBACK_COMMENTS="true") as hub:
        await hub.provider("one", sim, models=["gpt"])
        headers = {"x-api-key": await hub.key()}
        answer = await hub.http.post("/v1/chat/completions", json=ASK, headers=headers)
        sent = {"request_id": answer.headers["x-request-id"], "thumbs": "up", "comment": "good!"}
        given = await hub.http.post("/v1/feedback", json=sent, headers=headers)
        (row,) = await kept(hub)

    assert (True, "good!") == (given.json()["comment_stored"], row["comment"])


async def test_no_comment_is_kept_otherwise(hub, say, asked):
    given = await say(asked, thumbs="up", comment="my secret prompt")

    (row,) = await kept(hub)
    assert (False, "") == (given.json()["comment_stored"], row["comment"])


# --- from operators


async def test_an_operator_judges_any_request_and_the_trail_tells_of_it(hub, say, asked):
    await say(asked, thumbs="up")

    given = await hub.admin(
        "POST", "feedback", {"request_id": asked, "score": 0.2, "comment": "not for the trail"}
    )

    assert (asked, 0.2, False) == (given["request_id"], given["score"], given["replaced"])
    rows = await kept(hub, f"request_id={asked}")
    assert ["caller", "operator"] == [row["source"] for row in rows]
    (entry,) = (await hub.admin("GET", "audit?action=feedback.give"))["logs"]
    assert (asked, {"score": 0.2, "label": ""}) == (entry["resource"], entry["after"])
    assert "not for the trail" not in str(entry)


async def test_an_operator_is_told_of_unknown_requests(hub):
    answer = await hub.http.post(
        "/admin/v1/feedback",
        json={"request_id": "req_1", "thumbs": "up"},
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
    )

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])


async def test_feedback_is_listed_by_its_filters(hub, ask, say):
    ids = [(await ask(model=name)).headers["x-request-id"] for name in ("gpt", "large")]
    for request_id in ids:
        await say(request_id, thumbs="up")

    newest = await kept(hub, "source=caller")
    one = await kept(hub, "model_id=gpt&provider_id=one&source=caller")
    page = await hub.admin("GET", "feedback?source=caller&limit=1&offset=1")
    wrong = await hub.http.get(
        "/admin/v1/feedback?source=rumour", headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
    )

    assert ids[::-1] == [row["request_id"] for row in newest]
    assert ids[:1] == [row["request_id"] for row in one]
    assert (ids[0], 2) == (page["feedback"][0]["request_id"], page["total"])
    assert 400 == wrong.status_code


# --- signs


async def signs(hub, source):
    return [(row["score"], row["request_id"]) for row in await kept(hub, f"source={source}")]


async def native(hub, key, **fields):
    body = {"messages": ASK["messages"], "model_hint": "gpt", **fields}
    return await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "tried",
    [
        (['{"year":1815}'], 1.0),
        (['{"year":"then"}', '{"year":1815}'], 0.5),
        (['{"year":"then"}', "no JSON"], 0.0),
    ],
)
async def test_a_schema_is_a_sign(hub, key, sim, tried, stream):
    said, score = tried
    for text in said:
        sim.say(text)

    answer = await native(hub, key, output_schema=YEAR, stream=stream)

    assert (200 if score else 502) == answer.status_code
    assert [(score, answer.headers["x-request-id"])] == await signs(hub, "schema")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "called",
    [
        (("weather", '{"city":"Bath"}'), 1.0),
        (("weather", ""), 1.0),
        (("weather", '{"city":"Ba'), 0.0),
        (("weather", '["Bath"]'), 0.0),
        (("wether", '{"city":"Bath"}'), 0.0),
    ],
)
async def test_a_call_of_a_tool_is_a_sign(hub, ask, sim, called, stream):
    call, score = called
    sim.say(calls=[call])

    answer = await ask(tools=TOOLS, stream=stream)

    assert 200 == answer.status_code
    assert [(score, answer.headers["x-request-id"])] == await signs(hub, "tool_call")


async def test_no_call_is_no_sign(hub, ask, sim):
    sim.say("It rains.")

    await ask(tools=TOOLS)

    assert [] == await signs(hub, "tool_call")


async def test_the_same_prompt_again_is_a_sign_about_the_first_answer(hub, ask):
    first = await ask(model="gpt", temperature=0.1)
    await ask(model="large")
    await ask(model="gpt", messages=[{"role": "user", "content": "Another"}])

    assert [(0.0, first.headers["x-request-id"])] == await signs(hub, "retry")


async def test_a_prompt_that_comes_again_and_again_is_a_programs(hub, ask):
    answers = [await ask() for _ in range(5)]

    assert [(0.0, answers[0].headers["x-request-id"])] == await signs(hub, "retry")


async def test_the_same_prompt_of_another_key_is_no_sign(hub, ask):
    await ask()
    await hub.http.post("/v1/chat/completions", json=ASK, headers={"x-api-key": await hub.key()})

    assert [] == await signs(hub, "retry")


async def test_signs_can_be_turned_off(tmp_path, sim):
    async with running(tmp_path, FEEDBACK_SIGNS="false") as hub:
        await hub.provider("one", sim, models=["gpt"])
        headers = {"x-api-key": await hub.key()}
        sim.say(calls=[("wether", "{}")])
        for _ in range(2):
            await hub.http.post(
                "/v1/chat/completions", json=ASK | {"tools": TOOLS}, headers=headers
            )

        assert [] == await kept(hub)


# --- a judge


@pytest.fixture
async def court(tmp_path, sim):
    """A server where every answer of `gpt` is judged by a model of its own provider."""
    settings = {"JUDGE_MODEL": "wise", "JUDGE_SHARE": "1", "FEEDBACK_SIGNS": "false"}
    profile = msgspec.structs.replace(PROFILE, models=(Model(id="wise", context_tokens=64_000),))
    async with running(tmp_path, **settings) as hub, Sim(profile) as judge:
        await hub.provider("one", sim, models=["gpt"])
        await hub.provider("court", judge, models=["wise"])
        yield hub, judge


async def judged(hub):
    async with asyncio.timeout(20):
        while not (rows := await kept(hub, "source=judge")):
            pass
    return rows


@pytest.mark.parametrize("stream", [False, True])
async def test_a_judge_reads_request_and_answer(court, sim, stream):
    hub, judge = court
    headers = {"x-api-key": await hub.key()}
    sim.say("Bath is in Somerset.")
    judge.say('{"grade": 7}')

    answer = await hub.http.post(
        "/v1/chat/completions", json=ASK | {"stream": stream}, headers=headers
    )

    (row,) = await judged(hub)
    asked = answer.headers["x-request-id"]
    assert (asked, "gpt", 0.7, 0.5) == tuple(
        row[name] for name in ("request_id", "model_id", "score", "weight")
    )
    (request,) = judge.requests
    told = request.json()["messages"][-1]["content"]
    assert "<request>\nuser: Hello\n</request>" in told
    assert "<answer>\nBath is in Somerset.\n</answer>" in told


async def test_what_a_judge_costs_is_in_the_log_and_in_the_ledger(court, sim):
    hub, judge = court
    judge.say('{"grade": 10}')
    answer = await hub.http.post(
        "/v1/chat/completions", json=ASK, headers={"x-api-key": await hub.key()}
    )
    await judged(hub)

    (row,) = await hub.logs(api_key_id="judge")
    (sums,) = (await hub.admin("GET", "ledger?api_key_id=judge"))["ledger"]

    assert (answer.headers["x-request-id"], "wise", 200) == (
        row["parent_id"],
        row["model_id"],
        row["status_code"],
    )
    assert (1, row["estimated_cost_usd"]) == (sums["settled"], pytest.approx(sums["cost_usd"]))
    assert row["estimated_cost_usd"] > 0


@pytest.mark.parametrize("forbidden", ["key", "header", "store"])
async def test_a_request_that_its_key_or_caller_forbids_is_not_judged(court, forbidden):
    hub, judge = court
    judge.say('{"grade": 1}')
    made = await hub.admin(
        "POST", "apikeys", {"name": "k", "scopes": ["chat"], "judged": forbidden != "key"}
    )
    headers = {"x-api-key": made["key"]}
    told = {"x-tokenhub-judge": "no"} if forbidden == "header" else {}
    more = {"store": False} if forbidden == "store" else {}
    await hub.http.post("/v1/chat/completions", json=ASK | more, headers=headers | told)

    last = await hub.http.post(
        "/v1/chat/completions", json=ASK, headers={"x-api-key": await hub.key()}
    )

    # They are judged in their order, so that the first would have come before.
    assert [last.headers["x-request-id"]] == [row["request_id"] for row in await judged(hub)]
    assert 1 == len(judge.requests)


async def test_nobody_is_asked_to_judge_where_that_was_not_set(hub, asked):
    assert [] == await hub.logs(api_key_id="judge")
    assert [] == await kept(hub, "source=judge")


@pytest.mark.parametrize("said", ["perhaps", ""])
async def test_the_header_of_the_judge_is_yes_or_no(hub, key, said):
    answer = await hub.http.post(
        "/v1/chat/completions",
        json=ASK,
        headers={"x-api-key": key, "x-tokenhub-judge": said},
    )

    assert (400, "X-TokenHub-Judge") == (
        answer.status_code,
        answer.json()["error"]["param"],
    )
