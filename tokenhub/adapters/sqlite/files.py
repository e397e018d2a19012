"""The files of a database: who may open them, how they are opened, whether they are whole."""

import contextlib
import fcntl
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from tokenhub.adapters.sqlite.entries import Entering
from tokenhub.core.errors import Unavailable

Synchronous = Literal["FULL", "NORMAL"]

# STRICT tables came with 3.37 (sqlite.org/stricttables.html).
OLDEST = (3, 37, 0)

# How long a statement waits for another connection's lock.
BUSY_S = 5.0

# A WAL that once grew is cut back to this after its checkpoint.
JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024

# Beside a database while its files are being replaced (restore.py).
HALF_RESTORED = ".restoring"

# Every distinct number of rows is a statement of its own (rows.py), for each of a few tables.
CACHED_STATEMENTS = 256

log = logging.getLogger(__name__)


def create(path: Path) -> None:
    """Make the file, readable by its owner only, and its folders.

    A file that is there keeps its content, and is closed to everybody but its owner.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise Unavailable(
            f"SQLite 3.37 or newer is needed, and this Python brings {sqlite3.sqlite_version}; "
            "use a newer Python build",
            code="database_unusable",
        )
    with _named(path):
        _make_folder(path.parent)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _close_to_others(opened, path)
    finally:
        os.close(opened)


class Lock(msgspec.Struct, frozen=True):
    """A lock that is held. `unclean` says that its last holder died without letting go of it."""

    descriptor: int
    unclean: bool

    def release(self, *, clean: bool = True) -> None:
        """Let go. Where that is not `clean`, the next holder finds the lock unclean."""
        with contextlib.suppress(OSError):  # all it costs is a check too many at the next start
            if clean:
                os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def hold(path: Path) -> Lock:
    """Take `<path>.lock` until it is released. The file has its holder's process id.

    Two processes that write and checkpoint one WAL at the same instant can damage it in every
    SQLite before 3.51.3, hence a lock of our own beside SQLite's. Raises Unavailable where
    another process, or this one, has it.
    """
    with _named(path):
        # Not through a link, which could have us write to a file of somebody else's choosing.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(f"{path}.lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = _holder(descriptor) or "unknown"
        os.close(descriptor)
        raise Unavailable(
            f"{path} is in use by another TokenHub (process {holder}); "
            "stop it, or set TOKENHUB_DB_DSN to another file",
            code="database_in_use",
        ) from error
    unclean = bool(_holder(descriptor))
    try:
        # Written over what is there: on a full disk that takes no room.
        os.pwrite(descriptor, f"{os.getpid():<19}\n".encode(), 0)
        os.fsync(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise Unavailable(
            f"cannot write {path}.lock: {error.strerror}; free or repair the disk that holds it",
            code="database_unusable",
        ) from error
    return Lock(descriptor, unclean)


def connect(path: Path, synchronous: Synchronous, *, full: bool = False) -> sqlite3.Connection:
    """The read-write connection to a file that was found whole. Raises Unavailable where it is not.

    With `full` indexes and constraints are looked at too, five times as long. A file that has
    vanished is not made anew, empty: that is for `create`.
    """
    conn = _connect(path, "rw")
    try:
        _configure(conn, path, synchronous)
        _check(conn, path, full=full)
    except BaseException:
        conn.close()
        raise
    return conn


def reconnect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """`connect` after an I/O error. Raises what SQLite raises while the error lasts.

    After a sync that failed, the system takes pages of the log of writes for written that may not
    be (USENIX ATC 2020, "Can applications recover from fsync failures?"). So all of the log is
    written once more, into the file itself, before anything is added to it.
    """
    conn = connect(path, synchronous)
    try:
        _empty_log(conn, path)
    except BaseException:
        conn.close()
        raise
    return conn


def connect_still(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody writes, such as a copy. It leaves nothing beside it."""
    return _connect(path, "ro&immutable=1")


def connect_copier(path: Path) -> sqlite3.Connection:
    """A connection that cannot write to the file, and may copy all of it elsewhere."""
    return _connect(path, "ro")


def refuse_half_restored(path: Path) -> None:
    """Raise Unavailable where a restore was broken off while it replaced the files."""
    if path.with_name(path.name + HALF_RESTORED).exists():
        raise Unavailable(
            f"{path} is half restored: a restore was broken off; run the same "
            '"tokenhub restore" again',
            code="database_half_restored",
        )


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, and those above it; leave alone what is there."""
    with _named(folder):
        _make_folder(folder)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
        factory=Entering,
    )
    conn.execute("PRAGMA trusted_schema=OFF")
    return conn


def _close_to_others(opened: int, path: Path) -> None:
    """Take from everybody but the owner what a careless copy or umask gave them.

    Asked of the open file, not of its name. What SQLite makes beside it gets the same mode.
    """
    mode = stat.S_IMODE(os.fstat(opened).st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    try:
        os.fchmod(opened, 0o600)
        for name in (f"{path}-wal", f"{path}-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(name).chmod(0o600)
    except OSError as error:
        raise Unavailable(
            f"{path} is open to others (mode {mode:04o}) and not ours to close; as its owner, run: "
            f"chmod 600 {path}",
            code="database_unusable",
        ) from error
    log.warning("file_closed_to_others", extra={"path": str(path), "mode": f"{mode:04o}"})


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
    # What is deleted is overwritten: a key, a claim, the trace of a request. Many builds of SQLite
    # have it on anyway.
    conn.execute("PRAGMA secure_delete=ON")
    conn.execute(f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT}")


def _empty_log(conn: sqlite3.Connection, path: Path) -> None:
    (busy, _, _) = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Unavailable(f"{path} is being read; its log of writes cannot be emptied yet")


def _check(conn: sqlite3.Connection, path: Path, *, full: bool) -> None:
    """Look at the structure of every page: 0.1 s for 60 MB, 0.5 s in full."""
    try:
        (verdict,) = conn.execute(f"PRAGMA {'integrity' if full else 'quick'}_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        verdict = str(error)
    if verdict != "ok":
        raise Unavailable(
            f'{path} is damaged ({verdict}); put a backup in its place with "tokenhub restore", '
            "or move the file away to start anew",
            code="database_damaged",
        )


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
