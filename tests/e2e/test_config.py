"""`/admin/v1/config`: the configuration as one document, all or nothing."""

import asyncio

import pytest

from tests.support.server import ADMIN_TOKEN, running
from tokenhub import settings
from tokenhub.admin.changes import By
from tokenhub.admin.declared import Wanted, WantedProvider
from tokenhub.admin.providers import ProviderDraft
from tokenhub.app.assembly import assembled

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": f"Bearer {ADMIN_TOKEN}"}
NOWHERE = "http://127.0.0.1:9"
SECRET = "sk-0123456789abcdef"
DOCUMENT = {
    "providers": [
        {"id": "one", "base_url": NOWHERE},
        {"id": "two", "type": "vllm", "base_url": "http://127.0.0.1:8"},
    ],
    "models": [
        {"id": "gpt", "provider_id": "one", "weight": 5, "max_context_tokens": 4000,
         "input_per_1k": 0.001, "output_per_1k": 0.002},
        {"id": "org/small", "provider_id": "two", "enabled": False,
         "input_per_1k": 0.0, "output_per_1k": 0.0},
    ],
    "aliases": [{"name": "fast", "variants": [{"model_id": "gpt", "weight": 1}]}],
    "routing": {"default_mode": "cheap", "default_max_budget_usd": 0.02},
    "api_keys": [
        {"name": "ci", "scopes": ["chat"], "allowed_models": ["gpt"], "monthly_budget_usd": 20.0,
         "expires_at": "2031-01-31T00:00:00.000Z"},
        {"name": "off", "scopes": ["chat"], "enabled": False, "mode": "cheap"},
    ],
    "retention": {"days": 30},
}  # fmt: skip


async def put(hub, document, query=""):
    return await hub.http.put(f"/admin/v1/config{query}", json=document, headers=HEADERS)


async def applied(hub, document, query=""):
    answer = await put(hub, document, query)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def actions(told):
    return {(one["kind"], one["name"]): one["action"] for one in told["changes"]}


async def test_a_document_is_applied_at_once_and_the_second_time_changes_nothing(tmp_path):
    async with running(tmp_path) as hub:
        rehearsed = await applied(hub, DOCUMENT, "?dry_run=true")
        empty = (await hub.admin("GET", "config/export"))["providers"]
        first = await applied(hub, DOCUMENT)
        trail = (await hub.admin("GET", "audit"))["total"]
        second = await applied(hub, DOCUMENT)
        after = (await hub.admin("GET", "audit"))["total"]
        exported = await hub.admin("GET", "config/export")
        again = await applied(hub, exported)
        usable = await hub.http.get(
            "/v1/usage", headers={"authorization": f"Bearer {first['keys'][0]['key']}"}
        )

    assert [] == empty
    assert actions(rehearsed) == actions(first)
    assert (9, 1, ["ci", "off"]) == (
        first["changed"],
        first["version"],
        [key["name"] for key in first["keys"]],
    )
    assert {"update", "create"} == set(actions(first).values())
    assert (0, 1, [], {"same"}) == (
        second["changed"],
        second["version"],
        second["keys"],
        set(actions(second).values()),
    )
    assert trail == after
    assert DOCUMENT == exported
    assert (0, 200) == (again["changed"], usable.status_code)


async def test_it_outlives_a_restart(tmp_path):
    async with running(tmp_path) as hub:
        await applied(hub, DOCUMENT)
    async with running(tmp_path) as hub:
        exported = await hub.admin("GET", "config/export")
        again = await applied(hub, exported)

    assert (DOCUMENT, 0) == (exported, again["changed"])


async def test_one_bad_entry_and_nothing_is_done(tmp_path):
    async with running(tmp_path) as hub:
        before = await hub.admin("GET", "config/export")
        for broken, place in (
            ({"models": [{"id": "m", "provider_id": "none"}]}, "#/models/0/provider_id"),
            ({"providers": [{"id": "p", "base_url": "ftp://x"}]}, "#/providers/0/base_url"),
            ({"aliases": [{"name": "a", "variants": [{"model_id": "no"}]}]},
             "#/aliases/0/variants/0/model_id"),
            ({"api_keys": [{"name": "k", "scopes": ["nothing"]}]}, "#/api_keys/0/scopes"),
            ({"api_keys": [{"name": "k"}, {"name": "k"}]}, "#/api_keys/1"),
            ({"retention": {"days": 0}}, "#/retention/days"),
            ({"routing": {"default_mode": "fast"}}, "#/routing/default_mode"),
            ({"providers": [{"id": "p", "base_url": NOWHERE, "api_key": {"env": "X"}}]},
             "#/providers/0/api_key"),
        ):  # fmt: skip
            good = {"providers": DOCUMENT["providers"], "api_keys": DOCUMENT["api_keys"]}
            answer = await put(hub, good | broken)
            assert 400 == answer.status_code, (broken, answer.text)
            assert [place] == [one["pointer"] for one in answer.json()["errors"]], answer.text
        after = await hub.admin("GET", "config/export")
        trail = await hub.admin("GET", "audit?action=provider.*")

    assert (before, []) == (after, trail["logs"])


