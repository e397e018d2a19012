"""The writer's thread outlives whatever happens in it: no caller waits for ever."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tokenhub.adapters.sqlite.rows import Table
from tokenhub.adapters.sqlite.writer import Job, Writer
from tokenhub.core.errors import Unavailable

ENTRIES = Table("entries", ("id",))
# Each look at this clock finds two seconds gone, so that nothing is too soon.
SECONDS = itertools.count(step=2)


class Fragile(sqlite3.Connection):
    """A connection whose `close` may fail, as it does where a file cannot be let go of."""

    breaks = False
    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()
        if self.breaks:
            raise sqlite3.OperationalError("unable to close")


def connected(*, table: bool = True) -> Fragile:
    conn = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, factory=Fragile
    )
    if table:
        conn.execute("CREATE TABLE entries (id TEXT PRIMARY KEY) STRICT")
    return conn


@contextmanager
def writing(
    conn: sqlite3.Connection,
    reopen: Callable[[], sqlite3.Connection] = connected,
    now: Callable[[], float] = lambda: float(next(SECONDS)),
) -> Iterator[Writer]:
    def answer(batch: list[Job]) -> None:
        for job in batch:
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)

    writer = Writer(conn, tables=(ENTRIES,), reopen=reopen, answer=answer, now=now)
    try:
        yield writer
    finally:
        writer.close()


def did(writer: Writer, work: Callable[[sqlite3.Connection], Any] | None = None, *row: str) -> Any:
    """What came of a job; a job that is never answered fails the test."""
    future: Future[Any] = Future()
    writer.jobs.put(Job(cast("Any", future), work, (row,)))
    return future.result(5)


def broken_disk(_conn: sqlite3.Connection) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


def test_a_connection_that_cannot_be_closed_costs_nobody_an_answer() -> None:
    conn = connected()
    conn.breaks = True
    with writing(conn) as writer:
        with pytest.raises(Unavailable):
            did(writer, broken_disk)
        fault = writer.fault
        did(writer, None, "a")

    assert "disk I/O error" in fault
    assert conn.closed


class Sudden(BaseException):
    """What nobody expects."""


def test_what_nobody_expects_of_a_job_is_answered_and_the_next_is_done() -> None:
    def end(_conn: sqlite3.Connection) -> None:
        raise Sudden("out of the blue")

    with writing(connected()) as writer:
        with pytest.raises(Unavailable, match="out of the blue"):
            did(writer, end)
        did(writer, None, "a")

        assert "" == writer.fault


def test_what_nobody_expects_of_a_reopening_is_a_fault_until_it_passes() -> None:
    ways: list[Callable[[], sqlite3.Connection]] = []

    def reopen() -> sqlite3.Connection:
        return ways.pop()()

    def fail() -> sqlite3.Connection:
        raise Sudden("no such thing")

    with writing(connected(), reopen) as writer:
        with pytest.raises(Unavailable):
            did(writer, broken_disk)
        ways[:] = [connected, fail]
        with pytest.raises(Unavailable, match="no such thing"):
            did(writer, None, "a")
        fault = writer.fault
        did(writer, None, "a")

        assert "no such thing" in fault
        assert "" == writer.fault


def test_a_file_that_is_not_the_one_we_wrote_is_let_go_of() -> None:
    strange = connected(table=False)
    with writing(connected(), lambda: strange) as writer:
        did(writer, None, "a")
        with pytest.raises(Unavailable):
            did(writer, broken_disk)

        with pytest.raises(Unavailable, match="no such table"):
            did(writer, None, "b")

    assert strange.closed


def test_a_row_that_was_deleted_is_not_missed() -> None:
    with writing(connected()) as writer:
        did(writer, None, "a")
        writer.deleted(["b"])
        with pytest.raises(Unavailable):
            did(writer, broken_disk)
        with pytest.raises(Unavailable, match="acknowledged row a is gone"):
            did(writer, None, "c")

        writer.deleted(["a"])
        did(writer, None, "c")


def test_a_file_is_not_opened_anew_for_every_batch_that_is_refused() -> None:
    tries: list[int] = []
    hours = iter([0.0, 0.1, 5.0])

    def reopen() -> sqlite3.Connection:
        tries.append(1)
        if len(tries) == 1:
            raise sqlite3.OperationalError("unable to open database file")
        return connected()

    with writing(connected(), reopen, now=lambda: next(hours)) as writer:
        for _ in range(3):
            with pytest.raises(Unavailable):
                did(writer, broken_disk)
        did(writer, None, "a")

    assert 2 == len(tries)


def test_a_file_that_was_opened_read_only_is_opened_anew(tmp_path: Path) -> None:
    """As after a disk that the system had made read-only and made writable again."""
    file = tmp_path / "entries.sqlite"
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("CREATE TABLE entries (id TEXT PRIMARY KEY) STRICT")
    modes = ["rw", "ro"]

    def reopen() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{file.as_uri()}?mode={modes.pop()}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )

    with writing(reopen(), reopen) as writer:
        with pytest.raises(Unavailable, match="readonly"):
            did(writer, None, "a")
        did(writer, None, "a")

        assert "" == writer.fault
