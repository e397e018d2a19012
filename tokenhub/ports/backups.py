"""Copies of all that is kept, made while the server runs."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.ports.stores import Audit

# The codes of the Unavailable that says why there is no backup.
FAILED = "backup_failed"
NO_ROOM = "backup_no_room"
# The reason of one that is made before an upgrade changes tables.
UPGRADE = "upgrade"


class BackupFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup. `sha256` is in hexadecimal digits."""

    name: str
    bytes: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was found in order when it was made. `at` is Unix seconds, `took_s` seconds.

    `path` is its folder on the server; `reason` says what it was made for.
    """

    name: str
    path: str
    at: float
    reason: str
    files: tuple[BackupFile, ...]
    took_s: float = 0.0

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


class BackupStore(Protocol):
    """Where backups are made. The caller sees to it that one is made at a time."""

    async def make(self, *, at: float, reason: str) -> Backup:
        """Copy everything, check the copy, keep it, and drop the oldest beyond those to be kept.

        Raises Unavailable with the codes above; then nothing is left of it.
        """
        ...

    async def found(self) -> Sequence[Backup]:
        """Those that are there, newest first."""
        ...

    async def note(self, audit: Audit) -> None:
        """Write an entry of the audit trail. Raises Unavailable."""
        ...
