"""Backups that are none: the tests' twin of those of SQLite."""

from collections.abc import Sequence

from tokenhub.core.errors import Unavailable
from tokenhub.ports.backups import FAILED, Backup, BackupFile
from tokenhub.ports.stores import Audit


class MemoryBackups:
    """A BackupStore that copies nothing. It refuses while `fault` is set; `audit` has its notes."""

    def __init__(self) -> None:
        self.fault = ""
        self.audit: list[Audit] = []
        self._made: list[Backup] = []

    async def make(self, *, at: float, reason: str) -> Backup:
        if self.fault:
            raise Unavailable(self.fault, code=FAILED)
        name = f"backup-{len(self._made) + 1}"
        file = BackupFile(name="tokenhub.sqlite", bytes=4096, sha256="0" * 64)
        made = Backup(name=name, path=f"/backups/{name}", at=at, reason=reason, files=(file,))
        self._made.insert(0, made)
        return made

    async def found(self) -> Sequence[Backup]:
        return tuple(self._made)

    async def note(self, audit: Audit) -> None:
        self.audit.append(audit)
