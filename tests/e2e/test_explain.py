"""Every decision of a server's life, taken again: through faults, changes, a stop and a kill -9.

Request n is made of the seed and n alone. 240 of them run with the other tests;
`just explain-proof` runs 1,000.
"""

import asyncio
import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack, closing

import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tests.support.server import ADMIN_TOKEN, child, running
from tokenhub.adapters.sqlite.stores import telemetry_path
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Faults

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

COUNT = int(os.environ.get("EXPLAIN_REQUESTS", "240"))  # noqa: TID251 - of the test, no setting
SEED = int(os.environ.get("EXPLAIN_SEED", "4"))  # noqa: TID251 - of the test, no setting
AT_ONCE = 4
# One change of the catalog for so many requests.
EVERY = 6

PROVIDERS = ("one", "two", "three", "four")
MODELS = ("gpt", "org/small", "large")
ALIASES = {"turns": "round_robin", "fast": "request", "ours": "api_key", "*": "request"}
NAMES = ("", "*", *MODELS, "one/gpt", "three/gpt", "two/org/small", "nobody", "turns", "fast")
FAULTY = Faults(server_error=0.3, rate_limited=0.3, overloaded=0.1, reset=0.1, invalid_json=0.1)
HEADERS = {"authorization": f"Bearer {ADMIN_TOKEN}"}
COMPLETIONS, MESSAGES, NATIVE = "/v1/chat/completions", "/v1/messages", "/v1/chat"
COUNTS, EMBEDDINGS, PLAN = "/v1/messages/count_tokens", "/v1/embeddings", "/v1/plan"
MODES = ["cheap", "normal", "high_confidence", "planning", "adversarial", "thompson"]
# What each of the callers may use, and how they are routed where they say nothing.
GRANTS = (
    {},
    {"allowed_models": ["org/*", "one/gpt"], "mode": "thompson"},
    {"allowed_providers": ["two", "three"], "min_weight": 1, "max_latency_ms": 20_000},
)


def nth(n):
    """A path, a body and headers."""
    rng = random.Random(f"{SEED}/{n}")
    text = rng.choice(["Hello", "word " * 50, "word " * 4_000])
    if rng.random() < 0.2:
        text = f"@@tokenhub mode={rng.choice(['cheap', 'high_confidence'])} min_weight=2\n{text}"
    body = {"messages": [{"role": "user", "content": text}]}
    path = rng.choice([COMPLETIONS, COMPLETIONS, MESSAGES, NATIVE, PLAN, COUNTS, EMBEDDINGS])
    name = rng.choice([*NAMES, "ours"])
    sent = _headers(rng)
    if path == EMBEDDINGS:
        return path, {"input": text, "model": name.strip("*") or "gpt"}, sent
    if path == PLAN:
        plan = {"mode": rng.choice(["adversarial", "vote", "refine"]), "iterations": 1}
        return path, {"request": body | {"model_hint": name}, "orchestration": plan}, sent
    if path == NATIVE:
        parameters = {"max_tokens": rng.choice([4, 64, 3_000])}
        asked = body | {"model_hint": name, "parameters": parameters}
        return path, {"request": asked, "policy": _policy(rng)}, sent
    body["model"] = name or "*"
    if path != COUNTS:
        body["max_tokens"] = rng.choice([4, 64, 3_000])
        body["stream"] = rng.random() < 0.3
    if path == COMPLETIONS and rng.random() < 0.3:
        body["models"] = rng.sample(MODELS, 2)
    return path, body, sent


def _headers(rng):
    sent = {}
    if rng.random() < 0.2:
        sent["x-tokenhub-mode"] = rng.choice(MODES)
    elif rng.random() < 0.2:
        sent["x-tokenhub-weights"] = f"cost={rng.random()},latency=1,weight={rng.randint(0, 3)}"
    if rng.random() < 0.3:
        sent["x-tokenhub-substitute"] = rng.choice(["any", "same-model", "never"])
    return sent


