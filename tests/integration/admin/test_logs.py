import csv
import io
import json

import pytest
from msgspec.structs import replace

from tokenhub.admin.changes import By
from tokenhub.core.decide import Candidate, Record
from tokenhub.core.eligibility import Skip
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.policy import Policy
from tokenhub.core.scoring import Terms, Weights

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/logs"


@pytest.fixture(autouse=True)
async def _outcomes(control):
    for number in range(3):
        attempt = Attempt(
            number=1,
            provider_id="p",
            model_id="m",
            state="settled",
            status=200,
            latency_s=0.5,
            input_tokens=10,
            output_tokens=5,
            cost_nusd=None if number == 2 else 1_500_000,
        )
        await control.journal.record(
            Outcome(
                request_id=f"req_{number}",
                at=1_750_000_000.0 + number,
                key_id="key_1",
                dialect="openai",
                requested_model="m",
                mode="normal",
                reason="normal",
                model_id="m" if number else "n",
                provider_id="p",
                latency_s=0.75,
                upstream_s=0.5,
                attempts=(attempt,),
            )
        )


async def test_a_request_is_shown_with_its_attempts(client):
    found = (await client.get(PATH, params={"request_id": "req_1"})).json()

    (row,) = found["logs"]
    assert ("2025-06-15T15:06:41.000Z", 0.0015, 750.0, 250.0, 15) == (
        row["timestamp"],
        row["estimated_cost_usd"],
        row["latency_ms"],
        row["overhead_ms"],
        row["total_tokens"],
    )
    assert [("p", "settled", 500.0)] == [
        (a["provider_id"], a["state"], a["latency_ms"]) for a in row["attempts"]
    ]


async def test_pages_follow_the_cursor(client):
    first = (await client.get(PATH, params={"limit": 2})).json()
    second = (await client.get(PATH, params={"limit": 2, "before": first["next"]})).json()

    assert ["req_2", "req_1"] == [row["request_id"] for row in first["logs"]]
    assert (["req_0"], None, 3) == (
        [row["request_id"] for row in second["logs"]],
        second["next"],
        second["total"],
    )
    assert first["logs"][0]["estimated_cost_usd"] is None


async def test_a_filter_leaves_out_the_rest(client):
    found = (await client.get(PATH, params={"model_id": "n"})).json()

    assert (["req_0"], 1, 100) == (
        [row["request_id"] for row in found["logs"]],
        found["total"],
        found["limit"],
    )


async def test_a_status_that_cannot_be_is_a_400(client):
    assert 400 == (await client.get(PATH, params={"status": "ok"})).status_code


REQUEST = "/admin/v1/requests"
# What records of before the fields were kept are shown with.
OF_BEFORE = {"closed_ms": 0, "output_tokens": 0, "too_slow": False, "sample": None}
RECORD = Record(
    catalog_version=7,
    seed=12345,
    hint="m",
    substitute="any",
    policy=Policy(
        mode="normal",
        max_budget_nusd=50_000_000,
        max_latency_s=120.0,
        min_weight=2,
        origin={"mode": "default", "min_weight": "request"},
    ),
    weights=Weights(0.25, 0.25, 0.25, 0.25),
    input_tokens=10,
    output_tokens=512,
    reason="routed-hint-exact",
    propensity=0.5,
    candidates=(
        Candidate("p/m", 0.125, Terms(1.0, 0.5, 0.0, 1.0), 1_500_000, 0.25, 0.1, 5),
        Candidate("p/new", 0.5, Terms(1.0, 1.0, 0.0, 0.0), None, None, 0.0, 2),
    ),
    skipped=(
        Skip("p/dear", "budget_exceeded", 300_000_000, 50_000_000),
        Skip("p/small", "context_overflow", 9000, 8192),
        Skip("q/off", "disabled"),
    ),
)


