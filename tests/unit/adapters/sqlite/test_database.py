import asyncio
import logging
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.adapters.sqlite.conftest import ENTRIES, LEDGER
from tokenhub.adapters.sqlite import files
from tokenhub.adapters.sqlite.database import Database
from tokenhub.core.errors import NotFound, Unavailable

pytestmark = pytest.mark.anyio

Entries = list[tuple[str, int]]


def entries(conn: sqlite3.Connection) -> Entries:
    return conn.execute("SELECT id, amount FROM entries ORDER BY id").fetchall()


def add(entry: str, amount: int) -> Callable[[sqlite3.Connection], int]:
    def work(conn: sqlite3.Connection) -> int:
        return conn.execute("INSERT INTO entries VALUES (?, ?)", (entry, amount)).rowcount

    return work


class Held:
    """Holds the writer in the middle of a job, so that what follows becomes one batch."""

    def __init__(self, database: Database) -> None:
        self._entered = threading.Event()
        self._free = threading.Event()
        self._job = database.post(self._wait)

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._entered.wait, 10)

    async def __aexit__(self, *_error: object) -> None:
        self._free.set()
        await self._job

    def _wait(self, _conn: sqlite3.Connection) -> None:
        self._entered.set()
        self._free.wait(10)


async def test_a_write_returns_what_its_work_returned(database: Database) -> None:
    written = await database.write(add("a", 1))

    assert 1 == written
    assert [("a", 1)] == await database.read(entries)


async def test_rows_of_many_callers_are_appended_together(database: Database) -> None:
    async with Held(database):
        appended = [database.append(((f"{number:03}", number),)) for number in range(200)]
    await asyncio.gather(*appended)

    assert [(f"{number:03}", number) for number in range(200)] == await database.read(entries)


async def test_one_append_may_bring_many_rows_or_none(database: Database) -> None:
    await database.append((("a", 1, "b", 2),))
    await database.append(((),))

    assert [("a", 1), ("b", 2)] == await database.read(entries)


async def test_a_job_that_fails_does_not_take_its_neighbours_down(database: Database) -> None:
    def fail(_conn: sqlite3.Connection) -> None:
        raise NotFound("no such thing")

    async with Held(database):
        jobs = [
            database.post(add("a", 1)),
            database.post(fail),
            asyncio.ensure_future(database.append((("b", 2),))),
            database.post(add("a", 3)),
            database.post(add("c", 4)),
        ]
    results = await asyncio.gather(*jobs, return_exceptions=True)

    assert [1, NotFound, None, sqlite3.IntegrityError, 1] == [
        type(result) if isinstance(result, Exception) else result for result in results
    ]
    assert [("a", 1), ("b", 2), ("c", 4)] == await database.read(entries)
    assert not database.fault


async def test_a_failed_work_is_undone(database: Database) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        add("a", 1)(conn)
        raise NotFound("no such thing")

    with pytest.raises(NotFound):
        await database.write(fail)

    assert [] == await database.read(entries)


async def test_a_row_that_cannot_be_stored_is_refused_and_its_neighbours_stay(
    database: Database,
) -> None:
    async with Held(database):
        good = database.append((("a", 1),))
        bad = database.append((("b", 2**63),))
        late = database.append((("c", 3),))
    results = await asyncio.gather(good, bad, late, return_exceptions=True)

    assert [type(None), Unavailable, type(None)] == [type(result) for result in results]
    assert [("a", 1), ("c", 3)] == await database.read(entries)


async def test_a_caller_that_goes_away_is_committed_all_the_same(database: Database) -> None:
    async with Held(database):
        gone = asyncio.ensure_future(database.append((("a", 1),)))
        gone.cancel()
    await database.append((("b", 2),))

    assert [("a", 1), ("b", 2)] == await database.read(entries)


def allow(pages: int) -> Callable[[sqlite3.Connection], object]:
    """The file may have so many pages: a disk with so much room."""
    return lambda conn: conn.execute(f"PRAGMA max_page_count={pages}").fetchone()


async def probed(database: Database) -> str:
    """The fault, once the probe that asking for it has started has ended."""
    if database.fault and database._probing is not None:
        await asyncio.wait([database._probing])
        await database.post(lambda _conn: None)
    return database.fault


