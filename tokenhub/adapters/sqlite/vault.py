"""The vault in the file that holds the ledger: rows in, rows out; not a key is known here."""

import sqlite3
from functools import partial
from typing import Any

from msgspec.structs import asdict

from tokenhub.adapters.sqlite.change import enter, upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.errors import Conflict
from tokenhub.core.vault.passwords import Tries
from tokenhub.core.vault.rows import Contents, Meta, RingKey, Sealed, Slot, VaultChange
from tokenhub.ports.stores import Audit

# Columns are named as the fields of their types; times have their unit.
_TIMES = {"created_at", "rotated_at", "retired_at"}
_META, _SLOT, _RING, _SECRET = (
    tuple(f"{name}_ms" if name in _TIMES else name for name in kind.__struct_fields__)
    for kind in (Meta, Slot, RingKey, Sealed)
)
_PUT_META = upsert("vault_meta", ("one", *_META), key=("one",))
_PUT_SLOT = upsert("vault_slots", _SLOT, key=("kind",))
_PUT_RING = upsert("vault_ring", _RING, key=("id",))
_PUT_SECRET = upsert("vault_secrets", _SECRET, key=("name",))


class SqliteVaultStore:
    """A VaultStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Contents | None:
        return await self._database.read(read)

    async def epoch(self) -> int:
        return await self._database.read(_epoch)

    async def commit(self, change: VaultChange, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "vault", audit)
            write(conn, change)

        await self._database.write(work)

    async def tries(self) -> Tries:
        return await self._database.read(_tries)

    async def note(self, tries: Tries, audit: Audit) -> None:
        await self._database.write(partial(_note, tries=tries, audit=audit))

    async def enter(self, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "vault", audit)

        await self._database.write(work)


def read(conn: sqlite3.Connection) -> Contents | None:
    """The vault as it is in this file."""
    meta = conn.execute(f"SELECT {','.join(_META)} FROM vault_meta").fetchone()  # noqa: S608 (constants)
    if meta is None:
        return None
    slots = conn.execute(f"SELECT {','.join(_SLOT)} FROM vault_slots")  # noqa: S608 (constants)
    ring = conn.execute(f"SELECT {','.join(_RING)} FROM vault_ring ORDER BY id")  # noqa: S608 (constants)
    secrets = conn.execute(f"SELECT {','.join(_SECRET)} FROM vault_secrets ORDER BY name")  # noqa: S608 (constants)
    return Contents(
        meta=Meta(**_fields(_META, meta)),
        slots={row[0]: Slot(**_fields(_SLOT, row)) for row in slots},
        ring={row[0]: RingKey(**_fields(_RING, row)) for row in ring},
        secrets={row[0]: Sealed(**_fields(_SECRET, row)) for row in secrets},
    )


def write(conn: sqlite3.Connection, change: VaultChange) -> None:
    """Write a change, in a transaction of the caller's. Raises Conflict."""
    if _epoch(conn) != change.expected:
        raise Conflict("the vault has changed meanwhile; try again", code="vault_changed")
    for table, column, gone in (
        ("vault_slots", "kind", change.no_slots),
        ("vault_ring", "id", change.no_ring),
        ("vault_secrets", "name", change.no_secrets),
    ):
        conn.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(key,) for key in gone])  # noqa: S608 (constants)
    if change.meta is not None:
        conn.execute(_PUT_META, {"one": 1, **_row(change.meta)})
    conn.executemany(_PUT_SLOT, map(_row, change.slots))
    conn.executemany(_PUT_RING, map(_row, change.ring))
    conn.executemany(_PUT_SECRET, map(_row, change.secrets))


def _epoch(conn: sqlite3.Connection) -> int:
    found = conn.execute("SELECT epoch FROM vault_meta").fetchone()
    return int(found[0]) if found else 0


def _tries(conn: sqlite3.Connection) -> Tries:
    row = conn.execute("SELECT failures, last_at_ms FROM vault_tries").fetchone()
    return Tries() if row is None else Tries(failures=row[0], last_at=row[1] / MILLI)


def _note(conn: sqlite3.Connection, *, tries: Tries, audit: Audit) -> None:
    enter(conn, "vault", audit)
    conn.execute(
        "INSERT INTO vault_tries (one, failures, last_at_ms) VALUES (1, ?, ?) "
        "ON CONFLICT (one) DO UPDATE SET failures = excluded.failures, "
        "last_at_ms = excluded.last_at_ms",
        (tries.failures, round(tries.last_at * MILLI)),
    )


def _row(value: Meta | Slot | RingKey | Sealed) -> dict[str, object]:
    return {
        f"{name}_ms" if name in _TIMES else name: (
            round(field * MILLI) if name in _TIMES and field is not None else field
        )
        for name, field in asdict(value).items()
    }


def _fields(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, value in zip(columns, row, strict=True):
        name = column.removesuffix("_ms")
        found[name] = value / MILLI if name in _TIMES and value is not None else value
    return found
