"""The last minute to the last day, with the original's fields and more."""

import pytest

from tests.support.requests import ended

pytestmark = pytest.mark.anyio


@pytest.fixture
def at(control):
    """A moment within the last minute."""
    return control.clock.now() - 5.0


async def test_nothing_yet_is_null_and_no_windows(client):
    found = (await client.get("/admin/v1/stats")).json()

    empty = {"by_model": {}, "by_provider": {}, "by_api_key": {}, "by_mode": {}}
    assert {"global": None, **empty} == found


async def test_a_window_has_all_of_the_original_and_quantiles(client, control, at):
    for number, changes in enumerate(
        ({}, {"first_token_s": 0.2}, {"error_class": "timeout", "status": 504})
    ):
        control.series.record(ended(number, at=at, **changes))

    found = (await client.get("/admin/v1/stats")).json()

    minute = found["global"][0]
    assert ["1m", "5m", "1h", "24h"] == [row["window"] for row in found["global"]]
    quantiles = {name: minute.pop(name) for name in list(minute) if name[0] == "p"}
    assert {
        "window": "1m",
        "request_count": 3,
        "error_count": 1,
        "error_rate": pytest.approx(1 / 3),
        "avg_latency_ms": 1000.0,
        "first_token_count": 1,
        "avg_first_token_ms": 200.0,
        "total_cost_usd": 3e-06,
        "unpriced": 0,
        "input_tokens": 300,
        "output_tokens": 30,
        "total_tokens": 330,
        "rps": minute["rps"],
        "errors_by_class": {"timeout": 1},
    } == minute
    assert 3 / 70 <= minute["rps"] <= 3 / 60
    for name, value in quantiles.items():
        right = 200.0 if "first" in name else 1000.0
        assert pytest.approx(right, rel=0.021) == value
    assert 6 == len(quantiles)


async def test_groups_name_what_they_are_of(client, control, at):
    issued = (await client.post("/admin/v1/apikeys", json={"name": "ours"})).json()
    control.series.record(ended(1, at=at, key_id=issued["id"]))
    control.series.record(ended(2, at=at, model_id="b", provider_id="q", mode="cheap"))

    found = (await client.get("/admin/v1/stats")).json()

    told = {
        group: {
            tuple(row[name] for name in names if name in row): row["request_count"]
            for row in found[group]["1m"]
        }
        for group, names in {
            "by_model": ("model_id",),
            "by_provider": ("provider_id",),
            "by_api_key": ("api_key_id", "api_key_name"),
            "by_mode": ("mode",),
        }.items()
    }
    assert {
        "by_model": {("a",): 1, ("b",): 1},
        "by_provider": {("p",): 1, ("q",): 1},
        "by_api_key": {(issued["id"], "ours"): 1, ("key_1", "key_1"): 1},
        "by_mode": {("normal",): 1, ("cheap",): 1},
    } == told
    assert "provider_id" not in found["by_model"]["1m"][0]


async def test_a_request_leaves_the_windows_one_after_the_other(client, control):
    now = control.clock.now()
    for age_s in (100.0, 1000.0, 10_000.0, 100_000.0):
        control.series.record(ended(1, at=now - age_s))

    found = (await client.get("/admin/v1/stats")).json()

    assert {"5m": 1, "1h": 2, "24h": 3} == {
        row["window"]: row["request_count"] for row in found["global"]
    }


async def test_a_parameter_that_is_not_known_is_refused(client):
    answer = await client.get("/admin/v1/stats?window=1m")

    assert (400, "#/window") == (answer.status_code, answer.json()["errors"][0]["pointer"])
