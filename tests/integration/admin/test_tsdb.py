"""Charts by the original's parameters and the documented ones, and how long they are kept."""

from datetime import UTC, datetime

import pytest

from tests.support.requests import ended

pytestmark = pytest.mark.anyio
QUERY = "/admin/v1/tsdb/query"


@pytest.fixture
def now(control):
    """A border of an hour, with requests in the hour before it."""
    now = control.clock.unix_s = control.clock.unix_s // 3600 * 3600
    for number, (ago_s, model) in enumerate(((600, "a"), (590, "a"), (60, "b"))):
        control.series.record(ended(number, at=now - ago_s, model_id=model))
    return int(now)


async def asked(client, **parameters):
    answer = await client.get(QUERY, params=parameters)
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_a_chart_has_its_series_with_points_in_milliseconds(client, now):
    found = await asked(client, metric="requests", group_by="model", step="60000")

    start = 1000 * (now - 600)
    assert [
        {"metric": "requests", "points": [{"t": start, "v": 2.0}], "model_id": "a"},
        {"metric": "requests", "points": [{"t": start + 540_000, "v": 1.0}], "model_id": "b"},
    ] == found["series"]
    assert ("requests", "sum", "requests", ["model_id"]) == (
        found["metric"],
        found["agg"],
        found["unit"],
        found["group_by"],
    )
    assert (60_000, 1000 * (now - 86_400), 1000 * (now + 60)) == (
        found["step_ms"],
        found["start"],
        found["end"],
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"model": "a", "step": "60000"},
        {"model_id": "a", "step_ms": "60000"},
        {"model_id": "a", "model": "a", "step": "1m", "provider": ""},
    ],
)
async def test_both_names_of_a_parameter_mean_the_same(client, now, parameters):
    (line,) = (await asked(client, metric="cost", **parameters))["series"]

    assert {
        "metric": "cost",
        "model_id": "a",
        "points": [{"t": 1000 * (now - 600), "v": 2e-06}],
    } == line


async def test_times_are_told_in_three_ways(client, now):
    moment = datetime.fromtimestamp(now - 300, UTC).isoformat().replace("+00:00", "Z")

    found = [
        await asked(client, metric="requests", step="1m", start=start, end=end)
        for start, end in ((str(1000 * (now - 300)), str(1000 * now)), (moment, ""), ("5m", ""))
    ]

    assert [[1.0]] * 3 == [[point["v"] for point in one["series"][0]["points"]] for one in found]
    assert 1000 * (now + 60) == found[0]["end"]


async def test_an_end_in_the_past_leaves_out_what_is_later(client, now):
    found = await asked(
        client, metric="requests", step="1m", start="1h", end=str(1000 * (now - 120))
    )

    assert (1, 1000 * (now - 120)) == (len(found["series"][0]["points"]), found["end"])


async def test_a_step_is_widened_to_what_is_kept_of_that_time(client, now):
    found = await asked(client, metric="requests", step="10s", start="60d", end="59d")
    usual = await asked(client, metric="requests", start="7d")

    assert (3_600_000, 3_600_000) == (found["step_ms"], usual["step_ms"])


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({}, "metric", "metric parameter required"),
        ({"metric": "speed"}, "metric", "must be one of requests, errors"),
        ({"metric": "cost", "agg": "p95"}, "agg", "of cost must be one of sum"),
        ({"metric": "cost", "group_by": "colour"}, "group_by", "must be one of model"),
        ({"metric": "cost", "group_by": "key,mode"}, "group_by", "together"),
        ({"metric": "skips", "key": "k"}, "group_by", "skips are known by"),
        ({"metric": "cost", "start": "yesterday"}, "start", "must be a duration"),
        ({"metric": "cost", "step": "fast"}, "step", "must be a duration"),
        ({"metric": "cost", "step": "1m", "step_ms": "1"}, "step", "not both"),
        ({"metric": "cost", "start": "300d", "step": "1h", "end": "0"}, "start", "before end"),
        ({"metric": "cost", "start": "3650d", "step": "1h"}, "step", "11000 points"),
        ({"metric": "cost", "model": "a", "model_id": "b"}, "model_id", "different things"),
        ({"metric": "cost", "limit": "0"}, "limit", "from 1 to 500"),
        ({"metric": "cost", "colour": "red"}, "colour", "unknown query parameter"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_field(client, parameters, field, words):
    answer = await client.get(QUERY, params=parameters)

    problem = answer.json()
    assert (400, f"#/{field}") == (answer.status_code, problem["errors"][0]["pointer"])
    assert words in problem["detail"]


async def test_the_metrics_are_told_with_their_aggregations(client):
    found = (await client.get("/admin/v1/tsdb/metrics")).json()

    names = "requests errors latency first_token cost tokens input_tokens output_tokens skips"
    assert names.split() == found["metrics"] == [one["name"] for one in found["details"]]
    assert ["mean", "p50", "p95", "p99"] == found["details"][2]["aggs"]
    assert [(10_000, 1), (60_000, 7), (600_000, 30), (3_600_000, 90), (86_400_000, 90)] == [
        (level["step_ms"], level["days"]) for level in found["levels"]
    ]
    assert 0.02 == found["quantile_error"]
    assert ["mode", "model", "provider"] in found["labels"]


@pytest.mark.parametrize("body", [{"days": 30}, {"retention_days": 30}])
async def test_retention_is_changed_with_an_entry(client, control, body):
    before = (await client.get("/admin/v1/tsdb/retention")).json()
    changed = (await client.put("/admin/v1/tsdb/retention", json=body)).json()

    assert {"ok": True, "retention_days": 90} == before
    assert {"ok": True, "retention_days": 30} == changed
    (entry,) = control.series.audit
    assert ("tsdb.retention", "tsdb") == (entry.action, entry.resource)
    assert ("90", "30") == tuple(str(days) for days in (90, control.series.retention_days))


@pytest.mark.parametrize(
    "body", [{}, {"days": 0}, {"days": 4000}, {"days": 1, "retention_days": 2}, {"days": 1.5}]
)
async def test_a_retention_that_is_none_is_refused(client, control, body):
    answer = await client.put("/admin/v1/tsdb/retention", json=body)

    assert (400, 90) == (answer.status_code, control.series.retention_days)


async def test_pruning_tells_how_much_went(client, control, now):
    control.series.record(ended(9, at=now - 100 * 86_400.0))

    answer = await client.post("/admin/v1/tsdb/prune")

    assert {"deleted": 1} == answer.json()
