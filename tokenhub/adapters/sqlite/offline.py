"""What is done to the files while no server runs: `tokenhub backup`, `restore` and `verify`.

Each holds the locks meanwhile, so that a server cannot start, and refuses where one runs.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.sqlite import backup as backups
from tokenhub.adapters.sqlite import copies, files
from tokenhub.adapters.sqlite.backup import folder_of
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB
from tokenhub.adapters.sqlite.restore import Restored
from tokenhub.adapters.sqlite.restore import restore as put_back
from tokenhub.adapters.sqlite.stores import telemetry_path
from tokenhub.core.errors import Unavailable
from tokenhub.ports.backups import Backup

__all__ = ["Found", "Restored", "backup", "check", "folder_of", "restore", "verify"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A database that is in order, and what it holds."""

    path: Path
    rows: dict[str, int]
    cost_nusd: int


def backup(database: Path, folder: Path, *, keep: int) -> Backup:
    """A new backup of the database in the folder. Raises Unavailable."""
    with _opened(database) as sources:
        at = SystemClock().now()
        return backups.make(sources, folder.absolute(), at=at, reason="offline", keep=keep)


def restore(source: Path, database: Path) -> Restored:
    """Put a backup in the place of the database; what is there is kept. Raises Unavailable."""
    targets = {
        f"{TOKENHUB.name}.sqlite": database.resolve(),
        f"{TELEMETRY.name}.sqlite": telemetry_path(database.resolve()),
    }
    return put_back(source.absolute(), targets, stamp=backups.stamp(SystemClock().now()))


def check(source: Path) -> Backup:
    """Look at every byte of a backup. Raises Unavailable with what is wrong."""
    return backups.check(source.absolute())


def verify(database: Path) -> list[Found]:
    """Look at every page, index and sum of the database. Raises Unavailable with what is wrong."""
    found = []
    with _opened(database) as sources:
        for source in sources:
            try:
                with contextlib.closing(files.connect_copier(source.path)) as conn:
                    facts = copies.facts(conn, source.path, source.schema)
            except sqlite3.Error as error:
                raise copies.damaged(source.path, str(error)) from error
            found.append(Found(path=source.path, rows=facts.rows, cost_nusd=facts.cost_nusd))
    return found


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[Sequence[backups.Source]]:
    """The files of a database, locked, and each open: so its log of writes is part of it."""
    main = database.resolve()
    if not main.exists():
        raise Unavailable(
            f"there is no database at {main}; TOKENHUB_DB_DSN says where it is",
            code="database_missing",
        )
    sources = [backups.Source(main, TOKENHUB)]
    if (detail := telemetry_path(main)).exists():
        sources.append(backups.Source(detail, TELEMETRY))
    with contextlib.ExitStack() as stack:
        for source in sources:
            stack.enter_context(_held(source))
        yield sources


@contextlib.contextmanager
def _held(source: backups.Source) -> Iterator[None]:
    lock = files.hold(source.path)
    try:
        files.refuse_half_restored(source.path)
        with contextlib.closing(_connected(source.path)):
            yield
    finally:
        # Whoever died without letting go is still to be noticed by the next start.
        lock.release(clean=not lock.unclean)


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return files.connect(path, "FULL")
    except sqlite3.Error as error:
        raise copies.damaged(path, str(error)) from error
