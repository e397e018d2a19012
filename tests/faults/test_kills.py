"""F1, F2: `kill -9` of the server at a random moment, under load and with calls under way."""

import asyncio
import random
import sqlite3
from contextlib import suppress

import aiohttp
import pytest

from tests.faults.harness import MODEL, PATHS, calls
from tests.faults.table import LONG
from tests.support.server import child
from tokenhub.core.money import usd
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

KILLS = 20 if LONG else 2
# A loop ends after so many at the latest, so that one without a kill would end as well.
REQUESTS = 2_000
CONCURRENT = 32
# What is asked before the earliest kill, and how much later the latest one comes.
EARLIEST, SPREAD_S = 50, 1.0
UNDER_WAY = 20
MAX_TOKENS = 64
TOLD = [{"role": "user", "content": "Hello"}]
BODY = {"model": MODEL, "messages": TOLD, "max_tokens": MAX_TOKENS}
# Held for each call: the answer at its longest; the prompt is free.
FREE_PROMPTS = {"input_per_1k": 0.0, "output_per_1k": 0.002}
HELD_USD = usd(MAX_TOKENS * 2_000)
DONE = b"data: [DONE]\n\n"


class Traffic:
    """Callers who note what they were told to its end; every fourth request is a stream."""

    def __init__(self, url, keys):
        self.acked = []
        self._url = url + PATHS["openai"]
        self._keys = keys
        self._left = iter(range(REQUESTS))
        self.begun = asyncio.Event()

    async def flow(self):
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*[self._caller(session) for _ in range(CONCURRENT)])
        self.begun.set()

    async def _caller(self, session):
        for number in self._left:
            body = BODY | {"stream": number % 4 == 0}
            key = self._keys[number % len(self._keys)]
            sent = session.post(self._url, json=body, headers={"x-api-key": key})
            try:
                async with sent as answer:
                    content = await answer.read()
            except aiohttp.ClientError:
                return
            if answer.status == 200 and (not body["stream"] or content.endswith(DONE)):
                self.acked.append(answer.headers["x-request-id"])
            if len(self.acked) >= EARLIEST:
                self.begun.set()


async def two_keys(server):
    """A key that need not count its money, and one that must."""
    rich = {"name": "rich", "scopes": ["chat"]}
    poor = {"name": "poor", "scopes": ["chat"], "monthly_budget_usd": 1_000}
    return [(await server.admin("POST", "apikeys", body))["key"] for body in (rich, poor)]


def on_disk(folder, query):
    """The rows that a query has, read beside the server."""
    conn = sqlite3.connect(f"file:{folder / 'data' / 'tokenhub.sqlite'}?mode=ro", uri=True)
    try:
        return conn.execute(query).fetchall()
    finally:
        conn.close()


async def checked(server, folder):
    """The books are right, hold nothing, and nothing is open."""
    found = await server.admin("POST", "ledger/verify")
    assert (True, [], 0.0) == (found["ok"], found["problems"], found["reserved_usd"])
    assert found["requests_usd"] == found["rows_usd"] == found["totals_usd"]
    assert found["charged_usd"] == found["written_usd"]
    assert [(0,)] == on_disk(folder, "SELECT count(*) FROM intents")
    assert [("ok",)] == on_disk(folder, "PRAGMA quick_check")
    return found


async def test_f1_what_was_acknowledged_outlives_a_kill(tmp_path, sim, figure):
    keys, acked = [], []
    for kill in range(KILLS + 1):
        began = asyncio.get_running_loop().time()
        async with child(tmp_path) as server:
            if kill:
                figure(
                    "F1",
                    "ready again after",
                    1000 * (asyncio.get_running_loop().time() - began),
                    "ms",
                )
                await checked(server, tmp_path)
            else:
                await server.provider("one", sim, models=[MODEL], model=FREE_PROMPTS)
                keys = await two_keys(server)
            if kill == KILLS:
                break
            traffic = Traffic(server.url, keys)
            async with asyncio.TaskGroup() as group:
                flowing = group.create_task(traffic.flow())
                await traffic.begun.wait()
                await asyncio.sleep(random.uniform(0, SPREAD_S))
                await server.kill()
                await flowing
            acked += traffic.acked

    kept = {name for (name,) in on_disk(tmp_path, "SELECT request_id FROM requests")}
    lost = set(acked) - kept
    figure("F1", "acknowledged", len(acked))
    figure("F1", "lost", len(lost))
    assert set() == lost
    assert [(0,)] == on_disk(
        tmp_path,
        "SELECT count(*) FROM attempts WHERE state NOT IN ('settled', 'voided', 'unknown')",
    )


async def test_f2_what_was_under_way_is_charged_and_marked(tmp_path, sim, figure):
    async with child(tmp_path) as server:
        await server.provider("one", sim, models=[MODEL], model=FREE_PROMPTS)
        keys = await two_keys(server)
        sim.next(*[Fault.hang()] * UNDER_WAY)
        async with aiohttp.ClientSession(server.url) as session, asyncio.TaskGroup() as group:
            for number in range(UNDER_WAY):
                group.create_task(_cut_off(session, keys[number % len(keys)]))
            while (  # noqa: ASYNC110 - of another process there is no event
                calls(sim) < UNDER_WAY
                or len(on_disk(tmp_path, "SELECT 1 FROM intents")) < UNDER_WAY
            ):
                await asyncio.sleep(0.01)
            await server.kill()

    async with child(tmp_path) as server:
        rows = await server.logs(limit=100)
        found = await checked(server, tmp_path)

    assert calls(sim) == UNDER_WAY == len(rows)
    assert {(500, "interrupted")} == {(row["status_code"], row["error_class"]) for row in rows}
    attempts = [attempt for row in rows for attempt in row["attempts"]]
    assert {("unknown", True, HELD_USD)} == {
        (one["state"], one["estimated"], one["cost_usd"]) for one in attempts
    }
    figure("F2", "calls under way, marked unknown", len(attempts))
    figure("F2", "charged for them, of what was held", found["rows_usd"] / HELD_USD, "calls")
    assert found["rows_usd"] == pytest.approx(UNDER_WAY * HELD_USD)


async def _cut_off(session, key):
    """A request that is never answered."""
    with suppress(aiohttp.ClientError):
        async with session.post(PATHS["openai"], json=BODY, headers={"x-api-key": key}):
            raise AssertionError("it was answered")
