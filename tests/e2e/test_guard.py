"""Calls go where the operator has said, and nowhere else, whatever a request asks for."""

from urllib.parse import quote

import pytest

from tests.support.server import ADMIN_TOKEN, running

pytestmark = pytest.mark.anyio

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
HELLO = [{"role": "user", "content": "Hello"}]
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/chat", "/v1/embeddings", "/v1/plan")
# By which rivals' callers could name a server, a credential or a proxy of their own.
FIELDS = (
    "api_base",
    "base_url",
    "baseUrl",
    "base_uri",
    "endpoint",
    "endpoints",
    "url",
    "uri",
    "host",
    "hostname",
    "port",
    "scheme",
    "origin",
    "custom_host",
    "api_host",
    "server",
    "target",
    "destination",
    "upstream",
    "proxy",
    "http_proxy",
    "https_proxy",
    "api_key",
    "apiKey",
    "authorization",
    "credentials",
    "token",
    "organization",
    "user_config",
    "litellm_params",
    "litellm_settings",
    "provider",
    "provider_options",
    "custom_llm_provider",
    "deployment_id",
    "azure_endpoint",
    "aws_bedrock_runtime_endpoint",
    "vertex_location",
    "model_list",
    "fallbacks",
)
HEADERS = (
    "x-portkey-custom-host",
    "x-portkey-config",
    "x-portkey-provider",
    "x-base-url",
    "x-api-base",
    "x-target-url",
    "x-upstream",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-original-url",
    "x-rewrite-url",
    "forwarded",
    "via",
    "helicone-target-url",
    "openai-organization",
    "metadata-flavor",
    "metadata",
    "x-aws-ec2-metadata-token",
    "proxy-authorization",
    "cookie",
)


@pytest.fixture
def elsewhere(second):
    """A server that nobody has registered, and that every field of a request names."""
    return second


@pytest.fixture
async def served(hub, sim):
    await hub.provider("one", sim, models=["gpt"], api_key="sk-of-the-provider")
    return hub


def body(path, **fields):
    if path == "/v1/embeddings":
        return {"model": "gpt", "input": "Hello"} | fields
    if path == "/v1/plan":
        return {"request": {"messages": HELLO} | fields, "orchestration": {"mode": "vote"}} | fields
    return {"model": "gpt", "messages": HELLO, "max_tokens": 8} | fields


async def all_keys(hub):
    return {"x-api-key": await hub.key("chat", "embeddings", "plan")}


@pytest.mark.parametrize("path", PATHS)
async def test_no_field_of_a_body_names_another_server(served, sim, elsewhere, path):
    key = await all_keys(served)
    url = elsewhere.url

    for field in FIELDS:
        for value in (url, {"api_base": url, "base_url": url, "api_key": "sk-evil"}, [url]):
            await served.http.post(path, json=body(path, **{field: value}), headers=key)

    assert 40 == len(FIELDS)
    assert [] == elsewhere.requests
    said = [request.headers.get("authorization") for request in sim.requests]
    assert {"Bearer sk-of-the-provider"} >= set(said)


async def test_no_header_names_another_server_nor_goes_upstream(served, sim, elsewhere):
    key = await all_keys(served)

    for name in HEADERS:
        answer = await served.http.post(
            PATHS[0], json=body(PATHS[0]), headers=key | {name: elsewhere.url}
        )
        assert 200 == answer.status_code
    host = await served.http.post(
        PATHS[0], json=body(PATHS[0]), headers=key | {"host": "evil.test"}
    )

    assert 200 == host.status_code
    assert [] == elsewhere.requests
    assert len(HEADERS) + 1 == len(sim.requests)
    for request in sim.requests:
        assert {
            "host",
            "content-type",
            "accept",
            "accept-encoding",
            "authorization",
            "content-length",
        } == set(request.headers)
        assert sim.url.partition("://")[2] == request.headers["host"]


async def test_no_directive_names_another_server(served, sim, elsewhere):
    key = await all_keys(served)

    for field in FIELDS:
        text = f"@@tokenhub {field}={elsewhere.url}\nHello"
        turns = [{"role": "system", "content": text}, *HELLO]
        await served.http.post(PATHS[0], json=body(PATHS[0]) | {"messages": turns}, headers=key)

    assert [] == elsewhere.requests


