"""`?dry_run=true` on every route that changes something: the same answer, and no change."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.e2e.test_audit_routes import CHANGES, DEEDS, MADE, NO_CHANGE, V1, routes
from tests.support.server import ADMIN_TOKEN, running

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": f"Bearer {ADMIN_TOKEN}", "sec-fetch-site": "same-origin"}
# What acts at once, elsewhere or on more than rows, and what changes nothing.
REFUSED = {
    *NO_CHANGE,
    f"POST {V1}/session",
    f"DELETE {V1}/session",
    f"POST {V1}/vault/init",
    f"POST {V1}/vault/lock",
    f"POST {V1}/vault/unlock",
    f"POST {V1}/vault/rotate",
    f"POST {V1}/vault/rotate-key",
    f"POST {V1}/vault/recovery",
    f"DELETE {V1}/vault/recovery",
    f"POST {V1}/backup",
    f"POST {V1}/reload",
}
# An admin token or an API key as a whole.
SECRET = re.compile(r"(tha_|tokenhub_)[0-9A-Za-z_-]{20}")
SHOWN = (
    "providers", "models", "aliases", "routing-config", "apikeys", "tokens", "rewards/arms",
    "health", "tsdb/retention", "log-level", "vault/status", "audit?limit=1000", "views",
)  # fmt: skip


def stored(path):
    """All rows of the file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return list(conn.iterdump())


async def seen(hub):
    """All that an operator sees, but for when this very operator was here."""
    told = {path: await hub.admin("GET", path) for path in SHOWN}
    for token in told["tokens"]["tokens"]:
        del token["last_used_at"]
    del told["vault/status"]["locks_in_s"]  # it counts down
    told["events"] = (await hub.admin("GET", "info"))["last_event_id"]
    return told


async def ask(hub, change, key, *, dry_run=True):
    method = change.route.partition(" ")[0]
    path = f"{V1}/{change.path.format(key=key)}"
    query = {"dry_run": "true"} if dry_run else None
    return await hub.http.request(method, path, json=change.body, headers=HEADERS, params=query)


def told(answer):
    """An answer without what is drawn anew for each."""
    drawn = {"id", "prefix", "key", "token", "warning", "version", "expires_at", "created_at"}
    return {name: value for name, value in answer.json().items() if name not in drawn}


async def test_every_change_is_rehearsed_twice_and_then_made(tmp_path):
    key = ""
    async with running(tmp_path) as hub:
        while not (await hub.admin("GET", "audit"))["logs"]:
            pass  # the day's first visit is an entry, which nobody waits for
        file = next(tmp_path.rglob("tokenhub.sqlite"))
        for change in (*CHANGES, *DEEDS):
            before = stored(file), await seen(hub)

            rehearsed = [await ask(hub, change, key) for _ in range(2)]

            assert before == (stored(file), await seen(hub)), change
            done = await ask(hub, change, key, dry_run=False)
            assert done.status_code in {200, 201}, (change, done.text)
            if change.route in REFUSED:
                wanted = [(400, "no_dry_run")] * 2
                assert wanted == [(one.status_code, one.json()["code"]) for one in rehearsed]
                continue
            assert [done.status_code] * 2 == [one.status_code for one in rehearsed], change
            for one in rehearsed:
                assert told(done).keys() == told(one).keys(), change
                assert not SECRET.search(one.text), change
            key = done.json().get("id", key) if change.action in MADE else key


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "providers/p/test"),
        ("POST", "routing/replay"),
        ("POST", "audit/verify"),
        ("POST", "ledger/verify"),
        ("POST", "tsdb/prune"),
    ],
)
async def test_what_changes_nothing_stored_has_no_dry_run(tmp_path, method, path):
    async with running(tmp_path) as hub:
        answer = await hub.http.request(
            method, f"{V1}/{path}?dry_run=true", json={}, headers=HEADERS
        )

    assert (400, "no_dry_run") == (answer.status_code, answer.json()["code"])


