import base64
import hashlib
import re

import pytest

from tests.support.control import URL, Control
from tokenhub.core.events import CONFIG_CHANGED, Event
from tokenhub.ports.storage import Storage

pytestmark = pytest.mark.anyio


async def test_info_tells_what_runs_and_where_keys_are(client, control):
    control.clock.running_s += 2.5

    info = (await client.get("/admin/v1/info")).json()

    assert ("admin", URL, 2.5, "memory", False, False) == tuple(
        info[name]
        for name in (
            "tokenhub",
            "url",
            "uptime_s",
            "provider_keys",
            "vault_locked",
            "vault_initialized",
        )
    )


async def test_info_tells_the_id_of_the_newest_event(client, control):
    before = (await client.get("/admin/v1/info")).json()["last_event_id"]
    control.bus.emit(Event(type=CONFIG_CHANGED))

    after = (await client.get("/admin/v1/info")).json()["last_event_id"]

    assert (str(control.bus.last), 1) == (after, int(after) - int(before))


async def test_healthz_is_200_even_with_nothing_to_route_to(client):
    answer = await client.get("/healthz")

    assert (200, {"status": "ok", "adapters": 0, "models": 0}) == (
        answer.status_code,
        answer.json(),
    )


async def test_healthz_counts_what_there_is(client):
    await client.post("/admin/v1/providers", json={"id": "p", "base_url": "http://h"})
    await client.post("/admin/v1/models", json={"id": "m", "provider_id": "p"})

    found = (await client.get("/healthz")).json()
    assert (1, 1) == (found["adapters"], found["models"])


async def test_readyz_gives_the_reason(client, control):
    ready = await client.get("/readyz")
    control.reason = "the database is closed"
    unready = await client.get("/readyz")

    assert (200, {"status": "ready"}) == (ready.status_code, ready.json())
    assert (503, {"status": "not_ready", "reason": "the database is closed"}) == (
        unready.status_code,
        unready.json(),
    )


async def test_a_disk_that_takes_no_writes_is_told_as_degraded(client, control):
    control.reason = "the ledger cannot be written"
    control.storage = Storage(ledger=control.reason)

    unready = await client.get("/readyz")
    info = (await client.get("/admin/v1/info")).json()

    assert (503, {"status": "degraded", "reason": control.reason}) == (
        unready.status_code,
        unready.json(),
    )
    assert ("degraded", control.reason) == (info["storage"], info["storage_reason"])


async def test_what_no_request_waits_for_keeps_nobody_from_asking(client, control):
    control.storage = Storage(detail="records cannot be written", warnings=("an old SQLite",))

    ready = await client.get("/readyz")
    info = (await client.get("/admin/v1/info")).json()

    assert (200, {"status": "ready", "warnings": ["an old SQLite"]}) == (
        ready.status_code,
        ready.json(),
    )
    assert ("degraded", "records cannot be written", ["an old SQLite"]) == (
        info["storage"],
        info["storage_reason"],
        info["warnings"],
    )


async def test_metrics_are_text(client):
    answer = await client.get("/metrics")

    assert "tokenhub_up 1\n" == answer.text
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]


async def test_the_root_leads_to_the_admin_page(client):
    answer = await client.get("/")

    assert (302, "/admin/") == (answer.status_code, answer.headers["location"])


async def test_the_admin_page_is_plain_and_locked_down(client):
    answer = await client.get("/admin/")

    policy = answer.headers["content-security-policy"]
    style = re.search("<style>(.*?)</style>", answer.text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "dashboard is not there yet" in answer.text
    assert f"TOKENHUB_URL={URL}" in answer.text
    assert "<script" not in answer.text


async def test_the_admin_page_escapes_its_url():
    control = await Control().started()
    parts = control.parts()
    evil = type(parts)(
        **{
            name: getattr(parts, name)
            for name in parts.__dataclass_fields__
            if name != "public_url"
        },
        public_url="http://<script>alert(1)</script>",
    )
    control.parts = lambda: evil
    async with control.client() as client:
        answer = await client.get("/admin/")

    assert "<script" not in answer.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/admin/", "/admin/v1/info", "/no"])
async def test_every_response_has_an_id_of_its_own_and_forbids_guessing(client, path):
    first, second = await client.get(path), await client.get(path)

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert "nosniff" == first.headers["x-content-type-options"]
    no_store = path.startswith("/admin")
    assert no_store == (first.headers.get("cache-control") == "no-store")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("reason", ["", "the database is closed"])
async def test_head_of_a_probe_is_its_get_without_the_body(client, control, path, reason):
    control.reason = reason

    got, head = await client.get(path), await client.head(path)

    assert (got.status_code, b"") == (head.status_code, head.content)
    for name in ("content-type", "content-length"):
        assert got.headers[name] == head.headers[name]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_options_of_a_probe_wants_no_token(client, path):
    del client.headers["authorization"]

    answer = await client.options(path)

    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["allow"])


@pytest.mark.parametrize("name", [".", "..", " ", " p", "p "])
async def test_a_provider_id_that_no_path_can_name_is_refused(client, name):
    answer = await client.post("/admin/v1/providers", json={"id": name, "base_url": "http://h"})

    assert 400 == answer.status_code
    assert "without spaces around it" in answer.json()["detail"]


@pytest.mark.parametrize("name", [" ", "   ", " m"])
async def test_a_model_id_of_spaces_is_refused(client, name):
    await client.post("/admin/v1/providers", json={"id": "p", "base_url": "http://h"})

    answer = await client.post("/admin/v1/models", json={"id": name, "provider_id": "p"})

    assert 400 == answer.status_code
