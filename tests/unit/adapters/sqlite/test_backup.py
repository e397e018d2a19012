"""Backups: whole or not there, and found damaged by any bit."""

import asyncio
import hashlib
import shutil
import sqlite3
import stat
import threading
from collections import namedtuple
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.kept import outcome
from tests.unit.adapters.sqlite.conftest import LEDGER
from tokenhub.adapters.files import APPLIED_FILE
from tokenhub.adapters.sqlite import backup
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.migrations import TOKENHUB, Schema, Step
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Unavailable
from tokenhub.ports.backups import Backup

pytestmark = pytest.mark.anyio
AT = 1_800_000_000.0
Usage = namedtuple("Usage", "free")  # noqa: PYI024 - of shutil's own kind


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tokenhub.sqlite"


@pytest.fixture
async def made(data: Path) -> Backup:
    """A backup of a few requests."""
    async with open_stores(data) as stores:
        data.with_name(APPLIED_FILE).write_bytes(b"{}")
        await asyncio.gather(*[stores.journal.record(outcome(number)) for number in range(9)])
        stores.journal.explain(outcome(1).request_id, AT, {"seed": 7})
        return await stores.backups.make(at=AT, reason="asked for")


def modes(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path, names: Iterable[str]) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


async def test_a_backup_has_every_file_with_its_checksum(made: Backup) -> None:
    folder = Path(made.path)

    (text,) = contents(folder, ["SHA256SUMS"])
    sums = dict(line.split("  ")[::-1] for line in text.decode().splitlines())

    assert "20270115T080000Z" == made.name
    assert ["credentials-applied.json", "manifest.json", "telemetry.sqlite", "tokenhub.sqlite"] == [
        file.name for file in made.files
    ]
    digests = [hashlib.sha256(content).hexdigest() for content in contents(folder, sums)]
    assert [*sums.values()] == digests
    assert made.bytes == sum(len(content) for content in contents(folder, sums))
    assert made == backup.check(folder)


async def test_a_backup_holds_what_was_committed_and_is_for_its_owner_only(made: Backup) -> None:
    folder = Path(made.path)

    with closing(sqlite3.connect(folder / "tokenhub.sqlite")) as conn:
        rows = conn.execute("SELECT count(*), sum(cost_nusd) FROM requests").fetchone()

    assert (9, sum(outcome(number).cost_nusd or 0 for number in range(9))) == rows
    assert {0o700} == modes(folder, folder.parent)
    assert {0o600} == modes(*[folder / file.name for file in made.files])


async def test_a_bit_that_is_flipped_anywhere_is_found(made: Backup) -> None:
    """In each file at many places; of the small ones in every byte."""
    unseen = []
    for path in [Path(made.path) / name for name in names(Path(made.path))]:
        content = path.read_bytes()
        for place in range(0, len(content), 1 if len(content) < 2_000 else 1_499):
            for bit in (1, 128):
                flipped = bytearray(content)
                flipped[place] ^= bit
                path.write_bytes(flipped)
                try:
                    backup.check(Path(made.path))
                except Unavailable:
                    continue
                unseen.append((path.name, place, bit))
        path.write_bytes(content)

    assert [] == unseen


@pytest.mark.parametrize("name", ["tokenhub.sqlite", "manifest.json", "SHA256SUMS"])
async def test_a_backup_without_one_of_its_files_is_none(made: Backup, name: str) -> None:
    (Path(made.path) / name).unlink()

    with pytest.raises(Unavailable):
        backup.check(Path(made.path))


def rewritten(made: Backup, name: str, content: bytes) -> None:
    """Another file in the place of one of the backup's, with checksums that fit."""
    folder = Path(made.path)
    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(content)
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(old, hashlib.sha256(content).hexdigest()))


async def test_a_backup_of_a_format_that_we_do_not_know_is_refused(made: Backup) -> None:
    manifest = (Path(made.path) / "manifest.json").read_bytes()
    rewritten(made, "manifest.json", manifest.replace(b'"format": 1', b'"format": 2'))

    with pytest.raises(Unavailable, match="of format 2, not 1"):
        backup.check(Path(made.path))


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("evil", "CREATE TRIGGER evil AFTER INSERT ON api_keys BEGIN SELECT 1; END"),
        ("requests_ended", "DROP TRIGGER requests_ended"),
    ],
)
async def test_triggers_that_are_not_ours_are_found(
    made: Backup, tmp_path: Path, name: str, statement: str
) -> None:
    """They are no rows, so that no sum tells of them."""
    shutil.copy(Path(made.path) / "tokenhub.sqlite", tmp_path / "changed")
    with closing(sqlite3.connect(tmp_path / "changed")) as conn:
        conn.execute(statement)
        conn.commit()
    rewritten(made, "tokenhub.sqlite", (tmp_path / "changed").read_bytes())

    with pytest.raises(Unavailable, match=f"triggers that are not ours, or lacks ours: '{name}'"):
        backup.check(Path(made.path))


async def test_sums_that_do_not_add_up_are_found_in_a_copy_whose_checksums_do(
    data: Path, made: Backup
) -> None:
    """What was wrong before the copy was made."""
    with closing(sqlite3.connect(data)) as conn:
        conn.execute("UPDATE attempts SET cost_nusd = cost_nusd + 1 WHERE number = 2")
        conn.commit()
    async with open_stores(data) as stores:
        with pytest.raises(Unavailable, match="a request costs what its attempts cost") as refused:
            await stores.backups.make(at=AT + 1, reason="asked for")
        kept = await stores.backups.found()

    assert "backup_failed" == refused.value.code
    assert [made] == list(kept)
    assert [made.name] == names(Path(made.path).parent)


