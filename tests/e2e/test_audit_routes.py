"""Every route that changes something leaves its entry: who, from where, in which request."""

import re
from typing import Any, NamedTuple

import pytest

from tests.support.control import Control
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.web.app import build

pytestmark = pytest.mark.anyio
V1 = "/admin/v1"
PRICED = {"input_per_1k": 0.001, "output_per_1k": 0.002}
# Routes that are no GET and change nothing, each with the reason.
NO_CHANGE = {
    f"POST {V1}/providers/{{id}}/test": "a probe; what it clears is a reset of its own",
    f"POST {V1}/routing/replay": "old decisions taken again, which nothing follows from",
    f"POST {V1}/routing/simulate": "a decision that nothing follows from",
    f"POST {V1}/audit/verify": "only reads",
    f"POST {V1}/ledger/verify": "only reads",
    f"POST {V1}/tsdb/prune": "what is over goes within the hour by itself",
}


# What makes the `{key}` of the changes after it.
MADE = {"apikey.create", "token.create"}


class Change(NamedTuple):
    """How a route is called, and the entry that it leaves; `{key}` is the id that was made last."""

    route: str
    path: str
    body: Any
    action: str
    resource: str


# In this order: each works on what the ones before it have left.
CHANGES = [
    Change(f"POST {V1}/rewards/reset", "rewards/reset", {"all": True}, "rewards.reset", "all"),
    Change(
        f"POST {V1}/providers",
        "providers",
        {"id": "p", "base_url": "http://127.0.0.1:9", "api_key": "sk-0123456789abcdef"},
        "provider.upsert",
        "p",
    ),
    Change(
        f"PATCH {V1}/providers/{{id}}",
        "providers/p",
        {"enabled": False},
        "provider.patch",
        "p",
    ),
    Change(
        f"POST {V1}/models",
        "models",
        {"id": "gpt-4o", "provider_id": "p", **PRICED},
        "model.upsert",
        "p/gpt-4o",
    ),
    Change(f"PATCH {V1}/models/{{id}}", "models/gpt-4o", {"weight": 7}, "model.patch", "p/gpt-4o"),
    Change(
        f"PUT {V1}/aliases/{{id}}",
        "aliases/fast",
        {"variants": [{"model_id": "gpt-4o", "weight": 1}]},
        "alias.upsert",
        "alias:fast",
    ),
    Change(f"DELETE {V1}/aliases/{{id}}", "aliases/fast", None, "alias.delete", "alias:fast"),
    Change(
        f"PUT {V1}/routing-config",
        "routing-config",
        {"default_mode": "cheap"},
        "routing-config.update",
        "routing-config",
    ),
    Change(f"POST {V1}/apikeys", "apikeys", {"name": "k", "scopes": ["chat"]}, "apikey.create", ""),
    Change(f"PATCH {V1}/apikeys/{{id}}", "apikeys/{key}", {"name": "l"}, "apikey.update", "{key}"),
    Change(
        f"POST {V1}/apikeys/{{id}}/rotate", "apikeys/{key}/rotate", {}, "apikey.rotate", "{key}"
    ),
    Change(
        f"POST {V1}/apikeys/{{id}}/paid", "apikeys/{key}/paid", {}, "apikey.budget_paid", "{key}"
    ),
    Change(f"DELETE {V1}/apikeys/{{id}}", "apikeys/{key}", None, "apikey.revoke", "{key}"),
    Change(f"POST {V1}/health/{{id}}/reset", "health/p/reset", None, "health.reset", "p"),
    Change(f"DELETE {V1}/models/{{id}}", "models/gpt-4o", None, "model.delete", "p/gpt-4o"),
    Change(f"DELETE {V1}/providers/{{id}}", "providers/p", None, "provider.delete", "p"),
    Change(
        f"PUT {V1}/config",
        "config",
        {"routing": {"default_mode": "planning"}},
        "routing-config.update",
        "routing-config",
    ),
    Change(f"PUT {V1}/views/{{id}}", "views/v", {"filter": "ms>1"}, "view.upsert", "view:v"),
    Change(f"DELETE {V1}/views/{{id}}", "views/v", None, "view.delete", "view:v"),
    Change(f"PUT {V1}/tsdb/retention", "tsdb/retention", {"days": 30}, "tsdb.retention", "tsdb"),
    Change(f"POST {V1}/tokens", "tokens", {"name": "t", "role": "viewer"}, "token.create", ""),
    Change(f"PATCH {V1}/tokens/{{id}}", "tokens/t", {"role": "owner"}, "token.update", "{key}"),
    Change(f"POST {V1}/tokens/{{id}}/rotate", "tokens/t/rotate", {}, "token.rotate", "{key}"),
    Change(f"DELETE {V1}/tokens/{{id}}", "tokens/t", None, "token.revoke", "{key}"),
    Change(f"POST {V1}/session", "session", {}, "session.create", "admin"),
    Change(f"DELETE {V1}/session", "session", {}, "session.delete", "admin"),
]
FIRST, SECOND = {"admin_password": "a first password"}, {"admin_password": "a second password"}
BOTH = {"old_password": "a first password", "new_password": "a second password"}
# What is no row, and has no state before: the vault, copies, settings.
DEEDS = [
    Change(f"POST {V1}/vault/init", "vault/init", FIRST, "vault.init", "vault"),
    Change(f"POST {V1}/vault/lock", "vault/lock", {}, "vault.lock", "vault"),
    Change(f"POST {V1}/vault/unlock", "vault/unlock", FIRST, "vault.unlock", "vault"),
    Change(f"POST {V1}/vault/rotate", "vault/rotate", BOTH, "vault.rotate", "vault"),
    Change(f"POST {V1}/vault/rotate-key", "vault/rotate-key", {}, "vault.rotate_key", "vault"),
    Change(f"POST {V1}/vault/recovery", "vault/recovery", SECOND, "vault.recovery.set", "vault"),
    Change(f"DELETE {V1}/vault/recovery", "vault/recovery", None, "vault.recovery.delete", "vault"),
    Change(
        f"PUT {V1}/vault/secrets/{{id}}",
        "vault/secrets/mine",
        {"value": "sk-0123456789abcdef"},
        "vault.secret.set",
        "mine",
    ),
    Change(
        f"DELETE {V1}/vault/secrets/{{id}}",
        "vault/secrets/mine",
        None,
        "vault.secret.delete",
        "mine",
    ),
    Change(f"POST {V1}/backup", "backup", {}, "backup.create", ""),
    Change(f"POST {V1}/reload", "reload", {}, "server.reload", "settings"),
    Change(f"PUT {V1}/log-level", "log-level", {"level": "warn"}, "log-level.update", "log-level"),
]


