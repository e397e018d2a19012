import sqlite3
from pathlib import Path

import anyio
import pytest

from tests.contract.kept import outcome
from tokenhub.adapters.sqlite.stores import open_stores, telemetry_path
from tokenhub.core.errors import BadRequest, Unavailable

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["", ":memory:", "/"])
async def test_a_database_must_be_a_file(path: str) -> None:
    with pytest.raises(BadRequest, match="in a file; set TOKENHUB_DB_DSN"):
        async with open_stores(Path(path)):
            pass


async def test_two_files_lie_side_by_side(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        version = stores.sqlite_version

    names = [path.name async for path in anyio.Path(tmp_path).glob("*.sqlite")]
    assert ["telemetry.sqlite", "tokenhub.sqlite"] == sorted(names)
    assert sqlite3.sqlite_version == version


def test_another_name_has_a_detail_file_of_its_own() -> None:
    assert Path("/d/telemetry.sqlite") == telemetry_path(Path("/d/tokenhub.sqlite"))
    assert Path("/d/second.telemetry.sqlite") == telemetry_path(Path("/d/second.db"))


async def test_two_servers_may_share_a_folder(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "a.sqlite"), open_stores(tmp_path / "b.sqlite") as second:
        fault = await second.fault()

    assert not fault


async def test_asking_for_the_fault_finds_out_that_it_has_passed(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        ledger = stores._ledger
        (pages,) = await ledger.read(lambda conn: conn.execute("PRAGMA page_count").fetchone())
        await ledger.write(lambda conn: conn.execute(f"PRAGMA max_page_count={pages}").fetchone())
        with pytest.raises(Unavailable):
            await stores.journal.record(outcome(1, reason="x" * 100_000))

        first = ledger.fault
        recovered = await stores.fault()

    assert "ledger cannot be written" in first
    assert not recovered
