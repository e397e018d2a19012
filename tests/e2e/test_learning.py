"""What callers, operators and signs say of answers, and what the router makes of it."""

import pytest

from tests.support.server import child, running
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Model, Profile

pytestmark = pytest.mark.anyio
PROFILE = Profile(
    name="simulated", dialect="openai", models=(Model(id="gpt"), Model(id="other")), seed=3
)
HELLO = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def hub(tmp_path):
    async with running(tmp_path) as server, Sim(PROFILE) as sim:
        server.sim = sim
        await server.provider("one", sim, models=["gpt", "other"])
        server.headers = {"x-api-key": await server.key()}
        yield server


async def asked(hub, model="gpt", **fields):
    """A request's id, once it was answered."""
    body = {"model": model, "messages": HELLO, **fields}
    answer = await hub.http.post("/v1/chat/completions", json=body, headers=hub.headers)
    return answer.headers["x-request-id"]


async def arm(hub, route="one/gpt"):
    """What is known of a route at all kinds of work."""
    rows = (await hub.admin("GET", "rewards/arms"))["arms"]
    return next(row for row in rows if row["route"] == route and not row["task"])


async def told(hub, request_id, score, path="/v1/feedback"):
    body = {"request_id": request_id, "score": score}
    if path == "/v1/feedback":
        answer = await hub.http.post(path, json=body, headers=hub.headers)
        assert answer.is_success, answer.text
    else:
        await hub.admin("POST", "feedback", body)


@pytest.mark.parametrize("path", ["/v1/feedback", "/admin/v1/feedback"])
async def test_a_word_moves_the_route_that_answered_and_no_other(hub, path):
    liked, hated = await asked(hub), await asked(hub, "other")

    for _ in range(3):
        await told(hub, await asked(hub), 1.0, path)
        await told(hub, await asked(hub, "other"), 0.0, path)
    await told(hub, liked, 1.0, path)
    await told(hub, hated, 0.0, path)

    good, bad = await arm(hub), await arm(hub, "one/other")
    assert good["mean"] > 0.7
    assert bad["mean"] < 0.4
    assert (4.0, 4.0) == (round(good["n"]), round(bad["n"]))


async def test_a_word_that_is_taken_back_is_one_word(hub):
    request_id = await asked(hub)
    await told(hub, request_id, 0.0)
    low = await arm(hub)

    await told(hub, request_id, 1.0)

    high = await arm(hub)
    assert low["mean"] < high["mean"]
    assert low["n"] == pytest.approx(high["n"], abs=0.001)


async def test_a_failed_call_is_charged_to_the_route_that_failed(hub):
    await asked(hub)
    before = await arm(hub)
    hub.sim.next(Fault.status(400), Fault.status(500), Fault.status(500))

    await asked(hub)
    await asked(hub)

    after = await arm(hub)
    assert after["failing"] > before["failing"]
    assert after["mean"] < before["mean"]


async def test_what_was_learned_outlives_a_restart(tmp_path):
    async with Sim(PROFILE) as sim:
        async with running(tmp_path) as first:
            await first.provider("one", sim, models=["gpt"])
            first.headers = {"x-api-key": await first.key()}
            await told(first, await asked(first), 1.0)
            known = await arm(first)
        async with running(tmp_path) as second:
            again = await arm(second)

    assert known["mean"] == pytest.approx(again["mean"], abs=0.01)
    assert known["n"] == pytest.approx(again["n"], abs=0.01)


async def test_what_was_learned_outlives_a_kill(tmp_path):
    """Lessons are saved every 30 seconds; what was judged since is learned again."""
    async with Sim(PROFILE) as sim:
        async with child(tmp_path) as first:
            await first.provider("one", sim, models=["gpt"])
            first.headers = {"x-api-key": await first.key()}
            for score in (1.0, 0.9, 0.0):
                request_id = await asked(first)
                await told(first, request_id, score)
            await told(first, request_id, 0.8)
            known = await arm(first)
            while (await first.admin("GET", "rewards?limit=1"))["total"] < 4:
                pass
            await first.kill()
        async with running(tmp_path) as second:
            again = await arm(second)

    assert known["mean"] == pytest.approx(again["mean"], abs=0.01)
    assert known["n"] == pytest.approx(again["n"], abs=0.01)
