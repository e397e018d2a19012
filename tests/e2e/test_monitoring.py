"""What an operator sees of requests while they run: metrics, the access line, the log's level."""

import asyncio
import io
import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import ASK
from tests.support.server import ADMIN_TOKEN, running
from tokenhub.adapters.telemetry.families import FAMILIES
from tokenhub.adapters.telemetry.fields import ALWAYS, FIELDS
from tokenhub.adapters.telemetry.logging import set_level, start_logging
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
def log():
    """The log of this process, in memory; afterwards the root logger is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("info", stream=stream)
    root.handlers += handlers
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(log):
    """The access lines, by their routes; all of them are there once the server has stopped."""
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    return {line["route"]: line for line in told if line["event"] == "request"}


async def samples(hub):
    """Each sample of a scrape, by its name and the values of its labels in alphabetical order."""
    text = (await hub.http.get("/metrics")).text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def ask(hub, key, **fields):
    return await hub.http.post(CHAT, json=ASK | fields, headers={"x-api-key": key})


async def test_everything_that_can_be_lost_is_counted_from_the_start(hub):
    found = await samples(hub)

    lost = {name[1]: value for name, value in found.items() if name[0].endswith("dropped_total")}
    ops = ("decision", "series", "sign", "reward", "judgement", "access_line")
    assert dict.fromkeys(ops, 0.0) == lost


async def test_a_scrape_shows_what_requests_came_to(hub, sim, second, key):
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", second, models=["gpt"])
    sim.next(Fault.overloaded())

    await ask(hub, key, model="one/gpt")
    await ask(hub, key, model="two/gpt", stream=True)
    await ask(hub, "nobody's")
    found = await samples(hub)

    assert 2.0 == found["tokenhub_requests_total", "normal", "gpt", "two", "ok"]
    assert 1.0 == found["tokenhub_attempts_total", "overloaded", "gpt", "one", "voided"]
    assert 2.0 == found["tokenhub_attempts_total", "", "gpt", "two", "settled"]
    assert 1.0 == found["tokenhub_first_token_seconds_count", "gpt", "two"]
    assert 1.0 == found["tokenhub_retries_total",]
    assert 3.0 == found["tokenhub_queue_wait_seconds_count",]
    assert 2.0 == found["tokenhub_overhead_seconds_count",]
    assert 2.0 == found["tokenhub_commit_wait_seconds_count",]
    assert 0.0 < found["tokenhub_cost_usd_total", "gpt", "two"]
    assert 2.0 == found["tokenhub_provider_health_state", "two"]
    assert 1.0 == found["tokenhub_store_up", "ledger"]
    assert 0.0 == found["tokenhub_requests_under_way",]
    assert 0.0 < found["process_resident_memory_bytes",]


async def test_who_is_closed_is_zero_and_passed_over(hub, sim, second, key):
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", second, models=["gpt"])
    sim.next(Fault.status(401))

    await ask(hub, key, model="one/gpt")
    await ask(hub, key, model="gpt")
    found = await samples(hub)

    assert (0.0, 2.0) == (
        found["tokenhub_provider_health_state", "one"],
        found["tokenhub_provider_health_state", "two"],
    )
    assert 1.0 == found["tokenhub_provider_skips_total", "one", "credential_out"]


async def test_who_asks_too_often_is_counted_where_they_were_told(tmp_path):
    limits = {"RATE_LIMIT_RPS": "1", "RATE_LIMIT_BURST": "1"}
    async with running(
        tmp_path, ADMIN_RATE_LIMIT_RPS="1", ADMIN_RATE_LIMIT_BURST="1", **limits
    ) as hub:
        for _ in range(3):
            await ask(hub, "nobody's")
            await hub.http.get("/admin/v1/info")
        found = await samples(hub)

    assert (2.0, 0.0, 2.0) == (
        found["tokenhub_rate_limited_total",],
        found["tokenhub_key_rate_limited_total",],
        found["tokenhub_admin_rate_limited_total",],
    )


async def test_a_scrape_of_the_server_has_nothing_that_is_not_in_the_table(hub):
    known = {family.name for family in FAMILIES}
    text = (await hub.http.get("/metrics")).text
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE tokenhub")}

    assert shown == known


# --- the access line


async def test_each_request_is_a_line_with_its_template_and_nothing_it_said(tmp_path, sim, log):
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        answer = await ask(hub, key)
        await hub.http.get("/v1/models/a-secret-path?key=a-secret-query")
        await hub.http.get("/v1/a-secret-path")
        (row,) = (await hub.admin("GET", "apikeys"))["keys"]

    found = lines(log)
    chat = found[CHAT]
    assert {
        "level": "info",
        "event": "request",
        "logger": "tokenhub.access",
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "route": CHAT,
        "status": 200,
        "key_id": row["id"],
        "provider": "one",
        "model": "gpt",
        "attempts": 1,
    } == {name: value for name, value in chat.items() if name not in {"time", "ms"}}
    assert 0.0 < chat["ms"]
    assert (404, 404) == (found["/v1/models/{id}"]["status"], found[""]["status"])
    assert "a-secret" not in log.getvalue()
    assert key not in log.getvalue()
    assert chat.keys() <= ALWAYS.keys() | FIELDS.keys()


async def test_an_operators_request_has_their_name_and_a_refused_one_its_status(tmp_path, sim, log):
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        answer = await hub.http.get(
            "/admin/v1/providers/one", headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
        )
        await hub.http.get("/admin/v1/info")
        await ask(hub, "nobody's")

    found = lines(log)
    shown, refused = found["/admin/v1/providers/{provider_id}"], found["/admin/v1/info"]
    assert answer.headers["x-request-id"] == shown["request_id"]
    assert ("admin", 200) == (shown["actor"], shown["status"])
    assert (401, 401) == (refused["status"], found[CHAT]["status"])
    assert "actor" not in refused
    assert "key_id" not in found[CHAT]


async def test_who_hangs_up_is_a_line_too(tmp_path, sim, log):
    body = json.dumps(ASK).encode()
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt"])
        sim.next(Fault.hang())
        head = f"POST {CHAT} HTTP/1.1\r\nhost: h\r\nx-api-key: {await hub.key()}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(head.encode() + body)
        await sim.arrived(1)

        writer.close()
        await writer.wait_closed()

    assert 499 == lines(log)[CHAT]["status"]


async def test_no_line_is_written_where_they_are_off_or_the_level_is_higher(tmp_path, log):
    async with running(tmp_path, ACCESS_LOG="false") as hub:
        await hub.http.get("/v1/models/one")
    async with running(tmp_path) as hub:
        set_level("warn")
        await hub.http.get("/v1/models/two")
        set_level("info")
        await hub.http.get("/v1/models/three")

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    assert 1 == len([line for line in told if line["event"] == "request"])


# --- the level


async def test_the_level_changes_while_the_server_runs(hub, log):
    before = await hub.admin("GET", "log-level")
    after = await hub.admin("PUT", "log-level", {"level": "debug"})
    (entry,) = [
        row for row in (await hub.admin("GET", "audit"))["logs"] if "log-level" == row["resource"]
    ]

    assert ({"level": "info"}, {"level": "debug"}) == (before, after)
    assert logging.DEBUG == logging.getLogger().level
    assert "log-level.update" == entry["action"]


async def test_a_level_that_there_is_not_is_refused_and_changes_nothing(hub, log):
    answer = await hub.http.put(
        "/admin/v1/log-level",
        json={"level": "loud"},
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
    )

    assert 400 == answer.status_code
    assert "debug, info, warn, error" in answer.text
    assert {"level": "info"} == await hub.admin("GET", "log-level")