async def test_what_is_not_named_stays_unless_it_is_pruned(tmp_path):
    fewer = {"providers": DOCUMENT["providers"][:1], "api_keys": DOCUMENT["api_keys"][:1]}
    async with running(tmp_path) as hub:
        await applied(hub, DOCUMENT)
        kept = await applied(hub, fewer)
        pruned = await applied(hub, fewer, "?prune=true")
        left = await hub.admin("GET", "config/export")

    assert 0 == kept["changed"]
    assert {
        ("provider", "two"): "delete",
        ("model", "two/org/small"): "delete",
        ("api_key", "off"): "delete",
        ("provider", "one"): "same",
        ("api_key", "ci"): "same",
    } == actions(pruned)
    assert (["one"], ["gpt"], ["ci"], ["fast"]) == (
        [row["id"] for row in left["providers"]],
        [row["id"] for row in left["models"]],
        [row["name"] for row in left["api_keys"]],
        [row["name"] for row in left["aliases"]],
    )


async def test_a_model_of_a_provider_that_would_be_pruned_is_refused(tmp_path):
    document = {"providers": [], "models": [{"id": "gpt", "provider_id": "one"}]}
    async with running(tmp_path) as hub:
        await hub.provider("one", NOWHERE, models=["gpt"])
        refused = await put(hub, document, "?prune=true")
        there = await hub.providers()
        kept = await applied(hub, document)

    assert (400, "models[0]") == (refused.status_code, refused.json()["detail"][:9])
    assert ["one"] == there
    assert {"same"} == {one["action"] for one in kept["changes"]}


async def test_a_difference_is_told_by_field_and_what_is_left_out_is_the_default(tmp_path):
    async with running(tmp_path) as hub:
        await applied(hub, DOCUMENT)
        await hub.admin("PATCH", "models/gpt", {"weight": 7, "input_per_1k": 0.5})
        told = await applied(hub, DOCUMENT, "?dry_run=true")
        bare = {"models": [{"id": "gpt", "provider_id": "one"}]}
        defaults = await applied(hub, bare)
        row = await hub.admin("GET", "models/gpt")

    (change,) = [one for one in told["changes"] if one["action"] != "same"]
    assert ("model", "one/gpt", "update") == (change["kind"], change["name"], change["action"])
    assert [
        {"field": "weight", "before": 7, "after": 5},
        {"field": "input_per_1k", "before": 0.5, "after": 0.001},
    ] == change["fields"]
    assert 1 == defaults["changed"]
    assert (1, 4000, 0.5) == (row["weight"], row["max_context_tokens"], row["input_per_1k"])


async def test_keys_of_providers_come_in_clear_or_from_the_vault_and_are_never_told(tmp_path):
    plain = {"providers": [{"id": "one", "base_url": NOWHERE, "api_key": SECRET}]}
    named = {"providers": [{"id": "one", "base_url": NOWHERE, "api_key": {"vault": "mine"}}]}
    password = {"admin_password": "a password for this test"}
    async with running(tmp_path) as hub:
        await hub.admin("POST", "vault/init", password)
        first = await applied(hub, plain)
        second = await applied(hub, plain)
        missing = await put(hub, named)
        await hub.admin("PUT", "vault/secrets/mine", {"value": "sk-another-0123456789"})
        third = await applied(hub, named)
        fourth = await applied(hub, named)
        by_vault = await hub.admin("GET", "config/export?kind=providers&refs=vault")
        by_env = await hub.admin("GET", "config/export?kind=providers&refs=env")
        provider = await hub.admin("GET", "providers/one")
        await hub.admin("POST", "vault/lock", {})
        locked = await put(hub, named)
        trail = str(await hub.admin("GET", "audit?limit=1000"))

    assert [1, 0, 1, 0] == [told["changed"] for told in (first, second, third, fourth)]
    assert {"field": "api_key", "before": None, "after": "(new)"} in first["changes"][0]["fields"]
    assert [{"field": "api_key", "before": "(set)", "after": "(new)"}] == (
        third["changes"][0]["fields"]
    )
    assert (400, "#/providers/0/api_key") == (
        missing.status_code,
        missing.json()["errors"][0]["pointer"],
    )
    assert {"vault": "one-api-key"} == by_vault["providers"][0]["api_key"]
    assert {"env": "ONE_API_KEY"} == by_env["providers"][0]["api_key"]
    assert ("vault", "present") == (provider["cred_store"], provider["credential"])
    assert (503, "vault_locked") == (locked.status_code, locked.json()["code"])
    assert not any(
        secret in str(told) + trail
        for secret in (SECRET, "sk-another-0123456789")
        for told in (first, second, third, fourth)
    )


