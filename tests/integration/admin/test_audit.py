"""`/admin/v1/audit`, and who comes into it."""

import pytest
from msgspec.structs import replace

from tests.support.control import TOKEN
from tokenhub.ports.stores import REFUSED, Audit

pytestmark = pytest.mark.anyio

PATH = "/admin/v1/audit"
ENTRY = Audit(
    action="model.patch",
    resource="p/m",
    actor="admin",
    at=1_750_000_000.25,
    request_id="req_x",
    address="192.0.2.7",
    detail='{"before":{"weight":1},"after":{"weight":2}}',
)


@pytest.fixture
def entries(control):
    return control.audit.entries


async def rows(client, **query):
    found = (await client.get(PATH, params=query)).json()
    return [row for row in found["logs"] if row["action"] != "auth.admin"]


async def test_an_entry_is_shown_whole(client, entries):
    entries.append(ENTRY)

    (row,) = await rows(client)

    assert ("2025-06-15T15:06:40.250Z", "model.patch", "p/m", "admin", "192.0.2.7", "ok", 1) == (
        row["timestamp"],
        row["action"],
        row["resource"],
        row["actor"],
        row["address"],
        row["outcome"],
        row["times"],
    )
    assert ({"weight": 1}, {"weight": 2}, "") == (row["before"], row["after"], row["why"])
    assert (ENTRY.detail, 64) == (row["detail"], len(row["hash"]))


@pytest.mark.parametrize("detail", ["", "no JSON", "[]", "3"])
async def test_a_detail_of_another_form_is_shown_as_it_is(client, entries, detail):
    entries.append(replace(ENTRY, detail=detail))

    (row,) = await rows(client)

    assert (detail, None, None) == (row["detail"], row["before"], row["after"])


async def test_pages_follow_the_cursor(client, entries):
    await client.get("/admin/v1/info")  # the day's first visit has its own entry
    entries += [replace(ENTRY, resource=str(number)) for number in range(3)]

    first = (await client.get(PATH, params={"limit": 2})).json()
    second = (await client.get(PATH, params={"limit": 2, "before": first["next"]})).json()

    assert ["2", "1"] == [row["resource"] for row in first["logs"]]
    assert (["0", "admin"], None, 4) == (
        [row["resource"] for row in second["logs"]],
        second["next"],
        second["total"],
    )


@pytest.mark.parametrize(
    "query",
    [
        {"action": "model.*"},
        {"resource": "p/*"},
        {"actor": "admin", "address": "192.0.2.7"},
        {"outcome": "ok", "request_id": "req_x"},
        {"since": "2025-06-15T15:06:40.250Z", "until": "2025-06-15T17:06:40.251+02:00"},
        {"since": "10m"},
    ],
)
async def test_a_filter_leaves_out_the_rest(client, control, query):
    other = replace(
        ENTRY, action="x", resource="x", actor="x", address="x", outcome=REFUSED, request_id="x"
    )
    control.clock.unix_s += 600
    control.audit.entries.extend([replace(other, at=1_749_999_000.0), ENTRY])

    assert ["model.patch"] == [row["action"] for row in await rows(client, **query)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "fine"),
        ("since", "yesterday"),
        ("since", "2025-06-15T15:06:40"),
        ("until", "2025-13-15T15:06:40Z"),
        ("before", "x"),
        ("before", "0"),
        ("limit", "0"),
        ("colour", "red"),
    ],
)
async def test_what_cannot_be_asked_for_is_a_400_that_names_it(client, name, value):
    answer = await client.get(PATH, params={name: value})

    assert 400 == answer.status_code
    assert name in answer.json()["detail"]


async def test_a_verification_tells_how_far_the_chain_holds(client, entries):
    entries.append(ENTRY)

    found = (await client.post(f"{PATH}/verify")).json()

    # The entry, and the visit of who asks.
    assert (True, 2, 2, None) == (found["ok"], found["rows"], found["last_id"], found["broken"])
    again = await client.post(f"{PATH}/verify?id=2&hash={found['last_hash']}")
    assert again.json()["ok"]
    noted = await client.post(f"{PATH}/verify?id=1&hash={found['last_hash']}")
    assert {"id": 1, "reason": "its hash is not the one that was noted"} == noted.json()["broken"]


@pytest.mark.parametrize("query", ["id=1", f"hash={'0' * 64}", "id=1&hash=00", "id=x&hash=00"])
async def test_half_of_what_was_noted_is_refused(client, query):
    assert 400 == (await client.post(f"{PATH}/verify?{query}")).status_code


async def test_a_noted_row_that_is_not_there_yet_means_a_chain_that_was_cut(client):
    found = (await client.post(f"{PATH}/verify?id=900&hash={'0' * 64}")).json()

    assert (False, 900) == (found["ok"], found["broken"]["id"])


@pytest.mark.parametrize(
    ("token", "why"), [(None, "missing_admin_token"), ("nope", "invalid_admin_token")]
)
async def test_who_is_turned_away_is_told_by_the_route_and_never_by_the_path(control, token, why):
    async with control.client(token=token) as client:
        for _ in range(5):
            answer = await client.get("/admin/v1/providers/a-secret?x=another")
    control.logins.flush()

    first, rest = control.audit.entries
    assert ("auth.admin", "", "127.0.0.1", "refused", 1) == (
        first.action,
        first.actor,
        first.address,
        first.outcome,
        first.times,
    )
    assert ("refused", 4, answer.headers["x-request-id"]) == (
        rest.outcome,
        rest.times,
        rest.request_id,
    )
    assert f'{{"why":"{why}"}}' == first.detail
    assert "/admin/v1/providers/{provider_id}" == first.resource


async def test_who_comes_in_is_told_once(control):
    async with control.client(token=TOKEN) as client:
        for _ in range(3):
            answer = await client.get("/admin/v1/info")

    (entry,) = control.audit.entries
    assert ("auth.admin", "admin", "127.0.0.1", "ok", "req_0001") == (
        entry.action,
        entry.actor,
        entry.address,
        entry.outcome,
        entry.request_id,
    )
    assert 200 == answer.status_code


async def test_open_routes_are_no_visit(control):
    async with control.client(token=None) as client:
        await client.get("/healthz")
        await client.get("/metrics")
        await client.get("/admin/v1/nowhere")

    assert [] == control.audit.entries


async def test_a_change_names_who_asked_and_from_where(client, control):
    answer = await client.post("/admin/v1/providers", json={"id": "p", "base_url": "http://h"})

    (entry,) = control.catalog_store.audit
    assert ("admin", "127.0.0.1", answer.headers["x-request-id"]) == (
        entry.actor,
        entry.address,
        entry.request_id,
    )


async def test_a_reset_of_health_is_told_before_it_is_done(client, control):
    await client.post("/admin/v1/providers", json={"id": "p", "base_url": "http://h"})

    done = await client.post("/admin/v1/health/p/reset")
    control.audit.fault = "the disk is full"
    refused = await client.post("/admin/v1/health/p/reset")

    assert (200, 503) == (done.status_code, refused.status_code)
    assert ["health.reset"] == [e.action for e in control.audit.entries if e.resource == "p"]
