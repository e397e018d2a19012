"""Who gets in, over real sockets: hosts, spellings of paths, sessions, pages of other sites."""

import asyncio
import logging
import stat

import httpx
import pytest

from tests.support.server import ADMIN_TOKEN, running
from tokenhub.settings import SettingsRefused
from tokenhub.web.front import ANY_KEY, ANYBODY, GUARDS
from tokenhub.web.headers import EVERYWHERE, UI_POLICY
from tokenhub.web.v1.models import PREFIX

pytestmark = pytest.mark.anyio
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}
JSON = {"content-type": "application/json"}
SAME = {**JSON, "sec-fetch-site": "same-origin"}
INFO = "/admin/v1/info"
SESSION = "/admin/v1/session"
PAGE = "https://app.example"


async def raw(hub, *lines, address="127.0.0.1"):
    """Status, headers and body of the answer to a request of these lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port, local_addr=(address, 0))
    writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1"))
    answer = (await reader.read()).decode("latin-1")
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    headers = [line.partition(": ")[::2] for line in rest]
    return int(first.split()[1]), {name.lower(): value for name, value in headers}, body


# -- Hosts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8080", "Hub.Example:443"])
async def test_the_admin_api_answers_under_names_of_ours(tmp_path, host):
    async with running(tmp_path, ALLOWED_HOSTS="hub.example") as hub:
        named = f"authorization: Bearer {ADMIN_TOKEN}"
        status, _, _ = await raw(hub, f"GET {INFO} HTTP/1.1", f"host: {host}", named)

    assert 200 == status


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:8080"],
        ["localhost.evil.example"],
        ["localhost", "evil.example"],
        ["evil.example", "localhost"],
        ["x/healthz?"],
        ["localhost#"],
        [""],
        [],
    ],
)
@pytest.mark.parametrize("path", [INFO, "/admin/", SESSION])
async def test_it_answers_under_no_other_and_a_token_changes_nothing(hub, hosts, path):
    named = [f"host: {host}" for host in hosts]
    status, _, body = await raw(
        hub, f"GET {path} HTTP/1.1", *named, f"authorization: Bearer {ADMIN_TOKEN}"
    )

    assert status in {400, 403}
    assert "uptime" not in body


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/models"])
async def test_machines_may_use_any_name(hub, path):
    status, _, _ = await raw(hub, f"GET {path} HTTP/1.1", "host: 10.1.2.3:8080")

    assert 200 == status


# -- Spellings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        INFO,
        "//admin/v1/info",
        "/admin//v1/info",
        "/admin/v1/info/",
        "/admin%2fv1%2Finfo",
        "/%61dmin/v1/info",
        "/admin/v1/info?x=1",
        "/admin/v1/info#x",
        "/healthz/../admin/v1/info",
        "/v1/../admin/v1/info",
        "/v1/%2e%2e/admin/v1/info",
        "/ADMIN/v1/info",
        "/admin/v1/info;x",
        "/admin/v1/info%00",
        "http://localhost/admin/v1/info",
        "http://evil.example/admin/v1/info",
        "http://evil.example/healthz/../admin/v1/info",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "HEAD", "POST"])
async def test_no_spelling_of_a_path_gets_around_the_guard(hub, method, target):
    status, headers, body = await raw(
        hub, f"{method} {target} HTTP/1.1", "host: localhost", f"origin: {PAGE}"
    )

    assert status in {400, 401, 403, 404, 405}
    assert "uptime" not in body
    if "/v1/" != target[:4]:
        assert not [name for name in headers if name.startswith("access-control")]


async def test_the_spellings_that_are_the_route_are_guarded_by_it(hub):
    targets = ["//admin/v1/info", "/admin/v1/info/", "/admin%2fv1/info", "http://e/admin/v1/info"]

    for target in targets:
        line = f"GET {target} HTTP/1.1"
        closed, _, _ = await raw(hub, line, "host: localhost")
        opened, _, _ = await raw(
            hub, line, "host: localhost", f"authorization: Bearer {ADMIN_TOKEN}"
        )
        assert (401, 200) == (closed, opened)


# -- API keys at the front door ------------------------------------------------------------------


async def test_every_route_of_v1_wants_a_key_with_its_scope(hub):
    scopes = ("chat", "plan", "embeddings")
    keys = {scope: await hub.key(scope) for scope in scopes}
    found = {}
    for (method, path), needed in GUARDS.items():
        path = path + "x" if path == PREFIX else path  # noqa: PLW2901 - a path that matches it
        for scope in (None, *scopes):
            headers = {} if scope is None else {"authorization": f"Bearer {keys[scope]}"}
            answer = await hub.http.request(method, path, content=b"{}", headers=headers | JSON)
            status = answer.status_code
            if needed == ANYBODY:
                right = status not in {401, 403}
            elif scope is None:
                right = status == 401
            elif needed == ANY_KEY:
                right = status not in {401, 403}
            else:
                right = (status == 403) == (scope != needed) and status != 401
            found[method, path, scope] = right

    assert {True} == set(found.values()), found
    assert 4 * len(GUARDS) == len(found)


# -- Sessions ------------------------------------------------------------------------------------


async def signed_in(hub, token=ADMIN_TOKEN):
    answer = await hub.http.post(SESSION, json={"token": token})
    assert 200 == answer.status_code, answer.text
    return answer


async def test_a_browser_signs_in_works_and_signs_out(hub):
    answer = await signed_in(hub)

    told = answer.json()
    assert (True, "admin", "owner") == (told["authenticated"], told["name"], told["role"])
    assert "not protected by TLS" in told["warning"]
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("th_admin=ths_")
    for attribute in ("httponly", "samesite=strict", "path=/", "max-age=43200"):
        assert attribute in cookie
    assert ADMIN_TOKEN not in answer.headers["set-cookie"] + answer.text
    assert "no-store" == answer.headers["cache-control"]

    assert 200 == (await hub.http.get(INFO)).status_code
    sent = {"id": "p", "base_url": "http://h.example"}
    changed = await hub.http.post("/admin/v1/providers", json=sent, headers=SAME)
    assert 200 == changed.status_code
    assert (await hub.http.get(SESSION)).json()["authenticated"]

    out = await hub.http.delete(SESSION, headers=SAME)
    assert 200 == out.status_code
    assert 2 == len(out.headers.get_list("set-cookie"))
    assert {"authenticated": False} == (await hub.http.get(SESSION)).json()
    assert 401 == (await hub.http.get(INFO)).status_code


async def test_a_session_id_is_over_after_signing_out_whoever_kept_it(hub):
    kept = (await signed_in(hub)).cookies["th_admin"]
    await hub.http.delete(SESSION, headers=SAME)

    answer = await hub.http.get(INFO, headers={"cookie": f"th_admin={kept}"})

    assert (401, "session_over") == (answer.status_code, answer.json()["code"])


async def test_behind_tls_the_cookie_is_for_tls_and_this_host_alone(tmp_path):
    async with running(tmp_path, ALLOWED_HOSTS="hub.example") as hub:
        answer = await hub.http.post(
            SESSION,
            headers={**BEARER, "host": "hub.example", "x-forwarded-proto": "https"},
        )
        cookie = answer.headers["set-cookie"]
        pair = cookie.partition(";")[0]
        status, _, _ = await raw(
            hub, f"GET {INFO} HTTP/1.1", "host: hub.example", f"cookie: {pair}"
        )

    assert cookie.startswith("__Host-th_admin=ths_")
    assert "Secure" in cookie
    assert "domain" not in cookie.lower()
    assert "warning" not in answer.json()
    assert 200 == status


async def test_without_tls_another_machine_gets_no_session(tmp_path):
    async with running(tmp_path, ALLOWED_HOSTS="hub.example") as hub:
        answer = await hub.http.post(SESSION, headers={**BEARER, "host": "hub.example"})

    assert (403, "session_needs_tls") == (answer.status_code, answer.json()["code"])
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("expected", "headers", "body"),
    [
        (200, SAME, b'{"id":"p","base_url":"http://h.example"}'),
        (403, {**JSON, "sec-fetch-site": "cross-site"}, b"{}"),
        (403, {**JSON, "sec-fetch-site": "same-site"}, b"{}"),
        (403, {**JSON, "origin": "https://evil.example"}, b"{}"),
        (403, {**JSON, "origin": "null"}, b"{}"),
        (403, JSON, b"{}"),
        (415, {"content-type": "text/plain", "sec-fetch-site": "same-origin"}, b"{}"),
        (403, {"content-type": "text/plain", "sec-fetch-site": "cross-site"}, b"{}"),
        (403, {"content-type": "application/x-www-form-urlencoded"}, b"a=b"),
    ],
)
async def test_a_page_of_another_site_changes_nothing(hub, expected, headers, body):
    await signed_in(hub)

    answer = await hub.http.post("/admin/v1/providers", content=body, headers=headers)

    assert expected == answer.status_code
    assert (["p"] if expected == 200 else []) == await hub.providers()


async def test_a_page_of_another_site_reads_nothing_and_signs_nobody_in(hub):
    foreign = {"sec-fetch-site": "cross-site"}
    refused = await hub.http.post(SESSION, json={"token": ADMIN_TOKEN}, headers=foreign)
    await signed_in(hub)

    assert 403 == refused.status_code
    assert 403 == (await hub.http.get(INFO, headers=foreign)).status_code
    assert 200 == (await hub.http.get(INFO)).status_code


async def test_a_bearer_token_needs_no_proof_of_where_it_is_from(hub):
    answer = await hub.http.delete("/admin/v1/providers/p", headers=BEARER)

    assert 404 == answer.status_code


async def test_a_session_outlives_a_restart_and_not_its_token(tmp_path):
    async with running(tmp_path, ADMIN_TOKEN="") as hub:
        first = (tmp_path / "data" / ".admin-token").read_text().strip()
        cookie = {"cookie": f"th_admin={(await signed_in(hub, first)).cookies['th_admin']}"}
    async with running(tmp_path, ADMIN_TOKEN="") as hub:
        assert 200 == (await hub.http.get(INFO, headers=cookie)).status_code

        rotated = await hub.http.post("/admin/v1/admin-token/rotate", headers=cookie | SAME)

        second = rotated.json()["token"]
        assert 401 == (await hub.http.get(INFO, headers=cookie)).status_code
    for token, status in ((first, 401), (second, 200)):
        async with running(tmp_path, ADMIN_TOKEN="") as hub:
            named = {"authorization": f"Bearer {token}"}
            assert status == (await hub.http.get(INFO, headers=named)).status_code
    path = tmp_path / "data" / ".admin-token"
    assert (second, 0o600) == (path.read_text().strip(), stat.S_IMODE(path.stat().st_mode))
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("tokenhub.sqlite*"))
    for secret in (first, second, cookie["cookie"].removeprefix("th_admin=")):
        assert secret.encode() not in kept


# -- Tokens --------------------------------------------------------------------------------------


async def test_a_token_of_a_role_is_made_used_rotated_and_revoked(hub):
    made = await hub.admin("POST", "tokens", {"name": "grafana", "role": "viewer"})
    viewer = {"authorization": f"Bearer {made['token']}"}
    assert 200 == (await hub.http.get(INFO, headers=viewer)).status_code
    assert 403 == (await hub.http.get("/admin/v1/tokens", headers=viewer)).status_code

    new = await hub.admin("POST", "tokens/grafana/rotate", {"overlap": "0"})
    assert 401 == (await hub.http.get(INFO, headers=viewer)).status_code
    viewer = {"authorization": f"Bearer {new['token']}"}
    assert 200 == (await hub.http.get(INFO, headers=viewer)).status_code

    listed = (await hub.admin("GET", "tokens"))["tokens"]
    assert [("admin", "owner"), ("grafana", "viewer")] == [(t["name"], t["role"]) for t in listed]
    assert all(token["last_used_at"] for token in listed)
    assert new["token"] not in str(listed)
    await hub.admin("DELETE", "tokens/grafana")
    assert 401 == (await hub.http.get(INFO, headers=viewer)).status_code


async def test_a_thousand_guesses_lock_nobody_else_out(tmp_path):
    chosen = "the-operator-chose-this"
    async with running(tmp_path, ADMIN_TOKEN=chosen) as hub:
        found = []
        for number in range(1000):
            guess = chosen if number == 500 else f"a-guess-number-{number}"
            named = {"authorization": f"Bearer {guess}"}
            found.append((await hub.http.get(INFO, headers=named)).status_code)
        elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2", verify=False)
        async with httpx.AsyncClient(transport=elsewhere, base_url=hub.url) as client:
            named = {"authorization": f"Bearer {chosen}"}
            answer = await client.get(INFO, headers=named)

    assert [401] * 10 == found[:10]
    assert {401, 429} == set(found)
    assert 10 <= found.count(401) < 30
    assert 200 == answer.status_code


async def test_the_log_names_addresses_and_no_token(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with running(tmp_path, TRUSTED_PROXIES="127.0.0.1") as hub:
        for token in (ADMIN_TOKEN, "a-guess-of-some-length"):
            named = {"authorization": f"Bearer {token}", "x-forwarded-for": "6.6.6.6, 203.0.113.9"}
            await hub.http.get(INFO, headers=named)

    told = [
        (record.getMessage(), record.address)
        for record in caplog.records
        if record.name == "tokenhub.access"
    ]
    assert [("admin_refused", "203.0.113.9")] == told
    assert ADMIN_TOKEN not in str([vars(record) for record in caplog.records])


async def test_a_short_token_is_warned_about_and_a_shorter_one_refused(tmp_path, caplog):
    async with running(tmp_path, ADMIN_TOKEN="x" * 31):
        pass
    warned = [record.getMessage() for record in caplog.records]
    caplog.clear()
    async with running(tmp_path, ADMIN_TOKEN="x" * 32):
        pass

    assert "admin_token_short" in warned
    assert "admin_token_short" not in [record.getMessage() for record in caplog.records]
    with pytest.raises(SettingsRefused):
        async with running(tmp_path, ADMIN_TOKEN="x" * 15):
            pass


# -- Headers and other sites ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ("GET / HTTP/1.1", "host: localhost"),
        ("GET /admin/ HTTP/1.1", "host: localhost"),
        (f"GET {INFO} HTTP/1.1", "host: localhost"),
        (f"GET {INFO} HTTP/1.1", "host: evil.example"),
        ("GET /nothing HTTP/1.1", "host: localhost"),
        ("GET /healthz HTTP/1.1", "host: localhost"),
        ("GET /metrics HTTP/1.1", "host: localhost"),
        ("GET /v1/models HTTP/1.1", "host: localhost"),
        ("POST /v1/chat/completions HTTP/1.1", "host: localhost", "content-length: 0"),
        ("DELETE /v1/chat HTTP/1.1", "host: localhost"),
        ("GET /v1/nothing HTTP/1.1", "host: localhost"),
        ("OPTIONS /v1/chat HTTP/1.1", f"origin: {PAGE}", "access-control-request-method: POST"),
        ("NONSENSE",),
        ("GET / HTTP/1.1", "x: " + "y" * 70_000),
    ],
    ids=lambda lines: "|".join(lines)[:70],
)
async def test_every_answer_protects_who_reads_it_in_a_browser(hub, lines):
    status, headers, _ = await raw(hub, *lines)

    assert dict(EVERYWHERE).items() <= headers.items()
    page = lines[0].split()[1:2] in (["/"], ["/admin/"], [INFO], ["/nothing"], ["/metrics"])
    if page and status != 431:
        assert "nosniff" == headers["x-content-type-options"]
        policy = headers["content-security-policy"]
        assert policy == UI_POLICY.decode() or "sha256-" in policy
        assert "unsafe" not in policy


async def test_pages_of_all_sites_may_call_v1_unless_a_setting_lists_some(tmp_path, hub):
    asks = {"origin": PAGE, "access-control-request-method": "POST"}
    first = await hub.http.options("/v1/chat/completions", headers=asks)
    then = await hub.http.post("/v1/chat/completions", json={}, headers={"origin": PAGE})
    admin = await hub.http.options(INFO, headers=asks)
    async with running(tmp_path / "other", CORS_ORIGINS="https://other.example") as listed:
        refused = await listed.http.options("/v1/chat/completions", headers=asks)

    assert (204, "*") == (first.status_code, first.headers["access-control-allow-origin"])
    assert (401, "*") == (then.status_code, then.headers["access-control-allow-origin"])
    for answer in (first, then):
        assert "access-control-allow-credentials" not in answer.headers
    for answer in (admin, refused):
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_metrics_and_models_can_be_closed(tmp_path):
    async with running(tmp_path, METRICS_PUBLIC="false", MODELS_PUBLIC="false") as hub:
        key = {"authorization": f"Bearer {await hub.key('embeddings')}"}
        wrong = {"authorization": "Bearer tokenhub_unknown", "anthropic-version": "2023-06-01"}
        made = await hub.admin("POST", "tokens", {"name": "scraper"})
        scraper = {"authorization": f"Bearer {made['token']}"}
        found = {
            (path, name): (await hub.http.get(path, headers=headers)).status_code
            for path in ("/metrics", "/v1/models", "/v1/models/gpt")
            for name, headers in (("nobody", {}), ("key", key), ("viewer", scraper))
        }
        told = await hub.http.get("/v1/models", headers=wrong)

    assert {
        ("/metrics", "nobody"): 401,
        ("/metrics", "key"): 401,
        ("/metrics", "viewer"): 200,
        ("/v1/models", "nobody"): 401,
        ("/v1/models", "key"): 200,
        ("/v1/models", "viewer"): 401,
        ("/v1/models/gpt", "nobody"): 401,
        ("/v1/models/gpt", "key"): 404,
        ("/v1/models/gpt", "viewer"): 401,
    } == found
    assert (401, "error") == (told.status_code, told.json()["type"])
