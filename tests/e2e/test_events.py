"""`GET /admin/v1/events`: every type of event is told, whole, in order, and to those who may read.

What each provokes it is written here; `core.events.TYPES` says which there are.
"""

import asyncio
import json
import socket
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.listening import listening
from tests.support.server import ADMIN_TOKEN, child, running
from tokenhub.core.events import KEY_ROTATION_EXPIRED, OF_THE_STREAM, TYPES
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "the words of a caller"}]
JSON = {"content-type": "application/json"}
OWNER = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
async def asked(hub, key):
    """Asks for a completion; gives the response."""

    async def ask(model="gpt", **fields):
        body = {"model": model, "max_tokens": 4, "messages": HELLO, **fields}
        return await hub.http.post(
            "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
        )

    return ask


async def test_a_request_is_told_from_its_start_to_its_commit(hub, asked, sim):
    await hub.provider("one", sim, models=["gpt"])

    async with listening(hub) as heard:
        answer = await asked()
        last = await heard.next("route_success")

    request_id = answer.headers["x-request-id"]
    ours = [one for one in heard.all if one.data.get("request_id") == request_id]
    assert ["request_started", "decision", "attempt", "route_success"] == [o.type for o in ours]
    assert [one.type for one in ours] == [one.data["type"] for one in ours]
    ids = [int(one.id) for one in ours]
    assert list(range(ids[0], ids[0] + 4)) == ids
    row = await hub.log(answer)
    detail = await hub.admin("GET", f"requests/{request_id}")
    decision = {k: v for k, v in detail["decision"].items() if k != "verified"}
    assert decision == ours[1].data["decision"]
    told = last.data
    assert row["attempts"] == told["attempts"]
    assert ("gpt", "one", "a test", 200) == (
        told["model_id"],
        told["provider_id"],
        told["api_key_name"],
        told["status_code"],
    )
    assert row["estimated_cost_usd"] == told["cost_usd"]
    assert row["total_tokens"] == told["total_tokens"] == ours[2].data["total_tokens"]
    assert "error_class" not in told


async def test_every_type_is_told_and_has_the_fields_that_are_documented(tmp_path):
    """And nothing that a caller, a provider or a secret has said is in any of them."""
    async with (
        Sim(PROFILE) as sim,
        running(tmp_path, VAULT_ENABLED="true") as hub,
        listening(hub) as heard,
    ):
        await _provoke(hub, sim)
        while wanted := TYPES.keys() - {one.type for one in heard.all} - {KEY_ROTATION_EXPIRED}:
            await heard.next(*wanted)

    known = TYPES | OF_THE_STREAM
    for one in heard.all:
        extra = one.data.keys() - {"type", "timestamp", "status", *known[one.type].fields}
        assert set() == extra, one
    text = json.dumps([one.data for one in heard.all])
    for word in ("the words of a caller", "not-a-model", "sk-0123456789", "password", ADMIN_TOKEN):
        assert word not in text
    assert "Simulated" not in text


async def _provoke(hub, sim):
    """Everything that an event can be told of."""
    await hub.admin("POST", "vault/init", {"admin_password": "a first password"})
    fields = {"api_key": "sk-0123456789abcdef"}
    await hub.provider("one", sim, models=["gpt"], model={"max_context_tokens": 4000}, **fields)
    await hub.model("large", "one", max_context_tokens=64_000, weight=1)
    limited = (
        await hub.admin(
            "POST",
            "apikeys",
            {"name": "of a team", "scopes": ["chat"], "monthly_budget_usd": 0.0002},
        )
    )["key"]
    free = await hub.key("chat", "plan")

    async def ask(path="/v1/chat/completions", key=free, **fields):
        body = {"messages": HELLO, "max_tokens": 4, **fields}
        return await hub.http.post(path, json=body, headers={"x-api-key": key})

    assert 200 == (await ask(model="gpt")).status_code
    assert 200 == (await ask(model="gpt", stream=True)).status_code
    sim.next(Fault.context_overflow())
    assert 200 == (await ask(model="gpt")).status_code
    await ask(model="not-a-model")
    while (await ask(key=limited)).status_code == 200:
        pass
    assert 200 == (await ask("/v1/plan", orchestration={"mode": "refine"})).status_code
    sim.next(*[Fault.status(500)] * 40)
    for _ in range(3):
        assert (await ask(model="gpt")).is_server_error
    assert (await ask("/v1/plan", orchestration={"mode": "refine"})).is_server_error