async def test_a_rehearsed_change_is_refused_as_the_change_would_be(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("p", "http://127.0.0.1:9", models=["gpt"])
        for method, path, body, status in (
            ("PATCH", "providers/q", {"enabled": False}, 404),
            ("POST", "models", {"id": "m", "provider_id": "q"}, 400),
            ("PATCH", "models/gpt", {"weight": 99}, 400),
            ("PUT", "aliases/fast", {"variants": [{"model_id": "none"}]}, 400),
            ("PUT", "vault/secrets/mine", {"value": "x"}, 409),
            ("POST", "rewards/reset", {"route": "p/none"}, 404),
            ("POST", "admin-token/rotate", {}, 409),
        ):
            answer = [
                await hub.http.request(method, f"{V1}/{path}{query}", json=body, headers=HEADERS)
                for query in ("?dry_run=true", "")
            ]
            assert [status] * 2 == [one.status_code for one in answer], (path, answer[0].text)
            assert answer[0].json()["detail"] == answer[1].json()["detail"]
        stale = await hub.http.patch(
            f"{V1}/models/gpt?dry_run=true",
            json={"weight": 3},
            headers={**HEADERS, "if-match": '"999"'},
        )

    assert 412 == stale.status_code


@pytest.mark.parametrize("query", ["dry_run=maybe", "dry_run=true&dry_run=true", "dry_run="])
async def test_dry_run_is_true_or_false(tmp_path, query):
    async with running(tmp_path) as hub:
        answer = await hub.http.put(
            f"{V1}/log-level?{query}", json={"level": "warn"}, headers=HEADERS
        )

    assert 400 == answer.status_code
    assert "#/dry_run" == answer.json()["errors"][0]["pointer"]


async def test_every_route_that_is_no_get_is_rehearsed_or_refuses():
    """Of those that the first test does not call, two are on this page and one in test_prices."""
    called = {change.route for change in (*CHANGES, *DEEDS)}
    elsewhere = {
        f"POST {V1}/models/prices/sync",
        f"POST {V1}/admin-token/rotate",
        f"POST {V1}/feedback",
    }

    assert set(routes()) == called | REFUSED | elsewhere


async def test_a_price_sync_is_rehearsed(tmp_path):
    async with running(tmp_path) as hub:
        await hub.admin("POST", "providers", {"id": "p", "base_url": "https://api.openai.com"})
        await hub.admin("POST", "models", {"id": "gpt-4o", "provider_id": "p"})
        before = await seen(hub)

        answer = await hub.admin("POST", "models/prices/sync?dry_run=true", {})

        assert (before, True) == (await seen(hub), answer["dry_run"])


async def test_keys_that_were_rehearsed_away_open_all_the_same(tmp_path):
    """The keys of callers, and those of providers in the vault, open and locked."""
    password = {"admin_password": "a password for this test"}
    mine = {"id": "p", "base_url": "http://127.0.0.1:9", "api_key": "sk-0123456789abcdef"}
    async with running(tmp_path) as hub:
        await hub.admin("POST", "vault/init", password)
        await hub.admin("POST", "providers", mine)
        await hub.admin("PUT", "vault/secrets/mine", {"value": "kept"})
        caller = {"authorization": f"Bearer {await hub.key()}"}
        (row,) = (await hub.admin("GET", "apikeys"))["keys"]
        file = next(tmp_path.rglob("tokenhub.sqlite"))
        before = stored(file), await seen(hub)
        for method, path, body in (
            ("PATCH", "providers/p", {"api_key": "sk-another-0123456789"}),
            ("PATCH", "providers/p", {"api_key": ""}),
            ("PATCH", "providers/p", {"base_url": "http://127.0.0.1:8"}),
            ("DELETE", "providers/p", None),
            ("PUT", "vault/secrets/mine", {"value": "another"}),
            ("DELETE", "vault/secrets/mine", None),
            ("DELETE", f"apikeys/{row['id']}", None),
            ("POST", f"apikeys/{row['id']}/rotate", {"overlap": "0"}),
            ("PATCH", f"apikeys/{row['id']}", {"enabled": False}),
        ):
            await hub.admin(method, f"{path}?dry_run=true", body)

        assert before == (stored(file), await seen(hub))
        same = await hub.admin("PUT", "config?dry_run=true", {"providers": [mine]})
        assert (0, "kept") == (
            same["changed"],
            (await hub.admin("GET", "vault/secrets/mine"))["value"],
        )
        assert 200 == (await hub.http.get("/v1/usage", headers=caller)).status_code
        await hub.admin("POST", "vault/lock", {})
        locked = await hub.http.patch(
            f"{V1}/providers/p?dry_run=true", json={"api_key": "sk-new"}, headers=HEADERS
        )
        await hub.admin("DELETE", "providers/p?dry_run=true")
        await hub.admin("POST", "vault/unlock", password)
        assert "present" == (await hub.admin("GET", "providers/p"))["credential"]

    assert (503, "vault_locked") == (locked.status_code, locked.json()["code"])


async def test_a_rehearsal_asks_no_provider(tmp_path):
    async with running(tmp_path) as hub:
        body = {"id": "p", "base_url": "http://127.0.0.1:9", "autoload_models": True}

        told = await hub.admin("POST", "providers?dry_run=true", body)

    assert "no models were loaded: provider 'p' is not asked in a dry run" in told["note"]