def _policy(rng):
    policy = {
        "mode": rng.choice(MODES),
        "max_budget_usd": rng.choice([0.000001, 0.01, 5.0]),
        "min_weight": rng.choice([0, 0, 3]),
    }
    own = {"mode": "cheap", "weights": {"cost": rng.random(), "failure": 0.5}}
    return policy | own if rng.random() < 0.3 else policy


class Life:
    """What the callers and the operator of one server do.

    `ids` are of the answered requests, and of plans those of their steps.
    """

    def __init__(self, server, sims):
        self.ids = []
        self.statuses = Counter()
        self._server = server
        self._keys = []
        self._sims = sims
        self._changing = asyncio.Lock()

    async def goes_on(self, numbers):
        for grant in GRANTS:
            row = {"name": "a caller", "scopes": ["*"], **grant}
            made = await self._server.admin("POST", "apikeys", row)
            self._keys.append(made["key"])
        left = iter(numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._caller(left))

    async def _caller(self, numbers):
        for n in numbers:
            if n % EVERY == 0:
                async with self._changing:
                    await self.change(n)
            path, body, headers = nth(n)
            headers |= {"x-api-key": self._keys[n % len(self._keys)]}
            answer = await self._server.http.post(path, json=body, headers=headers)
            if path == PLAN:
                self.ids += [one["request_id"] for one in answer.json().get("steps", [])]
            else:
                self.ids.append(answer.headers["x-request-id"])
            self.statuses[answer.status_code] += 1

    async def change(self, n):
        """One of all the ways in which an operator changes what there is to choose from."""
        rng = random.Random(f"{SEED}/change {n}")
        provider, model = rng.choice(PROVIDERS), rng.choice(MODELS)
        price = {"input_per_1k": rng.choice([None, 0.0, 0.001]), "output_per_1k": rng.random()}
        name, sticky_by = rng.choice(list(ALIASES.items()))
        await rng.choice(
            [
                lambda: self.admin("PATCH", self._path(model, provider), {"weight": n % 11}),
                lambda: self.admin("PATCH", self._path(model, provider), price),
                lambda: self.admin("PATCH", self._path(model, provider), {"enabled": n % 2 == 0}),
                lambda: self.admin("DELETE", self._path(model, provider)),
                lambda: self.provider(provider, enabled=n % 4 != 0),
                lambda: self.provider(provider),
                lambda: self.admin("DELETE", f"providers/{provider}"),
                lambda: self.admin("PUT", f"aliases/{name}", _split(rng, sticky_by)),
                lambda: self.admin("DELETE", f"aliases/{name}"),
                lambda: self.admin("PUT", "routing-config", {"default_mode": "cheap"}),
                lambda: self.admin("POST", f"health/{provider}/reset"),
            ]
        )()

    async def provider(self, provider_id, **fields):
        """A provider with all its models, new or as it was at first."""
        place = self._sims[PROVIDERS.index(provider_id) % len(self._sims)].url
        row = {"id": provider_id, "base_url": place, **fields}
        await self.admin("POST", "providers", row)
        for number, model in enumerate(MODELS):
            prices = {"input_per_1k": 0.001 * (number + 1), "output_per_1k": 0.002}
            room = {"weight": number * 4, "max_context_tokens": 4_000 * (number + 1)}
            row = {"id": model, "provider_id": provider_id, **prices, **room}
            await self.admin("POST", "models", row)

    async def admin(self, method, path, body=None):
        """What is not there cannot be changed, nor split; anything else must go well."""
        answer = await self._server.http.request(
            method, f"/admin/v1/{path}", json=body, headers=HEADERS
        )
        absent = answer.status_code == 404 or "there is no model" in answer.text
        assert answer.status_code == 200 or absent, answer.text

    @staticmethod
    def _path(model, provider):
        return f"models/{model}?provider_id={provider}"


