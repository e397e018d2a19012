"""`/admin/v1/vault`: the original's bodies, and what each refusal says."""

import json

import pytest

pytestmark = pytest.mark.anyio
PASSWORD, OTHER = "the first password", "the second password"


@pytest.fixture
async def opened(client):
    """The vault set up, and open."""
    answer = await client.post("/admin/v1/vault/init", json={"admin_password": PASSWORD})
    assert 200 == answer.status_code
    return client


async def posted(client, path, **body):
    return await client.post(f"/admin/v1/vault/{path}", json=body)


def problem(answer):
    return answer.status_code, answer.json()["code"]


async def test_it_is_set_up_once_and_says_so(client):
    before = (await client.get("/admin/v1/info")).json()
    first = await posted(client, "init", admin_password="eight888")
    again = await posted(client, "init", admin_password=OTHER)
    after = (await client.get("/admin/v1/info")).json()

    assert (False, False, "memory") == tuple(before[name] for name in FACTS)
    assert first.json()["ok"] is True
    assert "fewer than 12" in first.json()["warning"]
    assert (409, "vault_initialized") == problem(again)
    assert (False, True, "vault") == tuple(after[name] for name in FACTS)


FACTS = ("vault_locked", "vault_initialized", "provider_keys")


async def test_unlock_and_lock_answer_as_the_original_did(opened):
    locked = await posted(opened, "lock")
    again = await posted(opened, "lock")
    wrong = await posted(opened, "unlock", admin_password=OTHER)
    right = await posted(opened, "unlock", admin_password=PASSWORD)

    assert {"ok": True} == locked.json()
    assert {"ok": True, "already_locked": True} == again.json()
    assert (401, "vault_password_wrong") == problem(wrong)
    assert wrong.json()["error"].startswith("unlock failed")
    assert {"ok": True} == right.json()


async def test_unlock_sets_nothing_up(client):
    assert (409, "vault_not_initialized") == problem(
        await posted(client, "unlock", admin_password=PASSWORD)
    )
    assert "not_initialized" == (await client.get("/admin/v1/vault/status")).json()["state"]


async def test_the_password_is_changed_by_whoever_knows_it(opened):
    wrong = await posted(opened, "rotate", old_password=OTHER, new_password=OTHER)
    short = await posted(opened, "rotate", old_password=PASSWORD, new_password="short")
    done = await posted(opened, "rotate", old_password=PASSWORD, new_password=OTHER)
    await posted(opened, "lock")

    assert (401, "vault_password_wrong") == problem(wrong)
    assert (400, "invalid_request") == problem(short)
    assert "new_password too short" in short.json()["error"]
    assert {"ok": True} == done.json()
    assert 200 == (await posted(opened, "unlock", admin_password=OTHER)).status_code


@pytest.mark.parametrize("missing", [{}, {"old_password": PASSWORD}, {"new_password": OTHER}])
async def test_both_passwords_are_needed(opened, missing):
    assert (400, "invalid_request") == problem(await posted(opened, "rotate", **missing))


@pytest.mark.parametrize("sent", [None, "", 12345678, True, ["12345678"], {"a": 1}])
async def test_a_password_is_a_string_and_not_empty(client, sent):
    answer = await posted(client, "init", admin_password=sent)

    assert (400, "invalid_request") == problem(answer)
    assert "#/admin_password" == answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize(
    "text", ['quote " and \\ slash', "ünïcödé 密码密码", "tab\tand\nline", "\u0000eight888"]
)
async def test_any_characters_will_do(client, text):
    await posted(client, "init", admin_password=text)
    await posted(client, "lock")
    escaped = json.dumps({"admin_password": text}, ensure_ascii=True).encode()

    headers = {"content-type": "application/json"}
    answer = await client.post("/admin/v1/vault/unlock", content=escaped, headers=headers)

    assert 200 == answer.status_code


async def test_half_a_character_is_refused(client):
    answer = await client.post(
        "/admin/v1/vault/init",
        content=b'{"admin_password": "eight888\\ud800"}',
        headers={"content-type": "application/json"},
    )

    assert (400, "invalid_json") == problem(answer)


async def test_too_many_wrong_passwords_have_to_wait(opened):
    await posted(opened, "lock")
    for _ in range(5):
        await posted(opened, "unlock", admin_password=OTHER)

    answer = await posted(opened, "unlock", admin_password=PASSWORD)
    status = (await opened.get("/admin/v1/vault/status")).json()

    assert (429, "rate_limit_exceeded") == problem(answer)
    assert "1" == answer.headers["retry-after"]
    assert (5, 1.0) == (status["failures"], status["retry_after_s"])


