"""What a document leaves behind is what it says, and a second time it says nothing new."""

import pytest

from tests.support.server import ADMIN_TOKEN, running

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": f"Bearer {ADMIN_TOKEN}"}
HERE = "http://127.0.0.1:9"
ONE = {"id": "one", "base_url": HERE}


async def put(hub, document, query=""):
    return await hub.http.put(f"/admin/v1/config{query}", json=document, headers=HEADERS)


async def applied(hub, document, query=""):
    answer = await put(hub, document, query)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def changed(told):
    return [
        (it["kind"], it["name"], it["action"]) for it in told["changes"] if it["action"] != "same"
    ]


async def test_an_alias_of_what_would_be_pruned_is_refused(tmp_path):
    document = {
        "models": [{"id": "kept", "provider_id": "one"}],
        "aliases": [
            {"name": "fine", "variants": [{"model_id": "kept"}]},
            {"name": "fast", "variants": [{"model_id": "kept"}, {"model_id": "gone"}]},
        ],
    }
    async with running(tmp_path) as hub:
        await hub.provider("one", HERE, models=["kept", "gone"])
        refused = await put(hub, document, "?prune=true")
        models = (await hub.admin("GET", "models"))["items"]
        unpruned = await put(hub, document)

    assert 400 == refused.status_code, refused.text
    assert ["#/aliases/1/variants/1/model_id"] == [
        one["pointer"] for one in refused.json()["errors"]
    ]
    assert ["gone", "kept"] == sorted(row["id"] for row in models)
    assert 200 == unpruned.status_code


async def test_an_alias_that_loses_a_model_without_being_named_is_told(tmp_path):
    document = {"models": [{"id": "kept", "provider_id": "one"}]}
    async with running(tmp_path) as hub:
        await hub.provider("one", HERE, models=["kept", "gone"])
        variants = [{"model_id": "kept"}, {"model_id": "one/gone"}]
        await hub.admin("PUT", "aliases/fast", {"variants": variants})
        rehearsed = await applied(hub, document, "?prune=true&dry_run=true")
        done = await applied(hub, document, "?prune=true")
        again = await applied(hub, document, "?prune=true")

    assert rehearsed["notes"] == done["notes"]
    (note,) = done["notes"]
    assert note.startswith("aliases/fast: ")
    assert "'one/gone'" in note
    assert [] == again["notes"]


async def test_what_is_exported_can_be_applied_though_an_alias_has_lost_a_model(tmp_path):
    async with running(tmp_path) as hub:
        await hub.provider("one", HERE, models=["gpt", "gone"])
        variants = [{"model_id": "gpt", "weight": 1}, {"model_id": "gone", "weight": 1}]
        await hub.admin("PUT", "aliases/fast", {"variants": variants})
        await hub.admin("DELETE", "models/gone")
        exported = await hub.admin("GET", "config/export")
        told = await applied(hub, exported, "?prune=true")
        exported["aliases"][0]["variants"][0]["weight"] = 2
        new = await put(hub, exported)

    assert 0 == told["changed"]
    assert 400 == new.status_code


async def test_a_price_that_is_named_is_the_operators_from_then_on(tmp_path):
    """Else the list would go on changing what the file says."""
    async with running(tmp_path) as hub:
        await hub.provider("openai", "https://api.openai.com")
        await hub.admin("POST", "models", {"id": "gpt-4o", "provider_id": "openai"})
        listed = await hub.admin("GET", "models/gpt-4o")
        prices = {
            name: listed[name] for name in listed if name.endswith("_per_1k") and listed[name]
        }
        named = {"models": [{"id": "gpt-4o", "provider_id": "openai", "weight": 1, **prices}]}
        first = await applied(hub, named)
        second = await applied(hub, named)
        row = await hub.admin("GET", "models/gpt-4o")
        exported = await hub.admin("GET", "config/export?kind=models")

    assert "catalogue" == listed["pricing_source"]
    assert [("model", "openai/gpt-4o", "update")] == changed(first)
    assert [] == changed(second)
    assert ("manual", prices["input_per_1k"]) == (row["pricing_source"], row["input_per_1k"])
    assert prices["input_per_1k"] == exported["models"][0]["input_per_1k"]


async def test_a_key_comes_from_one_place(tmp_path):
    both = {**ONE, "api_key": {"env": "A", "vault": "b"}}
    async with running(tmp_path) as hub:
        answer = await put(hub, {"providers": [both]})

    assert (400, "#/providers/0/api_key") == (
        answer.status_code,
        answer.json()["errors"][0]["pointer"],
    )
    assert "not both" in answer.json()["detail"]


@pytest.mark.parametrize(
    "ends",
    [
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.9999Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
        "tomorrow",
    ],
)
async def test_an_end_that_no_time_can_show_is_refused(tmp_path, ends):
    """One such key, and no key could be listed any more."""
    async with running(tmp_path) as hub:
        answer = await put(hub, {"api_keys": [{"name": "k", "expires_at": ends}]})
        keys = await hub.admin("GET", "apikeys")

    assert (400, ["#/api_keys/0/expires_at"]) == (
        answer.status_code,
        [one["pointer"] for one in answer.json()["errors"]],
    )
    assert [] == keys["keys"]