async def test_a_provider_that_moved_and_got_its_key_back_is_not_said_to_miss_it(tmp_path):
    there = {"id": "one", "base_url": "http://127.0.0.1:8"}
    async with running(tmp_path) as hub:
        await hub.provider("one", NOWHERE, api_key=SECRET)
        moved = await hub.admin("PATCH", "providers/one", {"base_url": there["base_url"]})
        await applied(hub, {"providers": [{**there, "api_key": SECRET}]})
        back = await hub.admin("PATCH", "providers/one", {"enabled": False})

    assert "another origin" in moved["note"]
    assert "present" == back["provider"]["credential"]
    assert "another origin" not in back.get("note", "")


async def read(hub):
    """The configuration and its entity tag."""
    answer = await hub.http.get("/admin/v1/config/export", headers=HEADERS)
    return answer.json(), answer.headers["etag"]


async def put_if(hub, document, tag, query=""):
    return await hub.http.put(
        f"/admin/v1/config{query}", json=document, headers={**HEADERS, "if-match": tag}
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "providers/one", {"enabled": False}),
        ("PATCH", "providers/one", {"api_key": SECRET}),
        ("PATCH", "models/gpt", {"weight": 6}),
        ("PATCH", "models/gpt", {"pricing_source": "manual"}),
        ("PUT", "aliases/fast", {"variants": [{"model_id": "gpt", "weight": 2}]}),
        ("DELETE", "aliases/fast", None),
        ("PUT", "routing-config", {"default_mode": "normal"}),
        ("POST", "apikeys", {"name": "new", "scopes": ["chat"]}),
        ("PATCH", "apikeys/{ci}", {"monthly_budget_usd": 21.0}),
        ("PATCH", "apikeys/{ci}", {"expires_in": "30d"}),
        ("DELETE", "apikeys/{ci}", None),
        ("PUT", "tsdb/retention", {"days": 31}),
    ],
)
async def test_what_was_changed_since_it_was_read_is_noticed(tmp_path, method, path, body):
    async with running(tmp_path) as hub:
        made = {key["name"]: key["id"] for key in (await applied(hub, DOCUMENT))["keys"]}
        document, tag = await read(hub)
        await hub.admin(method, path.format(ci=made["ci"]), body)
        changed = await read(hub)
        stale = [await put_if(hub, document, tag, query) for query in ("", "?dry_run=true")]
        after = await read(hub)
        right = await put_if(hub, document, after[1])

    assert [412, 412] == [answer.status_code for answer in stale]
    assert changed == after
    assert 200 == right.status_code


async def test_what_a_document_does_not_say_changes_nothing_of_its_tag(tmp_path):
    async with running(tmp_path) as hub:
        told = await put(hub, DOCUMENT)
        key_id = told.json()["keys"][0]["id"]
        _, tag = await read(hub)
        await hub.admin("POST", f"apikeys/{key_id}/rotate", {})
        await hub.admin("POST", f"apikeys/{key_id}/paid", {})
        await hub.admin("PUT", "views/mine", {"filter": "status:error"})
        _, later = await read(hub)
        same = await put_if(hub, DOCUMENT, tag)
        any_of_it = await put_if(hub, DOCUMENT, "*")
        made_up = await put_if(hub, DOCUMENT, '"1"')
    async with running(tmp_path) as hub:
        _, restarted = await read(hub)

    assert told.headers["etag"] == tag == later == same.headers["etag"] == restarted
    assert [200, 200, 412] == [it.status_code for it in (same, any_of_it, made_up)]


async def test_keys_of_one_name_are_told_apart_by_id(tmp_path):
    async with running(tmp_path) as hub:
        for _ in range(2):
            await hub.key()
        exported = await hub.admin("GET", "config/export?kind=api_keys")
        same = await applied(hub, exported)
        unclear = await put(hub, {"api_keys": [{"name": "a test"}]})
        unknown = await put(hub, {"api_keys": [{"name": "a test", "id": "key_none"}]})

    assert 2 == len({row["id"] for row in exported["api_keys"]})
    assert 0 == same["changed"]
    assert [400, 400] == [unclear.status_code, unknown.status_code]


