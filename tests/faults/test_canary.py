"""F38: marked secrets and prompts over every route and every error, and then a search for them.

Each mark is a text that occurs nowhere by chance. A server process is given them as prompt, API
key, provider key, admin token, header and path, in good requests and in bad ones; then everything
that it has said or written is searched: log, both databases with what is written ahead of them,
metrics, audit trail, request log, and every answer to whoever did not bring the mark along.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.faults.harness import MODEL
from tests.support.control import Control
from tests.support.server import ADMIN_TOKEN, Child, child
from tokenhub.app import front
from tokenhub.core.keys import mint
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub.web.app import build
from tokenhub.web.v1.models import PREFIX

pytestmark = pytest.mark.anyio

PROMPT = "zqPromptMark71f3"
SYSTEM = "zqSystemMark82a4"
COMPLETION = "zqCompletionMark93b5"
HEADER = "zqHeaderMarka4c6"
PLACE = "zqPathMarkb5d7"
PROVIDER_KEY = "sk-zqProviderKeyMarkc6e8"
WRONG_TOKEN = "tha_zqWrongTokenMarkd7f90123456789"
ODD_KEY = "tokenhub_zqOddKeyMarke80a"
FORGED_KEY = mint(0xF0E1D2C3B4A5968778695A4B3C2D1E0F)
VAULT_PASSWORD = "zqVaultPasswordMarkf91b"
NEW_PASSWORD = "zqNewPasswordMark0a2c"
WRONG_PASSWORD = "zqWrongPasswordMark1b3d"
VAULT_SECRET = "zqVaultSecretMark2c4e"
IN_THE_VAULT = (VAULT_PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, VAULT_SECRET)
SENT = (
    *(PROMPT, SYSTEM, HEADER, PLACE, WRONG_TOKEN, ODD_KEY, FORGED_KEY),
    *IN_THE_VAULT,
)
MODELS = ("gpt", "larger")
SIMULATED = Profile(
    name="simulated",
    dialect="openai",
    seed=38,
    models=tuple(Model(id=name, context_tokens=8_000) for name in MODELS),
    answer_tokens=Constant(value=12),
)
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Hi, {PROMPT}"}]
# What an answer of a provider may say, whoever made it up: a prompt, our key, its own words.
SAID = f"you sent {PROMPT} with {PROVIDER_KEY}: {COMPLETION}"
FAULTS = {
    "500": Fault.status(500, message=SAID),
    "503": Fault.status(503, message=SAID),
    "400": Fault.status(400, message=f"wrong field in {COMPLETION}"),
    "401": Fault.status(401, message=SAID),
    "402": Fault.status(402, message=SAID),
    "404": Fault.status(404, message=SAID),
    "413": Fault.status(413, message=SAID),
    "429": Fault.rate_limited("0"),
    "529": Fault.overloaded(),
    "overflow": Fault.context_overflow(),
    "no JSON": Fault.body(SAID.encode()),
    "half a JSON": Fault.invalid_json(),
    "a page": Fault.body(SAID.encode(), status=500),
    "no HTTP": Fault.raw(SAID.encode()),
    "a redirect": Fault.redirect(f"http://127.0.0.1:9/{COMPLETION}?key={PROVIDER_KEY}"),
    "reset": Fault.reset(),
    "cut": Fault.cut("reset", after=2),
    "broken": Fault.broken(429, after=2),
    "garbage": Fault.garbage(),
    "unterminated": Fault.unterminated(),
    "bad chunk": Fault.bad_chunk(),
}
BODIES: dict[str, Any] = {
    "/v1/chat/completions": {"model": MODEL, "messages": MESSAGES, "max_tokens": 8},
    "/v1/messages": {
        "model": MODEL,
        "system": SYSTEM,
        "messages": MESSAGES[1:],
        "max_tokens": 8,
    },
    "/v1/messages/count_tokens": {"model": MODEL, "messages": MESSAGES[1:]},
    "/v1/embeddings": {"model": MODEL, "input": PROMPT},
    "/v1/chat": {"request": {"messages": MESSAGES, "model_hint": MODEL}},
    "/v1/plan": {
        "request": {"messages": MESSAGES, "model_hint": MODEL},
        "orchestration": {"mode": "refine", "iterations": 1},
    },
    "/v1/feedback": {"request_id": PLACE, "score": 0.5, "comment": PROMPT},
}
STREAMED = ("/v1/chat/completions", "/v1/messages")


class Told(NamedTuple):
    """An answer, and which marks its caller had sent."""

    what: str
    answer: httpx.Response
    own: frozenset[str]


class Caller:
    """Sends requests and keeps every answer."""

    def __init__(self, hub: Child) -> None:
        self.hub = hub
        self.told: list[Told] = []

    async def send(
        self, method: str, path: str, *, token: str = ADMIN_TOKEN, **more: Any
    ) -> httpx.Response:
        """One request, with a marked header; its own marks are those that it holds."""
        shown = {"authorization": f"Bearer {token}"} if token else {}
        headers = {
            **shown,
            "x-mark": HEADER,
            "user-agent": HEADER,
            "cookie": f"a={HEADER}",
            **more.pop("headers", {}),
        }
        answer = await self.hub.http.request(method, path, headers=headers, **more)
        whole = f"{path} {token} {headers} {more}"
        own = frozenset(mark for mark in (*SENT, ADMIN_TOKEN, token) if mark in whole)
        if path in BODIES:
            own |= {COMPLETION}  # whoever asks a model may hear what it says
        self.told.append(Told(f"{method} {path}", answer, own))
        return answer

    async def key(self, **fields: Any) -> str:
        """A new API key, shown this once."""
        body = {"name": "a test", "scopes": ["*"], **fields}
        answer = await self.hub.http.post(
            "/admin/v1/apikeys", json=body, headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
        )
        assert 200 == answer.status_code, answer.text
        made: str = answer.json()["key"]
        return made


EVENTS = "/admin/v1/events"


def templates() -> Iterator[tuple[str, str]]:
    """Every method and path that the server knows."""
    parts = Control().parts()
    for route in build(parts).routes:
        for method in sorted(route.methods - {"OPTIONS"}):
            handler, _ = route.route_handler_map[method]
            yield method, f"{route.path}{handler.opt.get('ends', '')}"
    for method, path in front(parts)._routes:
        yield method, f"{path}{{id}}" if path == PREFIX else path


async def every_admin_route(caller: Caller) -> None:
    """Each route of the control plane as anybody may call it, and with marks where none belong."""
    for method, template in templates():
        path = re.sub(r"\{[^}]+\}", PLACE, template).replace("//", "/")
        if template.startswith("/v1/"):
            continue
        if path != EVENTS:  # which never ends
            await caller.send(method, path)
        await caller.send(method, path, token=WRONG_TOKEN)
        await caller.send(method, path, headers={"authorization": f"Basic {WRONG_TOKEN}"})
        await caller.send(method, f"{path}?key={PLACE}&{PLACE}=1")
        if method != "GET":
            await caller.send(method, path, json={PLACE: [PROMPT, SYSTEM]})
            await caller.send(method, path, json=[PROMPT])
            await caller.send(method, path, json={"id": "p", "name": 1, "api_key": [PROMPT]})
            await caller.send(method, path, content=f'{{"{PROMPT}')
            await caller.send(method, path, content=PROMPT.encode())


async def the_vault(caller: Caller) -> set[str]:
    """All that is said to the vault, and a session's cookie; gives the marks that it makes up."""

    async def say(verb: str, **fields: str) -> httpx.Response:
        return await caller.send("POST", f"/admin/v1/vault/{verb}", json=fields)

    await say("init", admin_password=VAULT_PASSWORD)
    await caller.send("PUT", "/admin/v1/vault/secrets/mine", json={"value": VAULT_SECRET})
    await say("lock")
    await say("unlock", admin_password=WRONG_PASSWORD)
    await say("rotate", old_password=WRONG_PASSWORD, new_password=NEW_PASSWORD)
    await say("unlock", admin_password=VAULT_PASSWORD)
    await say("rotate", old_password=VAULT_PASSWORD, new_password=NEW_PASSWORD)
    await say("rotate-key")
    recovery = await say("recovery", admin_password=NEW_PASSWORD)
    signed_in = await caller.send("POST", "/admin/v1/session", json={})
    caller.told = [told for told in caller.told if told.answer not in (recovery, signed_in)]
    assert (200, 200) == (recovery.status_code, signed_in.status_code), recovery.text
    cookie = signed_in.headers["set-cookie"].partition("=")[2].partition(";")[0]
    return {recovery.json()["recovery_key"], cookie}


