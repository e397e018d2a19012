"""The thread that writes one SQLite file, with natural group commit.

    take one job, drain what else is queued (up to 512), no timer
      -> BEGIN IMMEDIATE, all of them, COMMIT -> answer all, in one call into the loop
           | a job's own error:  roll back, then each job in a transaction of its own
           | a storage fault:    roll back, refuse them all; the next batch tries again
           | an I/O error:       besides, close; a later batch reopens and checks the file
           | anything else:      refuse them all; the thread itself never ends before `close`

While one commit waits for the disk, the next batch gathers by itself: one sync serves all waiters,
and a lone job never waits for company.
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence
from queue import SimpleQueue
from typing import Any

import msgspec

from tokenhub.adapters.sqlite.entries import taken
from tokenhub.adapters.sqlite.rows import Inserts, Table
from tokenhub.core.errors import Unavailable
from tokenhub.ports.stores import Audit

# More jobs make a commit longer, and no cheaper for each.
BATCH_LIMIT = 512

# After these the fault is the storage's, not the job's. Primary codes: sqlite.org/rescode.html.
STORAGE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
# After these the connection's view of the file cannot be trusted any more, or the file was opened
# while it could not be written to: SQLite never tries that again by itself.
BROKEN = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
# To open a file anew is to look at all of it: not for every batch that is refused meanwhile.
REOPEN_EVERY_S = 1.0

Work = Callable[[sqlite3.Connection], Any]
Rows = tuple[Sequence[object], ...]

log = logging.getLogger(__name__)


class Job(msgspec.Struct):
    """A function to run, or rows to append: for each table one flat sequence of values.

    `since` is when rows were handed over, in seconds of a monotonic clock. `entries` are those of
    the audit trail that the function has written.
    """

    future: "asyncio.Future[Any]"
    work: Work | None = None
    rows: Rows = ()
    result: Any = None
    error: Exception | None = None
    since: float = 0.0
    entries: Sequence[Audit] = ()


class Writer:
    """Owns the read-write connection. `jobs` may be fed from the loop's thread only.

    `faults` is how often storing failed since the start.

    `fault` says why a batch could not be stored, until `probe` has been committed as a job; where
    there is none, until any job has.
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        tables: Sequence[Table],
        reopen: Callable[[], sqlite3.Connection],
        answer: Callable[[list[Job]], None],
        now: Callable[[], float],
        probe: Work | None = None,
    ) -> None:
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.fault = ""
        self.faults = 0
        self._conn: sqlite3.Connection | None = conn
        self._inserts = tuple(Inserts(table) for table in tables)
        self._find_last = (
            f"SELECT 1 FROM {tables[0].name} WHERE {tables[0].columns[0]} = ?"  # noqa: S608 (constants)
            if tables
            else ""
        )
        self._last: object = None
        self._reopen = reopen
        self._answer = answer
        self._now = now
        self._closed_for: Exception | None = None
        self._reopen_at = 0.0
        self._probe = probe
        # The file that is probed is the one that requests wait for; the other holds detail.
        self._name = "detail" if probe is None else "ledger"
        # A daemon, so that a process that was never told to close can still end: what it had
        # acknowledged is committed, and nothing else was promised.
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def deleted(self, keys: Collection[object]) -> None:
        """Expect these rows no longer after an I/O error."""
        if self._last in keys:
            self._last = None

    def close(self) -> None:
        """Write what is queued, then close the connection. Blocks."""
        self.jobs.put(None)
        self._thread.join()
        self._disconnect()

    def _run(self) -> None:
        while batch := self._take():
            try:
                for part in self._apart(batch):
                    self._store(part)
            except BaseException as error:  # noqa: BLE001 (callers would wait for ever if this thread ended)
                self._refuse(batch, error)
                self._disconnect()
            self._answer(batch)

    def _take(self) -> list[Job]:
        """The next batch; empty at the end, which comes after every job put before it."""
        jobs = self.jobs
        first = jobs.get()
        if first is None:
            return []
        batch = [first]
        for _ in range(min(jobs.qsize(), BATCH_LIMIT - 1)):
            job = jobs.get_nowait()
            if job is None:
                jobs.put(None)
                break
            batch.append(job)
        return batch

    def _apart(self, batch: list[Job]) -> list[list[Job]]:
        """The batch, with a probe on its own: where it finds no room, the others still may."""
        if self._probe is None or not self.fault or len(batch) == 1:
            return [batch]
        others = [job for job in batch if job.work is not self._probe]
        probes = [job for job in batch if job.work is self._probe]
        return [part for part in (others, probes) if part]

    def _store(self, batch: list[Job]) -> None:
        try:
            conn = self._connection()
        except (sqlite3.Error, Unavailable) as error:
            self._refuse(batch, error)
            return
        try:
            self._commit(conn, batch)
        except BaseException as error:  # noqa: BLE001 (whatever a job raises belongs to its caller)
            self._roll_back(conn)
            self._sort_out(batch, error)

    def _commit(self, conn: sqlite3.Connection, batch: list[Job]) -> None:
        columns: tuple[list[object], ...] = tuple([] for _ in self._inserts)
        conn.execute("BEGIN IMMEDIATE")
        for job in batch:
            if job.work is not None:
                taken(conn)  # what a job has left that failed
                job.result = job.work(conn)
                job.entries = taken(conn)
                continue
            for values, row in zip(columns, job.rows, strict=True):
                values.extend(row)
        for inserts, values in zip(self._inserts, columns, strict=True):
            if values:
                inserts.run(conn, values)
        conn.execute("COMMIT")
        if self.fault and self._ends_fault(batch):
            log.warning("%s_recovered", self._name)
            self.fault = ""
        if columns and columns[0]:
            self._last = columns[0][-self._inserts[0].width]

    def _ends_fault(self, batch: list[Job]) -> bool:
        return self._probe is None or any(job.work is self._probe for job in batch)

    def _sort_out(self, batch: list[Job], error: BaseException) -> None:
        if code_of(error) in STORAGE_FAULTS:
            self._refuse(batch, error)
        elif len(batch) == 1:
            (job,) = batch
            rows = job.work is None
            job.error = (
                error
                if isinstance(error, Exception) and not rows
                else unavailable(error, self._name)
            )
        else:
            for job in batch:
                self._store([job])

    def _refuse(self, batch: list[Job], error: BaseException) -> None:
        for job in batch:
            job.error = unavailable(error, self._name)
        if not self.fault:
            self.faults += 1
            log.error("%s_fault", self._name, extra={"reason": str(batch[0].error)})
        self.fault = str(batch[0].error)
        if code_of(error) in BROKEN:
            # The readers stay open (files.py), so this is not the last close: it syncs nothing.
            self._disconnect()

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        with contextlib.suppress(sqlite3.Error):
            if conn is not None:
                conn.close()

    def _roll_back(self, conn: sqlite3.Connection) -> None:
        """SQLite rolls back by itself after some faults; what is left then needs no more."""
        with contextlib.suppress(sqlite3.Error):
            if conn.in_transaction:
                conn.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        """The connection, opened anew after an I/O error, with the last acknowledged row in it."""
        if self._conn is None:
            if self._closed_for is not None and self._now() < self._reopen_at:
                raise self._closed_for
            try:
                self._conn = self._opened()
            except (sqlite3.Error, Unavailable) as error:
                self._closed_for, self._reopen_at = error, self._now() + REOPEN_EVERY_S
                raise
            self._closed_for = None
        return self._conn

    def _opened(self) -> sqlite3.Connection:
        conn = self._reopen()
        try:
            self._check_last(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def _check_last(self, conn: sqlite3.Connection) -> None:
        if self._last is None or conn.execute(self._find_last, (self._last,)).fetchone():
            return
        raise Unavailable(
            f"acknowledged row {self._last} is gone after an I/O error; "
            "check the disk, then restart TokenHub or restore a backup",
            code="ledger_unavailable",
        )


def unavailable(error: BaseException, name: str) -> Unavailable:
    """The error for callers, in place of what SQLite or Python said."""
    if isinstance(error, Unavailable):
        return Unavailable(str(error), code="ledger_unavailable")
    refusal = Unavailable(
        f"the {name} cannot be written ({error}); free or repair the disk that holds it, "
        "and TokenHub goes on by itself",
        code="ledger_unavailable",
    )
    refusal.__cause__ = error
    return refusal


def code_of(error: BaseException) -> int:
    """SQLite's primary result code; 0 for any other error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
