"""What each change of the configuration leaves behind: a version and an audit entry."""

import sqlite3
from typing import Literal

from tokenhub.adapters.sqlite.chain import append
from tokenhub.ports.stores import Audit

Counter = Literal["catalog", "keys", "tokens", "vault", "views"]


def enter(conn: sqlite3.Connection, counter: Counter, audit: Audit) -> int:
    """Write the audit entry, raise the counter, return its new value. Call it in a transaction."""
    note(conn, audit)
    conn.execute("UPDATE meta SET value = value + 1 WHERE name = ?", (counter,))
    return version(conn, counter)


def note(conn: sqlite3.Connection, audit: Audit) -> None:
    """Write the audit entry of what changes no version. Call it in a transaction."""
    append(conn, audit)


def version(conn: sqlite3.Connection, counter: Counter) -> int:
    """The counter's value."""
    row = conn.execute("SELECT value FROM meta WHERE name = ?", (counter,)).fetchone()
    value: int = row[0]
    return value


def upsert(table: str, columns: tuple[str, ...], *, key: tuple[str, ...]) -> str:
    """The statement that inserts a row, or changes the one that has its key; bind it by name.

    Not INSERT OR REPLACE: that deletes the row first, and what refers to it with it.
    """
    names = ", ".join(columns)
    marks = ", ".join(f":{name}" for name in columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks}) "  # noqa: S608 (names are constants)
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
