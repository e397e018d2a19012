"""Keys of providers in a document of the configuration: what becomes of them is told."""

import pytest

from tests.support.server import ADMIN_TOKEN, running

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": f"Bearer {ADMIN_TOKEN}"}
HERE, THERE = "http://127.0.0.1:9", "http://127.0.0.1:8"
SECRET = "sk-0123456789abcdef"
PASSWORD = {"admin_password": "a password for this test"}


async def applied(hub, *providers, query=""):
    answer = await hub.http.put(
        f"/admin/v1/config{query}", json={"providers": providers}, headers=HEADERS
    )
    assert 200 == answer.status_code, answer.text
    return answer.json()


def of_key(told):
    """What is told of the key of the only provider, as (before, after)."""
    (change,) = told["changes"]
    return [(it["before"], it["after"]) for it in change["fields"] if it["field"] == "api_key"]


@pytest.mark.parametrize("vault", ["none", "open", "locked"])
async def test_a_key_that_is_lost_to_another_address_is_told_before_and_after(tmp_path, vault):
    async with running(tmp_path) as hub:
        if vault != "none":
            await hub.admin("POST", "vault/init", PASSWORD)
        await hub.provider("one", HERE, api_key=SECRET)
        if vault == "locked":
            await hub.admin("POST", "vault/lock", {})
        moved = {"id": "one", "base_url": THERE}
        rehearsed = await applied(hub, moved, query="?dry_run=true")
        untouched = await hub.admin("GET", "providers/one")
        done = await applied(hub, moved)
        row = await hub.admin("GET", "providers/one")
        again = await applied(hub, moved)

    assert "missing" != untouched["credential"]
    assert [("(set)", "(missing)")] == of_key(rehearsed) == of_key(done)
    assert rehearsed["notes"] == done["notes"]
    (note,) = done["notes"]
    assert note.startswith("providers/one: ")
    assert "another origin" in note
    assert "api_key" in note
    assert (THERE, "missing") == (row["base_url"], row["credential"])
    assert (0, []) == (again["changed"], again["notes"])


async def test_a_key_stays_where_the_origin_does_and_goes_along_where_it_is_named(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("one", HERE, api_key=SECRET)
        path = await applied(hub, {"id": "one", "base_url": f"{HERE}/other"})
        named = await applied(hub, {"id": "one", "base_url": THERE, "api_key": SECRET})
        row = await hub.admin("GET", "providers/one")

    assert ([], []) == (of_key(path), path["notes"])
    assert ([("(set)", "(new)")], []) == (of_key(named), named["notes"])
    assert "present" == row["credential"]


async def test_an_empty_key_clears_one_that_is_there_and_says_nothing_where_none_is(tmp_path):
    keyless = {"id": "one", "base_url": HERE, "api_key": ""}
    async with running(tmp_path) as hub:
        created = await applied(hub, keyless)
        same = await applied(hub, keyless)
        await hub.admin("PATCH", "providers/one", {"api_key": SECRET})
        cleared = await applied(hub, keyless)
        await hub.admin("PATCH", "providers/one", {"api_key": SECRET})
        await hub.admin("PATCH", "providers/one", {"base_url": THERE})
        missed = await applied(hub, keyless | {"base_url": THERE})
        row = await hub.admin("GET", "providers/one")

    assert ("create", []) == (created["changes"][0]["action"], of_key(created))
    assert (0, []) == (same["changed"], of_key(same))
    assert [("(set)", None)] == of_key(cleared)
    assert [("(missing)", None)] == of_key(missed)
    assert "none" == row["cred_store"]


async def test_a_key_that_is_given_where_one_was_lost_is_no_second_one(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("one", HERE, api_key=SECRET)
        await hub.admin("PATCH", "providers/one", {"base_url": THERE})
        told = await applied(hub, {"id": "one", "base_url": THERE, "api_key": SECRET})

    assert [("(missing)", "(new)")] == of_key(told)