async def test_two_entries_of_one_key_are_refused(tmp_path):
    """Else the last of them would have it, in silence."""
    async with running(tmp_path) as hub:
        await hub.key()
        (row,) = (await hub.admin("GET", "apikeys"))["keys"]
        by_both = [{"name": "a test", "id": row["id"]}, {"name": "a test", "rate_limit_rps": 5}]
        renamed = [{"name": "other", "id": row["id"]}, {"name": "other", "rate_limit_rps": 5}]
        answers = [await put(hub, {"api_keys": keys}) for keys in (by_both, renamed)]
        after = (await hub.admin("GET", "apikeys"))["keys"]

    assert [(400, "#/api_keys/1/name")] * 2 == [
        (it.status_code, it.json()["errors"][0]["pointer"]) for it in answers
    ]
    assert [row] == after


async def test_a_name_that_would_be_two_keys_is_refused_at_once(tmp_path):
    """Else the same file would be refused the second time."""
    async with running(tmp_path) as hub:
        told = await applied(hub, {"api_keys": [{"name": "a"}, {"name": "b"}]})
        ids = {key["name"]: key["id"] for key in told["keys"]}
        renamed = {"name": "a", "id": ids["b"]}
        refused = await put(hub, {"api_keys": [{"name": "a"}, renamed]})
        by_ids = await applied(hub, {"api_keys": [{"name": "a", "id": ids["a"]}, renamed]})

    assert (400, "#/api_keys/0/name") == (
        refused.status_code,
        refused.json()["errors"][0]["pointer"],
    )
    assert 1 == by_ids["changed"]


async def test_fields_of_the_credentials_file_are_taken_and_what_is_not_done_is_said(tmp_path):
    document = {
        "providers": [{"id": "one", "base_url": NOWHERE, "autoload_models": True}],
        "models": [{"id": "gpt", "provider_id": "one", "tool_name_map": {"a": "b"}}],
    }
    async with running(tmp_path) as hub:
        told = await applied(hub, document)
        wrong = await put(hub, {"provider": []})

    assert ["autoload_models", "tool_name_map"] == [
        note.split(": ")[1].split()[0] for note in told["notes"]
    ]
    assert 400 == wrong.status_code


async def test_prices_of_the_list_stay_the_lists_and_unknown_ones_unknown(tmp_path):
    document = {
        "providers": [{"id": "openai", "base_url": "https://api.openai.com"}],
        "models": [
            {"id": "gpt-4o", "provider_id": "openai"},
            {"id": "none", "provider_id": "openai", "input_per_1k": None, "output_per_1k": None},
        ],
    }
    async with running(tmp_path) as hub:
        await applied(hub, document)
        again = await applied(hub, document)
        exported = await hub.admin("GET", "config/export?kind=models")
        back = await applied(hub, exported)
        rows = (await hub.admin("GET", "models"))["items"]

    listed, unknown = exported["models"]
    assert [0, 0] == [again["changed"], back["changed"]]
    assert (["id", "provider_id", "max_context_tokens"], None) == (
        list(listed),
        unknown["input_per_1k"],
    )
    assert [("catalogue", True), ("manual", False)] == [
        (row["pricing_source"], row["input_per_1k"] is not None) for row in rows
    ]


async def test_a_caller_who_leaves_does_not_stop_it(tmp_path):
    """Whatever came of it, it is all there or nothing is."""
    async with running(tmp_path) as hub:
        leaving = asyncio.ensure_future(put(hub, DOCUMENT))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        # The next one waits for the one before it.
        told = await applied(hub, DOCUMENT)
        exported = await hub.admin("GET", "config/export")

    assert told["changed"] in {0, 9}
    assert DOCUMENT == exported


async def test_requests_go_on_while_a_long_document_is_worked_on(tmp_path):
    """Copies never wait by themselves, so that each entry gives the others their turn."""
    env = {"TOKENHUB_DB_DSN": str(tmp_path / "db"), "TOKENHUB_ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
    drafts = [ProviderDraft(id=f"p{number}", base_url=NOWHERE) for number in range(20)]
    wanted = Wanted(providers=[WantedProvider(draft=draft) for draft in drafts])
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with assembled(settings.load(env, home=tmp_path, data_writable=False)) as (parts, _):
        task = asyncio.ensure_future(others())
        told = await parts.configuration.apply(wanted, prune=True, by=By(rehearsed=True))
        task.cancel()

    assert ["create"] * 20 == [step.action for step in told.steps]
    assert 20 <= turns
