"""F4: somebody edits the vault's rows in the file."""

import asyncio
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.table import LONG
from tests.faults.vault_changes import (
    AFTER,
    BEFORE,
    BY,
    CHANGES,
    NEW,
    OLD,
    SECRET,
    change,
    opened_vault,
    opens,
    prepare,
)
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import TokenHubError, Unavailable, VaultDamaged

pytestmark = pytest.mark.timeout(240)
TABLES = {
    "vault_meta": "one",
    "vault_slots": "kind",
    "vault_ring": "id",
    "vault_secrets": "name",
}
# Times and the counter of boxes are bound to nothing; the costs have tests of their own, since to
# try each would allocate what they say.
UNBOUND = ("_ms", "used", "one", "memory_kib", "passes", "lanes")
# All bits of a byte, or one of them.
BITS = range(8) if LONG else range(1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A vault with a few secrets, and what is in it."""
    path = tmp_path_factory.mktemp("whole") / "tokenhub.sqlite"
    asyncio.run(prepare(path, 4))
    return path, opens(path, OLD)


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copy(whole[0], tmp_path / "tokenhub.sqlite"))


def edits(conn):
    """Each field of each row with a bit of each byte flipped: table, key, column, value."""
    for table, key in TABLES.items():
        found = conn.execute(f"SELECT * FROM {table}")
        columns = [column for column, *_ in found.description]
        for row in found.fetchall():
            named = dict(zip(columns, row, strict=True))
            for column, value in named.items():
                if not column.endswith(UNBOUND):
                    yield from ((table, named[key], column, other) for other in flips(value))


def flips(value):
    data = value if isinstance(value, bytes) else str(value).encode()
    for at in range(len(data)):
        for bit in BITS:
            other = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            if isinstance(value, bytes):
                yield other
            elif isinstance(value, str):
                yield other.decode("latin-1")
            elif other.isdigit():
                yield int(other)


def told(path, password=OLD):
    """What an opener says of it: the secrets, or the code of the refusal."""
    try:
        return opens(path, password)
    except TokenHubError as error:
        return error.code
    except ValueError:
        return "left_out"


def test_f4_no_flipped_byte_opens_as_another_secret(whole, copy, figure):
    refused = tried = 0
    with closing(sqlite3.connect(copy, isolation_level=None)) as conn:
        cases = list(edits(conn))
        for table, key, column, value in cases:
            where = f"UPDATE {table} SET {column} = ? WHERE {TABLES[table]} = ?"
            conn.execute("BEGIN")
            kept = conn.execute(
                f"SELECT {column} FROM {table} WHERE {TABLES[table]} = ?", (key,)
            ).fetchone()[0]
            try:
                conn.execute(where, (value, key))
            except sqlite3.IntegrityError:
                conn.execute("ROLLBACK")
                continue
            conn.execute("COMMIT")
            tried += 1
            found = told(copy)
            refused += found != whole[1]
            assert found != whole[1], (table, key, column)
            moved = value if column == TABLES[table] else key
            conn.execute(where, (kept, moved))
    figure("F4", "bytes edited", tried)
    figure("F4", "refused", refused)
    assert whole[1] == told(copy)
    assert tried > 500


def test_f4_swapped_rows_do_not_open(whole, copy, figure):
    with closing(sqlite3.connect(copy)) as conn:
        (one, two) = conn.execute(
            "SELECT sealed, nonce FROM vault_secrets ORDER BY name LIMIT 2"
        ).fetchall()
        names = [n for (n,) in conn.execute("SELECT name FROM vault_secrets ORDER BY name LIMIT 2")]
        for name, (sealed, nonce) in zip(names, (two, one), strict=True):
            conn.execute(
                "UPDATE vault_secrets SET sealed = ?, nonce = ? WHERE name = ?",
                (sealed, nonce, name),
            )
        conn.commit()

    assert "vault_damaged" == told(copy)
    figure("F4", "swapped rows refused", 1)


@pytest.mark.parametrize("what", CHANGES)
def test_f4_older_rows_that_are_put_back_are_refused(whole, copy, what):
    asyncio.run(change(copy, what))
    new = NEW if what == "password" else OLD
    after = told(copy, new)
    table = {"password": "vault_slots", "data-key": "vault_ring", "secret": "vault_secrets"}[what]
    with closing(sqlite3.connect(copy)) as conn:
        conn.execute("ATTACH ? AS old", (str(whole[0]),))
        conn.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM old.{table}")
        conn.commit()

    assert (AFTER if what == "secret" else BEFORE) == after[f"secret:{SECRET}"]
    # An older row of a data key says only that it had not retired: the newest seals all the same.
    refused = [after] if what == "data-key" else ["vault_damaged", "left_out"]
    assert told(copy, OLD) in refused
    assert told(copy, new) in [None, after, *refused]


def test_f4_a_truncated_file_is_refused_before_anything_is_read(whole, copy):
    size = copy.stat().st_size
    for left in (size // 2, size - 4096, size - 1):
        with copy.open("r+b") as file:
            file.truncate(left)

        with pytest.raises(Unavailable) as refused:
            asyncio.run(opened(copy))
        assert refused.value.code in {"database_damaged", "database_unusable"}


async def opened(path):
    async with open_stores(path):
        return


@pytest.mark.parametrize(
    ("column", "value"),
    [("memory_kib", 4 << 20), ("memory_kib", 1), ("passes", 1 << 20), ("lanes", 64)],
)
def test_f4_work_without_bounds_is_refused_and_not_done(whole, copy, figure, column, value):
    with closing(sqlite3.connect(copy)) as conn:
        conn.execute(f"UPDATE vault_slots SET {column} = ?", (value,))
        conn.commit()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(VaultDamaged) as refused:
        opens(copy, OLD)

    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figure("F4", "4 GiB asked for: memory grew by", grown_mb, "MB")
    assert "vault_kdf_refused" == refused.value.code
    assert grown_mb < 8


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_says_when_it_is_acknowledged(copy, what):
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.vault_changes", what, str(copy)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "ready\nacknowledged\n" == done.stdout
    assert (told(copy, OLD) is None) == (what == "password")
    assert told(copy, NEW if what == "password" else OLD) is not None


def test_a_change_is_on_disk_when_it_is_acknowledged(copy):
    async def changed():
        async with opened_vault(copy) as (vault, _):
            await vault.change_password(OLD, NEW, by=BY)
            return told(copy, NEW), told(copy, OLD)

    new, old = asyncio.run(changed())

    assert old is None
    assert BEFORE == new[f"secret:{SECRET}"]