def routes():
    """Every route that is no GET, with its parameters as `{id}`."""
    for route in build(Control().parts()).routes:
        path = re.sub(r"\{[^}]+\}", "{id}", route.path)
        for method in route.methods - {"GET", "HEAD", "OPTIONS"}:
            handler, _ = route.route_handler_map[method]
            yield f"{method} {path}{handler.opt.get('ends', '')}"


def test_every_route_that_is_no_get_is_in_one_of_the_two_tables():
    """A new one: say how it is called and what entry it leaves, or why it changes nothing."""
    called = {change.route for change in (*CHANGES, *DEEDS)} | ELSEWHERE

    assert set(routes()) == called | NO_CHANGE.keys()


# Whether one changes anything depends on the installed list (tests/e2e/test_prices.py); the other
# changes a file, and not where the token is given as it is here (tests/unit/admin/test_tokens.py);
# the third needs a request that was answered (tests/e2e/test_feedback.py).
ELSEWHERE = {
    f"POST {V1}/models/prices/sync",
    f"POST {V1}/admin-token/rotate",
    f"POST {V1}/feedback",
}


async def test_every_change_leaves_its_entry_and_no_secret(tmp_path):
    key = ""
    async with running(tmp_path) as hub:
        await hub.admin("GET", "info")  # the day's first visit
        for change in CHANGES:
            method = change.route.partition(" ")[0]
            answer = await hub.http.request(
                method,
                f"{V1}/{change.path.format(key=key)}",
                json=change.body,
                headers={
                    "authorization": f"Bearer {ADMIN_TOKEN}",
                    "sec-fetch-site": "same-origin",
                },
            )
            assert 200 == answer.status_code, (change, answer.text)
            key = answer.json().get("id", key) if change.action in MADE else key
            (entry,) = (await hub.admin("GET", "audit?limit=1"))["logs"]
            assert (change.action, change.resource.format(key=key) or key, "ok") == (
                entry["action"],
                entry["resource"],
                entry["outcome"],
            )
            assert ("admin", "127.0.0.1", answer.headers["x-request-id"]) == (
                entry["actor"],
                entry["address"],
                entry["request_id"],
            )
            there = [entry["before"] is not None, entry["after"] is not None]
            assert there == [
                not change.action.endswith(("create", "upsert", "reset")),
                not change.action.endswith(("delete", "revoke", "reset")),
            ], entry
        verdict = await hub.admin("POST", "audit/verify")
        whole = str((await hub.admin("GET", "audit?limit=1000"))["logs"])

    assert (True, len(CHANGES) + 1) == (verdict["ok"], verdict["rows"])
    assert "sk-0123456789abcdef" not in whole


async def test_every_deed_leaves_its_entry_and_no_secret(tmp_path):
    async with running(tmp_path) as hub:
        for deed in DEEDS:
            method = deed.route.partition(" ")[0]
            answer = await hub.http.request(
                method,
                f"{V1}/{deed.path}",
                json=deed.body,
                headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
            )
            assert answer.status_code in {200, 201}, (deed, answer.text)
            entries = (await hub.admin("GET", f"audit?action={deed.action}&limit=1"))["logs"]
            (entry,) = entries
            assert ("ok", "admin", "127.0.0.1", answer.headers["x-request-id"]) == (
                entry["outcome"],
                entry["actor"],
                entry["address"],
                entry["request_id"],
            )
            assert entry["resource"].startswith(deed.resource)
        whole = str((await hub.admin("GET", "audit?limit=1000"))["logs"])

    assert "sk-0123456789abcdef" not in whole
    assert "password" not in whole
