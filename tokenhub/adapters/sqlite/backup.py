"""Backups: a folder for each, with a copy of each file, what they are, and their checksums.

    backups/20261121T223344Z/
        tokenhub.sqlite           the copy (copies.py); each file under the name of its schema
        telemetry.sqlite
        credentials-applied.json  the note beside them, where there is one
        manifest.json             of which server, when, with which steps and how many rows
        SHA256SUMS                of all of them, as `sha256sum --check` reads it

A folder is made under another name, synced and renamed, so that one that has its name is whole.
"""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import tokenhub
from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.files import APPLIED_FILE
from tokenhub.adapters.sqlite import copies, files
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB, Schema
from tokenhub.core.errors import TokenHubError, Unavailable
from tokenhub.ports.backups import FAILED, NO_ROOM, UPGRADE, Backup, BackupFile

SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
NOTE = "credentials-applied.json"
# Whatever else the disk has to take meanwhile: log of writes, decision records.
SPARE_BYTES = 64 * 1024 * 1024
# Those from before upgrades are kept beside the others; more are of no use.
KEEP_BEFORE = 3
SCHEMAS = {f"{schema.name}.sqlite": schema for schema in (TOKENHUB, TELEMETRY)}

_BEFORE = "before"
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}Z|before-[a-z]+-[0-9A-Za-z]+)(-[0-9]+)?")
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9.-]+)")


class Source(msgspec.Struct, frozen=True):
    """A file to be copied."""

    path: Path
    schema: Schema

    @property
    def name(self) -> str:
        return f"{self.schema.name}.sqlite"


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of one database."""

    steps: tuple[str, ...]
    rows: dict[str, int]
    cost_nusd: int


# Of what a backup is made up; another one would be read by what wrote it.
FORMAT = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is the path of the first of the files that were copied."""

    source: str
    made_at: float
    reason: str
    took_s: float
    tokenhub: str
    sqlite: str
    databases: dict[str, Copied]
    format: int = FORMAT


def folder_of(path: Path) -> Path:
    """Where the backups of the database at `path` are, unless a setting says otherwise."""
    return path.with_name("backups" if path.stem == "tokenhub" else f"{path.stem}.backups")


def make(
    sources: Sequence[Source],
    folder: Path,
    *,
    at: float,
    reason: str,
    keep: int,
    stopping: Callable[[], bool] = copies.never,
) -> Backup:
    """A new backup in the folder, and no more than `keep` of this server; raises Unavailable."""
    backup = _made(sources, folder, name=stamp(at), at=at, reason=reason, stopping=stopping)
    ours = [old for old in _ours(folder, sources[0].path) if not old.name.startswith(_BEFORE)]
    for old in ours[keep:]:
        shutil.rmtree(old.path, ignore_errors=True)
    return backup


def before(path: Path, schema: Schema, step: str, *, folder: Path) -> Path:
    """A backup of one file from before a step of its migration; raises Unavailable."""
    name = f"{_BEFORE}-{schema.name}-{re.split('[^0-9A-Za-z]', step)[0]}"
    at = SystemClock().now()
    made = _made([Source(path, schema)], folder, name=name, at=at, reason=UPGRADE)
    others = [old for old in _ours(folder, path) if old.name.startswith(f"{_BEFORE}-")]
    for old in others[KEEP_BEFORE:]:
        shutil.rmtree(old.path, ignore_errors=True)
    return Path(made.path)


