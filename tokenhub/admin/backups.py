"""Backups, as an operator or the timer asks for them."""

import asyncio
from collections.abc import Sequence

from tokenhub.admin.changes import By, entry
from tokenhub.core.errors import Conflict
from tokenhub.ports.backups import Backup, BackupStore
from tokenhub.ports.clock import Clock


class Backups:
    """One is made at a time."""

    def __init__(self, *, store: BackupStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()

    async def make(self, *, by: By, reason: str = "asked for") -> Backup:
        """A new backup, noted in the audit trail before it is begun.

        Raises Conflict where one is being made, Unavailable where none can be.
        """
        if self._lock.locked():
            raise Conflict("a backup is being made; wait for its end", code="backup_in_progress")
        async with self._lock:
            at = self._clock.now()
            said = {"reason": reason}
            await self._store.note(
                entry(at, "backup.create", "backup", by, before=None, after=said)
            )
            return await self._store.make(at=at, reason=reason)

    async def list(self) -> Sequence[Backup]:
        """Those that are there, newest first."""
        return await self._store.found()