async def test_a_request_is_explained_by_name(client, control):
    control.journal.explain("req_1", 1_750_000_001.0, RECORD)

    found = (await client.get(f"{REQUEST}/req_1")).json()
    row = (await client.get(PATH, params={"request_id": "req_1"})).json()["logs"][0]

    decision = found.pop("decision")
    assert row == found
    assert (7, 12345, "m", "any", "routed-hint-exact", 0.5, 10, 512) == tuple(
        decision[name]
        for name in (
            "catalog_version",
            "seed",
            "hint",
            "substitute",
            "reason",
            "propensity",
            "input_tokens",
            "output_tokens",
        )
    )
    assert {
        "mode": "normal",
        "max_budget_usd": 0.05,
        "max_latency_ms": 120000.0,
        "min_weight": 2,
        "origin": {"mode": "default", "min_weight": "request"},
        "notes": [],
        "weights": None,
        "worth": None,
    } == decision["policy"]
    assert {"cost": 0.25, "latency": 0.25, "failure": 0.25, "weight": 0.25} == decision["weights"]
    assert [
        {
            "route": "p/m",
            "score": 0.125,
            "terms": {"cost": 1.0, "latency": 0.5, "failure": 0.0, "weight": 1.0},
            "cost_usd": 0.0015,
            "latency_ms": 250.0,
            "failure_rate": 0.1,
            "weight": 5,
            "last_resort": False,
            **OF_BEFORE,
        },
        {
            "route": "p/new",
            "score": 0.5,
            "terms": {"cost": 1.0, "latency": 1.0, "failure": 0.0, "weight": 0.0},
            "cost_usd": None,
            "latency_ms": None,
            "failure_rate": 0.0,
            "weight": 2,
            "last_resort": False,
            **OF_BEFORE,
        },
    ] == decision["candidates"]
    assert [
        ("p/dear", "budget_exceeded", 0.3, 0.05, None),
        ("p/small", "context_overflow", 9000, 8192, None),
        ("q/off", "disabled", None, None, None),
    ] == [tuple(one.values()) for one in decision["skipped"]]


async def test_a_request_that_was_not_decided_has_no_decision(client):
    found = (await client.get(f"{REQUEST}/req_0")).json()

    assert ("req_0", None) == (found["request_id"], found["decision"])


async def test_a_record_that_cannot_be_read_is_reported_and_the_row_shown(client, control, caplog):
    control.journal.explain("req_0", 1_750_000_000.0, {"of": "another time"})

    answer = await client.get(f"{REQUEST}/req_0")

    assert (200, None) == (answer.status_code, answer.json()["decision"])
    assert ["decision_unreadable"] == [record.message for record in caplog.records]


async def test_an_unknown_request_is_a_404(client):
    answer = await client.get(f"{REQUEST}/req_9")

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("path", ["/admin/v1/requests", "/admin/v1/routing/explain"])
async def test_the_id_of_a_plan_leads_to_its_steps(control, client, path):
    plan = Orchestration(
        id="req_plan", at=1.0, key_id="key_1", dialect="plan", mode="vote", status="running"
    )
    await control.orchestration_store.record(plan)

    answer = await client.get(f"{path}/req_plan")

    assert 404 == answer.status_code
    assert answer.json()["error"].endswith("the log lists them with ?parent_id=req_plan")


async def ids_of(client, **params):
    found = await client.get(PATH, params=params)
    assert 200 == found.status_code, found.text
    return [row["request_id"] for row in found.json()["logs"]]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"filter": "model=n"}, ["req_0"]),
        ({"filter": "!model:n cost>0.001"}, ["req_1"]),
        ({"filter": "key:nightly"}, ["req_2", "req_1", "req_0"]),
        ({"filter": "status:error"}, []),
        ({"filter": "model:m", "provider_id": "p", "status": "200"}, ["req_2", "req_1"]),
        ({"since": "2025-06-15T15:06:41Z"}, ["req_2", "req_1"]),
        ({"filter": "since:1h until:2025-06-15T15:06:42Z"}, ["req_1", "req_0"]),
        ({"until": "2025-06-15T15:06:41Z"}, ["req_0"]),
    ],
)
async def test_one_line_says_which_requests_are_meant(control, client, params, ids):
    made = await control.keys.create(name="ci-nightly", scopes=("chat",), by=By())
    for row in list(control.journal.outcomes()):
        control.journal._outcomes[row.request_id] = replace(row, key_id=made.key.id)

    assert ids == await ids_of(client, **params)


