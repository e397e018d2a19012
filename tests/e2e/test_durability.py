"""`kill -9` in the middle of traffic: what was acknowledged is there after it."""

import asyncio
import sqlite3

import aiohttp
import pytest

from tests.support.server import child
from tokenhub.core.money import usd
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

REQUESTS = 500
CONCURRENT = 32
HELLO = [{"role": "user", "content": "Hello"}]
DONE = b"data: [DONE]\n\n"


class Traffic:
    """Requests from 32 callers, every fourth of them streamed; `acked` are the ids of those whose
    end was seen. `enough` is set after `stop_at` of them, or when all callers are through.
    """

    def __init__(self, url, key, *, stop_at):
        self.acked = []
        self.enough = asyncio.Event()
        self._url = f"{url}/v1/chat/completions"
        self._key = {"x-api-key": key}
        self._left = iter(range(REQUESTS))
        self._stop_at = stop_at

    async def flow(self):
        async with aiohttp.ClientSession(headers=self._key) as session, asyncio.TaskGroup() as all_:
            for _ in range(CONCURRENT):
                all_.create_task(self._caller(session))
        self.enough.set()

    async def _caller(self, session):
        for number in self._left:
            body = {"model": "gpt", "messages": HELLO, "stream": number % 4 == 0}
            try:
                async with session.post(self._url, json=body) as answer:
                    content = await answer.read()
            except aiohttp.ClientError:
                return
            if answer.status == 200 and (not body["stream"] or content.endswith(DONE)):
                self.acked.append(answer.headers["x-request-id"])
            if len(self.acked) >= self._stop_at:
                self.enough.set()


@pytest.mark.parametrize("stop_at", [40, 300])
async def test_nothing_that_was_acknowledged_is_lost(tmp_path, sim, second, stop_at):
    """The log has every acknowledged request with its cost, and all sums agree."""
    async with child(tmp_path) as server:
        await server.provider("one", sim, models=["gpt"], api_key="sk-upstream")
        await server.provider("two", second, models=["gpt", "large"])
        key = await server.key()
        sim.next(*[Fault.status(500)] * 20)
        traffic = Traffic(server.url, key, stop_at=stop_at)
        async with asyncio.TaskGroup() as group:
            flowing = group.create_task(traffic.flow())
            await traffic.enough.wait()
            await server.kill()
            await flowing
        assert stop_at <= len(traffic.acked) < REQUESTS, server.said

    async with child(tmp_path) as server:
        providers = (await server.admin("GET", "providers"))["items"]
        models = (await server.admin("GET", "models"))["items"]
        keyless = await server.http.post(
            "/v1/chat/completions",
            json={"model": "one/gpt", "messages": HELLO},
            headers={"x-api-key": key, "x-tokenhub-substitute": "never"},
        )
        await server.admin("PATCH", "providers/one", {"api_key": "sk-upstream"})
        again = await server.http.post(
            "/v1/chat/completions",
            json={"model": "one/gpt", "messages": HELLO},
            headers={"x-api-key": key},
        )
        rows = await everything(server)

    assert set(traffic.acked) <= set(rows)
    assert all(rows[acked]["estimated_cost_usd"] > 0 for acked in traffic.acked)
    assert all(rows[acked]["status_code"] == 200 for acked in traffic.acked)
    assert_sums_agree(tmp_path / "data" / "tokenhub.sqlite", [*rows.values()])
    assert [("one", "missing"), ("two", "none")] == [
        (row["id"], row["credential"]) for row in providers
    ]
    assert [("gpt", "one"), ("gpt", "two"), ("large", "two")] == sorted(
        (row["id"], row["provider_id"]) for row in models
    )
    assert 503 == keyless.status_code
    assert "no_credential" == keyless.json()["error"]["skipped"][0]["reason"]
    assert 200 == again.status_code
    assert "Bearer sk-upstream" == sim.requests[-1].headers["authorization"]


async def everything(server):
    """The whole log by request id, page by page."""
    rows, before = {}, ""
    while True:
        page = await server.admin(
            "GET", f"logs?limit=200&before={before}" if before else "logs?limit=200"
        )
        rows |= {row["request_id"]: row for row in page["logs"]}
        before = page["next"]
        if before is None:
            assert page["total"] == len(rows)
            return rows


def assert_sums_agree(database, rows):
    """The ledger's own sums, read beside the server, and those of the API."""
    conn = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        (requests,) = conn.execute("SELECT sum(cost_nusd) FROM requests").fetchone()
        (attempts,) = conn.execute("SELECT sum(cost_nusd) FROM attempts").fetchone()
        (lonely,) = conn.execute(
            "SELECT count(*) FROM requests r WHERE status = 200 AND NOT EXISTS "
            "(SELECT 1 FROM attempts a WHERE a.request_id = r.request_id)"
        ).fetchone()
        (check,) = conn.execute("PRAGMA integrity_check").fetchone()
    finally:
        conn.close()
    assert requests == attempts
    assert 0 == lonely
    assert "ok" == check
    shown = sum(row["estimated_cost_usd"] for row in rows)
    assert usd(requests) == pytest.approx(shown)


async def test_a_restart_keeps_a_restricted_key_and_what_was_disabled(tmp_path, sim):
    async with child(tmp_path) as server:
        await server.provider("one", sim, models=["gpt"])
        planner = await server.key("plan")
        await server.admin("PATCH", "models/gpt?provider_id=one", {"enabled": False})
        await server.kill()

    async with child(tmp_path) as server:
        listed = (await server.http.get("/v1/models")).json()["data"]
        refused = await server.http.post(
            "/v1/chat", json={"messages": HELLO}, headers={"x-api-key": planner}
        )

    assert [] == listed
    assert (403, "insufficient_scope") == (refused.status_code, refused.json()["error"]["code"])
    assert not [line for line in server.said if "Traceback" in line]
