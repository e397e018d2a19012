import sqlite3
import sys
from pathlib import Path

import anyio
import pytest

from tests.unit.adapters.sqlite.conftest import LEDGER
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB, Schema, Step
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Unavailable

pytestmark = pytest.mark.anyio

NOTES = Step("0003", ("ALTER TABLE entries ADD COLUMN note TEXT", "CREATE TABLE notes (id TEXT)"))
OLD_KEY = """
    INSERT INTO api_keys VALUES ('key_1', 'old', x'00', 'p', '["chat"]', 0, NULL, 1, 1)
"""
OLD_MODELS = """
    INSERT INTO models VALUES
        ('p', 'nobody gave a price', 1, 0, NULL, NULL, 1, 'manual', 'api', 1),
        ('p', 'an operator did', 1, 0, 5, NULL, 1, 'manual', 'api', 1)
"""
BROKEN = Step("0003", ("CREATE TABLE notes (id TEXT)", "CREATE TABLE notes (id TEXT)"))


async def migrated(path: Path, schema: Schema) -> list[str]:
    """The tables of a file opened with this schema."""
    database = await Database.open(path, migrations=schema, synchronous="NORMAL")
    tables = await database.read(
        lambda conn: conn.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite%' "
            "ORDER BY name"
        ).fetchall()
    )
    await database.close()
    return [name for (name,) in tables]


async def test_missing_steps_are_taken(path: Path) -> None:
    await migrated(path, LEDGER)

    tables = await migrated(path, Schema("ledger", (*LEDGER.steps, NOTES)))

    assert ["entries", "notes", "probes"] == tables


async def test_a_newer_file_is_refused(path: Path) -> None:
    await migrated(path, Schema("ledger", (*LEDGER.steps, NOTES)))

    with pytest.raises(Unavailable, match="written by a newer TokenHub") as refused:
        await migrated(path, LEDGER)

    assert "database_newer" == refused.value.code


async def test_a_step_that_fails_leaves_nothing_and_can_be_taken_later(path: Path) -> None:
    await migrated(path, LEDGER)

    with pytest.raises(Unavailable):
        await migrated(path, Schema("ledger", (*LEDGER.steps, BROKEN)))
    tables = await migrated(path, LEDGER)

    assert ["entries", "probes"] == tables
    assert ["entries", "notes", "probes"] == await migrated(
        path, Schema("ledger", (*LEDGER.steps, NOTES))
    )


@pytest.mark.parametrize("schema", [TOKENHUB, TELEMETRY])
async def test_every_table_is_strict(path: Path, schema: Schema) -> None:
    tables = await migrated(path, schema)

    with sqlite3.connect(path) as conn:
        strict = conn.execute("SELECT name FROM pragma_table_list WHERE strict").fetchall()
    conn.close()

    assert tables
    assert set(tables) <= {name for (name,) in strict}


async def test_a_file_that_is_up_to_date_needs_no_sqlite_utils(path: Path) -> None:
    await migrated(path, TOKENHUB)
    script = (
        "import sys, sqlite3, pathlib\n"
        "from tokenhub.adapters.sqlite.migrations import TOKENHUB\n"
        "TOKENHUB.apply(sqlite3.connect(sys.argv[1]), pathlib.Path(sys.argv[1]))\n"
        "print('sqlite_utils' in sys.modules)"
    )

    ran = await anyio.run_process([sys.executable, "-c", script, str(path)])

    assert b"False" == ran.stdout.strip()


async def test_a_key_from_before_has_the_usual_rate_and_its_directives(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    before = Schema("tokenhub", TOKENHUB.steps[:2])
    database = await Database.open(path, migrations=before, synchronous="FULL")
    await database.write(lambda conn: conn.execute(OLD_KEY).rowcount)
    await database.close()

    async with open_stores(path) as stores:
        (key,) = await stores.keys.load()
        # It has a credential like any other, which can be noted and rotated.
        await stores.keys.used({key.digest: 7.0})
        assert {key.digest: 7.0} == dict(await stores.keys.uses())

    assert (0, 0, 0, None, ()) == (
        key.tokens_per_minute,
        key.concurrency,
        key.rotation_days,
        key.rotated_at,
        key.former,
    )
    assert ("old", 0, True) == (key.name, key.rate_limit_rps, key.directives)


async def test_a_model_from_before_without_a_price_is_the_lists_to_fill(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    before = Schema("tokenhub", TOKENHUB.steps[:5])
    database = await Database.open(path, migrations=before, synchronous="FULL")
    provider = (
        "INSERT INTO providers VALUES ('p', 'openai', 'https://h', '[]', 1, 'none', 'api', 1)"
    )
    await database.write(lambda conn: conn.execute(provider).rowcount)
    await database.write(lambda conn: conn.execute(OLD_MODELS).rowcount)
    await database.close()

    async with open_stores(path) as stores:
        models = (await stores.catalog.load()).models.values()

    assert {"nobody gave a price": "unknown", "an operator did": "manual"} == {
        row.id: row.pricing_source for row in models
    }