def _split(rng, sticky_by):
    variants = [{"model_id": model, "weight": rng.randint(1, 3)} for model in MODELS]
    return {"variants": variants, "sticky_by": sticky_by}


async def written(database, ids):
    """Return once the records of these requests are in their file: a kill takes what waits."""

    def there():
        with closing(sqlite3.connect(f"file:{telemetry_path(database)}?mode=ro", uri=True)) as conn:
            return {name for (name,) in conn.execute("SELECT request_id FROM decisions")}

    async with asyncio.timeout(30):
        while not set(ids) <= await asyncio.to_thread(there):
            pass


async def test_every_decision_of_a_life_comes_out_the_same(tmp_path):
    """After a stop and a kill -9, each of them, and none lost."""
    database = tmp_path / "data" / "tokenhub.sqlite"
    third = COUNT // 3
    ids, statuses = [], Counter()
    async with AsyncExitStack() as stack:
        faulty = await stack.enter_async_context(
            Sim(replace(PROFILE, faults=FAULTY, retry_after_s=60))
        )
        good = await stack.enter_async_context(Sim(PROFILE))
        sims = (faulty, good)

        async with child(tmp_path) as server:
            life = Life(server, sims)
            for provider in PROVIDERS:
                await life.provider(provider)
            for name, sticky_by in ALIASES.items():
                if name != "*":  # a pool leaves no choice to be explored; it comes and goes
                    await life.admin("PUT", f"aliases/{name}", _split(random.Random(1), sticky_by))
            await life.goes_on(range(third))
            server.process.send_signal(signal.SIGTERM)
            await server.process.wait()
            ids += life.ids
            statuses += life.statuses

        async with child(tmp_path, EXPLORATION_TEMP="0.7") as server:
            life = Life(server, sims)
            await life.goes_on(range(third, 2 * third))
            await written(database, life.ids)
            await server.kill()
            ids += life.ids
            statuses += life.statuses

        async with child(tmp_path, EXPLORATION_TEMP="2") as server:
            life = Life(server, sims)
            await life.goes_on(range(2 * third, COUNT))
            ids += life.ids
            statuses += life.statuses
            found = [await server.admin("GET", f"routing/explain/{id_}?verify=true") for id_ in ids]

    told = [(one["request"]["request_id"], one["differences"], one["reason"]) for one in found]
    verified = [one["verified"] for one in found]
    decided = [one["decision"] for one in found if one["decision"]]
    versions = {one["catalog_version"] for one in decided}
    skipped = Counter(skip["reason"] for one in decided for skip in one["skipped"])
    modes = Counter(one["policy"]["mode"] for one in decided if not one["error"])
    apart = {
        "refusals": sum(1 for one in decided if one["error"]),
        "explored": sum(1 for one in decided if one["explored"]),
        "own weights": sum(1 for one in decided if "weights" in one["policy"]["origin"]),
        "aliases": sum(1 for one in decided if one["alias"]),
        "lists of a key": sum(1 for one in decided if one["allowed_models"]),
        "steps of a plan": sum(1 for one in found if one["request"]["parent_id"]),
    }
    print(
        f"\nverified: {verified.count(True)} of {len(ids)} decisions, over {len(versions)} "
        f"versions of the catalog; {apart}; statuses {dict(statuses)}; left out {dict(skipped)}; "
        f"modes {dict(modes)}"
    )
    assert [] == [line for line, same in zip(told, verified, strict=True) if same is not True]
    assert COUNT <= len(ids) == len(set(ids))
    assert len(versions) > third // EVERY
    assert all(apart.values())
    assert set(MODES) <= set(modes)
    assert {"disabled", "weight_below_minimum", "context_overflow", "budget_exceeded"} <= set(
        skipped
    )
    assert {"cooling_down", "health_down"} & set(skipped)
    assert statuses[200] > COUNT // 3


