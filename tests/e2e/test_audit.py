"""The audit trail of a whole server: who came to its doors, and a chain that outlives it."""

import sqlite3
from contextlib import closing

import pytest

from tests.e2e.conftest import ASK
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.core.keys import mint

pytestmark = pytest.mark.anyio

ASK_PATH = "/v1/chat/completions"


async def trail(hub, **query):
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return (await hub.admin("GET", f"audit?{text}"))["logs"]


def file_of(folder):
    return closing(sqlite3.connect(folder / "data/tokenhub.sqlite", isolation_level=None))


async def test_forged_keys_are_one_row_and_a_count(tmp_path):
    async with running(tmp_path) as hub:
        for number in range(30):
            headers = {"x-api-key": mint(number)}
            answer = await hub.http.post(ASK_PATH, json=ASK, headers=headers)
            assert 401 == answer.status_code
        scoped = {"x-api-key": await hub.key("embeddings")}
        await hub.http.post("/v1/messages", json=ASK, headers=scoped)
        at_once = await trail(hub, action="auth.key")
    async with running(tmp_path) as hub:
        in_the_end = await trail(hub, action="auth.key")
        verdict = await hub.admin("POST", "audit/verify")

    assert [("refused", "invalid_api_key", 1, "127.0.0.1", ASK_PATH)] == [
        (row["outcome"], row["why"], row["times"], row["address"], row["resource"])
        for row in at_once
    ]
    # The flood's last try was that of the key without the scope.
    assert [("insufficient_scope", 30, "/v1/messages"), ("invalid_api_key", 1, ASK_PATH)] == [
        (row["why"], row["times"], row["resource"]) for row in in_the_end
    ]
    assert verdict["ok"]


async def test_what_is_done_to_the_file_is_found(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("one", "http://127.0.0.1:9", models=["gpt"])
        await hub.admin("PATCH", "models/gpt", {"weight": 7})
        noted = await hub.admin("POST", "audit/verify")
        (patch,) = await trail(hub, action="model.patch")
    with file_of(tmp_path) as conn:
        conn.execute("UPDATE audit_log SET actor = 'nobody' WHERE id = ?", (patch["id"],))
    async with running(tmp_path) as hub:
        found = await hub.admin("POST", "audit/verify")
        against = f"audit/verify?id={noted['last_id']}&hash={noted['last_hash']}"
        still = await hub.admin("POST", against)

    assert (True, None) == (noted["ok"], noted["broken"])
    assert (1, 7) == (patch["before"]["weight"], patch["after"]["weight"])
    assert patch["id"] == found["broken"]["id"] == still["broken"]["id"]
    assert not found["ok"]


async def test_a_change_without_its_entry_is_refused_and_not_made(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("one", "http://127.0.0.1:9", models=["gpt"])
    with file_of(tmp_path) as conn:
        conn.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON audit_log "
            "WHEN NEW.action = 'model.patch' BEGIN "
            "SELECT RAISE(ABORT, 'no room'); END"
        )
    async with running(tmp_path) as hub:
        token = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        refused = await hub.http.patch("/admin/v1/models/gpt", json={"weight": 7}, headers=token)
        model = await hub.admin("GET", "models/gpt")

    assert (503, "audit_unavailable") == (refused.status_code, refused.json()["code"])
    assert 7 != model["weight"]