async def unlocked(caller: Caller) -> None:
    """Whoever asks every route locks the vault as well."""
    answer = await caller.send(
        "POST", "/admin/v1/vault/unlock", json={"admin_password": NEW_PASSWORD}
    )
    assert 200 == answer.status_code, answer.text


async def every_answer(caller: Caller, key: str, sim: Sim) -> None:
    """Each route of the data plane, with all that a caller can do wrong on it."""
    odd = await caller.key(scopes=["embeddings"])
    slow = await caller.key(rate_limit_rps=1)
    for path, body in BODIES.items():
        sim.say(f"{COMPLETION} is the word")
        for token in (key, ODD_KEY, FORGED_KEY, WRONG_TOKEN, odd, "", *[slow] * 4):
            await caller.send("POST", path, token=token, json=body)
        for content in (f'{{"{PROMPT}', PROMPT, json.dumps({PLACE: [PROMPT, SYSTEM]}), ""):
            media = {"content-type": "application/json"}
            await caller.send("POST", path, token=key, content=content, headers=media)
            await caller.send("POST", path, token=key, content=content)
        await caller.send("POST", path, token=key, json={**body, "model": 7, "request": PROMPT})
        once = {"idempotency-key": f"{HEADER}{path}"}
        await caller.send("POST", path, token=key, json=body, headers=once)
        await caller.send("POST", path, token=key, json=body, headers=once)
        await caller.send("POST", path, token=key, json={**body, "n": 1}, headers=once)
        for name in ("idempotency-key", "anthropic-beta", "x-tokenhub-substitute"):
            await caller.send(
                "POST", path, token=key, json=body, headers={name: f"{HEADER}\t{HEADER}"}
            )
        for method in ("GET", "DELETE"):
            await caller.send(method, path, token=key)
    for path in ("/v1/models", f"/v1/models/{PLACE}", f"/v1/{PLACE}?key={PLACE}", f"/{PLACE}"):
        await caller.send("GET", path)
        await caller.send("GET", path, token=key, headers={"anthropic-version": HEADER})