async def test_as_many_are_kept_as_wanted_and_those_of_others_are_let_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "backups"
    async with open_stores(tmp_path / "other.sqlite", backups=folder) as other:
        await other.backups.make(at=AT - 1, reason="timer")
    async with open_stores(tmp_path / "tokenhub.sqlite", backups=folder, keep_backups=2) as stores:
        for later in range(4):
            await stores.backups.make(at=AT + later, reason="timer")
        kept = await stores.backups.found()

    assert [AT + 3, AT + 2, AT - 1] == [one.at for one in kept]


async def test_the_list_does_not_wait_for_a_backup_that_is_being_made(
    data: Path, made: Backup
) -> None:
    done = threading.Event()
    async with open_stores(data) as stores:
        busy = asyncio.ensure_future(stores.backups._aside(lambda: done.wait(30.0)))
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(5.0):
                kept = await stores.backups.found()
        finally:
            done.set()
            await busy

    assert [made] == list(kept)


async def test_two_of_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        made = [await stores.backups.make(at=AT, reason="timer") for _ in range(2)]

    assert ["20270115T080000Z", "20270115T080000Z-2"] == [one.name for one in made]


def half_made(folder: Path) -> None:
    (folder / ".new-tokenhub").mkdir()
    (folder / ".new-tokenhub" / "tokenhub.sqlite").write_bytes(b"half")


async def test_what_a_backup_left_that_died_is_cleared_away(data: Path, made: Backup) -> None:
    folder = Path(made.path).parent
    half_made(folder)

    async with open_stores(data) as stores:
        await stores.backups.make(at=AT + 1, reason="timer")

    assert not (folder / ".new-tokenhub").exists()


async def test_a_disk_without_room_is_not_filled(
    data: Path, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(free=2**20))

    async with open_stores(data) as stores:
        with pytest.raises(Unavailable, match="TOKENHUB_BACKUP_DIR") as refused:
            await stores.backups.make(at=AT + 1, reason="timer")

    assert "backup_no_room" == refused.value.code
    assert [made.name] == names(Path(made.path).parent)


async def test_a_server_that_stops_breaks_its_backup_off(data: Path) -> None:
    async with open_stores(data) as stores:
        stores.backups._closing.set()
        await asyncio.gather(*[stores.journal.record(outcome(number)) for number in range(3000)])

        with pytest.raises(Unavailable, match="interrupted"):
            await stores.backups.make(at=AT, reason="timer")


def upgraded(steps: int) -> Schema:
    more = [Step(f"{n:04}_more", (f"CREATE TABLE t{n} (id TEXT)",)) for n in range(3, 3 + steps)]
    return Schema("ledger", (*LEDGER.steps, *more))


async def opened(path: Path, schema: Schema) -> None:
    database = await Database.open(path, migrations=schema, synchronous="NORMAL")
    await database.write(
        lambda conn: conn.execute("INSERT INTO entries VALUES (hex(randomblob(9)), 1)").rowcount
    )
    await database.close()


def entries(path: Path) -> int:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute("SELECT count(*) FROM entries").fetchone()[0]


async def test_an_upgrade_is_preceded_by_a_backup_of_what_was_there(path: Path) -> None:
    await opened(path, LEDGER)
    await opened(path, LEDGER)

    await opened(path, upgraded(1))

    (kept,) = backup.found(path.with_name("ledger.backups"))
    assert ("before-ledger-0003", "upgrade") == (kept.name, kept.reason)
    assert 2 == entries(Path(kept.path) / "ledger.sqlite")
    assert 3 == entries(path)


async def test_a_new_file_has_nothing_to_be_kept(path: Path) -> None:
    await opened(path, upgraded(1))

    assert not path.with_name("ledger.backups").exists()


async def test_a_few_upgrades_back_are_kept(path: Path) -> None:
    for steps in range(6):
        await opened(path, upgraded(steps))

    kept = [one.name for one in backup.found(path.with_name("ledger.backups"))]
    assert [f"before-ledger-000{number}" for number in (7, 6, 5)] == kept


async def test_sums_that_do_not_add_up_keep_nobody_from_an_upgrade_nor_from_the_way_back(
    data: Path,
) -> None:
    before = Schema("tokenhub", TOKENHUB.steps[:-1])
    database = await Database.open(data, migrations=before, synchronous="FULL")
    wrong = (
        "INSERT INTO requests VALUES "
        "('req_1', 1, '', '', '', '', '', '', '', 200, '', 0, 1, 1, 7, '', '')"
    )
    await database.write(lambda conn: conn.execute(wrong).rowcount)
    await database.close()

    async with open_stores(data) as stores:
        (kept,) = await stores.backups.found()

    assert kept == backup.check(Path(kept.path))


async def test_an_upgrade_that_cannot_be_backed_up_is_not_begun(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(path, LEDGER)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(free=0))

    with pytest.raises(Unavailable, match="needs 64") as refused:
        await opened(path, upgraded(1))

    assert "backup_no_room" == refused.value.code
    await opened(path, LEDGER)
