"""Keys over HTTP: rotation, limits, and the fields that nobody but us may set."""

import msgspec
import pytest

from tokenhub.core.credentials import Credential
from tokenhub.core.grants import Grant
from tokenhub.core.keys import ApiKey, digest
from tokenhub.wire import keys as wire

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/apikeys"
# By every name that a row, an answer or somebody's guess has for a field.
NAMES = sorted(
    {
        *ApiKey.__struct_fields__,
        *Credential.__struct_fields__,
        *Grant.__struct_fields__,
        *wire.ApiKey.__struct_fields__,
        *wire.ApiKeyIssued.__struct_fields__,
        *wire.ApiKeyCreate.__struct_fields__,
        *("key_hash", "role", "admin", "is_admin", "owner", "spend", "spent_nusd", "__class__"),
    }
)
CHANGED = set(wire.ApiKeyPatch.__struct_fields__)
VALUES = ("*", ["*"], -1, 0, 1e9, True, None, {}, {"scopes": ["*"]}, [{}])


async def made(client, **fields):
    answer = await client.post(PATH, json={"name": "app", **fields})
    assert 200 == answer.status_code
    return answer.json()


async def test_a_rotation_shows_the_new_key_once_and_when_the_former_ends(client, control):
    first = await made(client, rotation_days=30)

    answer = await client.post(f"{PATH}/{first['id']}/rotate", json={"overlap": "2h"})
    second = answer.json()
    row = (await client.get(f"{PATH}/{first['id']}")).json()

    assert first.keys() == second.keys()
    assert (first["id"], "2025-06-15T17:06:40.000Z") == (second["id"], second["former_until"])
    assert {digest(first["key"]), digest(second["key"])} == set(control.key_table.current)
    assert [second["prefix"], first["prefix"]] == [one["prefix"] for one in row["credentials"]]
    assert ("fresh", "2025-07-15T15:06:40.000Z") == (row["rotation"], row["rotation_due_at"])
    assert f'"{row["version"]}"' == answer.headers["etag"]


@pytest.mark.parametrize("given", [{"content": b""}, {"json": {}}, {"json": {"overlap": "24h"}}])
async def test_a_rotation_needs_no_body_as_in_the_original(client, given):
    first = await made(client)

    answer = await client.post(f"{PATH}/{first['id']}/rotate", **given)

    assert "2025-06-16T15:06:40.000Z" == answer.json()["former_until"]


async def test_a_rotation_at_once_leaves_nothing_of_the_former(client, control):
    first = await made(client)

    second = (await client.post(f"{PATH}/{first['id']}/rotate", json={"overlap": "0"})).json()

    assert second["former_until"] is None
    assert {digest(second["key"])} == set(control.key_table.current)


async def test_rotations_that_cannot_be_are_refused(client):
    first = await made(client, expires_in="1h")
    one = f"{PATH}/{first['id']}/rotate"

    answers = [
        await client.post(f"{PATH}/key_x/rotate"),
        await client.post(one, json={"overlap": "soon"}),
        await client.post(one, json={"overlap": 5}),
        await client.post(one, json={"lap": "1h"}),
        await client.post(one, content=b"{}", headers={"content-type": "text/plain"}),
        await client.post(one, headers={"if-match": '"99"'}),
    ]

    assert [404, 400, 400, 400, 415, 412] == [answer.status_code for answer in answers]


async def test_limits_and_expiry_are_given_shown_and_changed(client, control):
    limits = {"tokens_per_minute": 9000, "concurrency": 3, "rotation_days": 90}
    first = await made(client, **limits)
    one = f"{PATH}/{first['id']}"
    given = (await client.get(one)).json()

    patch = {"tokens_per_minute": 0, "concurrency": 1, "rotation_days": 7, "expires_in": "1h"}
    changed = (await client.patch(one, json=patch)).json()["key"]
    freed = (await client.patch(one, json={"expires_in": ""})).json()["key"]

    assert limits == {name: given[name] for name in limits}
    assert {**patch, "expires_in": "2025-06-15T16:06:40.000Z"} == {
        **{name: changed[name] for name in patch if name != "expires_in"},
        "expires_in": changed["expires_at"],
    }
    assert freed["expires_at"] is None
    again = await control.restarted()
    assert control.key_table.current == again.key_table.current


async def test_a_key_without_scopes_is_made_and_told_of(client, control):
    first = await made(client, scopes="[]")
    one = f"{PATH}/{first['id']}"

    opened = (await client.patch(one, json={"scopes": ["chat"]})).json()["key"]["scopes"]
    closed = (await client.patch(one, json={"scopes": []})).json()["key"]["scopes"]

    assert "no scopes" in first["warning"]
    assert ([], ["chat"], []) == (first["scopes"], opened, closed)


async def test_the_last_use_is_shown_before_it_is_written(client, control):
    first = await made(client)
    control.keys.uses._seen[digest(first["key"])] = control.clock.now() + 1.5

    row = (await client.get(f"{PATH}/{first['id']}")).json()

    assert (
        "2025-06-15T15:06:41.500Z" == row["last_used_at"] == row["credentials"][0]["last_used_at"]
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CHANGED])
async def test_what_is_not_to_be_changed_cannot_be_sent_along(client, control, name):
    first = await made(client, scopes=[])
    one = f"{PATH}/{first['id']}"
    before = control.keys.get(first["id"])

    answers = []
    for value in VALUES:
        answers.append(await client.patch(one, json={name: value}))
        answers.append(await client.patch(one, json={"name": "other", name: value}))
        answers.append(await client.post(f"{one}/rotate", json={name: value}))

    assert {(400, f"#/{name}")} == {
        (answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in answers
    }
    assert before is control.keys.get(first["id"])
    assert {before.digest: before} == control.key_table.current


@pytest.mark.parametrize("name", sorted(CHANGED))
async def test_a_field_changes_itself_and_no_other(client, control, name):
    first = await made(client)
    one = f"{PATH}/{first['id']}"
    fields = {
        "expires_in": {"expires_at", "credentials"},
        "rotation_days": {"rotation_days", "rotation", "rotation_due_at", "credentials"},
        "monthly_budget_usd": {"monthly_budget_usd", "current_spend_usd"},
    }.get(name, {name})

    for value in (*VALUES, "30d", ["plan"], "cheap", 1, False):
        before = (await client.get(one)).json()
        answer = await client.patch(one, json={name: value})
        after = (await client.get(one)).json()

        told = {field for field in after if after[field] != before[field]} - {"version"}
        assert told <= (fields if answer.status_code == 200 else set())
        assert answer.status_code in {200, 400}


async def test_a_key_is_no_admin_token(client):
    key = (await made(client, scopes=["*"]))["key"]
    as_key = {"authorization": f"Bearer {key}", "x-api-key": key}

    answers = [
        await client.get(PATH, headers=as_key),
        await client.post(PATH, json={"name": "mine", "scopes": ["*"]}, headers=as_key),
        await client.post(f"{PATH}/key_0000000000000002/rotate", headers=as_key),
        await client.patch(f"{PATH}/key_0000000000000002", json={}, headers=as_key),
    ]

    assert {401} == {answer.status_code for answer in answers}


def test_no_answer_but_the_new_key_has_a_field_for_one():
    shown = msgspec.json.schema(wire.ApiKeyPage)["$defs"]

    assert {"key", "digest", "secret"}.isdisjoint(
        field for kind in shown.values() for field in kind["properties"]
    )