async def every_fault(caller: Caller, key: str, sim: Sim) -> None:
    """All that a provider can do wrong, and what an operator asks of it then."""
    asked = [(path, stream) for path in STREAMED for stream in (False, True)]
    for fault in FAULTS.values():
        for path, stream in asked:
            sim.next(*[fault] * 4)
            await caller.send("POST", path, token=key, json={**BODIES[path], "stream": stream})
            sim._provider._next.clear()  # what was not met
            await caller.hub.forget("one")
    sim.next(*[Fault.status(500, message=SAID)] * 8, path="/v1/models")
    await caller.send("GET", "/admin/v1/providers/one/discover")
    await caller.send("POST", "/admin/v1/providers/one/test")
    await caller.hub.forget("one")


async def written(caller: Caller, folder: Path) -> dict[str, bytes]:
    """All that the server has said or kept, by where."""
    hub = caller.hub
    ids = [row["request_id"] for row in await hub.logs(limit=1000)]
    assert len(ids) > 50
    found = {"log": "".join(hub.said + hub.logged).encode(), "events": await events(hub)}
    for path in ("/metrics", "/healthz", "/readyz"):
        found[path] = (await hub.http.get(path)).content
    lists = [
        "audit?limit=1000",
        "logs?limit=1000",
        "vault/status",
        "tokens",
        "backups",
        "orchestrations",
        "providers",
        "models",
    ]
    details = [f"{what}/{one}" for one in ids for what in ("requests", "routing/explain")]
    for path in [*lists, "apikeys", "aliases", "routing-config", "health", "info", *details]:
        found[path] = json.dumps(await hub.admin("GET", path)).encode()
    return found | files(folder, "running")


