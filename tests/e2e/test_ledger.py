"""What calls cost, summed for operators, and the books verified, over the whole server."""

import pytest

from tests.e2e.conftest import ASK
from tests.support.server import ADMIN_TOKEN, running

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/ledger"
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
async def hub(tmp_path, sim):
    async with running(tmp_path) as server:
        await server.provider("one", sim, models=["gpt", "large"])
        yield server


async def asked(hub, *models):
    key = await hub.key()
    for model in models:
        answer = await hub.http.post(
            "/v1/chat/completions", json=ASK | {"model": model}, headers={"x-api-key": key}
        )
        assert 200 == answer.status_code


async def test_what_calls_cost_is_summed_as_asked(hub):
    await asked(hub, "gpt", "gpt", "large")

    found = await hub.admin("GET", "ledger?group_by=model,provider&limit=1")

    (row,) = found["ledger"]
    assert ("one", "gpt", 2, None, None) == tuple(
        row[name] for name in ("provider_id", "model_id", "settled", "day", "api_key_id")
    )
    assert (2, 3) == (found["total"], found["sum"]["attempts"])
    logs = await hub.logs()
    assert found["sum"]["cost_usd"] == pytest.approx(sum(r["estimated_cost_usd"] for r in logs))


async def test_days_are_dates_and_may_bound_the_sums(hub):
    await asked(hub, "gpt")

    (row,) = (await hub.admin("GET", "ledger?group_by=day"))["ledger"]
    day = row["day"]

    within = await hub.admin("GET", f"ledger?since={day}&until={day}")
    before = await hub.admin("GET", "ledger?until=2020-01-01")
    assert (1, 0) == (within["sum"]["attempts"], before["sum"]["attempts"])
    assert [] == before["ledger"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("group_by=vendor", "group_by"),
        ("group_by=", "group_by"),
        ("since=yesterday", "since"),
        ("until=2025-13-01", "until"),
        ("model=gpt", "model"),
        ("limit=0", "limit"),
    ],
)
async def test_a_question_that_makes_no_sense_names_its_field(hub, query, field):
    answer = await hub.http.get(f"{PATH}?{query}", headers=BEARER)

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_right_books_are_told_in_numbers(hub):
    await asked(hub, "gpt", "large")

    found = await hub.admin("POST", "ledger/verify")

    assert (True, [], 2, 2) == tuple(
        found[name] for name in ("ok", "problems", "requests", "attempts")
    )
    sums = {found[name] for name in ("requests_usd", "attempts_usd", "rows_usd", "totals_usd")}
    assert {found["charged_usd"]} == {found["written_usd"]} == sums


async def test_the_ledger_is_for_operators_alone(hub):
    key = {"x-api-key": await hub.key()}

    assert 401 == (await hub.http.get(PATH, headers=key)).status_code
    assert 401 == (await hub.http.post(f"{PATH}/verify", headers=key)).status_code


async def test_a_key_without_a_budget_sees_what_it_spent_and_no_end(hub):
    made = await hub.admin("POST", "apikeys", {"name": "mine", "scopes": ["embeddings"]})
    sent = {"authorization": f"Bearer {made['key']}"}

    usage = (await hub.http.get("/v1/usage", headers=sent)).json()

    assert (None, None, 0.0, [], []) == tuple(
        usage[name] for name in ("budget_usd", "left_usd", "spent_usd", "days", "models")
    )


async def test_a_budget_is_set_changed_and_taken_away(hub):
    body = {"name": "poor", "monthly_budget_usd": 2.5}
    key_id = (await hub.admin("POST", "apikeys", body))["id"]
    first = await hub.admin("GET", f"apikeys/{key_id}")
    changes = ({"monthly_budget_usd": 4}, {"name": "rich"}, {"monthly_budget_usd": 0})

    later = [await hub.admin("PATCH", f"apikeys/{key_id}", change) for change in changes]

    rows = [first, *(done["key"] for done in later)]
    assert [2.5, 4.0, 4.0, 0.0] == [row["monthly_budget_usd"] for row in rows]
    assert [0.0, 0.0, 0.0, None] == [row["current_spend_usd"] for row in rows]


async def test_a_key_that_is_not_there_cannot_be_paid(hub):
    answer = await hub.http.post("/admin/v1/apikeys/key_x/paid", headers=BEARER)

    assert 404 == answer.status_code
