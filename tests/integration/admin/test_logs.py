import pytest

from tokenhub.core.outcome import Attempt, Outcome

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
