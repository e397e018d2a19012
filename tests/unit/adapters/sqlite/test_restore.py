"""A backup in the place of what is there: all of it, or a server that says what to do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.kept import outcome
from tokenhub.adapters.files import APPLIED_FILE
from tokenhub.adapters.sqlite import files, offline, restore
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Unavailable
from tokenhub.ports.journal import LogQuery

pytestmark = pytest.mark.anyio


async def recorded(database: Path, *numbers: int) -> None:
    async with open_stores(database) as stores:
        for number in numbers:
            await stores.journal.record(outcome(number))
            stores.journal.explain(outcome(number).request_id, 1.0, {"seed": number})


async def there(database: Path) -> list[int]:
    """The numbers of the requests in a database, each with its decision."""
    async with open_stores(database) as stores:
        rows = await stores.journal.page(LogQuery())
        found = [await stores.journal.decision(row.request_id) for row in rows]
    return sorted(int(text.removeprefix(b'{"seed":').removesuffix(b"}")) for text in found if text)


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A database with a request more than its backup."""
    path = tmp_path / "data" / "tokenhub.sqlite"
    await recorded(path, 1, 2)
    path.with_name(APPLIED_FILE).write_bytes(b"as it was")
    offline.backup(path, tmp_path / "kept", keep=7)
    path.with_name(APPLIED_FILE).write_bytes(b"as it is")
    await recorded(path, 3)
    return path


@pytest.fixture
def kept(tmp_path: Path, database: Path) -> Path:
    assert database
    return next((tmp_path / "kept").iterdir())


async def test_what_was_there_is_kept_aside(database: Path, kept: Path) -> None:
    done = offline.restore(kept, database)

    assert [1, 2] == await there(database)
    assert b"as it was" == database.with_name(APPLIED_FILE).read_bytes()
    assert done.replaced is not None
    assert [1, 2, 3] == await there(done.replaced / "tokenhub.sqlite")
    assert b"as it is" == (done.replaced / APPLIED_FILE).read_bytes()


async def test_a_backup_can_be_restored_elsewhere_under_another_name(
    tmp_path: Path, kept: Path
) -> None:
    elsewhere = tmp_path / "new" / "place" / "hub.db"

    done = offline.restore(kept, elsewhere)

    assert [1, 2] == await there(elsewhere)
    assert done.replaced is None
    assert 0o600 == elsewhere.stat().st_mode & 0o777


async def test_the_log_of_the_old_file_is_not_taken_for_the_new_ones(
    database: Path, kept: Path
) -> None:
    log = database.with_name("tokenhub.sqlite-wal")
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("DELETE FROM attempts")
        writer.execute("DELETE FROM requests")
        writer.commit()
        content = log.read_bytes()
    log.write_bytes(content)  # as a killed server leaves it

    done = offline.restore(kept, database)

    assert [1, 2] == await there(database)
    assert done.replaced is not None
    assert content == (done.replaced / log.name).read_bytes()


async def test_a_damaged_backup_changes_nothing(database: Path, kept: Path) -> None:
    copy = kept / "tokenhub.sqlite"
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")

    with pytest.raises(Unavailable, match="not what SHA256SUMS says"):
        offline.restore(kept, database)

    assert [1, 2, 3] == await there(database)


async def test_a_running_server_is_not_restored_under_its_feet(database: Path, kept: Path) -> None:
    async with open_stores(database):
        with pytest.raises(Unavailable, match="in use"):
            offline.restore(kept, database)

    assert [1, 2, 3] == await there(database)


@pytest.mark.parametrize("renamed", range(5))
async def test_a_restore_that_is_broken_off_keeps_the_server_down_until_it_is_done_again(
    database: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    """After any of its steps; the old files stay, whichever folder each lies in."""
    left = iter(range(renamed))
    rename = Path.rename

    def dying(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dying)
        with pytest.raises(Unavailable, match="run the same command again"):
            offline.restore(kept, database)
    with pytest.raises(Unavailable) as refused:
        async with open_stores(database):
            pass
    offline.restore(kept, database)

    assert "database_half_restored" == refused.value.code
    assert [1, 2] == await there(database)


async def test_a_disk_that_gives_back_other_bytes_is_found_before_anything_is_replaced(
    database: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        restore.shutil, "copyfileobj", lambda _old, new: new.write(b"something else")
    )

    with pytest.raises(Unavailable, match="other bytes than were written"):
        offline.restore(kept, database)

    assert [1, 2, 3] == await there(database)


async def test_a_newer_backup_is_refused(database: Path, kept: Path) -> None:
    newer = kept.parent / "newer"
    with closing(sqlite3.connect(database)) as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('tokenhub', '9999 of tomorrow', '')"
        )
        conn.commit()

    with pytest.raises(Unavailable, match="newer TokenHub"):
        offline.backup(database, newer, keep=7)


async def test_verify_tells_what_is_there_and_finds_what_does_not_add_up(database: Path) -> None:
    ledger, detail = offline.verify(database)
    with closing(sqlite3.connect(database)) as conn:
        conn.execute("UPDATE requests SET cost_nusd = 0")
        conn.commit()

    with pytest.raises(Unavailable, match=f"not so of {outcome(1).request_id}"):
        offline.verify(database)

    assert 3 == ledger.rows["requests"] == detail.rows["decisions"]
    assert sum(outcome(number).cost_nusd or 0 for number in (1, 2, 3)) == ledger.cost_nusd


async def test_a_look_does_not_hide_that_the_last_holder_died(database: Path) -> None:
    files.hold(database).release(clean=False)

    offline.verify(database)

    lock = files.hold(database)
    lock.release()
    assert lock.unclean


@pytest.mark.parametrize("work", [offline.verify, lambda path: offline.backup(path, path, keep=1)])
def test_where_there_is_no_database_none_is_made(tmp_path: Path, work: object) -> None:
    path = tmp_path / "tokenhub.sqlite"

    with pytest.raises(Unavailable, match="there is no database"):
        work(path)  # type: ignore[operator]  # either of two

    assert [] == list(tmp_path.iterdir())
