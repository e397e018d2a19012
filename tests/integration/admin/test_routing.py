import pytest

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/routing-config"


async def test_what_is_shown_is_in_force_even_where_nothing_was_set_w_84(client):
    found = await client.get(PATH)

    assert {
        "default_mode": "normal",
        "default_max_budget_usd": 0.05,
        "default_max_latency_ms": 120_000,
        "version": 0,
    } == found.json()
    assert '"0"' == found.headers["etag"]


async def test_empty_and_zero_mean_the_environment_and_null_no_limit(client, control):
    body = {"default_mode": "", "default_max_budget_usd": None, "default_max_latency_ms": 0}

    put = await client.put(PATH, json=body)

    assert ("normal", None, 120_000, 1) == tuple(put.json().values())
    assert control.catalog.current.defaults.max_budget_nusd is None


async def test_a_stale_if_match_is_a_412(client):
    read = (await client.get(PATH)).headers["etag"]
    first = await client.put(PATH, json={"default_mode": "cheap"}, headers={"if-match": read})

    second = await client.put(PATH, json={"default_mode": "normal"}, headers={"if-match": read})

    assert (200, 412) == (first.status_code, second.status_code)
    assert "cheap" == (await client.get(PATH)).json()["default_mode"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("default_mode", "turbo"),
        ("default_mode", 5),
        ("default_max_budget_usd", -1),
        ("default_max_budget_usd", 100.01),
        ("default_max_budget_usd", 1e308),
        ("default_max_budget_usd", 1e-12),
        ("default_max_latency_ms", -1),
        ("default_max_latency_ms", 300_001),
        ("default_max_latency_ms", 10**400),
        ("default_max_latency_ms", None),
        ("default_min_weight", 1),
    ],
)
async def test_bad_values_name_their_field(client, field, value):
    answer = await client.put(PATH, json={field: value})

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])