async def test_what_somebody_changed_in_the_files_is_found(tmp_path, sim):
    """A score, a seed and the price of a model as it was: each is named."""
    database = tmp_path / "data" / "tokenhub.sqlite"
    ask = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    async with running(tmp_path) as hub:
        await hub.provider("one", sim, models=["gpt", "large"])
        key = {"x-api-key": await hub.key()}
        ids = []
        for _ in range(4):
            answer = await hub.http.post(COMPLETIONS, json=ask, headers=key)
            ids.append(answer.headers["x-request-id"])
            await hub.admin("PATCH", "models/gpt?provider_id=one", {"weight": len(ids)})

    scored, seeded, priced, untouched = ids
    with closing(sqlite3.connect(telemetry_path(database))) as conn, conn:
        place = "$.candidates[0][1]"
        conn.execute(
            "UPDATE decisions SET record = json_set(record, ?, 0.5) WHERE request_id = ?",
            (place, scored),
        )
        conn.execute(
            "UPDATE decisions SET record = json_set(record, '$.seed', 1) WHERE request_id = ?",
            (seeded,),
        )
        (version,) = conn.execute(
            "SELECT json_extract(record, '$.catalog_version') FROM decisions WHERE request_id = ?",
            (priced,),
        ).fetchone()
    with closing(sqlite3.connect(database)) as conn, conn:
        changed = conn.execute(
            "UPDATE catalog_rows SET content = json_set(content, '$.input_price', 7000000000) "
            "WHERE kind = 'model' AND key = 'one/gpt' AND valid_from <= ?1 AND valid_to > ?1",
            (version,),
        ).rowcount
    async with running(tmp_path) as hub:
        found = [await hub.admin("GET", f"routing/explain/{id_}?verify=true") for id_ in ids]

    assert 1 == changed
    assert [False, False, False, True] == [one["verified"] for one in found]
    by_score, by_seed, by_price, _ = (one["differences"] for one in found)
    assert any(line.startswith("candidates[0].score: stored 0.5, computed ") for line in by_score)
    assert ["record: it is not as it was written, its checksum is another"] == by_seed
    assert any(line.startswith("candidates[0].cost_nusd: stored ") for line in by_price)
    assert untouched not in {scored, seeded, priced}


async def test_a_503_can_be_explained_afterwards(hub, key, sim):
    await hub.provider("one", sim, models=["gpt"])
    await hub.admin("PATCH", "models/gpt?provider_id=one", {"enabled": False})

    refused = await hub.http.post(
        COMPLETIONS,
        json={"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]},
        headers={"x-api-key": key},
    )
    id_ = refused.headers["x-request-id"]
    found = await hub.admin("GET", f"routing/explain/{id_}?verify=true")

    assert 503 == refused.status_code
    assert ("no_provider_available", True) == (found["decision"]["error"], found["verified"])
    assert [{"route": "one/gpt", "why": "it, or its provider, is disabled"}] == (
        found["explanation"]["skipped"]
    )


async def test_a_plan_leads_to_its_steps(hub, sim):
    """The caller of a plan has one id, which is of no request: its steps are those."""
    await hub.provider("one", sim, models=["gpt"])
    key = await hub.key("plan")
    asked = {"request": {"messages": [{"role": "user", "content": "Hello"}]}}
    done = await hub.http.post(
        PLAN,
        json=asked | {"orchestration": {"mode": "refine", "iterations": 1}},
        headers={"x-api-key": key},
    )

    id_ = done.headers["x-request-id"]
    found = await hub.http.get(f"/admin/v1/routing/explain/{id_}", headers=HEADERS)

    assert 404 == found.status_code
    assert f"?parent_id={id_}" in found.json()["detail"]
    for step in done.json()["steps"]:
        explained = await hub.admin("GET", f"routing/explain/{step['request_id']}?verify=true")
        assert explained["verified"] is True