async def test_types_and_filters_choose(hub, asked, sim):
    await hub.provider("one", sim, models=["gpt"])

    async with (
        listening(hub, types="decision, attempt") as two,
        listening(hub, types="attempt", filter="model:gpt") as one,
    ):
        await asked()
        last = await two.next("attempt")
        only = await one.next()

    assert ["connected", "decision", "attempt"] == [event.type for event in two.all]
    assert ("attempt", last.id) == (only.type, only.id)


async def test_who_comes_back_goes_on_where_they_were(hub, asked, sim):
    await hub.provider("one", sim, models=["gpt"])
    async with listening(hub) as heard:
        await asked()
        seen = await heard.next("decision")
    await asked()

    async with listening(hub, headers={**OWNER, "last-event-id": seen.id}) as heard:
        again = [await heard.next() for _ in range(6)]
    async with listening(hub, last_event_id=seen.id, types="decision") as chosen:
        other = await chosen.next()

    ids = [int(seen.id) + n for n in range(1, 7)]
    assert ids == [int(event.id) for event in again]
    assert ["attempt", "route_success", "request_started", "decision", "attempt"] == [
        event.type for event in again[:5]
    ]
    assert again[3] == other


async def test_an_id_of_before_the_start_is_told_as_a_gap_and_all_that_is_kept_follows(hub, sim):
    await hub.provider("one", sim, models=["gpt"])

    async with listening(hub, last_event_id="17") as heard:
        gap = await heard.next()
        first = await heard.next()

    assert ("gap", "17", str(int(first.id))) == (
        gap.type,
        gap.data["after_id"],
        gap.data["next_id"],
    )
    assert "config_changed" == first.type


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"types": "decision,nonsense"}, "types"),
        ({"filter": "ms>soon"}, "filter"),
        ({"filter": "model:gpt " * 101}, "filter"),
        ({"type": "decision"}, "type"),
    ],
)
async def test_what_cannot_be_chosen_is_refused(hub, query, field):
    answer = await hub.http.get("/admin/v1/events", params=query, headers=OWNER)

    assert (400, [f"#/{field}"]) == (
        answer.status_code,
        [one["pointer"] for one in answer.json()["errors"]],
    )


async def test_a_token_that_is_revoked_reads_no_more(hub):
    made = await hub.admin("POST", "tokens", {"name": "t", "role": "viewer"})
    headers = {"authorization": f"Bearer {made['token']}"}

    async with listening(hub, headers=headers) as heard:
        await hub.admin("DELETE", "tokens/t")
        await hub.admin("PUT", "routing-config", {"default_mode": "cheap"})
        types = await heard.end()

    assert ["end"] == types
    assert "credential_over" == heard.all[-1].data["reason"]


async def test_a_session_that_has_ended_reads_no_more(hub):
    signed = await hub.http.post("/admin/v1/session", headers={**OWNER, **JSON})
    same = {
        **JSON,
        "sec-fetch-site": "same-origin",
        "cookie": f"th_admin={signed.cookies['th_admin']}",
    }

    async with listening(hub, headers=same) as heard:
        assert 200 == (await hub.http.delete("/admin/v1/session", headers=same)).status_code
        types = await heard.end()

    assert ["end"] == types


async def test_readers_end_at_once_when_the_server_stops(tmp_path):
    """It would have a minute for what is under way. One of them has read nothing at all."""
    async with child(tmp_path, SHUTDOWN_DRAIN_SECS="60") as hub, listening(hub) as heard:
        with _deaf(hub.port):
            hub.process.terminate()
            async with asyncio.timeout(30):
                types = await heard.end()
                await hub.process.wait()

    assert ["end"] == types
    assert "draining" == heard.all[-1].data["reason"]


@contextmanager
def _deaf(port):
    """A connection that asks for all events that are kept, and takes none."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        place.connect(("127.0.0.1", port))
        host = f"host: localhost\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n"
        place.sendall(f"GET /admin/v1/events HTTP/1.1\r\n{host}last-event-id: 1\r\n\r\n".encode())
        assert place.recv(8).startswith(b"HTTP/1.1")
        yield


async def test_whoever_hangs_up_disturbs_nobody(hub):
    async with listening(hub) as heard:
        for _ in range(3):
            async with listening(hub):
                await hub.admin("PUT", "routing-config", {"default_mode": "cheap"})
        events = [await heard.next() for _ in range(3)]

    assert ["routing-config.update"] * 3 == [event.data["action"] for event in events]
