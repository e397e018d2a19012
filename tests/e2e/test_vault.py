"""The vault over sockets: what goes on while it is locked, and what a restart keeps."""

import gc
import secrets

import pytest

from tests.e2e.conftest import ASK
from tests.support.server import ADMIN_TOKEN, _variables, running
from tokenhub import settings
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.app import assembled
from tokenhub.commands.serve import prepare

pytestmark = pytest.mark.anyio
PASSWORD = "a password of the tests"
KEY = "sk-of-the-tests"


async def asked(hub, key, **fields):
    headers = {"authorization": f"Bearer {key}"}
    return await hub.http.post("/v1/chat/completions", json=ASK | fields, headers=headers)


def authorization(sim):
    return sim.requests[-1].headers.get("authorization")


async def test_locked_only_who_needs_no_key_is_asked(hub, key, sim, second):
    await hub.admin("POST", "vault/init", {"admin_password": PASSWORD})
    await hub.provider("keyed", sim, models=["gpt"], api_key=KEY)
    await hub.provider("bare", second, models=["org/small"])
    before = await asked(hub, key, model="gpt")
    sent = authorization(sim)
    await hub.admin("POST", "vault/lock")
    calls = len(sim.requests)

    other = await asked(hub, key, model="auto")
    named = await asked(hub, key, model="gpt")
    await hub.admin("POST", "vault/unlock", {"admin_password": PASSWORD})
    after = await asked(hub, key, model="gpt")

    assert (200, f"Bearer {KEY}") == (before.status_code, sent)
    assert 200 == other.status_code
    assert "org/small" == other.headers["x-tokenhub-model"].rpartition("bare/")[2]
    assert 200 == after.status_code
    assert calls + 1 == len(sim.requests)
    assert (200, 200) == (named.status_code, other.status_code)


async def test_where_all_need_a_key_the_answer_is_vault_locked_and_the_record_says_why(
    hub, key, sim
):
    await hub.admin("POST", "vault/init", {"admin_password": PASSWORD})
    await hub.provider("keyed", sim, models=["gpt"], api_key=KEY)
    await hub.admin("POST", "vault/lock")

    answer = await asked(hub, key)

    assert (503, "vault_locked") == (answer.status_code, answer.json()["error"]["code"])
    assert [{"route": "keyed/gpt", "reason": "vault_locked"}] == answer.json()["error"]["skipped"]
    request_id = answer.headers["x-request-id"]
    told = await hub.admin("GET", f"routing/explain/{request_id}?verify=true")
    assert "locked" in str(told)
    assert [] == sim.requests


async def test_a_wrong_password_is_told_once_and_not_as_a_wrong_token(hub):
    await hub.admin("POST", "vault/init", {"admin_password": PASSWORD})
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    body = {"admin_password": "another password"}
    refused = await hub.http.post("/admin/v1/vault/unlock", json=body, headers=headers)

    told = (await hub.admin("GET", "audit?outcome=refused"))["logs"]

    assert 401 == refused.status_code
    assert [("vault.unlock", "wrong_password")] == [(row["action"], row["why"]) for row in told]


async def test_a_key_outlives_a_restart_and_the_password_of_the_settings_opens_it(tmp_path, sim):
    async with running(tmp_path, VAULT_PASSWORD=PASSWORD) as hub:
        await hub.provider("keyed", sim, models=["gpt"], api_key=KEY)

    async with running(tmp_path, VAULT_PASSWORD=PASSWORD) as hub:
        status = await hub.admin("GET", "vault/status")
        answer = await asked(hub, await hub.key())

    assert ("unlocked", 0.0, None) == (
        status["state"],
        status["idle_lock_s"],
        status["locks_in_s"],
    )
    assert (200, f"Bearer {KEY}") == (answer.status_code, authorization(sim))


async def test_a_key_file_opens_it_too(tmp_path, sim):
    file = tmp_path / "vault-password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    async with running(tmp_path, VAULT_PASSWORD=PASSWORD) as hub:
        await hub.provider("keyed", sim, models=["gpt"], api_key=KEY)

    async with running(tmp_path, VAULT_KEY_FILE=str(file)) as hub:
        assert "unlocked" == (await hub.admin("GET", "vault/status"))["state"]


async def test_without_the_vault_keys_are_in_memory_as_ever(tmp_path, sim):
    async with running(tmp_path, VAULT_ENABLED="false") as hub:
        await hub.provider("keyed", sim, models=["gpt"], api_key=KEY)
        answer = await asked(hub, await hub.key())
        row = await hub.admin("GET", "providers/keyed")
        status = await hub.admin("GET", "vault/status")

    assert (200, f"Bearer {KEY}") == (answer.status_code, authorization(sim))
    assert ("memory", "disabled") == (row["cred_store"], status["state"])


async def test_open_and_in_use_no_object_of_the_server_holds_a_key_in_clear(tmp_path, sim):
    backwards = secrets.token_hex(24)
    chosen = settings.load(
        _variables(tmp_path, {"VAULT_PASSWORD": PASSWORD}), home=tmp_path, data_writable=False
    )
    prepare(chosen)
    async with assembled(chosen) as (parts, _):
        await parts.providers.put(
            ProviderDraft(id="keyed", base_url=sim.url, secret=backwards[::-1]), by=By()
        )
        await parts.providers.discover("keyed")
        was_sent = authorization(sim) == f"Bearer {backwards[::-1]}"
        sim.requests.clear()

        gc.unfreeze()  # what was there before the tests is looked through as well
        gc.collect()
        found = holders(backwards)

    assert was_sent
    assert [] == found


def holders(backwards):
    """The kinds of objects that hold the secret, given backwards, as text or bytes."""
    secret = backwards[::-1]
    ours = {id(frame) for frame in _frames()}
    found = []
    for holder in gc.get_objects():
        if id(holder) in ours or holder is ours:
            continue
        for held in gc.get_referents(holder):
            text = isinstance(held, str) and secret in held
            data = isinstance(held, bytes | bytearray) and secret.encode() in held
            if (text and held is not secret) or data:
                found.append(f"{type(holder).__module__}.{type(holder).__qualname__}")
    return found


def _frames():
    frame = __import__("sys")._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
