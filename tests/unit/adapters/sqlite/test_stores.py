import sqlite3
from collections.abc import Callable
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


async def test_a_full_disk_is_a_fault_until_there_is_room(tmp_path: Path) -> None:
    def allow(pages: int) -> Callable[[sqlite3.Connection], object]:
        return lambda conn: conn.execute(f"PRAGMA max_page_count={pages}").fetchone()

    async with open_stores(tmp_path / "tokenhub.sqlite", probe_every_s=0) as stores:
        ledger = stores._ledger
        (pages,) = await ledger.read(lambda conn: conn.execute("PRAGMA page_count").fetchone())
        await ledger.write(allow(pages))
        with pytest.raises(Unavailable):
            await stores.journal.record(outcome(1, reason="x" * 100_000))

        told = [await stores.fault(), stores.journal.fault]
        await ledger.write(allow(1_000_000))
        while stores.journal.fault:
            await ledger.post(lambda _conn: None)
        recovered = await stores.fault()
        await stores.journal.record(outcome(1, reason="x" * 100_000))

    assert told[0] == told[1]
    assert "ledger cannot be written" in told[0]
    assert not recovered


async def test_closed_stores_are_not_ready(tmp_path: Path) -> None:
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        pass

    assert "shutting down" in await stores.fault()
    assert "shutting down" in stores.journal.fault