def stamp(at: float) -> str:
    """A time as it stands in names: `20261121T223344Z`."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def found(folder: Path) -> list[Backup]:
    """The backups in a folder, newest first; what is none is passed over. Checks no content."""
    backups = []
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(Unavailable):
                    backups.append(_read(entry))
    return sorted(backups, key=lambda it: (it.at, it.name), reverse=True)


def check(path: Path) -> Backup:
    """Look at every byte of a backup, and at every sum. Raises Unavailable with what is wrong.

    One from before an upgrade is what was there, also where its sums did not add up: it is the
    only way back.
    """
    backup = _read(path)
    for file in backup.files:
        there = path / file.name
        try:
            same = there.stat().st_size == file.bytes and copies.sha256(there) == file.sha256
        except OSError as error:
            raise copies.damaged(there, error.strerror or str(error)) from error
        if not same:
            raise copies.damaged(there, f"its content is not what {SUMS} says")
    for file in backup.files:
        if file.name in SCHEMAS:
            copies.examine(path / file.name, SCHEMAS[file.name], sums=backup.reason != UPGRADE)
    return backup


def _made(
    sources: Sequence[Source],
    folder: Path,
    *,
    name: str,
    at: float,
    reason: str,
    stopping: Callable[[], bool] = copies.never,
) -> Backup:
    files.make_folder(folder)
    _need_room(sources, folder)
    fresh = folder / f".new-{sources[0].path.stem}"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _fill(fresh, sources, at=at, reason=reason, stopping=stopping)
        placed = _placed(fresh, folder, name)
    except (sqlite3.Error, OSError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(
            f"no backup was made in {folder}: {error}; free or repair the disk that holds it",
            code=FAILED,
        ) from error
    except TokenHubError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(f"no backup was made: {error}", code=FAILED) from error
    return _read(placed)


def _fill(
    fresh: Path,
    sources: Sequence[Source],
    *,
    at: float,
    reason: str,
    stopping: Callable[[], bool],
) -> None:
    running_s = SystemClock().monotonic
    began = running_s()
    databases = {}
    # The last first: a decision record that was copied names a catalog that is in the copy.
    for source in reversed(sources):
        target = fresh / source.name
        copies.copy(source.path, target, stopping=stopping)
        facts = copies.examine(target, source.schema, sums=reason != UPGRADE, stopping=stopping)
        databases[source.name] = Copied(
            steps=facts.steps, rows=facts.rows, cost_nusd=facts.cost_nusd
        )
    note = sources[0].path.with_name(APPLIED_FILE)
    if note.exists():
        _write(fresh / NOTE, note.read_bytes())
    manifest = Manifest(
        source=str(sources[0].path),
        made_at=at,
        reason=reason,
        took_s=round(running_s() - began, 3),
        tokenhub=tokenhub.__version__,
        sqlite=sqlite3.sqlite_version,
        databases=databases,
    )
    _write(fresh / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    names = sorted(entry.name for entry in fresh.iterdir())
    sums = "".join(f"{copies.sha256(fresh / name)}  {name}\n" for name in names)
    _write(fresh / SUMS, sums.encode())
    files.sync_folder(fresh)


def _placed(fresh: Path, folder: Path, name: str) -> Path:
    """The folder under its own name, or under the next one that is free."""
    target = folder / name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{name}-{number}"
    fresh.rename(target)
    files.sync_folder(folder)
    return target


def _read(path: Path) -> Backup:
    """What a backup says of itself. Raises Unavailable where it is none, or not whole."""
    try:
        sums = dict(_sums(path))
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
        listed = tuple(
            BackupFile(name=name, bytes=(path / name).stat().st_size, sha256=sums[name])
            for name in sorted(sums)
        )
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"{path} is no backup that is whole ({error}); choose another", code="backup_damaged"
        ) from error
    if manifest.format != FORMAT:
        raise copies.damaged(path / MANIFEST, f"it is of format {manifest.format}, not {FORMAT}")
    if missing := {MANIFEST, *manifest.databases} - sums.keys():
        raise copies.damaged(path / SUMS, f"it says nothing of {', '.join(sorted(missing))}")
    return Backup(
        name=path.name,
        path=str(path),
        at=manifest.made_at,
        reason=manifest.reason,
        files=listed,
        took_s=manifest.took_s,
    )


def _sums(path: Path) -> Iterator[tuple[str, str]]:
    *lines, last = (path / SUMS).read_text(encoding="ascii").split("\n")
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{SUMS} has a line that is none")
        yield match[2], match[1]
    if last:
        raise ValueError(f"{SUMS} has no end")


def _ours(folder: Path, path: Path) -> list[Backup]:
    """The backups of the database at `path`, newest first: a folder may have several servers'."""
    ours = []
    for backup in found(folder):
        content = (Path(backup.path) / MANIFEST).read_bytes()
        if msgspec.json.decode(content, type=Manifest).source == str(path):
            ours.append(backup)
    return ours


def _need_room(sources: Sequence[Source], folder: Path) -> None:
    """Raise Unavailable before a copy fills the disk that the server itself needs."""
    needed = sum(source.path.stat().st_size for source in sources) + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            f"no backup was made: {folder} has {free // 2**20} MiB free, and it needs "
            f"{needed // 2**20}; free some, or set TOKENHUB_BACKUP_DIR to another disk",
            code=NO_ROOM,
        )


def _write(path: Path, content: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
