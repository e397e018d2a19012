"""F28: a caller repeats a request after the server was killed and started again."""

import pytest

from tests.faults.harness import MODEL
from tests.support.server import child

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
PASSWORD = "a password of the tests"
CANARY = "canary-in-a-question"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": CANARY}]}
SHAPES = {"whole": BODY, "streamed": BODY | {"stream": True}}


async def asked(hub, key, once, body):
    headers = {"authorization": f"Bearer {key}", "idempotency-key": once}
    return await hub.http.post("/v1/chat/completions", json=body, headers=headers)


async def kept(hub, key, sim):
    """Answers to each shape, and all of it on disk: a later commit is behind the earlier ones."""
    answers = {name: await asked(hub, key, name, body) for name, body in SHAPES.items()}
    await asked(hub, key, "the last", BODY)
    await hub.admin("POST", "vault/rotate-key")
    return answers


def on_disk(folder, text):
    return [path.name for path in (folder / "data").iterdir() if text in path.read_bytes()]


async def test_f28_a_repeat_after_a_kill_is_the_same_answer_and_no_call(tmp_path, sim, figure):
    async with child(tmp_path, VAULT_PASSWORD=PASSWORD) as hub:
        await hub.provider("one", sim, models=[MODEL], api_key="sk-of-the-tests")
        key, other = await hub.key(), await hub.key()
        first = await kept(hub, key, sim)
        await hub.kill()
    calls = len(sim.requests)

    async with child(tmp_path, VAULT_PASSWORD=PASSWORD) as hub:
        again = {name: await asked(hub, key, name, body) for name, body in SHAPES.items()}
        calls_again = len(sim.requests)
        another_body = await asked(hub, key, "whole", BODY | {"user": "somebody"})
        theirs = await asked(hub, other, "whole", BODY)
        logged = await hub.logs(limit=100)

    assert {200} == {answer.status_code for answer in first.values()}
    assert {n: a.content for n, a in first.items()} == {n: a.content for n, a in again.items()}
    assert {"true"} == {answer.headers["idempotency-replay"] for answer in again.values()}
    assert calls == calls_again
    assert 422 == another_body.status_code
    assert 200 == theirs.status_code
    assert "idempotency-replay" not in theirs.headers
    assert calls + 1 == len(sim.requests)
    assert 4 == len(logged)
    assert [] == on_disk(tmp_path, CANARY.encode())
    assert [] == on_disk(tmp_path, b"sk-of-the-tests")
    figure("F28", "calls for repeats after a kill", calls_again - calls)


async def test_f28_while_the_vault_is_locked_a_repeat_is_refused_and_not_charged(tmp_path, sim):
    async with child(tmp_path) as hub:
        await hub.admin("POST", "vault/init", {"admin_password": PASSWORD})
        await hub.provider("one", sim, models=[MODEL])
        key = await hub.key()
        first = await kept(hub, key, sim)
        await hub.kill()
    calls = len(sim.requests)

    async with child(tmp_path) as hub:
        locked = await asked(hub, key, "whole", BODY)
        await hub.admin("POST", "vault/unlock", {"admin_password": PASSWORD})
        unlocked = await asked(hub, key, "whole", BODY)

    assert (409, "idempotency_outcome_unknown") == (
        locked.status_code,
        locked.json()["error"]["code"],
    )
    assert first["whole"].content == unlocked.content
    assert calls == len(sim.requests)


async def test_f28_nothing_is_kept_on_disk_where_that_is_not_wanted(tmp_path, sim):
    wanted = {"VAULT_PASSWORD": PASSWORD, "IDEMPOTENCY_BODY": "none"}
    async with child(tmp_path, **wanted) as hub:
        await hub.provider("one", sim, models=[MODEL])
        key = await hub.key()
        await kept(hub, key, sim)
        await hub.kill()

    async with child(tmp_path, **wanted) as hub:
        answer = await asked(hub, key, "whole", BODY)

    assert 409 == answer.status_code
