import pytest

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/models"
M = {"id": "org/big", "provider_id": "p", "weight": 3, "input_per_1k": 0.0025}


@pytest.fixture(autouse=True)
async def _providers(client):
    for name in ("p", "q"):
        await client.post("/admin/v1/providers", json={"id": name, "base_url": "http://h"})


async def test_a_model_with_a_slash_is_made_shown_changed_and_removed(client):
    made = await client.post(PATH, json=M)
    one = await client.get(f"{PATH}/org/big")
    escaped = await client.get(f"{PATH}/org%2Fbig")
    by_route = await client.get(f"{PATH}/p/org/big")
    changed = await client.patch(f"{PATH}/org/big", json={"weight": 1, "input_per_1k": None})
    gone = await client.delete(f"{PATH}/org/big")
    after = await client.get(f"{PATH}/org/big")

    assert (
        {
            "id": "org/big",
            "provider_id": "p",
            "weight": 3,
            "max_context_tokens": 0,
            "input_per_1k": 0.0025,
            "output_per_1k": None,
            "cached_input_per_1k": None,
            "cache_write_per_1k": None,
            "cache_write_1h_per_1k": None,
            "reasoning_per_1k": None,
            "tiers": [],
            "enabled": True,
            "pricing_source": "manual",
            "source": "api",
            "version": 3,
        }
        == made.json()["model"]
        == one.json()
        == escaped.json()
        == by_route.json()
    )
    assert '"3"' == one.headers["etag"]
    assert (1, None) == (changed.json()["model"]["weight"], changed.json()["model"]["input_per_1k"])
    assert (200, 404) == (gone.status_code, after.status_code)


async def test_a_model_is_enabled_unless_said_otherwise_w_30(client):
    made = await client.post(PATH, json=M)

    assert made.json()["model"]["enabled"] is True


async def test_an_unknown_provider_is_a_400_naming_the_field_w_29(client):
    answer = await client.post(PATH, json={**M, "provider_id": "nobody"})

    assert (400, "#/provider_id") == (answer.status_code, answer.json()["errors"][0]["pointer"])
    assert 0 == (await client.get(PATH)).json()["total"]


async def test_the_same_model_at_two_providers_needs_its_provider(client):
    await client.post(PATH, json=M)
    await client.post(PATH, json={**M, "provider_id": "q"})

    vague = await client.patch(f"{PATH}/org/big", json={"weight": 9})
    clear = await client.patch(f"{PATH}/org/big", params={"provider_id": "q"}, json={"weight": 9})
    by_route = await client.delete(f"{PATH}/p/org/big")

    assert (409, "conflict") == (vague.status_code, vague.json()["code"])
    assert "p, q" in vague.json()["detail"]
    assert ("q", 9) == (clear.json()["model"]["provider_id"], clear.json()["model"]["weight"])
    assert 200 == by_route.status_code
    left = (await client.get(PATH)).json()["items"]
    assert [("q", 9)] == [(row["provider_id"], row["weight"]) for row in left]


async def test_a_stale_if_match_is_a_412(client):
    made = await client.post(PATH, json=M)
    tag = {"if-match": made.headers["etag"]}
    await client.patch(f"{PATH}/org/big", json={"weight": 9}, headers=tag)

    stale = [
        await client.patch(f"{PATH}/org/big", json={"weight": 1}, headers=tag),
        await client.delete(f"{PATH}/org/big", headers=tag),
        await client.post(PATH, json=M, headers=tag),
    ]

    assert [412] * 3 == [answer.status_code for answer in stale]
    assert 9 == (await client.get(f"{PATH}/org/big")).json()["weight"]


async def test_a_list_can_be_of_one_provider(client):
    await client.post(PATH, json=M)
    await client.post(PATH, json={**M, "provider_id": "q"})

    found = (await client.get(PATH, params={"provider_id": "q"})).json()

    assert (["q"], 1) == ([row["provider_id"] for row in found["items"]], found["total"])


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("weight", {"weight": "9"}),
        ("weight", {"weight": 11}),
        ("weight", {"weight": 1.5}),
        ("max_context_tokens", {"max_context_tokens": -1}),
        ("max_context_tokens", {"max_context_tokens": 10**40}),
        ("input_per_1k", {"input_per_1k": -1}),
        ("output_per_1k", {"output_per_1k": 1e300}),
        ("enabled", {"enabled": "yes"}),
        ("enabled", {"enabled": None}),
        ("tool_name_map", {"tool_name_map": {}}),
        ("provider_id", {"provider_id": "q"}),
    ],
)
async def test_a_bad_patch_names_the_field_and_changes_nothing(client, field, body):
    made = await client.post(PATH, json=M)

    answer = await client.patch(f"{PATH}/org/big", json=body)

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])
    assert made.json()["model"] == (await client.get(f"{PATH}/org/big")).json()


async def test_the_engine_shows_models_and_the_providers_that_can_be_called(client):
    await client.post(PATH, json=M)
    await client.patch("/admin/v1/providers/q", json={"enabled": False, "type": "vllm"})

    found = (await client.get("/admin/v1/engine/models")).json()

    assert (["org/big"], 1) == ([row["id"] for row in found["models"]], found["total"])
    assert ["p"] == found["adapters"]
    assert [{"id": "p", "health_endpoint": "http://h/v1/models"}] == found["adapter_info"]
