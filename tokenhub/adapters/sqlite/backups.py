"""The BackupStore over the files of a running server."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from tokenhub.adapters.sqlite import backup
from tokenhub.adapters.sqlite.change import note
from tokenhub.adapters.sqlite.database import Database
from tokenhub.ports.backups import Backup
from tokenhub.ports.stores import Audit

T = TypeVar("T")


class SqliteBackups:
    """Backups in `folder`, of which it keeps `keep`. The copying has a thread of its own."""

    def __init__(
        self, ledger: Database, sources: Sequence[backup.Source], *, folder: Path, keep: int
    ) -> None:
        self._ledger = ledger
        self._sources = tuple(sources)
        self._folder = folder
        self._keep = keep
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="backup")

    async def make(self, *, at: float, reason: str) -> Backup:
        make = partial(
            backup.make,
            self._sources,
            self._folder,
            at=at,
            reason=reason,
            keep=self._keep,
            stopping=self._closing.is_set,
        )
        return await self._aside(make)

    async def found(self) -> Sequence[Backup]:
        # Not behind a backup that is being made, which may take minutes.
        return await asyncio.to_thread(backup.found, self._folder)

    async def note(self, audit: Audit) -> None:
        await self._ledger.write(lambda conn: note(conn, audit))

    async def close(self) -> None:
        """Break off a backup that is being made. The files are to be closed after this."""
        self._closing.set()
        await asyncio.to_thread(self._thread.shutdown)

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
