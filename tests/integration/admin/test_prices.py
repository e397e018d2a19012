"""Prices over the admin API."""

import pytest

from tokenhub.ports.prices import Listed

pytestmark = pytest.mark.anyio
MODELS = "/admin/v1/models"
SYNC = f"{MODELS}/prices/sync"
M = {"id": "gpt", "provider_id": "p"}
GPT = Listed(
    max_context_tokens=1000, input_price=2_500_000_000, output_price=10_000_000_000, cached_price=0
)


@pytest.fixture(autouse=True)
async def _provider(client, control):
    control.listed.entries["https://api.example.com", "gpt"] = GPT
    row = {"id": "p", "base_url": "https://api.example.com/v1"}
    assert 200 == (await client.post("/admin/v1/providers", json=row)).status_code


async def made(client, **fields):
    answer = await client.post(MODELS, json=M | fields)
    assert 200 == answer.status_code, answer.text
    return answer.json()["model"]


async def test_a_model_is_made_with_the_lists_price_or_with_ones_own(client):
    listed = await made(client)
    own = await made(client, input_per_1k=0)

    assert ("catalogue", 0.0025, 0.01, 0, 1000) == (
        listed["pricing_source"],
        listed["input_per_1k"],
        listed["output_per_1k"],
        listed["cached_input_per_1k"],
        listed["max_context_tokens"],
    )
    assert ("manual", 0, None, None) == (
        own["pricing_source"],
        own["input_per_1k"],
        own["output_per_1k"],
        own["cached_input_per_1k"],
    )


async def test_a_price_of_null_is_unknown_and_stays_so(client):
    said = await made(client, input_per_1k=None)
    done = (await client.post(SYNC, json={})).json()

    assert ("manual", None) == (said["pricing_source"], said["input_per_1k"])
    assert (0, 1, "manual") == (done["changed"], done["kept"], done["models"][0]["reason"])


async def test_every_class_and_tier_of_a_price_comes_back_as_it_was_given(client):
    prices = {
        "input_per_1k": 0.001,
        "output_per_1k": 0.005,
        "cached_input_per_1k": 0.0001,
        "cache_write_per_1k": 0.00125,
        "cache_write_1h_per_1k": 0.002,
        "reasoning_per_1k": 0.006,
    }
    tiers = [{"above_tokens": 200_000, **prices, "input_per_1k": 0.002}]

    row = await made(client, **prices, tiers=tiers)
    changed = await client.patch(f"{MODELS}/gpt", json={"reasoning_per_1k": None, "tiers": []})

    assert prices == {name: row[name] for name in prices}
    assert tiers == row["tiers"]
    after = changed.json()["model"]
    assert ([], None, 0.0001) == (
        after["tiers"],
        after["reasoning_per_1k"],
        after["cached_input_per_1k"],
    )


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("cached_input_per_1k", {"cached_input_per_1k": -1}),
        ("reasoning_per_1k", {"reasoning_per_1k": 1e9}),
        ("tiers", {"tiers": [{"above_tokens": 0}]}),
        ("tiers", {"tiers": [{"above_tokens": 9}, {"above_tokens": 9}]}),
        ("tiers", {"tiers": [{"above_tokens": n} for n in range(1, 10)]}),
        ("input_per_1k", {"tiers": [{"above_tokens": 9, "input_per_1k": -1}]}),
    ],
)
async def test_prices_that_make_no_sense_are_refused(client, field, fields):
    answer = await client.post(MODELS, json=M | fields)

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_sync_tells_what_it_changes_and_changes_it(client, control):
    await made(client)
    control.listed.entries["https://api.example.com", "gpt"] = Listed(input_price=10**9)

    told = (await client.post(SYNC, json={"dry_run": True})).json()
    between = (await client.get(f"{MODELS}/gpt")).json()
    done = (await client.post(SYNC, json={"provider_id": "p"})).json()
    after = (await client.get(f"{MODELS}/gpt")).json()

    assert (True, 1, "a list of the tests") == (told["dry_run"], told["changed"], told["catalogue"])
    assert (0.0025, 0.001) == (between["input_per_1k"], after["input_per_1k"])
    (one,) = done["models"]
    assert (0.0025, 0.001, "changed") == (
        one["before"]["input_per_1k"],
        one["model"]["input_per_1k"],
        one["result"],
    )


async def test_discovery_shows_the_prices_that_models_would_have(client, control):
    control.upstreams.offers["p"] = ["gpt", "new"]

    found = (await client.get("/admin/v1/providers/p/discover")).json()["models"]

    known = {"input_per_1k": 0.0025, "output_per_1k": 0.01, "max_context_tokens": 1000}
    assert [
        {"id": "gpt", "registered": False, **known},
        {"id": "new", "registered": False},
    ] == found


async def test_discovery_shows_the_prices_that_registered_models_have(client, control):
    control.upstreams.offers["p"] = ["gpt"]
    await client.post(MODELS, json={"id": "gpt", "provider_id": "p", "input_per_1k": 0.5})

    (found,) = (await client.get("/admin/v1/providers/p/discover")).json()["models"]

    assert (True, 0.5, None) == (
        found["registered"],
        found["input_per_1k"],
        found.get("output_per_1k"),
    )


async def test_sync_needs_the_admin_token_and_a_provider_that_exists(client):
    stranger = await client.post(SYNC, json={}, headers={"authorization": "Bearer nobody"})
    unknown = await client.post(SYNC, json={"provider_id": "nobody"})

    assert (401, 404) == (stranger.status_code, unknown.status_code)
