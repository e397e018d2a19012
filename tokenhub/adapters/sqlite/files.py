"""The files of a database: who may open them, how they are opened, whether they are whole."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tokenhub.core.errors import Unavailable

Synchronous = Literal["FULL", "NORMAL"]

# STRICT tables came with 3.37 (sqlite.org/stricttables.html).
OLDEST = (3, 37, 0)

# A WAL that once grew is cut back to this after its checkpoint.
JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024

# Every distinct number of rows is a statement of its own (rows.py), for each of a few tables.
CACHED_STATEMENTS = 256


def create(path: Path) -> None:
    """Make the file, readable by its owner only, and its folders; leave alone what is there."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise Unavailable(
            f"SQLite 3.37 or newer is needed, and this Python brings {sqlite3.sqlite_version}; "
            "use a newer Python build",
            code="database_unusable",
        )
    with _named(path):
        _make_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def hold(path: Path) -> int:
    """Take `<path>.lock` for as long as the returned descriptor stays open.

    Two processes that write and checkpoint one WAL at the same instant can damage it in every
    SQLite before 3.51.3, hence a lock of our own beside SQLite's. Raises Unavailable where
    another process, or this one, has it.
    """
    with _named(path):
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Unavailable(
            f"{path} is in use by another TokenHub (process {holder}); "
            "stop it, or set TOKENHUB_DB_DSN to another file",
            code="database_in_use",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """The read-write connection to a file that was found whole. Raises Unavailable where it is not.

    A file that has vanished is not made anew, empty: that is for `create`.
    """
    conn = _connect(path, "rw")
    try:
        _configure(conn, path, synchronous)
        _check(conn, path)
    except BaseException:
        conn.close()
        raise
    return conn


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, whatever it is told."""
    conn = _connect(path, "ro")
    conn.execute("PRAGMA query_only=ON")
    # SQLite opens a file at the first read. From then on, closing the writer's connection is not
    # the last close, which would checkpoint and take the WAL away.
    conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return conn


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file the system refused, and what to do."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"cannot create {path}: {error.strerror}; "
            "set TOKENHUB_DB_DSN to a path that TokenHub may write",
            code="database_unusable",
        ) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    conn = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=5.0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
    )
    conn.execute("PRAGMA trusted_schema=OFF")
    return conn


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _configure(conn: sqlite3.Connection, path: Path, synchronous: Synchronous) -> None:
    if conn.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
        raise Unavailable(
            f"{path} lies on a file system without shared memory, which SQLite's WAL needs; "
            "set TOKENHUB_DB_DSN to a path on a local disk",
            code="database_unusable",
        )
    conn.execute(f"PRAGMA synchronous={synchronous}")
    conn.execute("PRAGMA foreign_keys=ON")
    conn.execute("PRAGMA cell_size_check=ON")
    conn.execute(f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT}")


def _check(conn: sqlite3.Connection, path: Path) -> None:
    """Look at the structure of every page; 0.1 s for 60 MB."""
    (verdict,) = conn.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Unavailable(
            f"{path} is damaged ({verdict}); restore a backup, or move the file away to start anew",
            code="database_damaged",
        )
