import pytest

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