async def test_a_full_disk_refuses_writes_until_there_is_room(database: Database) -> None:
    await database.append((("a", 1),))
    await database.write(allow(1))

    with pytest.raises(Unavailable) as refused:
        await database.append((("b" * 100_000, 2),))
    fault, seen = database.fault, await database.read(entries)
    await database.write(allow(1_000_000))
    recovered = await probed(database)
    await database.append((("c", 3),))

    assert "ledger_unavailable" == refused.value.code
    assert "full" in fault
    assert [("a", 1)] == seen
    assert [("a", 1), ("c", 3)] == await database.read(entries)
    assert "" == recovered == database.fault


async def test_what_needs_no_room_does_not_end_a_fault(database: Database) -> None:
    """A change in place goes through on a full disk, and says nothing of the next request."""
    await database.append((("a", 1),))
    await database.write(allow(1))
    with pytest.raises(Unavailable):
        await database.append((("b" * 100_000, 2),))

    await database.write(lambda conn: conn.execute("UPDATE entries SET amount = 7"))

    assert "full" in await probed(database)
    assert "full" in await probed(database)


async def test_a_probe_that_fails_costs_its_neighbours_nothing(database: Database) -> None:
    await database.append((("a", 1),))
    await database.write(allow(1))
    with pytest.raises(Unavailable):
        await database.append((("b" * 100_000, 2),))

    async with Held(database):
        asked = database.fault
        probe = database._probing
        small = database.append((("c", 3),))
    await small

    assert "full" in asked
    assert probe is not None
    assert isinstance(probe.exception(), Unavailable)
    assert [("a", 1), ("c", 3)] == await database.read(entries)


async def test_a_probe_leaves_nothing_behind(database: Database) -> None:
    await database.write(allow(1))
    with pytest.raises(Unavailable):
        await database.append((("b" * 100_000, 2),))
    await database.write(allow(1_000_000))

    assert "" == await probed(database)

    assert 0 == await database.read(
        lambda conn: conn.execute("SELECT count(*) FROM probes").fetchone()[0]
    )


async def test_probes_are_rare_however_many_ask(path: Path) -> None:
    rare = await Database.open(
        path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,), probe_every_s=3600
    )
    await rare.write(allow(1))
    with pytest.raises(Unavailable):
        await rare.append((("b" * 100_000, 2),))

    first = await probed(rare)
    await rare.write(allow(1_000_000))
    later = await probed(rare)
    await rare.close()

    assert "full" in first
    assert first == later


async def test_a_fault_and_its_end_are_logged_once_each(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tokenhub")
    await database.write(allow(1))
    for entry in "ab":
        with pytest.raises(Unavailable):
            await database.append(((entry * 100_000, 2),))
    await database.write(allow(1_000_000))
    await probed(database)
    await probed(database)

    assert ["ledger_fault", "ledger_recovered"] == [record.message for record in caplog.records]
    assert "full" in caplog.records[0].reason


async def test_a_closed_database_is_a_fault(database: Database) -> None:
    before = database.fault

    await database.close()

    assert "" == before
    assert "shutting down" in database.fault


async def test_nobody_waits_for_a_search(database: Database) -> None:
    free = threading.Event()
    search = asyncio.ensure_future(database.search(lambda _conn: free.wait(10)))
    await database.append((("a", 1),))

    assert [("a", 1)] == await database.read(entries)
    assert not search.done()

    free.set()
    assert await search


async def test_a_search_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await database.search(add("a", 1))

    assert [] == await database.search(entries)


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await database.read(add("a", 1))

    assert [] == await database.read(entries)


async def test_a_closed_database_refuses_and_says_why(database: Database) -> None:
    await database.append((("a", 1),))

    await database.close()

    for use in (
        database.append((("b", 2),)),
        database.write(add("b", 2)),
        database.read(entries),
        database.search(entries),
    ):
        with pytest.raises(Unavailable, match="shutting down"):
            await use


async def test_closing_commits_what_is_queued(database: Database, path: Path) -> None:
    async with Held(database):
        appended = database.append((("a", 1),))
        closing = asyncio.ensure_future(database.close())
        await asyncio.sleep(0)
    await closing
    await appended

    again = await Database.open(path, migrations=LEDGER, synchronous="NORMAL")
    assert [("a", 1)] == await again.read(entries)
    await again.close()


async def test_a_second_opening_is_refused_until_the_first_is_closed(
    database: Database, path: Path
) -> None:
    with pytest.raises(Unavailable, match="in use by another TokenHub") as refused:
        await Database.open(path, migrations=LEDGER, synchronous="NORMAL")
    await database.close()
    again = await Database.open(path, migrations=LEDGER, synchronous="NORMAL")
    await again.close()

    assert "database_in_use" == refused.value.code


@pytest.mark.usefixtures("database")
async def test_another_name_of_the_same_file_is_no_way_in(path: Path, tmp_path: Path) -> None:
    (tmp_path / "alias.sqlite").symlink_to(path)

    with pytest.raises(Unavailable, match="in use"):
        await Database.open(
            tmp_path / "alias.sqlite", migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,)
        )