@pytest.mark.parametrize(
    ("params", "field", "told"),
    [
        ({"filter": "modle:x"}, "filter", "filter: there is no field 'modle'; known: model"),
        ({"filter": "ms>2 status:no"}, "filter", "(at character 13)"),
        ({"since": "soon"}, "since", "'soon' is no time"),
        ({"cursor": "a"}, "cursor", "no cursor of ours"),
        ({"cursor": "bcmVxXzE"}, "cursor", "no cursor of ours"),
        ({"cursor": "acmVxXzE", "before": "req_1"}, "cursor", "not both"),
        ({"format": "xml"}, "format", "format must be one of json, csv, ndjson"),
        ({"attempts": "all"}, "attempts", "attempts must be one of nested, rows"),
        ({"limit": "1001"}, "limit", "from 1 to 1000"),
    ],
)
async def test_what_cannot_be_read_is_named(client, params, field, told):
    answer = await client.get(PATH, params=params)

    assert 400 == answer.status_code
    assert told in answer.json()["detail"]
    assert f"/{field}" in answer.json()["errors"][0]["pointer"]


async def test_a_cursor_goes_on_where_the_page_ended_whatever_comes_meanwhile(client, control):
    first = (await client.get(PATH, params={"limit": 2, "filter": "ms>1"})).json()
    late = next(control.journal.outcomes())
    await control.journal.record(replace(late, request_id="req_9"))

    second = await client.get(
        PATH, params={"limit": 2, "filter": "ms>1", "cursor": first["cursor"]}
    )

    assert ["req_0"] == [row["request_id"] for row in second.json()["logs"]]
    assert (None, 4) == (second.json()["cursor"], second.json()["total"])


async def test_attempts_can_be_rows(client):
    found = (await client.get(PATH, params={"attempts": "rows", "limit": 2})).json()

    assert [("req_2", 1, "settled", None), ("req_1", 1, "settled", 0.0015)] == [
        (row["request_id"], row["attempt"], row["state"], row["cost_usd"])
        for row in found["attempts"]
    ]
    assert (3, 2, True, "req_1") == (
        found["total"],
        found["limit"],
        found["total_exact"],
        found["next"],
    )


async def test_all_of_it_is_a_file(client):
    lines = await client.get(PATH, params={"format": "ndjson", "filter": "model:m"})
    sheet = await client.get(PATH, params={"format": "csv", "limit": 2})

    assert ["req_2", "req_1"] == [
        json.loads(line)["request_id"] for line in lines.text.splitlines()
    ]
    head, *rows = csv.reader(io.StringIO(sheet.text))
    assert ["request_id", "timestamp", "model_id"] == head[:3]
    assert [["req_2", "1"], ["req_1", "1"]] == [
        [row[0], row[head.index("attempts")]] for row in rows
    ]
    assert "false" == rows[0][head.index("stream")]
    assert 'attachment; filename="tokenhub-logs.csv"' == sheet.headers["content-disposition"]
    assert ("application/x-ndjson", "text/csv; charset=utf-8") == (
        lines.headers["content-type"],
        sheet.headers["content-type"],
    )


async def test_attempts_are_a_file_too(client):
    sheet = await client.get(PATH, params={"format": "csv", "attempts": "rows"})

    head, *rows = csv.reader(io.StringIO(sheet.text))
    assert {"attempt", "request_id", "timestamp", "api_key_id"} <= set(head)
    assert 3 == len(rows)


async def test_a_file_of_nothing_has_its_head(client):
    sheet = await client.get(PATH, params={"format": "csv", "filter": "status:error"})

    assert 1 == len(sheet.text.splitlines())


async def test_a_file_is_of_more_rows_than_are_read_at_once(client, control):
    plain = next(control.journal.outcomes())
    for number in range(1100):
        await control.journal.record(replace(plain, request_id=f"req_more_{number:04d}"))

    lines = (await client.get(PATH, params={"format": "ndjson"})).text.splitlines()
    some = (await client.get(PATH, params={"format": "ndjson", "limit": 1001})).text.splitlines()

    assert (1103, 1001) == (len(lines), len(some))
    assert lines[:1001] == some


@pytest.mark.parametrize("text", ['2h" status:error "', '2h" !model:"x', "2h\\", '"2h"'])
@pytest.mark.parametrize("name", ["since", "until"])
async def test_a_time_is_a_time_and_no_piece_of_a_filter(client, name, text):
    """Else a search would quietly be another than the one that was asked for."""
    answer = await client.get(PATH, params={name: text})

    assert (400, name) == (answer.status_code, answer.json()["detail"].partition(":")[0])


