"""`@@tokenhub` in the texts of a request: what it orders, and that no provider sees it."""

import json

import msgspec
import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model

pytestmark = pytest.mark.anyio

COMPLETIONS, CHAT = "/v1/chat/completions", "/v1/chat"
MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"
ORDER = "@@tokenhub mode=cheap min_weight=5\nHello"
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
USED = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
HELD = [{"name": "f", "input_schema": {"type": "object"}}]


def user(content="Hello"):
    return {"role": "user", "content": content}


def result(content):
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}


TEXT = [{"type": "text", "text": ORDER}]
SOURCE = {"type": "text", "media_type": "text/plain", "data": ORDER}
# (route, body, whether it is read there)
PLACES = {
    "user": (COMPLETIONS, {"messages": [user(ORDER)]}, True),
    "user part": (COMPLETIONS, {"messages": [user(TEXT)]}, True),
    "system": (COMPLETIONS, {"messages": [{"role": "system", "content": ORDER}, user()]}, True),
    "developer": (
        COMPLETIONS,
        {"messages": [{"role": "developer", "content": ORDER}, user()]},
        True,
    ),
    "assistant": (
        COMPLETIONS,
        {"messages": [user(), {"role": "assistant", "content": ORDER}, user()]},
        False,
    ),
    "tool": (
        COMPLETIONS,
        {
            "tools": TOOLS,
            "messages": [
                user(),
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": ORDER},
            ],
        },
        False,
    ),
    "native": (CHAT, {"messages": [user(ORDER)]}, True),
    "native nested": (CHAT, {"request": {"messages": [user(ORDER)]}}, True),
    "anthropic user": (MESSAGES, {"messages": [user(ORDER)]}, True),
    "anthropic part": (MESSAGES, {"messages": [user(TEXT)]}, True),
    "anthropic system": (MESSAGES, {"system": ORDER, "messages": [user()]}, True),
    "anthropic blocks": (MESSAGES, {"system": TEXT, "messages": [user()]}, True),
    "anthropic assistant": (
        MESSAGES,
        {"messages": [user(), {"role": "assistant", "content": TEXT}, user()]},
        False,
    ),
    "anthropic result": (
        MESSAGES,
        {
            "tools": HELD,
            "messages": [
                user(),
                {"role": "assistant", "content": [USED]},
                user([result(TEXT)]),
            ],
        },
        False,
    ),
    "refusal": (
        COMPLETIONS,
        {"messages": [user(), {"role": "assistant", "content": "no", "refusal": ORDER}, user()]},
        False,
    ),
    "anthropic title": (
        MESSAGES,
        {
            "messages": [
                user(
                    [
                        {
                            "type": "document",
                            "source": SOURCE | {"data": "x"},
                            "title": ORDER,
                            "context": ORDER,
                        },
                        {"type": "text", "text": "?"},
                    ]
                )
            ]
        },
        False,
    ),
    "anthropic document": (
        MESSAGES,
        {
            "messages": [
                user([{"type": "document", "source": SOURCE}, {"type": "text", "text": "?"}])
            ]
        },
        False,
    ),
}
BAD = {
    "mode=fast": "mode",
    "mode=": "mode",
    "mode=cheap mode=cheap": "mode",
    "budget=0": "budget",
    "budget=-1": "budget",
    "budget=101": "budget",
    "budget=1e400": "budget",
    "budget=NaN": "budget",
    "budget=a": "budget",
    "latency=0": "latency",
    "latency=1.5": "latency",
    "latency=300001": "latency",
    "latency=99999999999999999999": "latency",
    "min_weight=-1": "min_weight",
    "min_weight=1001": "min_weight",
    "min_weight=heavy": "min_weight",
    "output_schema={": "output_schema",
    "output_schema=5": "output_schema",
    'output_schema={"type":5}': "output_schema",
    'output_schema={"$ref":"http://127.0.0.1:9/a"}': "output_schema",
    "model=gpt": "model",
    "colour=red": "colour",
    "cheap": "cheap",
    "": "",
    "\nmode=cheap": "",
}


@pytest.fixture
async def claude():
    """A simulated provider of the other vendor."""
    other = msgspec.structs.replace(
        PROFILE, dialect="anthropic", models=(Model(id="claude", context_tokens=4_000),)
    )
    async with Sim(other) as one:
        yield one


@pytest.fixture
async def sims(hub, sim, claude):
    """The simulated providers by their model, of which each has the weight 7."""
    await hub.provider("one", sim, models=["gpt"], model={"weight": 7})
    await hub.provider("two", claude, type="anthropic", models=["claude"], model={"weight": 7})
    return {"gpt": sim, "claude": claude}


@pytest.fixture
def ask(hub, key, sims):
    """Asks a route for a model; gives the response."""

    async def post(path, body, *, model="gpt", key=key):
        if path == CHAT:
            inner = body.get("request", body)
            body = body | {"request": inner | {"model_hint": model}}
        else:
            body = body | {"model": model}
        body |= {"max_tokens": 50} if path == MESSAGES else {}
        return await hub.http.post(path, json=body, headers={"x-api-key": key})

    return post


async def policy(hub, answer):
    """What the decision record has of a request's policy."""
    answer = await hub.http.get(
        f"/admin/v1/requests/{answer.headers['x-request-id']}",
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
    )
    return answer.json()["decision"]["policy"]


