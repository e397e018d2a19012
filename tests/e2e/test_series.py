"""Stats and charts of real requests: at once, by route and key, after a restart and a kill -9."""

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import child, running
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio


async def ask(hub, key, model, *, sent=None, **fields):
    body = {"messages": [{"role": "user", "content": "hi"}], "model": model, **fields}
    headers = {"authorization": f"Bearer {key}", **(sent or {})}
    return await hub.http.post("/v1/chat/completions", json=body, headers=headers)


async def chart(hub, metric, **asked):
    query = "&".join(f"{name}={value}" for name, value in {"metric": metric, **asked}.items())
    return (await hub.admin("GET", f"tsdb/query?{query}"))["series"]


def total(series):
    return sum(point["v"] for line in series for point in line["points"])


async def requests(hub):
    stats = await hub.admin("GET", "stats")
    return {row["window"]: row["request_count"] for row in stats["global"] or []}


async def test_requests_are_in_stats_and_charts_at_once_and_after_a_restart(tmp_path):
    async with Sim(PROFILE) as sim, running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt", "small"])
        key = await hub.key()
        for model, fields in (("gpt", {}), ("small", {}), ("gpt", {"stream": True})):
            assert 200 == (await ask(hub, key, model, **fields)).status_code
        refused = await ask(hub, key, "gpt", sent={"x-tokenhub-min-weight": "10"})
        logged = await hub.logs()
        stats = await hub.admin("GET", "stats")
        cost = await chart(hub, "cost", group_by="model")
        first = await chart(hub, "first_token", agg="p95", group_by="model")
        errors = await chart(hub, "errors", group_by="status")
        skips = await chart(hub, "skips", group_by="reason")

    whole = stats["global"][-1]
    assert (4, 1, 1) == (
        whole["request_count"],
        whole["error_count"],
        whole["first_token_count"],
    )
    assert sum(whole["errors_by_class"].values()) == 1
    spent = {
        model: sum(row["estimated_cost_usd"] for row in logged if row["model_id"] == model)
        for model in ("gpt", "small")
    }
    shown = {line["model_id"]: total([line]) for line in cost}
    assert spent == pytest.approx({model: shown[model] for model in spent})
    assert ["gpt"] == [line["model_id"] for line in first]
    assert 0 < first[0]["points"][0]["v"]
    assert {str(refused.status_code): 1} == {
        line["status"]: total([line]) for line in errors if total([line])
    }
    assert {"weight_below_minimum": 2} == {line["reason"]: total([line]) for line in skips}

    async with running(tmp_path) as hub:
        found = await requests(hub)
        assert (4, 4) == (found["1h"], found["24h"])
        assert 4 == total(await chart(hub, "requests"))


async def test_a_retention_outlives_a_restart(tmp_path):
    async with running(tmp_path) as hub:
        await hub.admin("PUT", "tsdb/retention", {"days": 12})
        (entry,) = (await hub.admin("GET", "audit?action=tsdb.retention"))["logs"]

    async with running(tmp_path) as hub:
        assert 12 == (await hub.admin("GET", "tsdb/retention"))["retention_days"]
    assert ("admin", "tsdb") == (entry["actor"], entry["resource"])


async def test_a_kill_loses_what_was_not_written_and_nothing_else(tmp_path):
    """The ledger has all of them; of the charts, the last seconds may be gone."""
    async with Sim(PROFILE) as sim:
        async with child(tmp_path) as hub:
            await hub.provider("one", sim, models=["gpt"])
            key = await hub.key()
            for _ in range(3):
                assert 200 == (await ask(hub, key, "gpt")).status_code
            before = await requests(hub)
            await hub.kill()
        async with child(tmp_path) as hub:
            after = await requests(hub)
            assert 3 == len(await hub.logs())
            assert 200 == (await ask(hub, key, "gpt")).status_code
            later = await requests(hub)

    assert 3 == before["1h"]
    assert after.get("1h", 0) <= 3
    assert after.get("1h", 0) + 1 == later["1h"]
