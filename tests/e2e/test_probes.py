"""Faults and repairs are found without a request: the whole server before simulated providers."""

import asyncio
import logging

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

EVERY_S = 0.5
PROBING = {
    "HEALTH_PROBE_DISABLED": "false",
    "HEALTH_PROBE_INTERVAL_SECS": str(EVERY_S),
    "HEALTH_PROBE_TIMEOUT_SECS": "2",
}
MODELS = "/v1/models"


@pytest.fixture
async def hub(tmp_path):
    async with running(tmp_path, **PROBING) as server:
        yield server


async def health(hub, provider_id="one"):
    providers = (await hub.admin("GET", "health"))["providers"]
    return next(one for one in providers if one["provider_id"] == provider_id)


async def became(hub, *states, provider_id="one"):
    """How a provider is, once its state is one of these: within some intervals, or the test fails.

    The bound is wide since the machine may be busy; that one interval is enough is a unit test's.
    """
    async with asyncio.timeout(20 * EVERY_S):
        while (found := await health(hub, provider_id))["state"] not in states:
            pass
    return found


async def probed(sim, times):
    """Return once a provider was probed so often."""
    while len(probes(sim)) < times:
        await sim.arrived(len(sim.requests) + 1)


def probes(sim):
    return [request for request in sim.requests if request.path == MODELS]


async def test_a_provider_that_is_killed_and_started_again_is_seen_without_traffic(hub, ask):
    async with Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        await probed(sim, 1)
        port = sim.port

    down = await became(hub, "down")
    async with Sim(PROFILE, port=port) as sim:
        up = await became(hub, "half-open")
        while not up["probe"]["ok"]:
            up = await health(hub)
        answer = await ask()

    assert (False, "unreachable") == (down["probe"]["ok"], down["probe"]["error"])
    assert 0 == up["total_requests"]
    assert up["probe"]["next_at"] > up["probe"]["at"]
    assert (200, "healthy") == (answer.status_code, (await health(hub))["state"])


async def test_a_key_that_is_revoked_at_the_vendor_is_seen_and_so_is_its_return(hub, sim, caplog):
    await hub.provider("one", sim, models=["gpt"], api_key="sk-one")
    await probed(sim, 1)

    sim.next(*[Fault.status(401)] * 3, path=MODELS)
    out = await became(hub, "credential")
    back = await became(hub, "half-open")

    assert (False, "credential") == (out["probe"]["ok"], out["probe"]["error"])
    assert back["probe"]["ok"]
    assert {"sk-one"} == {request.key() for request in probes(sim)}
    (alert,) = [r for r in caplog.records if r.getMessage() == "credential_out"]
    assert ("one", "credential") == (alert.provider_id, alert.last_error)


async def test_probes_go_where_the_catalog_says_and_with_the_key_of_the_day(hub, sim, second):
    await hub.provider("one", sim, models=["gpt"], api_key="sk-old")
    await probed(sim, 1)

    await hub.admin("PATCH", "providers/one", {"api_key": "sk-new"})
    await probed(sim, 2)
    await hub.admin("PATCH", "providers/one", {"base_url": second.url, "api_key": "sk-second"})
    await probed(second, 1)
    asked = len(probes(sim))
    await probed(second, 3)

    assert ["sk-old", "sk-new"] == [request.key() for request in probes(sim)][:2]
    assert {"sk-second"} == {request.key() for request in probes(second)}
    assert asked == len(probes(sim))


async def test_a_provider_that_is_switched_off_is_probed_no_more(hub, sim, second):
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", second, models=["gpt"])
    await probed(sim, 1)

    await hub.admin("PATCH", "providers/one", {"enabled": False})
    while (await health(hub))["probe"] is not None:
        await probed(second, len(probes(second)) + 1)
    asked = len(probes(sim))
    await probed(second, len(probes(second)) + 2)

    assert asked == len(probes(sim))


async def test_an_anthropic_provider_is_probed_in_its_own_way(hub, sim):
    await hub.provider("one", sim, models=["gpt"], type="anthropic", api_key="sk-ant")

    await probed(sim, 1)

    request = probes(sim)[0]
    assert "sk-ant" == request.headers["x-api-key"]
    assert "anthropic-version" in request.headers
    assert "authorization" not in request.headers


async def test_probes_count_as_no_requests_and_teach_no_latency(hub, sim):
    await hub.provider("one", sim, models=["gpt"])

    await probed(sim, 3)

    found = await health(hub)
    assert (0, None, None) == (
        found["total_requests"],
        found["avg_latency_ms"],
        found["last_success_at"],
    )
    assert [] == await hub.logs()


async def test_probes_can_be_switched_off(tmp_path, sim, second):
    """No probe in the time that another server takes for three."""
    async with (
        running(tmp_path / "off", **PROBING | {"HEALTH_PROBE_INTERVAL_SECS": "0"}) as off,
        running(tmp_path / "on", **PROBING) as on,
    ):
        await off.provider("one", sim, models=["gpt"])
        await on.provider("one", second, models=["gpt"])
        await probed(second, 3)

        assert [] == probes(sim)
        assert (await health(off))["probe"] is None


async def test_a_server_stops_cleanly_while_a_probe_waits(tmp_path, sim, caplog):
    """It is cancelled before the sessions close; nothing is logged and nothing is left open."""
    sim.next(Fault.hang(), path=MODELS)
    async with running(tmp_path, **PROBING | {"HEALTH_PROBE_TIMEOUT_SECS": "30"}) as hub:
        await hub.provider("one", sim, models=["gpt"])
        await probed(sim, 1)

    await sim.abandoned(1)
    said = {record.getMessage() for record in caplog.records if record.levelno > logging.INFO}
    assert set() == said - {"sqlite_version"}


async def test_a_route_is_reset_by_its_id_whatever_slashes_it_has(hub, ask, sim, second):
    await hub.provider("one", sim, models=["org/small", "gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["org/small", "gpt"], model={"weight": 1})
    sim.next(Fault.status(403))
    await ask(model="one/org/small")
    refused = await health(hub)

    told = await hub.admin("POST", "health/one/org/small/reset")
    answer = await ask(model="one/org/small")

    assert {"one/org/small": "credential", "one/gpt": "healthy"} == {
        route["route"]: route["state"] for route in refused["routes"]
    }
    assert {"reset": ["one/org/small"]} == told
    assert "one" == answer.headers["x-tokenhub-provider"]


@pytest.mark.parametrize("path", ["one/nothing/reset", "nobody/reset", "one/gpt"])
async def test_what_is_not_there_cannot_be_reset(hub, sim, path):
    await hub.provider("one", sim, models=["gpt"])

    token = {"authorization": "Bearer tha_0123456789abcdef0123456789abcdef"}
    answer = await hub.http.post(f"/admin/v1/health/{path}", headers=token)

    assert 404 == answer.status_code
