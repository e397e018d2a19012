"""Providers that misbehave are let alone, and come back; nobody who asks need notice."""

import asyncio

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.core import health as core_health
from tokenhub.core.health import DOWN_AFTER
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hub(tmp_path):
    async with running(tmp_path, PROVIDER_TIMEOUT_SECS="5") as server:
        yield server


async def health(hub, provider_id="one"):
    """A provider, and its first route."""
    providers = (await hub.admin("GET", "health"))["providers"]
    found = next(one for one in providers if one["provider_id"] == provider_id)
    return found, found["routes"][0]


async def test_nothing_is_known_of_who_was_never_asked(hub, sim):
    await hub.provider("one", sim, models=["gpt"])

    provider, route = await health(hub)

    assert ("healthy", 0, None) == (
        provider["state"],
        provider["total_requests"],
        provider["avg_latency_ms"],
    )
    assert ("one/gpt", "gpt", None) == (
        route["route"],
        route["model_id"],
        route["last_success_at"],
    )


async def test_a_throttled_provider_is_not_asked_until_it_wants_to_be(hub, ask, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 9})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(Fault.rate_limited("30"))

    answers = [await ask() for _ in range(9)]

    assert [200] * 9 == [answer.status_code for answer in answers]
    assert 1 == len(sim.requests)
    _, route = await health(hub)
    assert ("healthy", "throttled") == (route["state"], route["last_error"])
    assert route["cooldown_until"] > route["last_error_time"]


async def test_who_is_alone_and_throttled_is_told_of_with_the_time_to_wait(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"])
    sim.next(Fault.rate_limited("30"))
    await ask()

    answer = await ask()

    assert (503, "no_provider_available") == (answer.status_code, answer.json()["error"]["code"])
    assert int(answer.headers["retry-after"]) in range(25, 31)
    assert [{"route": "one/gpt", "reason": "cooling_down"}] == answer.json()["error"]["skipped"]
    assert 1 == len(sim.requests)


async def test_a_failing_provider_goes_down_and_its_model_is_served_elsewhere(
    hub, ask, sim, second
):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(*[Fault.status(500)] * 40)

    answers = [await ask(model="one/gpt") for _ in range(12)]

    assert [200] * 12 == [answer.status_code for answer in answers]
    assert DOWN_AFTER == len(sim.requests)
    _, route = await health(hub)
    assert ("down", DOWN_AFTER) == (route["state"], route["consec_errors"])


async def test_the_last_route_is_never_given_up(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"])
    sim.next(*[Fault.status(500)] * 2 * DOWN_AFTER)
    for _ in range(DOWN_AFTER):
        await ask()
    assert "down" == (await health(hub))[1]["state"]

    answer = await ask()

    assert 200 == answer.status_code
    assert "healthy" == (await health(hub))[1]["state"]


async def test_a_refused_key_is_out_until_another_is_given(hub, ask, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10}, api_key="sk-old")
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(Fault.status(401))

    answers = [await ask(model="one/gpt") for _ in range(3)]

    assert [200] * 3 == [answer.status_code for answer in answers]
    provider, _ = await health(hub)
    assert "credential" == provider["state"]
    assert provider["cooldown_until"] > provider["last_error_time"]
    assert 1 == len(sim.requests)

    await hub.admin("PATCH", "providers/one", {"api_key": "sk-new"})
    answer = await ask(model="one/gpt")

    assert "one" == answer.headers["x-tokenhub-provider"]


async def test_a_reset_lets_a_provider_in_at_once(hub, ask, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(Fault.status(401))
    await ask(model="one/gpt")

    told = await hub.admin("POST", "health/one/reset")
    answer = await ask(model="one/gpt")

    assert {"reset": ["one", "one/gpt"]} == told
    assert "one" == answer.headers["x-tokenhub-provider"]


async def test_a_test_tells_how_a_provider_is_and_lets_its_key_in_again(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"], api_key="sk-one")
    await hub.provider("gone", "http://127.0.0.1:9")
    sim.next(Fault.status(401))
    await ask()

    good = await hub.admin("POST", "providers/one/test")
    bad = await hub.admin("POST", "providers/gone/test")

    assert (True, "", "") == (good["ok"], good["error"], good["message"])
    assert good["models"] > 0
    assert (False, "unreachable") == (bad["ok"], bad["error"])
    assert "cannot be reached; check its base_url" in bad["message"]
    assert 200 == (await ask()).status_code


async def test_nobody_who_asks_notices_three_bad_providers_of_four(hub, ask, sim, second):
    """F25 in short: one is gone, one fails, one throttles, and the calls stay few."""
    async with Sim(PROFILE) as third:
        await hub.provider("gone", "http://127.0.0.1:9", models=["gpt"], model={"weight": 10})
        await hub.provider("throttling", sim, models=["gpt"], model={"weight": 8})
        await hub.provider("failing", second, models=["gpt"], model={"weight": 6})
        await hub.provider("good", third, models=["gpt"], model={"weight": 1})
        sim.next(*[Fault.rate_limited("60")] * 500)
        second.next(*[Fault.status(503)] * 500)

        answers = [await ask() for _ in range(120)]

    assert [200] * 120 == [answer.status_code for answer in answers]
    attempts = sum(int(answer.headers["x-tokenhub-attempts"]) for answer in answers)
    assert attempts <= 1.25 * 120
    assert 1 == len(sim.requests)
    assert len(second.requests) <= DOWN_AFTER + 1


async def test_a_provider_comes_back_by_itself(hub, ask, sim, second, monkeypatch):
    """After its time one request tries; its success lets in all."""
    monkeypatch.setattr(core_health, "FIRST_DOWN_S", 0.2)
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(*[Fault.status(500)] * DOWN_AFTER)
    for _ in range(DOWN_AFTER):
        await ask(model="one/gpt")
    down = await ask(model="one/gpt")

    async def tried():
        return (await ask(model="one/gpt")).headers["x-tokenhub-provider"]

    async with asyncio.timeout(5):
        while await tried() != "one":
            pass

    assert "two" == down.headers["x-tokenhub-provider"]
    assert "healthy" == (await health(hub))[1]["state"]
