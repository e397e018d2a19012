"""One database file copied whole, and a copy examined. Everything here blocks."""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from tokenhub.adapters.sqlite import files, invariants
from tokenhub.adapters.sqlite.migrations import Schema
from tokenhub.core.errors import Unavailable

_AT_ONCE = 1024 * 1024
# What is written before it is synced.
_PIECE = 4 * 1024 * 1024
# Of SQLite's virtual machine, from one look at what there is to do to the next: under 1 ms.
_STEPS = 20_000


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file that was found in order holds. `rows` are those of its largest tables."""

    steps: tuple[str, ...]
    rows: dict[str, int]
    cost_nusd: int = 0


def never() -> bool:
    return False


def copy(path: Path, target: Path, *, stopping: Callable[[], bool] = never) -> None:
    """Copy a database, as it is at this moment, to a new file. Others may go on writing to it.

    The copy is one file, without free pages, for its owner only, and on the disk when this
    returns. Not SQLite's backup API: beside a writer it begins anew with each commit. Raises
    sqlite3.OperationalError once `stopping` says so.
    """
    # SQLite takes over an empty file, and would make one that others may read.
    opened = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.closing(files.connect_copier(path)) as conn:
            conn.set_progress_handler(_Trickle(opened, stopping), _STEPS)
            conn.execute("VACUUM INTO ?", (str(target),))
        os.fsync(opened)
    finally:
        os.close(opened)


class _Trickle:
    """Has a file that grows come to the disk in pieces, and tells SQLite whether to stop.

    Synced at its end alone, the commits beside it would wait for all of it: a file system has one
    journal for both.
    """

    def __init__(self, opened: int, stopping: Callable[[], bool]) -> None:
        self._opened = opened
        self._stopping = stopping
        self._synced = 0

    def __call__(self) -> bool:
        size = os.fstat(self._opened).st_size
        if size - self._synced >= _PIECE:
            os.fdatasync(self._opened)
            self._synced = size
        return self._stopping()


def examine(
    path: Path, schema: Schema, *, sums: bool = True, stopping: Callable[[], bool] = never
) -> Facts:
    """Look at every page, every index and, with `sums`, every sum of a file that nobody writes.

    Raises Unavailable, with what is wrong.
    """
    conn = files.connect_still(path)
    conn.set_progress_handler(stopping, _STEPS)
    try:
        return facts(conn, path, schema, sums=sums)
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from error
    finally:
        conn.close()


def facts(conn: sqlite3.Connection, path: Path, schema: Schema, *, sums: bool = True) -> Facts:
    """As `examine`, of an open file."""
    (verdict,) = conn.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise damaged(path, verdict)
    schema.missing(conn, path)
    applied = schema.applied(conn)
    if not applied:
        raise damaged(path, f"it is no {schema.name} database")
    if lost := conn.execute("PRAGMA foreign_key_check").fetchone():
        raise damaged(path, f"a row of {lost[0]} refers to one that is not there")
    if sums and (strange := _strange(conn, schema.triggers(applied))):
        raise damaged(path, f"it has triggers that are not ours, or lacks ours: {strange}")
    if sums and (wrong := invariants.broken(conn, schema.name, applied)):
        told = "; ".join(f"{one.name}: not so of {', '.join(one.examples)}" for one in wrong)
        raise damaged(path, told)
    there = {name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    rows = {
        name: _single(conn, f"SELECT count(*) FROM {name}")  # noqa: S608 (constants)
        for name in ("requests", "attempts", "api_keys", "providers", "models", "decisions")
        if name in there
    }
    cost = "SELECT coalesce(sum(cost_nusd), 0) FROM attempts"
    return Facts(
        steps=tuple(applied), rows=rows, cost_nusd=_single(conn, cost) if "attempts" in there else 0
    )


def _strange(conn: sqlite3.Connection, ours: dict[str, str]) -> str:
    """The names of triggers that are not as the migrations make them.

    They would go on to write what nobody asked for, or no longer keep the sums in step.
    """
    rows = conn.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    there = {name: " ".join(sql.split()) for name, sql in rows}
    return ", ".join(sorted({repr(name) for name, _ in there.items() ^ ours.items()}))


def damaged(path: Path, why: str) -> Unavailable:
    return Unavailable(f"{path} is not in order: {why}", code="database_damaged")


def sha256(path: Path) -> str:
    """The checksum of a file's content, as `sha256sum` prints it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def _single(conn: sqlite3.Connection, query: str) -> int:
    number: int = conn.execute(query).fetchone()[0]
    return number