FULL = {
    "providers": [
        {"id": "four", "type": "anthropic", "base_url": "http://127.0.0.1:4", "enabled": False},
        ONE,
        {"id": "three", "type": "vllm", "base_url": "http://127.0.0.1:1",
         "endpoints": ["http://127.0.0.1:1", "http://127.0.0.1:2"]},
    ],
    "models": [
        {"id": "a/free", "provider_id": "one", "weight": 0, "enabled": False,
         "input_per_1k": 0.0, "output_per_1k": 0.0},
        {"id": "all", "provider_id": "one", "weight": 10, "max_context_tokens": 7,
         "input_per_1k": 0.0000001, "output_per_1k": 0.3, "cached_input_per_1k": 0.00000005,
         "cache_write_per_1k": 0.1, "cache_write_1h_per_1k": 0.2, "reasoning_per_1k": 0.7,
         "tiers": [{"above_tokens": 5, "input_per_1k": 0.2, "output_per_1k": None,
                    "cached_input_per_1k": None, "cache_write_per_1k": None,
                    "cache_write_1h_per_1k": None, "reasoning_per_1k": 0.9}]},
        {"id": "half", "provider_id": "one", "input_per_1k": 0.1},
        {"id": "unpriced", "provider_id": "three", "input_per_1k": None, "output_per_1k": None},
    ],
    "aliases": [
        {"name": "*", "variants": [{"model_id": "half", "weight": 1}], "enabled": False},
        {"name": "a/b", "sticky_by": "api_key",
         "variants": [{"model_id": "one/all", "weight": 1_000_000},
                      {"model_id": "a/free", "weight": 1}]},
        {"name": "turns", "sticky_by": "round_robin",
         "variants": [{"model_id": "all", "weight": 3}]},
    ],
    "routing": {"default_mode": "thompson", "default_max_budget_usd": None,
                "default_max_latency_ms": 1},
    "api_keys": [
        {"name": "all", "scopes": ["plan", "chat"], "enabled": False,
         "expires_at": "2031-01-31T00:00:00.250Z", "rate_limit_rps": -1, "directives": False,
         "judged": False, "allowed_models": ["half", "all"], "allowed_providers": ["one"],
         "mode": "planning", "max_budget_usd": 0.000000001, "max_latency_ms": 1, "min_weight": 3,
         "monthly_budget_usd": 0.01, "tokens_per_minute": 100, "concurrency": 2,
         "rotation_days": 30},
        {"name": "nothing", "scopes": []},
        {"name": "over", "scopes": ["*"], "max_budget_usd": 100.0, "monthly_budget_usd": 0.1},
    ],
    "retention": {"days": 400},
}  # fmt: skip


async def test_every_field_survives_the_way_there_and_back(tmp_path):
    """An export that is applied to a new server makes a twin, down to the last field."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    async with running(first) as hub:
        await applied(hub, FULL)
        exported = await hub.admin("GET", "config/export")
        again = await applied(hub, exported, "?prune=true")
    async with running(first) as hub:
        restarted = await applied(hub, exported, "?prune=true")
    async with running(second) as hub:
        await applied(hub, exported)
        twin = await hub.admin("GET", "config/export")
        same = await applied(hub, FULL, "?prune=true")

    assert FULL == exported == twin
    assert [[]] * 3 == [changed(told) for told in (again, restarted, same)]


async def test_what_is_left_out_goes_back_to_its_default_and_is_told(tmp_path):
    bare = {
        "providers": [{"id": "four", "base_url": "http://127.0.0.1:4"}],
        "models": [{"id": "all", "provider_id": "one", "input_per_1k": 0.5}],
        "aliases": [{"name": "turns", "variants": [{"model_id": "all"}]}],
        "routing": {},
        "api_keys": [{"name": "all"}],
    }
    async with running(tmp_path) as hub:
        await applied(hub, FULL)
        told = await applied(hub, bare)
        again = await applied(hub, bare)

    fields = {
        it["kind"]: {one["field"]: one["after"] for one in it["fields"]}
        for it in told["changes"]
        if it["action"] != "same"
    }
    assert {"type": "openai", "enabled": True} == fields["provider"]
    assert {
        "weight": 1, "input_per_1k": 0.5, "output_per_1k": None, "cached_input_per_1k": None,
        "cache_write_per_1k": None, "cache_write_1h_per_1k": None, "reasoning_per_1k": None,
        "tiers": None,
    } == fields["model"]  # fmt: skip
    assert {"variants": [{"model_id": "all", "weight": 1}], "sticky_by": ""} == fields["alias"]
    assert {
        "default_mode": "", "default_max_budget_usd": 0, "default_max_latency_ms": 0,
    } == fields["routing"]  # fmt: skip
    assert {
        "scopes": ["chat", "plan"], "enabled": True, "rate_limit_rps": 0, "directives": True,
        "judged": True, "allowed_models": [], "allowed_providers": [], "mode": None,
        "max_budget_usd": None, "max_latency_ms": None, "min_weight": None,
        "monthly_budget_usd": 0, "tokens_per_minute": 0, "concurrency": 0, "rotation_days": 0,
    } == fields["api_key"]  # fmt: skip
    assert [] == changed(again)