@pytest.fixture
def text_file(path: Path) -> Path:
    path.write_text("not a database, and long enough to be read as one" * 100)
    return path


async def test_a_failed_opening_lets_go_of_the_lock(text_file: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        await Database.open(text_file, migrations=LEDGER, synchronous="NORMAL")

    files.hold(text_file).release()
    assert "database_unusable" == refused.value.code


def scribble(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 4096)


async def test_a_damaged_file_is_refused(path: Path) -> None:
    first = await Database.open(path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,))
    await first.append(([value for n in range(2_000) for value in (f"{n:05}", n)],))
    await first.close()
    scribble(path, 5 * 4096)

    with pytest.raises(Unavailable) as refused:
        await Database.open(path, migrations=LEDGER, synchronous="NORMAL")

    assert "database_damaged" == refused.value.code


# Of a file with 20,000 entries, in bytes.
MIDDLE = 60 * 4096


async def filled(path: Path) -> None:
    first = await Database.open(path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,))
    await first.append(([value for n in range(20_000) for value in (f"{n:05}", n)],))
    await first.close()


async def test_a_page_that_goes_bad_while_we_run_ends_writing_and_not_reading(path: Path) -> None:
    await filled(path)
    database = await Database.open(
        path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,), probe_every_s=0
    )
    scribble(path, MIDDLE)

    with pytest.raises(Unavailable, match="cannot be read"):
        await database.read(entries)
    with pytest.raises(Unavailable) as refused:
        await database.append((("z", 1),))
    first = await database.read(
        lambda conn: conn.execute("SELECT amount FROM entries WHERE id = '00007'").fetchone()
    )
    fault = database.fault
    await database.close()

    assert "ledger_unavailable" == refused.value.code
    assert fault
    assert (7,) == first


async def test_a_file_that_was_damaged_while_we_ran_is_refused_at_the_next_start(
    path: Path,
) -> None:
    await filled(path)
    database = await Database.open(path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,))
    scribble(path, MIDDLE)
    with pytest.raises(Unavailable):
        await database.read(entries)
    await database.close()

    with pytest.raises(Unavailable) as refused:
        await Database.open(path, migrations=LEDGER, synchronous="NORMAL")

    assert "database_damaged" == refused.value.code


async def test_after_an_unclean_stop_all_of_the_file_is_looked_at_and_that_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tokenhub")
    files.hold(path).release(clean=False)

    for _ in range(2):
        opened = await Database.open(path, migrations=LEDGER, synchronous="NORMAL")
        await opened.close()

    assert ["unclean_stop"] == [record.message for record in caplog.records]


async def test_what_we_make_is_for_our_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "ledger.sqlite"

    made = await Database.open(path, migrations=LEDGER, synchronous="FULL")
    modes = {
        name: stat.S_IMODE((path.parent / name).stat().st_mode)
        for name in (".", "..", path.name, f"{path.name}-wal", f"{path.name}.lock")
    }
    await made.close()

    assert {
        ".": 0o700,
        "..": 0o700,
        "ledger.sqlite": 0o600,
        "ledger.sqlite-wal": 0o600,
        "ledger.sqlite.lock": 0o600,
    } == modes


async def test_a_path_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="set TOKENHUB_DB_DSN"):
        await Database.open(
            tmp_path / "file" / "ledger.sqlite", migrations=LEDGER, synchronous="FULL"
        )


@pytest.mark.parametrize("name", ["a b", "a?mode=memory", "a#b", "a%20b", "ä"])
async def test_a_path_may_hold_what_a_uri_may_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    made = await Database.open(path, migrations=LEDGER, synchronous="NORMAL")
    await made.close()

    assert path.stat().st_size


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)],
)
async def test_the_writer_is_set_up_for_safety(path: Path, pragma: str, value: object) -> None:
    made = await Database.open(path, migrations=LEDGER, synchronous="FULL")

    found = await made.write(lambda conn: conn.execute(f"PRAGMA {pragma}").fetchone())
    await made.close()

    assert (value,) == found
