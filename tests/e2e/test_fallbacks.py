"""`models`: the caller's own list of who may answer, in any format."""

import pytest

from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
ROUTES = ["/v1/chat/completions", "/v1/messages", "/v1/chat"]


@pytest.fixture
def ask(hub, key):
    async def one(path, *, stream=False, **fields):
        body = {"messages": HELLO, "max_tokens": 4, "stream": stream, **fields}
        if path == "/v1/chat":
            names = {"models": body.pop("models", None), "max_tokens": body.pop("max_tokens")}
            body = {"request": {"messages": HELLO, "stream": stream, "parameters": names}}
            body["request"]["model_hint"] = fields.get("model", "")
        return await hub.http.post(path, json=body, headers={"x-api-key": key})

    return one


@pytest.fixture
async def three(hub, sim):
    """Three models of one provider; the best is the one that nobody names."""
    await hub.provider("one", sim, models=["gpt", "org/small"], model={"weight": 1})
    await hub.model("large", "one", weight=10)


def answered(answer):
    return answer.headers["x-tokenhub-model"], answer.headers["x-tokenhub-reason"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_first_that_is_well_answers_and_no_other(ask, three, sim, path, stream):
    sim.next(Fault.status(500))

    answer = await ask(path, stream=stream, model="gpt", models=["nobody", "org/small"])

    assert (200, "2") == (answer.status_code, answer.headers["x-tokenhub-attempts"])
    assert "org/small" == answer.headers["x-tokenhub-model"]
    assert all("models" not in request.json() for request in sim.requests)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_list_alone_is_a_choice(ask, three, path):
    assert ("org/small", "routed-hint-exact") == answered(
        await ask(path, models=["org/small", "gpt"])
    )


async def test_nobody_beside_the_list_is_asked(ask, three, sim):
    sim.next(*[Fault.status(500)] * 9)

    answer = await ask(ROUTES[0], model="gpt", models=["org/small"])

    assert 503 == answer.status_code
    assert {"gpt", "org/small"} == {one["model"] for one in answer.json()["error"]["attempts"]}


async def test_a_list_of_the_unknown_is_a_404(ask, three, sim):
    answer = await ask(ROUTES[0], model="nobody", models=["no-one"])

    assert (404, "model_not_found") == (answer.status_code, answer.json()["error"]["code"])
    assert "none of the models 'nobody', 'no-one' exists" in answer.json()["error"]["message"]
    assert [] == sim.requests


@pytest.mark.parametrize("models", ["gpt", [1], ["x" * 300], ["gpt"] * 17])
async def test_a_list_that_is_none_is_a_400(ask, three, models):
    answer = await ask(ROUTES[0], models=models)

    assert 400 == answer.status_code
    assert answer.json()["error"]["param"].startswith("models")


async def test_the_record_has_the_list(ask, three, hub):
    answer = await ask(ROUTES[0], model="gpt", models=["org/small"])

    request = await hub.admin("GET", f"requests/{answer.headers['x-request-id']}")

    assert ("gpt", ["org/small"]) == (
        request["decision"]["hint"],
        request["decision"]["fallbacks"],
    )
    assert ["one/gpt", "one/org/small"] == [
        one["route"] for one in request["decision"]["candidates"]
    ]