@pytest.mark.parametrize(
    "evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
async def test_a_cell_is_never_a_formula(client, control, evil):
    plain = next(control.journal.outcomes())
    await control.journal.record(replace(plain, request_id="req_evil", requested_model=evil))

    sheet = await client.get(PATH, params={"format": "csv", "request_id": "req_evil"})

    head, row = csv.reader(io.StringIO(sheet.text, newline=""))
    assert f"'{evil}" == row[head.index("requested_model")]


async def test_a_chart_counts_by_time_and_class_of_status(client, control):
    plain = next(control.journal.outcomes())
    for number, status in enumerate((200, 404, 429, 502)):
        await control.journal.record(
            replace(plain, request_id=f"req_c{number}", at=plain.at - 120, status=status)
        )

    found = (
        await client.get(f"{PATH}/histogram", params={"filter": "model=n", "since": "10m"})
    ).json()
    minute = (await client.get(f"{PATH}/histogram", params={"step": "1m", "since": "5m"})).json()

    assert (10.0, 4, True, 60) == (
        found["step_s"],
        found["total"],
        found["exact"],
        len(found["buckets"]),
    )
    assert [("2025-06-15T15:04:40.000Z", 4, 1, 2, 1)] == [
        tuple(bar.values()) for bar in found["buckets"] if bar["total"] > 1
    ]
    assert [60.0, 7, 6] == [minute["step_s"], minute["total"], len(minute["buckets"])]


@pytest.mark.parametrize("params", [{"step": "1s"}, {"step": "0s"}, {"buckets": "1001"}])
async def test_a_chart_has_so_many_bars_at_most(client, params):
    assert 400 == (await client.get(f"{PATH}/histogram", params=params)).status_code


async def test_a_step_is_no_shorter_than_a_millisecond(client):
    span = {"since": "2025-06-15T15:06:40.000Z", "until": "2025-06-15T15:06:40.010Z"}

    found = await client.get(f"{PATH}/histogram", params={**span, "step": "0.0001s"})

    assert 400 == found.status_code
    assert found.json()["error"].startswith("step must be at least a millisecond")


@pytest.mark.parametrize(
    ("since", "step_s", "bars"),
    [("", 1800.0, 49), ("1m", 1.0, 60), ("7d", 10_800.0, 57), ("2000-01-01", 13_910_400.0, 58)],
)
async def test_the_step_is_one_that_a_clock_has_a_line_for(client, since, step_s, bars):
    given = {"since": since} if since else {}

    found = (await client.get(f"{PATH}/histogram", params={**given, "buckets": 60})).json()

    assert (step_s, bars) == (found["step_s"], len(found["buckets"]))


@pytest.mark.parametrize("what", ["histogram", "facets"])
@pytest.mark.parametrize("until", ["9999-01-01", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("since", ["", "1970-01-01", "9000-01-01"])
async def test_a_time_that_reaches_into_the_future_ends_now(client, what, until, since):
    """No calendar has a border of steps after its last day."""
    given = {"since": since} if since else {}

    found = await client.get(f"{PATH}/{what}", params={**given, "until": until})

    assert 200 == found.status_code
    assert found.json()["until"] < "2050"


async def test_a_time_without_any_length_has_one_empty_bar(client):
    found = await client.get(
        f"{PATH}/histogram", params={"since": "2025-01-01", "until": "2025-01-01"}
    )

    assert [0] == [bar["total"] for bar in found.json()["buckets"]]


async def test_facets_count_what_is_frequent(client, control):
    made = await control.keys.create(name="ci-nightly", scopes=("chat",), by=By())
    plain = next(control.journal.outcomes())
    for number in range(4):
        row = replace(plain, request_id=f"req_f{number}", at=plain.at - 9, model_id=f"x{number}")
        await control.journal.record(replace(row, key_id=made.key.id, status=502))

    found = (await client.get(f"{PATH}/facets", params={"filter": "status:502", "limit": 3})).json()

    assert (4, True) == (found["total"], found["exact"])
    assert {"distinct": 4, "others": 1} == {
        name: found["facets"]["model"][name] for name in ("distinct", "others")
    }
    assert ["x0", "x1", "x2"] == [one["value"] for one in found["facets"]["model"]["values"]]
    assert [{"value": made.key.id, "count": 4, "name": "ci-nightly"}] == found["facets"]["key"][
        "values"
    ]
    assert ["model", "provider", "key", "mode", "status", "error"] == list(found["facets"])
