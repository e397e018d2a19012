import pytest

from tokenhub.core.keys import digest

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/apikeys"


async def test_a_key_is_shown_once_and_listed_without_itself(client, control):
    made = await client.post(PATH, json={"name": "app"})
    listed = await client.get(PATH)

    issued = made.json()
    original = {"ok", "key", "id", "prefix", "name", "scopes", "warning"}
    assert original | {"former_until"} == set(issued)
    assert issued["former_until"] is None
    assert ["chat", "plan"] == issued["scopes"]
    assert digest(issued["key"]) in control.key_table.current
    assert issued["key"] not in listed.text
    assert [
        {
            "id": issued["id"],
            "name": "app",
            "key_prefix": issued["prefix"],
            "scopes": ["chat", "plan"],
            "created_at": "2025-06-15T15:06:40.000Z",
            "expires_at": None,
            "enabled": True,
            "rate_limit_rps": 0,
            "directives": True,
            "judged": True,
            "version": 1,
            "allowed_models": [],
            "allowed_providers": [],
            "mode": None,
            "max_budget_usd": None,
            "max_latency_ms": None,
            "min_weight": None,
            "monthly_budget_usd": 0.0,
            "budget_reset_at": None,
            "current_spend_usd": None,
            "tokens_per_minute": 0,
            "concurrency": 0,
            "rotation_days": 0,
            "rotation": "none",
            "rotation_due_at": None,
            "last_used_at": None,
            "credentials": [
                {
                    "prefix": issued["prefix"],
                    "issued_at": "2025-06-15T15:06:40.000Z",
                    "expires_at": None,
                    "last_used_at": None,
                }
            ],
        }
    ] == listed.json()["keys"]


async def test_the_originals_scopes_in_a_string_and_its_durations_are_taken(client):
    made = await client.post(
        PATH, json={"name": "app", "scopes": '["embeddings"]', "expires_in": "720h"}
    )

    assert ["embeddings"] == made.json()["scopes"]
    assert "2025-07-15T15:06:40.000Z" == (await client.get(PATH)).json()["keys"][0]["expires_at"]


async def test_rate_and_directives_are_given_shown_and_changed(client, control):
    body = {"name": "app", "rate_limit_rps": -1, "directives": False, "judged": False}
    made = (await client.post(PATH, json=body)).json()
    one = f"{PATH}/{made['id']}"
    given = (await client.get(one)).json()

    changed = await client.patch(
        one, json={"rate_limit_rps": 5, "directives": True, "judged": True}
    )
    in_force = control.key_table.current[digest(made["key"])]

    assert (-1, False, False) == tuple(
        given[name] for name in ("rate_limit_rps", "directives", "judged")
    )
    assert (5, True, True) == (in_force.rate_limit_rps, in_force.directives, in_force.judged)
    assert changed.json()["key"] == (await client.get(one)).json()


async def test_lists_and_policy_are_given_shown_changed_and_taken_back(client, control):
    lists = {"allowed_models": ["gpt-*", "gpt-*", " b/m "], "allowed_providers": ["a"]}
    policy = {"mode": "cheap", "max_budget_usd": 0.5, "max_latency_ms": 1500, "min_weight": 2}
    made = (await client.post(PATH, json={"name": "app", **lists, **policy})).json()
    one = f"{PATH}/{made['id']}"
    given = (await client.get(one)).json()

    patch = {"allowed_models": [], "mode": None, "min_weight": None, "max_latency_ms": 9}
    changed = (await client.patch(one, json=patch)).json()["key"]

    expected = policy | {"allowed_models": ["gpt-*", "b/m"], "allowed_providers": ["a"]}
    assert expected == {name: given[name] for name in expected}
    assert expected | patch == {name: changed[name] for name in expected}
    again = await control.restarted()
    assert control.key_table.current == again.key_table.current


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "turbo"),
        ("max_budget_usd", 0),
        ("max_budget_usd", 1e308),
        ("max_latency_ms", 300_001),
        ("min_weight", 11),
        ("allowed_models", [""]),
        ("allowed_models", ["m"] * 201),
        ("allowed_providers", ["a\nb"]),
    ],
)
async def test_a_grant_without_sense_is_refused_by_name(client, field, value):
    made = (await client.post(PATH, json={"name": "app"})).json()

    refused = await client.post(PATH, json={"name": "other", field: value})
    unchanged = await client.patch(f"{PATH}/{made['id']}", json={field: value})

    assert [(400, f"#/{field}")] * 2 == [
        (answer.status_code, answer.json()["errors"][0]["pointer"])
        for answer in (refused, unchanged)
    ]


