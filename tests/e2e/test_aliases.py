"""Aliases from outside: who is met under a name, how often, and what the caller hears of it."""

from collections import Counter

import pytest

from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

ASK = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
HALVES = [{"model_id": "gpt"}, {"model_id": "org/small"}]


@pytest.fixture(autouse=True)
async def two(hub, sim):
    await hub.provider("one", sim, models=["gpt", "org/small"])
    await hub.model("large", "one", weight=10)


@pytest.fixture
def ask(hub, key):
    async def one(model="fast", *, as_key=key, path="/v1/chat/completions", **fields):
        return await hub.http.post(
            path, json=ASK | {"model": model, **fields}, headers={"x-api-key": as_key}
        )

    return one


@pytest.fixture
def put(hub):
    async def one(name="fast", variants=HALVES, **fields):
        return await hub.admin("PUT", f"aliases/{name}", {"variants": variants, **fields})

    return one


def met(answer):
    assert 200 == answer.status_code, answer.text
    return answer.headers["x-tokenhub-model"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_alias_is_told_in_a_header_and_never_to_the_provider(ask, put, sim, path, stream):
    await put(variants=[{"model_id": "org/small"}])

    answer = await ask(path=path, stream=stream)

    assert ("org/small", "fast") == (met(answer), answer.headers["x-alias-from"])
    assert ["org/small"] == [request.json()["model"] for request in sim.requests]


async def test_requests_are_spread_by_weight(ask, put):
    await put(variants=[{"model_id": "gpt", "weight": 3}, {"model_id": "org/small"}])

    found = Counter([met(await ask()) for _ in range(120)])

    assert {"gpt", "org/small"} == set(found)
    assert found["gpt"] > found["org/small"]


async def test_a_key_meets_the_same_model_again(hub, ask, put):
    await put(sticky_by="api_key")
    keys = [await hub.key() for _ in range(6)]

    for key in keys:
        assert 1 == len({met(await ask(as_key=key)) for _ in range(4)})


async def test_variants_take_turns(ask, put):
    await put(
        variants=[{"model_id": "gpt", "weight": 2}, {"model_id": "org/small"}],
        sticky_by="round_robin",
    )

    assert ["gpt", "gpt", "org/small"] * 2 == [met(await ask()) for _ in range(6)]


async def test_the_pool_is_who_may_answer_where_nobody_is_named(ask, put, sim):
    await put("*", sticky_by="round_robin")
    sim.next(Fault.status(500))

    first = await ask("*")
    second = await ask("")

    assert ("org/small", "2") == (met(first), first.headers["x-tokenhub-attempts"])
    assert {"*"} == {one.headers["x-alias-from"] for one in (first, second)}
    assert met(second) in {"gpt", "org/small"}


@pytest.mark.parametrize("named", [{}, {"model": "*"}])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_the_pool_does_not_answer_for_those_who_give_a_list(hub, key, put, path, named):
    await put("*")

    answer = await hub.http.post(
        path, json=ASK | {"models": ["large"]} | named, headers={"x-api-key": key}
    )

    assert "large" == met(answer)
    assert "x-alias-from" not in answer.headers


async def test_an_alias_stands_before_a_model_of_its_name(ask, put):
    await put("gpt", [{"model_id": "org/small"}])

    assert "org/small" == met(await ask("gpt"))


async def test_one_that_is_switched_off_stands_for_nothing(ask, put):
    await put("gpt", [{"model_id": "org/small"}], enabled=False)

    answer = await ask("gpt")

    assert "gpt" == met(answer)
    assert "x-alias-from" not in answer.headers


async def test_the_record_and_the_log_have_both_names(hub, ask, put):
    await put(variants=[{"model_id": "org/small"}])
    answer = await ask()

    request = await hub.admin("GET", f"requests/{answer.headers['x-request-id']}")

    assert ("fast", "org/small") == (request["requested_model"], request["model_id"])
    assert ("fast", "org/small") == (request["decision"]["alias"], request["decision"]["hint"])


async def test_they_are_made_listed_changed_and_removed(hub, put):
    made = await put("team/fast")
    changed = await put("team/fast", [{"model_id": "large"}])
    listed = await hub.admin("GET", "aliases")
    one = await hub.admin("GET", "aliases/team/fast")
    await hub.admin("DELETE", "aliases/team/fast")

    assert ("team/fast", True, "request") == (made["name"], made["enabled"], made["sticky_by"])
    assert [changed] == listed["items"]
    assert changed == one
    assert 0 == (await hub.admin("GET", "aliases"))["total"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"variants": []}, "#/variants"),
        ({"variants": [{"model_id": "nobody"}]}, "#/variants/0/model_id"),
        ({"variants": [{"model_id": "gpt", "weight": 0}]}, "#/variants/0/weight"),
        ({"variants": HALVES, "sticky_by": "moon"}, "#/sticky_by"),
        ({"variants": HALVES * 2}, "#/variants"),
    ],
)
async def test_bad_ones_are_refused_with_the_field(hub, body, pointer):
    answer = await hub.http.put(
        "/admin/v1/aliases/fast", json=body, headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
    )

    assert (400, pointer) == (answer.status_code, answer.json()["errors"][0]["pointer"])