async def test_nobody_is_told_of_headers_that_a_provider_sends(served, sim, ask):
    """Of an answer's headers none is copied: they are all ours."""
    answer = await ask()

    ours = {
        "date",
        "content-type",
        "content-length",
        "x-content-type-options",
        "x-request-id",
        "x-negotiated-model",
        "x-frame-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
    }
    assert set() == {name for name in answer.headers if not name.startswith("x-tokenhub-")} - ours


# --- addresses


async def test_without_the_setting_loopback_is_not_called_and_says_what_to_set(tmp_path, sim):
    async with running(tmp_path, ALLOWED_PRIVATE_HOSTS="") as hub:
        headers = ADMIN
        row = {"id": "one", "base_url": sim.url}
        refused = await hub.http.post("/admin/v1/providers", json=row, headers=headers)

    assert 400 == refused.status_code
    assert "address_not_allowed" == refused.json()["code"]
    assert "add 127.0.0.1 to TOKENHUB_ALLOWED_PRIVATE_HOSTS" in refused.json()["error"]


async def test_a_name_of_this_machine_is_refused_by_requests_discovery_and_tests(tmp_path, sim):
    """What is saved is a name; what is judged is where it leads, each time and by every call."""
    port = sim.url.rpartition(":")[2]
    async with running(tmp_path) as hub:
        await hub.provider("one", f"http://localhost:{port}", models=["gpt"])
        key = {"x-api-key": await hub.key()}
        assert 200 == (await hub.http.post(PATHS[0], json=body(PATHS[0]), headers=key)).status_code
    seen = len(sim.requests)

    async with running(tmp_path, ALLOWED_PRIVATE_HOSTS="10.9.9.9") as hub:
        headers = ADMIN
        answer = await hub.http.post(PATHS[0], json=body(PATHS[0]), headers=key)
        found = await hub.http.get("/admin/v1/providers/one/discover", headers=headers)
        tested = await hub.http.post("/admin/v1/providers/one/test", headers=headers)

    assert (502, "upstream_unreachable") == (answer.status_code, answer.json()["error"]["code"])
    assert "127.0.0.1" not in answer.text
    assert "TOKENHUB_ALLOWED_PRIVATE_HOSTS" in found.text
    assert "TOKENHUB_ALLOWED_PRIVATE_HOSTS" in tested.text
    assert seen == len(sim.requests)


# --- what no header may hold


@pytest.mark.parametrize("evil", ["a\r\nx-evil: 1", "a\nb", "a\0b", "a\rb", "a\x7fb", "a\x1bb"])
async def test_names_that_would_break_a_header_are_refused_or_escaped(served, key, evil):
    admin = ADMIN
    made = [
        await served.http.post(f"/admin/v1/{noun}", json=row, headers=admin)
        for noun, row in (
            ("providers", {"id": evil, "base_url": "https://a.example"}),
            ("providers", {"id": "p", "base_url": f"https://a.example/{evil}"}),
            ("providers", {"id": "p", "base_url": "https://a.example", "api_key": evil}),
            ("models", {"id": evil, "provider_id": "one"}),
        )
    ]
    alias = {"variants": [{"model_id": "gpt", "weight": 1}]}
    path = f"/admin/v1/aliases/{quote(evil)}"
    made.append(await served.http.put(path, json=alias, headers=ADMIN))
    asked = await served.http.post(
        PATHS[0], json=body(PATHS[0]) | {"model": evil}, headers={"x-api-key": key}
    )
    named = await served.http.post(
        PATHS[0],
        json=body(PATHS[0]) | {evil: 1},
        headers={"x-api-key": key},
    )

    assert [400] * len(made) == [answer.status_code for answer in made]
    assert asked.status_code in {400, 404}
    assert "x-evil" not in asked.headers
    assert "x-evil" not in named.headers


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity"])
@pytest.mark.parametrize("path", [*PATHS, "/v1/messages/count_tokens", "/admin/v1/providers"])
async def test_a_compressed_body_is_a_415_wherever_it_is_sent(hub, path, coding):
    key = ADMIN if path.startswith("/admin") else await all_keys(hub)
    sent = key | {"content-type": "application/json", "content-encoding": coding}

    answer = await hub.http.post(path, content=b"{}", headers=sent)

    assert 415 == answer.status_code
    assert "unsupported_media_type" in answer.text


async def test_two_codings_in_two_lines_are_one_list(hub, key):
    lines = [
        ("x-api-key", key),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("content-encoding", "identity"),
    ]

    answer = await hub.http.post(PATHS[0], content=b"{}", headers=lines)

    assert 415 == answer.status_code