async def test_a_rate_out_of_range_changes_nothing(client):
    made = (await client.post(PATH, json={"name": "app", "rate_limit_rps": 5})).json()
    one = f"{PATH}/{made['id']}"

    answer = await client.patch(one, json={"name": "other", "rate_limit_rps": -2})

    assert (400, "#/rate_limit_rps") == (
        answer.status_code,
        answer.json()["errors"][0]["pointer"],
    )
    row = (await client.get(one)).json()
    assert ("app", 5) == (row["name"], row["rate_limit_rps"])


async def test_revocation_is_in_force_when_the_call_returns(client, control):
    made = (await client.post(PATH, json={"name": "app"})).json()
    mark = digest(made["key"])

    disabled = await client.patch(f"{PATH}/{made['id']}", json={"enabled": False})
    in_force = control.key_table.current[mark].enabled
    gone = await client.delete(f"{PATH}/{made['id']}")

    assert disabled.json()["key"]["enabled"] is False
    assert in_force is False
    assert (200, {"ok": True}) == (gone.status_code, gone.json())
    assert mark not in control.key_table.current


async def test_a_stale_if_match_is_a_412(client):
    made = await client.post(PATH, json={"name": "app"})
    one = f"{PATH}/{made.json()['id']}"
    tag = {"if-match": made.headers["etag"]}
    await client.patch(one, json={"name": "other"}, headers=tag)

    stale = [
        await client.patch(one, json={"name": "third"}, headers=tag),
        await client.delete(one, headers=tag),
    ]

    assert [412, 412] == [answer.status_code for answer in stale]
    assert "other" == (await client.get(one)).json()["name"]


async def test_the_lists_tag_changes_with_every_key(client):
    tags = [(await client.get(PATH)).headers["etag"]]
    made = await client.post(PATH, json={"name": "app"})
    tags.append((await client.get(PATH)).headers["etag"])
    await client.patch(f"{PATH}/{made.json()['id']}", json={"enabled": False})
    tags.append((await client.get(PATH)).headers["etag"])

    assert 3 == len(set(tags))


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("name", {}),
        ("name", {"name": " "}),
        ("name", {"name": 5}),
        ("scopes", {"name": "a", "scopes": ["admin"]}),
        ("expires_in", {"name": "a", "expires_in": "0"}),
        ("rotation_days", {"name": "a", "rotation_days": -1}),
        ("rotation_days", {"name": "a", "rotation_days": 3651}),
        ("tokens_per_minute", {"name": "a", "tokens_per_minute": -1}),
        ("tokens_per_minute", {"name": "a", "tokens_per_minute": 1_000_000_001}),
        ("tokens_per_minute", {"name": "a", "tokens_per_minute": None}),
        ("concurrency", {"name": "a", "concurrency": -1}),
        ("concurrency", {"name": "a", "concurrency": 100_001}),
        ("concurrency", {"name": "a", "concurrency": "2"}),
        ("scopes", {"name": "a", "scopes": "chat"}),
        ("expires_in", {"name": "a", "expires_in": "soon"}),
        ("rate_limit_rps", {"name": "a", "rate_limit_rps": -2}),
        ("rate_limit_rps", {"name": "a", "rate_limit_rps": 1_000_001}),
        ("rate_limit_rps", {"name": "a", "rate_limit_rps": 1.5}),
        ("directives", {"name": "a", "directives": "no"}),
        ("monthly_budget_usd", {"name": "a", "monthly_budget_usd": -5}),
        ("monthly_budget_usd", {"name": "a", "monthly_budget_usd": 2e9}),
    ],
)
async def test_bad_values_name_their_field(client, field, body):
    answer = await client.post(PATH, json=body)

    assert (400, f"#/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"])
    assert 0 == (await client.get(PATH)).json()["total"]


async def test_an_unknown_key_is_a_404(client):
    answers = [
        await client.get(f"{PATH}/key_x"),
        await client.patch(f"{PATH}/key_x", json={}),
        await client.delete(f"{PATH}/key_x"),
    ]

    assert [404] * 3 == [answer.status_code for answer in answers]
