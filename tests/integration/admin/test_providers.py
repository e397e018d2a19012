import pytest

from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/providers"
P = {"id": "p", "base_url": "https://h/v1", "api_key": "sk-very-secret"}


async def test_a_provider_is_made_shown_listed_changed_and_removed(client):
    made = await client.post(PATH, json=P)
    one = await client.get(f"{PATH}/p")
    every = await client.get(PATH)
    changed = await client.patch(f"{PATH}/p", json={"enabled": False})
    gone = await client.delete(f"{PATH}/p")
    after = await client.get(f"{PATH}/p")

    assert (200, True, "memory") == (made.status_code, made.json()["ok"], made.json()["cred_store"])
    assert "in memory only" in made.json()["note"]
    assert {
        "id": "p",
        "type": "openai",
        "base_url": "https://h",
        "endpoints": ["https://h"],
        "enabled": True,
        "cred_store": "memory",
        "credential": "present",
        "source": "api",
        "version": 1,
    } == one.json()
    assert ([one.json()], 1, 1000, 0) == tuple(
        every.json()[n] for n in ("items", "total", "limit", "offset")
    )
    assert changed.json()["provider"]["enabled"] is False
    assert (200, {"ok": True}) == (gone.status_code, gone.json())
    assert 404 == after.status_code
    answers = [made, one, every, changed]
    assert not any("sk-very-secret" in answer.text for answer in answers)


async def test_a_post_without_a_key_keeps_it_w_6(client, control):
    await client.post(PATH, json=P)

    again = await client.post(PATH, json={"id": "p", "base_url": "https://h"})

    assert ("memory", "present") == (
        again.json()["cred_store"],
        again.json()["provider"]["credential"],
    )
    assert "sk-very-secret" == control.secret("p")


async def test_the_answer_to_a_move_says_that_the_key_was_forgotten(client):
    await client.post(PATH, json=P)

    moved = (await client.patch(f"{PATH}/p", json={"base_url": "https://other"})).json()

    assert ("memory", "missing") == (moved["cred_store"], moved["provider"]["credential"])
    assert "another origin" in moved["note"]
    assert "api_key" in moved["note"]


async def test_a_stale_if_match_is_a_412_and_changes_nothing(client):
    made = await client.post(PATH, json=P)
    tag = {"if-match": made.headers["etag"]}
    fresh = await client.patch(f"{PATH}/p", json={"enabled": False}, headers=tag)

    stale = [
        await client.patch(f"{PATH}/p", json={"enabled": True}, headers=tag),
        await client.delete(f"{PATH}/p", headers=tag),
        await client.post(PATH, json=P, headers=tag),
        await client.patch(f"{PATH}/p", json={}, headers={"if-match": 'W/"2"'}),
        await client.patch(f"{PATH}/p", json={}, headers={"if-match": '"other"'}),
    ]

    assert [412] * 5 == [answer.status_code for answer in stale]
    assert {"stale"} == {answer.json()["code"] for answer in stale}
    assert ('"1"', '"2"') == (made.headers["etag"], fresh.headers["etag"])
    now = await client.get(f"{PATH}/p")
    assert (False, '"2"') == (now.json()["enabled"], now.headers["etag"])


async def test_a_fitting_if_match_passes_of_the_row_of_the_list_and_the_star(client):
    await client.post(PATH, json=P)
    await client.post(PATH, json={**P, "id": "q"})
    listed = (await client.get(PATH)).headers["etag"]

    of_list = await client.post(PATH, json=P, headers={"if-match": listed})
    of_row = await client.post(PATH, json=P, headers={"if-match": of_list.headers["etag"]})
    star = await client.patch(f"{PATH}/p", json={}, headers={"if-match": "*"})

    assert [200] * 3 == [answer.status_code for answer in (of_list, of_row, star)]


async def test_several_endpoints_are_for_vllm_only(client):
    body = {"id": "v", "type": "vllm", "endpoints": ["http://a:1/v1", "http://b:2"]}

    good = await client.post(PATH, json=body)
    bad = await client.post(PATH, json={**body, "type": "openai"})

    fewer = await client.patch(f"{PATH}/v", json={"endpoints": ["http://b:2/"]})

    assert ["http://b:2"] == fewer.json()["provider"]["endpoints"]
    assert ["http://a:1", "http://b:2"] == good.json()["provider"]["endpoints"]
    assert (400, "#/endpoints") == (bad.status_code, bad.json()["errors"][0]["pointer"])


async def test_autoload_adds_models_when_a_provider_is_made(client, control):
    control.upstreams.offers["p"] = ["a", "org/b"]

    made = await client.post(PATH, json={**P, "autoload_models": True})

    assert ["a", "org/b"] == made.json()["models_added"]
    models = (await client.get("/admin/v1/models")).json()["items"]
    assert [("a", 5, True, None)] == [
        (m["id"], m["weight"], m["enabled"], m["input_per_1k"]) for m in models if m["id"] == "a"
    ]


async def test_a_provider_stands_though_its_models_could_not_be_loaded(client, control):
    control.upstreams.faults["p"] = UpstreamError(Kind.UNREACHABLE)

    made = await client.post(PATH, json={**P, "autoload_models": True})

    assert (200, []) == (made.status_code, made.json()["models_added"])
    assert "no models were loaded" in made.json()["note"]
    assert 200 == (await client.get(f"{PATH}/p")).status_code


async def test_discovery(client, control):
    control.upstreams.offers["p"] = ["a"]
    await client.post(PATH, json=P)

    found = await client.get(f"{PATH}/p/discover")

    assert {
        "provider_id": "p",
        "models": [{"id": "a", "registered": False}],
        "total": 1,
    } == found.json()


async def test_a_failed_discovery_is_a_502_with_its_class(client, control):
    await client.post(PATH, json=P)
    control.upstreams.faults["p"] = UpstreamError(Kind.CREDENTIAL, status=401, message="theirs")

    failed = await client.get(f"{PATH}/p/discover")
    unknown = await client.get(f"{PATH}/x/discover")

    assert (502, "upstream_credential") == (failed.status_code, failed.json()["code"])
    assert "theirs" not in failed.text
    assert (404, "not_found") == (unknown.status_code, unknown.json()["code"])


async def test_pages_are_cut_in_a_stable_order(client):
    for name in ("c", "a", "b"):
        await client.post(PATH, json={**P, "id": name})

    page = (await client.get(PATH, params={"limit": 1, "offset": 1})).json()

    assert (["b"], 3, 1, 1) == (
        [row["id"] for row in page["items"]],
        page["total"],
        page["limit"],
        page["offset"],
    )
