"""F40: the disk under the server is full, fails, turns read-only, or gives back other bytes."""

import asyncio
import os
import resource
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from tests.contract.kept import outcome
from tests.faults.harness import MODEL, Bench, calls
from tests.faults.table import LONG
from tests.support.server import ADMIN_TOKEN, child
from tokenhub.adapters.sqlite import files
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Unavailable
from tokenhub.ports.journal import LogQuery

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

READS = ["logs", "providers", "models", "apikeys", "orchestrations", "health", "backups"]
ROUNDS = 5 if LONG else 2
ROWS = 6_000
PAGE = 4096
UNLIMITED = resource.RLIM_INFINITY


@asynccontextmanager
async def served(folder, sim, numbers):
    """A server of its own with one provider, and a caller."""
    async with child(folder) as hub:
        bench = Bench(hub, await hub.key(), next(numbers))
        await bench.provider("one", sim)
        yield bench


def limit(bench, size):
    """Let no file of the server grow beyond so many bytes, as on a disk that takes no more."""
    resource.prlimit(bench.hub.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


async def asked(bench, method, path, body=None):
    """Status and code of an answer of the admin API."""
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = await bench.hub.http.request(method, f"/admin/v1/{path}", json=body, headers=headers)
    return answer.status_code, answer.json().get("code", "")


async def ready(bench):
    return (await bench.hub.http.get("/readyz")).json()


async def recovered(bench, within_s):
    """How long it took until requests are served again. Nothing but asking brings it about."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with asyncio.timeout(within_s):
        while (await ready(bench))["status"] != "ready":
            pass
    return clock() - began


async def assert_degraded(bench, sim):
    """Reads go on, everything that would write is refused before it costs anything."""
    before = calls(sim)
    refused = [await bench.ask(stream=stream) for stream in (False, True)]
    info = await bench.hub.admin("GET", "info")
    told = await ready(bench)

    assert [(503, "ledger_unavailable")] * 2 == [(ack.status, ack.code) for ack in refused]
    assert before == calls(sim)
    assert ("degraded", "degraded") == (told["status"], info["storage"])
    assert told["reason"] == info["storage_reason"]
    assert [(200, "")] * len(READS) == [await asked(bench, "GET", path) for path in READS]
    assert 200 == (await bench.hub.http.get("/v1/models")).status_code
    assert 200 == (await bench.hub.http.get("/metrics")).status_code
    change = await asked(bench, "POST", "providers", {"id": "late", "base_url": "http://h"})
    assert (503, "ledger_unavailable") == change
    bench.acks = [ack for ack in bench.acks if ack not in refused]


async def test_f40_a_disk_that_fails_refuses_writes_and_comes_back(tmp_path, sim, numbers, figure):
    """An I/O error at the commit: nothing that was acknowledged is lost, and no restart needed."""
    async with served(tmp_path, sim, numbers) as bench:
        for _ in range(ROUNDS):
            good = await asyncio.gather(*[bench.ask(stream=bool(n % 2)) for n in range(8)])
            limit(bench, 1024)
            lost = await bench.ask()
            bench.acks.remove(lost)
            await assert_degraded(bench, sim)
            limit(bench, UNLIMITED)
            figure("F40", "I/O error: back after", await recovered(bench, 10), "s")
            assert [200] * 8 == [ack.status for ack in good]
            assert (503, "ledger_unavailable") == (lost.status, lost.code)
        assert 200 == (await bench.ask()).status
        figure("F40", "acknowledged requests lost", len(bench.acks) - len(await bench.rows()))
        faults = [line for line in bench.hub.logged if "ledger_fault" in line]
        await bench.leave()

    assert ROUNDS == len(faults)
    await recorded(tmp_path, figure)


async def recorded(folder, figure):
    """The sums of the file that was written through all of that."""
    said = tokenhub(folder, "verify")
    assert 0 == said.returncode, said.stderr
    assert "in order" in said.stdout
    figure("F40", "sums that do not add up afterwards", 0)


async def test_f40_a_full_disk_refuses_what_does_not_fit_until_there_is_room(tmp_path, figure):
    def allow(pages):
        return lambda conn: conn.execute(f"PRAGMA max_page_count={pages}").fetchone()

    async with open_stores(tmp_path / "tokenhub.sqlite", probe_every_s=0) as stores:
        (pages,) = await stores._ledger.read(
            lambda conn: conn.execute("PRAGMA page_count").fetchone()
        )
        await stores._ledger.write(allow(pages + 20))
        tried = [stores.journal.record(outcome(number)) for number in range(5_000)]
        ends = await asyncio.gather(*tried, return_exceptions=True)
        later = await asyncio.gather(
            *[stores.journal.record(outcome(number)) for number in range(5_000, 6_000)],
            return_exceptions=True,
        )
        told = stores.storage()
        kept = await stores.journal.count(LogQuery())
        await stores._ledger.write(allow(1_000_000))
        while stores.journal.fault:
            await stores.journal.count(LogQuery())
        await stores.journal.record(outcome(9_999))

    done = sum(end is None for end in (*ends, *later))
    others = [end for end in (*ends, *later) if end is not None]
    assert done == kept
    assert others
    assert {(Unavailable, "ledger_unavailable")} == {(type(end), end.code) for end in others}
    assert told.degraded
    assert "full" in told.ledger
    figure("F40", "full disk: acknowledged requests lost", done - kept)


async def test_f40_a_disk_that_turns_read_only_is_written_to_again_once_it_can_be(
    tmp_path, monkeypatch, figure
):
    """The file is closed after a write that was refused, and opened anew as the disk then lets."""
    async with open_stores(tmp_path / "tokenhub.sqlite", probe_every_s=0) as stores:
        await stores.journal.record(outcome(1))
        await stores._ledger.write(lambda conn: conn.execute("PRAGMA query_only=ON").rowcount)
        with monkeypatch.context() as readonly:
            # As SQLite opens a file that it may not write to.
            readonly.setattr(files, "reconnect", lambda path, _: files.connect_copier(path))
            causes = [await refused(stores, number) for number in (2, 3)]
            told = stores.storage()
            seen = await stores.journal.count(LogQuery())
        async with asyncio.timeout(10):
            while stores.journal.fault:
                await stores.journal.count(LogQuery())
        await stores.journal.record(outcome(4))
        kept = await stores.journal.count(LogQuery())

    assert ["SQLITE_READONLY"] * 2 == causes
    assert "readonly" in told.ledger
    assert (1, 2) == (seen, kept)
    figure("F40", "read-only disk: acknowledged requests lost", 2 - kept)


async def refused(stores, number):
    """What SQLite said to a request that was refused."""
    with pytest.raises(Unavailable) as error:
        await stores.journal.record(outcome(number))
    return error.value.__cause__.sqlite_errorname


async def test_f40_a_damaged_page_ends_writing_and_a_backup_brings_all_back(
    tmp_path, sim, numbers, figure
):
    database = tmp_path / "data" / "tokenhub.sqlite"
    async with open_stores(database) as stores:
        await asyncio.gather(*[stores.journal.record(outcome(n)) for n in range(ROWS)])
    async with served(tmp_path, sim, numbers) as bench:
        before = await bench.ask()
        kept = (await bench.hub.admin("POST", "backup"))["backup"]["path"]
        scribble(database)
        read = await asked(bench, "GET", "logs?filter=ms<0&limit=1000")
        await degraded(bench)
        late = await bench.ask(model=MODEL)
        others = await asked(bench, "GET", "providers")
        await bench.hub.kill()

    started = tokenhub(tmp_path, "serve")
    restored = tokenhub(tmp_path, "restore", kept)
    async with child(tmp_path) as again:
        rows = await again.logs(request_id=before.id)
        total = (await again.admin("GET", "logs?limit=1"))["total"]

    assert (503, "unavailable") == read
    assert (503, "ledger_unavailable") == (late.status, late.code)
    assert (200, "") == others
    assert 1 == started.returncode
    assert "is damaged" in started.stderr
    assert '"tokenhub restore"' in started.stderr
    assert 0 == restored.returncode, restored.stderr
    assert [before.id] == [row["request_id"] for row in rows]
    assert ROWS + 1 == total
    figure("F40", "damaged page: rows missing after the restore", ROWS + 1 - total)


async def degraded(bench):
    """Return once the server knows."""
    async with asyncio.timeout(10):
        while (await ready(bench))["status"] != "degraded":
            pass


def scribble(database):
    """Other bytes in many pages of the file, behind those of the configuration."""
    pages = database.stat().st_size // PAGE
    with database.open("r+b") as file:
        for page in range(pages // 4, pages, 7):
            file.seek(page * PAGE)
            file.write(b"\xff" * PAGE)


def tokenhub(folder, *words):
    """The program on the database of a server that `child` ran in this folder."""
    inherited = {k: v for k, v in os.environ.items() if "TOKENHUB" not in k}  # noqa: TID251 - a child's environment, no setting is read
    own = {
        "TOKENHUB_DB_DSN": str(folder / "data" / "tokenhub.sqlite"),
        "TOKENHUB_LISTEN_ADDR": "127.0.0.1:0",
    }
    return subprocess.run(
        [sys.executable, "-m", "tokenhub", *words],
        env=inherited | {"HOME": str(folder)} | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
