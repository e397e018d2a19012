"""A backup put in the place of the files that are there. The server must not run.

    check the backup -> copy it beside the target, and compare -> mark -> for each file: rename
    the old one away with its log of writes, rename the copy into its place -> take the mark away

Nothing that is there is deleted: it lies in a folder `replaced-TIME` beside the new files. While
the mark is there no server starts, since some of the files may be old and some new; to run the
same command again finishes what was broken off.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tokenhub.adapters.files import APPLIED_FILE
from tokenhub.adapters.sqlite import backup, copies, files
from tokenhub.core.errors import Unavailable
from tokenhub.ports.backups import Backup

_STAGED = ".restored"
# What SQLite keeps beside a database. The log belongs to the old file, and would be taken for the
# new one's; the index is made anew from it.
_LOG, _INDEX = "-wal", "-shm"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: `replaced` is the folder with what was there, None where nothing was."""

    backup: Backup
    files: tuple[Path, ...]
    replaced: Path | None


def restore(source: Path, targets: dict[str, Path], *, stamp: str) -> Restored:
    """Put the backup in the folder `source` in the place of the databases `targets`.

    `targets` are paths by the name that a file has in a backup; the first is the database that
    a setting names. A file that the backup does not have stays. Raises Unavailable, and then
    nothing has changed, or the server says at its start what to do.
    """
    found = backup.check(source)
    there = {file.name for file in found.files}
    wanted = {name: path for name, path in targets.items() if name in there}
    if not wanted:
        raise copies.damaged(source, "it has no database of TokenHub")
    main = next(iter(targets.values()))
    try:
        return _replaced(source, found, wanted, main, stamp)
    except OSError as error:
        raise Unavailable(
            f"the backup cannot be put at {main}: {error.strerror or error}; free or repair the "
            "disk, then run the same command again",
            code="restore_failed",
        ) from error


def _replaced(
    source: Path, found: Backup, wanted: dict[str, Path], main: Path, stamp: str
) -> Restored:
    files.make_folder(main.parent)
    with _held(list(wanted.values())):
        sums = {file.name: file.sha256 for file in found.files}
        note = main.with_name(APPLIED_FILE)
        places = {**wanted, **({backup.NOTE: note} if backup.NOTE in sums else {})}
        for name, path in places.items():
            _stage(source / name, _staged(path), sums[name])
        marks = [path.with_name(path.name + files.HALF_RESTORED) for path in wanted.values()]
        for mark in marks:
            mark.touch(mode=0o600)
        files.sync_folder(main.parent)
        kept = [_swap(path, main.with_name(f"replaced-{stamp}")) for path in places.values()]
        files.sync_folder(main.parent)
        for mark in marks:
            mark.unlink(missing_ok=True)
        files.sync_folder(main.parent)
    replaced = next((folder for folder in kept if folder is not None), None)
    return Restored(backup=found, files=tuple(wanted.values()), replaced=replaced)


@contextlib.contextmanager
def _held(paths: list[Path]) -> Iterator[None]:
    """The locks of all of them; raises Unavailable where a server runs."""
    with contextlib.ExitStack() as stack:
        for path in paths:
            stack.callback(files.hold(path).release)
        yield


def _stage(source: Path, target: Path, sha256: str) -> None:
    """Copy a file beside its place, and read back what has come to the disk."""
    target.unlink(missing_ok=True)
    opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with source.open("rb") as old, os.fdopen(opened, "wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    if copies.sha256(target) != sha256:
        target.unlink()
        raise copies.damaged(source, "the disk gives back other bytes than were written")


def _swap(path: Path, replaced: Path) -> Path | None:
    """The staged file in its place; gives the folder where the old one is, None if none was."""
    kept = None
    # The log first: an old file that has lost its log is still there to be put beside it again.
    for name in (f"{path.name}{_LOG}", path.name):
        old = path.with_name(name)
        if old.exists():
            replaced.mkdir(mode=0o700, exist_ok=True)
            old.rename(replaced / name)
            kept = replaced
    path.with_name(f"{path.name}{_INDEX}").unlink(missing_ok=True)
    _staged(path).rename(path)
    return kept


def _staged(path: Path) -> Path:
    return path.with_name(path.name + _STAGED)