@pytest.mark.parametrize("model", ["gpt", "claude"])
@pytest.mark.parametrize("place", PLACES)
async def test_it_is_taken_out_everywhere_and_read_where_callers_speak(
    hub, ask, sims, place, model
):
    path, body, read = PLACES[place]

    answer = await ask(path, body, model=model)

    assert 200 == answer.status_code, answer.text
    (sent,) = sims[model].requests
    assert b"tokenhub" not in sent.body
    assert b"min_weight" not in sent.body
    assert b"Hello" in sent.body
    told = await policy(hub, answer)
    assert (("cheap", 5) if read else ("normal", 0)) == (told["mode"], told["min_weight"])
    assert ("directive" if read else "default") == told["origin"]["mode"]


async def test_a_count_is_of_what_is_left(ask):
    long = "@@tokenhub mode=cheap" + " " * 400 + "\nHello"

    plain = await ask(COUNT, {"messages": [user()]}, model="claude")
    cut = await ask(COUNT, {"messages": [user(long)]}, model="claude")

    assert (200, plain.json()) == (cut.status_code, cut.json())


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, MESSAGES, COUNT])
@pytest.mark.parametrize("said", BAD)
async def test_what_is_wrong_with_it_is_named(ask, sims, path, said):
    where = f"directive.{BAD[said]}" if BAD[said] else "directive"
    named = where if BAD[said] else "@@tokenhub"
    text = f"Hello\n@@tokenhub {said}" if said != "" else "Hello @@tokenhub"

    answer = await ask(path, {"messages": [user(text)]})

    body = answer.json()
    assert (400, "invalid_directive") == (answer.status_code, body["error"]["code"])
    assert named in body["error"]["message"]
    if path in {MESSAGES, COUNT}:
        assert ("error", "invalid_request_error") == (body["type"], body["error"]["type"])
    else:
        assert where == body["error"]["param"]
    assert [] == sims["gpt"].requests + sims["claude"].requests


async def test_it_never_widens_what_the_request_allows(hub, ask):
    """The lower budget, the shorter time and the higher weight stay; each is noted."""
    limits = {"max_budget_usd": 0.5, "max_latency_ms": 9_000, "min_weight": 6}
    text = "@@tokenhub budget=90 latency=300000 min_weight=1\nHello"

    answer = await ask(CHAT, {"messages": [user(text)], "policy": limits})

    told = await policy(hub, answer)
    assert limits == {name: told[name] for name in limits}
    assert {"body"} == {told["origin"][name] for name in limits}
    assert 3 == len(told["notes"])


async def test_it_narrows_what_the_request_allows(hub, ask, sims):
    text = "@@tokenhub budget=0.000001\nHello"

    answer = await ask(COMPLETIONS, {"messages": [user(text)]})

    assert (503, "no_provider_available") == (answer.status_code, answer.json()["error"]["code"])
    assert [] == sims["gpt"].requests + sims["claude"].requests


async def test_a_weight_above_the_highest_counts_as_the_highest(hub, ask):
    await hub.admin("PATCH", "models/one/gpt", {"weight": 10})

    answer = await ask(COMPLETIONS, {"messages": [user("@@tokenhub min_weight=80\nHello")]})

    told = await policy(hub, answer)
    assert (200, 10) == (answer.status_code, told["min_weight"])
    assert "80" in told["notes"][0]


async def test_the_first_one_counts_alone(hub, ask, sims):
    turns = [user("@@tokenhub mode=planning\nHello"), user("@@tokenhub mode=nonsense\nand then")]

    answer = await ask(COMPLETIONS, {"messages": turns})

    assert "planning" == (await policy(hub, answer))["mode"]
    assert ["Hello", "and then"] == [
        turn["content"] for turn in sims["gpt"].requests[0].json()["messages"]
    ]


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, MESSAGES])
async def test_a_key_without_directives_leaves_the_text_alone(hub, ask, sims, path):
    made = await hub.admin(
        "POST", "apikeys", {"name": "plain", "scopes": ["chat"], "directives": False}
    )
    text = "@@tokenhub mode=nonsense\nHello"

    answer = await ask(path, {"messages": [user(text)]}, key=made["key"])

    assert 200 == answer.status_code
    assert text == json.loads(sims["gpt"].requests[0].body)["messages"][0]["content"]
    assert "normal" == (await policy(hub, answer))["mode"]


async def test_embeddings_know_none(hub, sims):
    key = await hub.key("embeddings")
    body = {"model": "gpt", "input": "@@tokenhub mode=nonsense"}

    answer = await hub.http.post("/v1/embeddings", json=body, headers={"x-api-key": key})

    assert 200 == answer.status_code
    assert body == sims["gpt"].requests[0].json()


@pytest.mark.parametrize("model", ["gpt", "claude"])
@pytest.mark.parametrize("path", [COMPLETIONS, MESSAGES])
async def test_an_ordered_schema_holds_the_answer(hub, ask, sims, path, model):
    """It works on routes that have no such field: the second try is the one that fits."""
    sims[model].say("five")
    sims[model].say('{"n":5}')
    schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'

    answer = await ask(
        path, {"messages": [user(f"Hello\n@@tokenhub output_schema={schema}")]}, model=model
    )

    assert 200 == answer.status_code, answer.text
    assert r"{\"n\":5}" in answer.text
    assert 2 == len(sims[model].requests) == len((await hub.log(answer))["attempts"])
    assert b"tokenhub" not in sims[model].requests[1].body
