from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.migrations import Schema, Step
from tokenhub.adapters.sqlite.rows import Table

LEDGER = Schema(
    "ledger",
    (
        Step("0001", ("CREATE TABLE entries (id TEXT PRIMARY KEY, amount INTEGER) STRICT",)),
        Step("0002", ("CREATE TABLE probes (filler BLOB NOT NULL) STRICT",)),
    ),
)
ENTRIES = Table("entries", ("id", "amount"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(
        path, migrations=LEDGER, synchronous="NORMAL", tables=(ENTRIES,), probe_every_s=0
    )
    yield opened
    await opened.close()
