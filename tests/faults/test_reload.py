"""F37: settings change under load without a lost request, and a broken file changes nothing."""

import asyncio
import contextlib
import json
import signal

import pytest

from tests.faults.harness import MODEL, PROFILE
from tests.faults.table import LONG
from tests.support.server import ADMIN_TOKEN, child
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
SIGNALS = 100 if LONG else 20
EVERY_S = 0.1 if LONG else 0.05
CALLERS = 8


@contextlib.asynccontextmanager
async def serving(folder):
    """A server process over an environment file, with a provider and a key."""
    (folder / "data").mkdir()
    file = folder / "data" / "server.env"
    file.touch(mode=0o600)
    async with child(folder) as server, Sim(PROFILE) as sim:
        await server.provider("one", sim, models=[MODEL])
        yield server, file, await server.key()


async def test_f37_signals_under_load_lose_no_request(tmp_path, figure):
    async with serving(tmp_path) as (server, file, key):
        statuses = []
        done = asyncio.Event()

        async def caller(number):
            while not done.is_set():
                body = CHAT | {"stream": bool(number % 2)}
                answer = await server.http.post(
                    "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
                )
                whole = not body["stream"] or answer.text.endswith("data: [DONE]\n\n")
                statuses.append(answer.status_code if whole else 0)

        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(caller(number))
            for number in range(SIGNALS):
                broken = number % 4 == 3
                level = "loud" if broken else ("warn", "info")[number % 2]
                file.write_text(f"TOKENHUB_LOG_LEVEL={level}\nTOKENHUB_HEARTBEAT_SECS={number}\n")
                server.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(EVERY_S)
            done.set()

        answer = await server.http.post(
            "/admin/v1/reload", headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
        )
        log = [json.loads(line) for line in server.logged]

    figure("F37", "requests during the signals", len(statuses))
    figure("F37", "failed", len([one for one in statuses if one != 200]))
    assert {200} == set(statuses)
    assert answer.status_code == 400  # the last file was broken
    events = [line["event"] for line in log]
    assert "setting_changed" in events
    assert "reload_refused" in events