async def test_secrets_are_kept_listed_shown_and_forgotten(opened):
    secrets = "/admin/v1/vault/secrets"
    put = await opened.put(f"{secrets}/ci/token", json={"value": "s3cr\u00e9t"})
    await opened.put(f"{secrets}/a", json={"value": "x"})
    listed = (await opened.get(secrets)).json()
    got = await opened.get(f"{secrets}/ci/token")
    deleted = await opened.delete(f"{secrets}/ci/token")

    assert {"ok": True, "key": "ci/token"} == put.json()
    assert {"secrets": ["a", "ci/token"]} == listed
    assert {"key": "ci/token", "value": "s3cr\u00e9t"} == got.json()
    assert "no-store" == got.headers["cache-control"]
    assert {"ok": True, "key": "ci/token"} == deleted.json()
    assert (404, "not_found") == problem(await opened.get(f"{secrets}/ci/token"))
    assert (400, "invalid_request") == problem(await opened.put(f"{secrets}/a", json={}))


async def test_locked_no_secret_is_listed_or_shown(opened):
    await opened.put("/admin/v1/vault/secrets/a", json={"value": "x"})
    await posted(opened, "lock")

    for method, path in (
        ("GET", "secrets"),
        ("GET", "secrets/a"),
        ("PUT", "secrets/a"),
        ("DELETE", "secrets/a"),
        ("POST", "rotate-key"),
    ):
        body = {"value": "y"} if method == "PUT" else None
        answer = await opened.request(method, f"/admin/v1/vault/{path}", json=body)
        assert (503, "vault_locked") == problem(answer)


async def test_no_providers_key_is_among_the_secrets(opened):
    row = {"id": "p", "base_url": "https://h", "api_key": "sk-very-secret"}
    await opened.post("/admin/v1/providers", json=row)

    assert {"secrets": []} == (await opened.get("/admin/v1/vault/secrets")).json()
    assert (404, "not_found") == problem(
        await opened.get("/admin/v1/vault/secrets/provider:p:api_key")
    )
    assert 1 == (await opened.get("/admin/v1/vault/status")).json()["provider_keys"]


async def test_a_recovery_key_is_shown_once(opened):
    issued = (await posted(opened, "recovery", admin_password=PASSWORD)).json()
    await posted(opened, "lock")

    answer = await posted(opened, "unlock", admin_password=issued["recovery_key"])

    assert 200 == answer.status_code
    assert ["password", "recovery"] == (await opened.get("/admin/v1/vault/status")).json()["slots"]
    assert 200 == (await opened.delete("/admin/v1/vault/recovery")).status_code
    assert (404, "not_found") == problem(await opened.delete("/admin/v1/vault/recovery"))


async def test_another_data_key_says_how_many_it_seals(opened):
    await opened.put("/admin/v1/vault/secrets/a", json={"value": "x"})

    assert {"ok": True, "secrets": 1} == (await posted(opened, "rotate-key")).json()


async def test_a_key_for_a_locked_vault_is_refused_and_told_how_to_go_on(opened):
    await posted(opened, "lock")
    row = {"id": "p", "base_url": "https://h"}
    bare = await opened.post("/admin/v1/providers", json=row)

    answer = await opened.post("/admin/v1/providers", json={**row, "api_key": "sk-very-secret"})

    assert (200, "none") == (bare.status_code, bare.json()["cred_store"])
    assert (503, "vault_locked") == problem(answer)
    assert "tokenhubctl vault unlock" in answer.json()["error"]
    assert "sk-very-secret" not in answer.text


async def test_a_provider_whose_key_is_locked_away_is_not_tested(opened, control):
    row = {"id": "p", "base_url": "https://h", "api_key": "sk-very-secret"}
    await opened.post("/admin/v1/providers", json=row)
    await posted(opened, "lock")

    answers = [
        await opened.post("/admin/v1/providers/p/test"),
        await opened.get("/admin/v1/providers/p/discover"),
    ]

    assert [(503, "vault_locked")] * 2 == [problem(answer) for answer in answers]
    assert [] == control.upstreams.asked


async def test_a_provider_says_where_its_key_is(opened):
    row = {"id": "p", "base_url": "https://h", "api_key": "sk-very-secret"}
    made = (await opened.post("/admin/v1/providers", json=row)).json()
    await posted(opened, "lock")

    shown = (await opened.get("/admin/v1/providers/p")).json()

    assert ("vault", "") == (made["cred_store"], made["note"])
    assert ("vault", "locked") == (shown["cred_store"], shown["credential"])