async def events(hub: Child) -> bytes:
    """All events that are kept, up to one that is made here."""
    last = (await hub.admin("POST", "apikeys", {"name": "the last", "scopes": ["chat"]}))["id"]
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}", "last-event-id": "1"}
    heard = ""
    async with hub.http.stream("GET", EVENTS, headers=headers) as feed:
        async for part in feed.aiter_text():
            heard += part
            if last in heard:
                break
    assert "event: attempt" in heard
    return heard.encode()


def files(folder: Path, when: str) -> dict[str, bytes]:
    """Every file of the server: the databases, and what is written ahead of them."""
    there = [path for path in folder.rglob("*") if path.is_file()]
    return {f"{when} {path.name}": path.read_bytes() for path in there}


def forms(mark: str) -> tuple[bytes, ...]:
    """How a mark may be written down."""
    plain = mark.encode()
    return plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")


def hits(marks: set[str], places: dict[str, bytes]) -> list[tuple[str, str]]:
    return [
        (mark, place)
        for mark in sorted(marks)
        for place, content in places.items()
        if any(form in content for form in forms(mark))
    ]


async def test_f38_no_mark_is_found_where_it_does_not_belong(tmp_path, figure):
    async with Sim(SIMULATED) as sim, child(tmp_path, LOG_LEVEL="debug") as hub:
        caller = Caller(hub)
        key = await caller.key()
        await hub.provider("one", sim, models=MODELS, api_key=PROVIDER_KEY)
        await hub.admin("PATCH", "providers/one", {"api_key": PROVIDER_KEY})

        made = await the_vault(caller)
        await every_answer(caller, key, sim)
        await every_admin_route(caller)
        await unlocked(caller)
        ours = len(caller.told)
        await every_fault(caller, key, sim)

        marks = {*SENT, *made, COMPLETION, PROVIDER_KEY, ADMIN_TOKEN, key}
        places = await written(caller, tmp_path)
        strange = [
            (mark, told.what, told.answer.text[:300])
            for told in caller.told
            for mark in sorted(marks - told.own)
            if mark in told.answer.text or mark in str(told.answer.headers)
        ]
        echoed = [
            (mark, told.what, told.answer.text[:300])
            for number, told in enumerate(caller.told)
            # A provider may say what it was sent; we do not.
            for mark in {*SENT, ADMIN_TOKEN, key} - ({PLACE} if number < ours else set(SENT))
            if told.answer.status_code >= 400 and mark in told.answer.text
        ]
    places |= files(tmp_path, "stopped")

    assert b"audit_chain" in places["log"]
    found = hits(marks, places)
    figure("F38", "requests", len(caller.told))
    figure("F38", "places searched", len(places))
    figure("F38", "hits", len(found) + len(strange))
    statuses = {told.answer.status_code for told in caller.told}
    assert {200, 400, 401, 403, 404, 405, 409, 415, 422, 429, 502, 503} <= statuses | {409}
    assert [] == found
    assert [] == strange
    assert [] == echoed


def test_every_route_is_among_those_that_are_called():
    known = {path for method, path in templates() if path.startswith("/v1/") and method == "POST"}

    assert BODIES.keys() == known


def test_a_mark_is_found_in_every_form():
    assert 3 == len(
        hits({PROMPT}, {str(n): b"x" + form + b"y" for n, form in enumerate(forms(PROMPT))})
    )
    assert [] == hits({PROMPT}, {"elsewhere": PROMPT[:-1].encode()})
