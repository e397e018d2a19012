"""An original's database, imported by the program; then the server, and callers with old keys."""

import asyncio
import json
import os
import sqlite3
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from contextlib import closing

import httpx
import pytest

from tests.e2e.conftest import ASK
from tests.support.original_db import an_original, filled
from tests.support.server import running
from tokenhub import settings
from tokenhub.adapters.original.source import open_original
from tokenhub.admin.changes import By
from tokenhub.app import assembled, front

pytestmark = pytest.mark.anyio

PASSWORD = "an old password"


class House:
    """The folder of an original and that of a TokenHub."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables
        self.old = folder / "old.sqlite"
        self.database = folder / "data" / "tokenhub.sqlite"

    async def begun(self, *arguments):
        inherited = {k: v for k, v in os.environ.items() if "TOKENHUB" not in k}  # noqa: TID251 - a child's environment, no setting is read
        own = {"TOKENHUB_DB_DSN": str(self.database), "HOME": str(self.folder)} | self.variables
        words = ("-m", "tokenhub", "import", str(self.old), *arguments, "-o", "json")
        return await create_subprocess_exec(
            sys.executable, *words, env=inherited | own, stdout=PIPE, stderr=PIPE
        )

    async def imports(self, *arguments, code=0):
        """What `tokenhub import` says; the JSON of it where it succeeds."""
        child = await self.begun(*arguments)
        said, complained = await child.communicate()
        assert code == child.returncode, complained.decode()
        return complained.decode() if code else json.loads(said)

    async def killed_at(self, rows):
        """Begin an import, and kill it once the log has more than so many rows."""
        child = await self.begun()
        async with asyncio.TaskGroup() as group:
            group.create_task(child.communicate())
            while self.logged() <= rows:
                assert child.returncode is None, "it was quicker than the test"
                await asyncio.sleep(0.002)
            child.kill()

    def logged(self):
        """How many requests the log has, -1 while there is none."""
        if not self.database.exists():
            return -1
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as conn:
            try:
                return conn.execute("SELECT count(*) FROM requests").fetchone()[0]
            except sqlite3.OperationalError:
                return -1

    def password(self):
        file = self.folder / "password"
        file.write_text(f"{PASSWORD}\n")
        file.chmod(0o600)
        return file

    def sums(self):
        """What the log and the ledger say that all requests cost."""
        with closing(sqlite3.connect(self.database)) as conn:
            return [
                conn.execute(f"SELECT sum(cost_nusd) FROM {table}").fetchone()[0]
                for table in ("requests", "attempts")
            ]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.fixture
def keys(house, sim):
    with an_original(house.old) as old:
        return filled(old, PASSWORD, base_url=f"{sim.url}/v1")


async def chat(hub, key, **fields):
    headers = {"authorization": f"Bearer {key}"}
    return await hub.http.post("/v1/chat/completions", json=ASK | fields, headers=headers)


async def test_old_keys_and_models_work_after_an_import(house, keys):
    await house.imports()

    async with running(house.folder) as hub:
        await hub.admin("PATCH", "providers/openai", {"api_key": "sk-given-again"})
        first = await chat(hub, keys["loom"])
        again = await chat(hub, keys["loom"])
        alias = await chat(hub, keys["host-local"], model="fast")
        rotated = await chat(hub, keys["rotated"])
        off = await chat(hub, keys["off"])
        forged = await chat(hub, f"{keys['loom'][:-4]}0000")
        row = await hub.log(first)
        shown = (await hub.admin("GET", "apikeys"))["keys"]

    statuses = [answer.status_code for answer in (first, again, alias, rotated, off, forged)]
    assert [200, 200, 200, 200, 401, 401] == statuses
    assert off.json()["error"]["message"] == forged.json()["error"]["message"]
    loom = next(one for one in shown if one["name"] == "loom")
    assert loom["id"] == row["api_key_id"]
    assert keys["loom"][-4:] in json.dumps(loom)


@pytest.mark.usefixtures("keys")
async def test_a_provider_is_asked_with_the_key_from_the_old_vault(house, sim):
    """In the process that imported it, so that it holds whether or not there is a vault here."""
    env = {
        "TOKENHUB_DB_DSN": str(house.database),
        "TOKENHUB_CREDENTIALS_FILE": str(house.old) + "-",
        "TOKENHUB_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    }
    chosen = settings.load(env, home=house.folder, data_writable=False)

    async with assembled(chosen) as (parts, _):
        with open_original(house.old) as source:
            await parts.importing.run(source, password=PASSWORD.encode())
        issued = await parts.keys.create(name="new", scopes=["chat"], by=By())
        headers = {"authorization": f"Bearer {issued.secret}"}
        transport = httpx.ASGITransport(front(parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
            answer = await client.post("/v1/chat/completions", json=ASK, headers=headers)

    assert 200 == answer.status_code
    assert "Bearer sk-upstream-1" == sim.requests[-1].headers["authorization"]


async def test_keys_stay_known_after_a_restart_and_revoked_ones_stay_revoked(house, keys):
    await house.imports()
    async with running(house.folder) as hub:
        await hub.admin("PATCH", "providers/openai", {"api_key": "sk-given-again"})
        assert 200 == (await chat(hub, keys["loom"])).status_code
        shown = (await hub.admin("GET", "apikeys"))["keys"]
        gone = next(one["id"] for one in shown if one["name"] == "rotated")
        await hub.admin("DELETE", f"apikeys/{gone}")
    await house.imports()

    async with running(house.folder) as hub:
        await hub.admin("PATCH", "providers/openai", {"api_key": "sk-given-again"})
        known = await chat(hub, keys["loom"])
        waiting = await chat(hub, keys["host-local"])
        revoked = await chat(hub, keys["rotated"])

    assert [200, 200, 401] == [one.status_code for one in (known, waiting, revoked)]
    with closing(sqlite3.connect(house.database)) as conn:
        (left,) = conn.execute("SELECT count(*) FROM imported_keys").fetchone()
    assert 1 == left  # that of the key that is disabled


async def test_the_log_shows_old_requests_and_its_sums_agree(house, keys):
    report = await house.imports()

    async with running(house.folder) as hub:
        await hub.admin("PATCH", "providers/openai", {"api_key": "sk-given-again"})
        await chat(hub, keys["loom"])
        rows = await hub.logs(limit=100)

    assert 4 == sum(row["reason"] == "imported" for row in rows)
    assert 5 == len(rows)
    assert rows[0]["reason"] != "imported"  # the newest first
    requests, attempts = house.sums()
    assert requests == attempts
    assert pytest.approx(report["cost_usd"], abs=1e-9) == 3 * 0.0012345


async def test_a_dry_run_tells_the_same_and_changes_nothing(house, keys):
    rehearsed = await house.imports("--dry-run", "--vault-password-file", str(house.password()))

    assert not house.database.exists()
    report = await house.imports("--vault-password-file", str(house.password()))
    assert rehearsed["dry_run"]
    assert not report["dry_run"]
    assert {**rehearsed, "dry_run": False} == report
    before = house.database.read_bytes()
    second = await house.imports("--dry-run")
    assert before == house.database.read_bytes()
    assert 0 == second["counts"]["key"]["taken"]


async def test_a_dry_run_is_possible_beside_a_server_and_an_import_is_not(house, keys):
    async with running(house.folder):
        report = await house.imports("--dry-run")
        complaint = await house.imports(code=1)

    assert 4 == report["counts"]["key"]["taken"]
    assert "in use by another TokenHub" in complaint


async def test_the_original_may_be_running(house, sim):
    with an_original(house.old) as old:
        filled(old, PASSWORD, base_url=sim.url)

        report = await house.imports()
        old.key("later")

    assert 4 == report["counts"]["key"]["taken"]


async def test_what_cannot_be_imported_is_a_sentence(house, keys):
    wrong = house.folder / "wrong"
    wrong.write_text("another password")
    wrong.chmod(0o600)
    shared = house.folder / "shared"
    shared.write_text(PASSWORD)
    shared.chmod(0o644)

    told = [
        await house.imports("--vault-password-file", str(wrong), code=1),
        await house.imports("--vault-password-file", str(shared), code=1),
        await house.imports("--vault-password-file", str(house.folder / "none"), code=1),
    ]
    house.old.unlink()
    told.append(await house.imports(code=1))

    for sentence, why in zip(
        told, ("opens nothing", "chmod 600", "no password", "no file"), strict=True
    ):
        assert why in sentence
        assert 1 == sentence.count("tokenhub: ")
        assert "Traceback" not in sentence


async def test_an_import_that_is_killed_is_finished_by_the_next(house, sim):
    """Whatever was committed by then: nothing is lost, and nothing is there twice."""
    with an_original(house.old) as old:
        keys = filled(old, PASSWORD, base_url=sim.url)
        old.conn.execute("BEGIN")
        for number in range(20_000):
            old.request(request_id=f"r{number}", estimated_cost_usd=number / 7e5)
        old.conn.execute("COMMIT")

    for rows in (0, 1, 4_000):
        await house.killed_at(rows)
    report = await house.imports()
    second = await house.imports()

    assert 20_004 == report["counts"]["request"]["found"]
    assert report["counts"]["request"]["taken"] < 20_004
    assert 0 == second["counts"]["request"]["taken"]
    requests, attempts = house.sums()
    assert requests == attempts
    assert sum(round(number / 7e5 * 1e9) for number in range(20_000)) + 3 * 1_234_500 == requests
    async with running(house.folder) as hub:
        await hub.admin("PATCH", "providers/openai", {"api_key": "sk-given-again"})
        answers = [await chat(hub, keys[name]) for name in ("loom", "host-local", "rotated")]
    assert [200, 200, 200] == [answer.status_code for answer in answers]


async def test_many_first_requests_with_one_key_are_all_answered(house, sim):
    """As a busy client's are, right after the import; the hash costs what the original's does."""
    with an_original(house.old) as old:
        old.provider("openai", base_url=sim.url)
        old.model("gpt", "openai")
        key = old.key("busy", cost=10)
    await house.imports()

    async with running(house.folder) as hub:
        answers = await asyncio.gather(*(chat(hub, key) for _ in range(80)))
        shown = (await hub.admin("GET", "apikeys"))["keys"]

    assert [200] * 80 == [answer.status_code for answer in answers]
    assert 1 == len(shown)
