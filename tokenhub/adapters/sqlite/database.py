"""One SQLite file: written by one thread (writer.py), read by connections that cannot write.

Two of them read what is short, a third what may take a while, so that nobody waits for a search.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import monotonic  # noqa: TID251  # measures a wait, decides nothing
from typing import Self, TypeVar

from tokenhub.adapters.sqlite import backup, files, probe
from tokenhub.adapters.sqlite.migrations import Schema
from tokenhub.adapters.sqlite.rows import Table
from tokenhub.adapters.sqlite.writer import BROKEN, STORAGE_FAULTS, Job, Rows, Writer, code_of
from tokenhub.core.errors import Unavailable
from tokenhub.core.waits import Waits
from tokenhub.ports.stores import Audit

T = TypeVar("T")

READERS = 2
# A reader that met one of these met a page that no writer may ever touch again.
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

log = logging.getLogger(__name__)


class Database:
    """Open with `await Database.open(...)`; every method belongs to the loop it was opened in."""

    def __init__(
        self,
        path: Path,
        conn: sqlite3.Connection,
        *,
        lock: files.Lock,
        tables: Sequence[Table],
        synchronous: files.Synchronous,
        probe_every_s: float | None,
    ) -> None:
        self.path = path
        self.waits = Waits()
        # Called with each entry of the audit trail that was committed.
        self.heard: Callable[[Audit], None] = _unheard
        self._lock = lock
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for _ in range(READERS):
            self._readers.put(files.connect_reader(path))
        self._probe_every_s = probe_every_s
        self._probing: asyncio.Future[None] | None = None
        self._next_probe = 0.0
        self._doubting: asyncio.Future[None] | None = None
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._searchers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._searchers.put(files.connect_reader(path))
        self._search_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-searcher")
        self._writer = Writer(
            conn,
            tables=tables,
            reopen=lambda: files.reconnect(path, synchronous),
            answer=lambda batch: _tell(self._loop, self._answer, batch),
            now=self._loop.time,
            probe=None if probe_every_s is None else probe.claim,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        migrations: Schema,
        synchronous: files.Synchronous,
        tables: Sequence[Table] = (),
        probe_every_s: float | None = None,
        backups: Path | None = None,
    ) -> Self:
        """Open, or make, and bring up to date. `tables` are those that `append` writes, in order.

        A file that is to go through migrations is copied to the folder `backups` before.

        With `probe_every_s`, a fault stays until a commit that needs room has gone through; it is
        tried at most so often, while somebody asks. The schema must have the table `probes`.
        Raises Unavailable: in use by another process, damaged, newer than we know, not writable.
        """
        lock, path, conn = await asyncio.to_thread(_prepare, path, migrations, synchronous, backups)
        return cls(
            path,
            conn,
            lock=lock,
            tables=tables,
            synchronous=synchronous,
            probe_every_s=probe_every_s,
        )

    @property
    def fault(self) -> str:
        """Why nothing can be committed now; empty when it can. Never waits.

        Asking is what brings the end of a fault about: it has a probe tried in the background.
        """
        if self._closed:
            return str(_closed())
        fault = self._writer.fault
        if fault and self._probe_every_s is not None:
            self._try(self._probe_every_s)
        return fault

    @property
    def faults(self) -> int:
        """How often there was a fault since the file was opened."""
        return self._writer.faults

    def append(self, rows: Rows) -> "asyncio.Future[None]":
        """Queue rows at once; the future is done when they are committed, or holds Unavailable.

        `rows` holds for each of `tables` one flat sequence of the values of any number of rows.
        The queue has no limit of its own and drops nothing. A job has a caller who waits for it, or
        one who has left: the queue is as long as there are requests that end while a commit lasts.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        if self._closed:
            future.set_exception(_closed())
        else:
            self._writer.jobs.put(Job(future, None, rows, since=monotonic()))
        return future

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, once its changes are committed; what it raises, once undone.

        It runs inside a transaction in the writer's thread and must be short. It may run twice,
        the first time rolled back, so its only effect must be on the database.
        """
        return await self.post(work)

    def post(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """`write` for callers who do not wait, and bound their jobs themselves."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            future.set_exception(_closed())
        else:
            self._writer.jobs.put(Job(future, work))
        return future

    def deleted(self, keys: Collection[object]) -> None:
        """Rows that `append` once wrote are gone, and not to be missed."""
        self._writer.deleted(keys)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` returns, run in a thread on a connection that cannot write.

        All it reads is of one moment. It must be short: the log of writes grows while it reads.
        """
        if self._closed:
            raise _closed()
        return await self._loop.run_in_executor(self._threads, self._read, query, self._readers)

    async def search(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """`read` for what may take a tenth of a second. One at a time; `read` does not wait for it.

        A reader that takes long keeps the log of writes from being begun anew: a long list is
        read in several searches.
        """
        if self._closed:
            raise _closed()
        return await self._loop.run_in_executor(
            self._search_thread, self._read, query, self._searchers
        )

    async def close(self) -> None:
        """Commit what is queued, then let go of the file and of its lock. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for threads, readers in (
            (self._threads, self._readers),
            (self._search_thread, self._searchers),
        ):
            await asyncio.to_thread(threads.shutdown)
            while not readers.empty():
                readers.get().close()
        await asyncio.to_thread(self._writer.close)
        self._lock.release(clean=not self._writer.fault)

    def _try(self, every_s: float) -> None:
        """Start a probe, unless one is under way or was a moment ago."""
        now = self._loop.time()
        if self._probing is not None or now < self._next_probe:
            return
        self._next_probe = now + every_s
        self._probing = self.post(probe.claim)
        self._probing.add_done_callback(self._probed)

    def _probed(self, tried: "asyncio.Future[None]") -> None:
        if tried.exception() is None:
            # Where even this fails there is a fault again, and a next probe.
            self._probing = self.post(probe.release)
            self._probing.add_done_callback(self._released)
        else:
            self._probing = None

    def _released(self, done: "asyncio.Future[None]") -> None:
        done.exception()  # asked for, so that asyncio does not report it as forgotten
        self._probing = None

    def _answer(self, batch: list[Job]) -> None:
        """Resolve the futures of a batch; runs in the loop's thread."""
        now = monotonic()  # the loop's own time stands still within a turn of it
        for job in batch:
            future = job.future
            if job.since:
                self.waits.note(now - job.since)
            if job.error is None:
                for entry in job.entries:
                    self.heard(entry)
            if future.done():  # its caller has gone away; the rows are committed all the same
                continue
            if job.error is None:
                future.set_result(job.result)
            else:
                future.set_exception(job.error)

    def _read(
        self,
        query: Callable[[sqlite3.Connection], T],
        readers: "SimpleQueue[sqlite3.Connection]",
    ) -> T:
        conn = readers.get()
        try:
            conn.execute("BEGIN")
            try:
                return query(conn)
            finally:
                if conn.in_transaction:  # SQLite ends it by itself after some faults
                    conn.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            code = code_of(error)
            if code not in STORAGE_FAULTS and not isinstance(error, sqlite3.OperationalError):
                raise
            if code in BROKEN:
                conn = self._renewed(conn)
            if code in DAMAGE:
                self._loop.call_soon_threadsafe(self._doubt)
            raise Unavailable(
                f"{self.path} cannot be read ({error}); check the disk that holds it"
            ) from error
        finally:
            readers.put(conn)

    def _renewed(self, conn: sqlite3.Connection) -> sqlite3.Connection:
        """Another connection in place of one that met an error; the same while there is none."""
        try:
            fresh = files.connect_reader(self.path)
        except sqlite3.Error:
            return conn
        conn.close()
        return fresh

    def _doubt(self) -> None:
        """Have the writer look at the whole file: where it is damaged, nothing is added to it."""
        if self._closed or self._writer.fault or self._doubting is not None:
            return
        self._doubting = self.post(probe.doubt)
        self._doubting.add_done_callback(self._doubted)

    def _doubted(self, done: "asyncio.Future[None]") -> None:
        done.exception()  # the writer keeps it as its fault
        self._doubting = None


def _prepare(
    path: Path, schema: Schema, synchronous: files.Synchronous, backups: Path | None
) -> tuple[files.Lock, Path, sqlite3.Connection]:
    # Resolved, so that two names of one file mean one lock.
    path = path.resolve()
    files.create(path)
    lock = files.hold(path)
    try:
        files.refuse_half_restored(path)
        if lock.unclean:
            log.warning("unclean_stop", extra={"path": str(path), "check": "full"})
        conn = files.connect(path, synchronous, full=lock.unclean)
        return lock, path, _migrated(conn, path, schema, backups or backup.folder_of(path))
    except sqlite3.Error as error:
        lock.release(clean=not lock.unclean)
        raise Unavailable(
            f"cannot open {path} ({error}); is it a TokenHub database, on a disk in order?",
            code="database_unusable",
        ) from error
    except BaseException:
        # What was not found whole stays unclean: the next start looks at all of it again.
        lock.release(clean=not lock.unclean)
        raise


def _migrated(
    conn: sqlite3.Connection, path: Path, schema: Schema, backups: Path
) -> sqlite3.Connection:
    """The connection, once the file is up to date. A file that has content is copied before."""
    try:
        missing = schema.missing(conn, path)
        if missing and schema.applied(conn):
            kept = backup.before(path, schema, missing[0], folder=backups)
            log.info("migrating", extra={"path": str(path), "steps": missing, "backup": str(kept)})
        schema.apply(conn, path)
    except BaseException:
        conn.close()
        raise
    return conn


def _unheard(_entry: Audit) -> None:
    """Where nobody wants to know."""


def _closed() -> Unavailable:
    return Unavailable("TokenHub is shutting down; try again in a moment")


def _tell(
    loop: asyncio.AbstractEventLoop, answer: Callable[[list[Job]], None], batch: list[Job]
) -> None:
    # A loop that closed without closing us has nobody left who could be told.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(answer, batch)
