"""What survives when the process does not, and what a failing disk does to one that lives."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

RECORDER = Path(__file__).with_name("recorder.py")


@contextmanager
def recorder(path: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(RECORDER), str(path), what]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def killed_after(acknowledged: int, path: Path) -> dict[str, int]:
    """The acknowledged requests, with their costs, of a process killed in the midst of its work."""
    with recorder(path, "forever") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        lines += process.stdout.readlines()
    return {request_id: int(cost) for request_id, cost in map(str.split, lines)}


@pytest.mark.parametrize("acknowledged", [1, 700])
def test_every_acknowledged_request_survives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "tokenhub.sqlite"

    promised = killed_after(acknowledged, path)

    with closing(sqlite3.connect(path)) as conn:
        kept = dict(conn.execute("SELECT request_id, cost_nusd FROM requests").fetchall())
        charged = dict(
            conn.execute("SELECT request_id, sum(cost_nusd) FROM attempts GROUP BY 1").fetchall()
        )
        (whole,) = conn.execute("PRAGMA integrity_check").fetchone()
    assert acknowledged <= len(promised)
    assert promised == {request_id: kept.get(request_id) for request_id in promised}
    assert kept == charged
    assert "ok" == whole


def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"

    with recorder(path, "forever") as first:
        assert first.stdout is not None
        first.stdout.readline()
        with recorder(path, "limited") as second:
            said, _ = second.communicate(timeout=20)

    assert f"in use by another TokenHub (process {first.pid})" in said
    assert 0 != second.returncode


def test_an_io_error_refuses_writes_keeps_reads_and_passes(tmp_path: Path) -> None:
    with recorder(tmp_path / "tokenhub.sqlite", "limited") as process:
        said, _ = process.communicate(timeout=20)

    assert [
        "ledger_fault",
        "refused ledger_unavailable SQLITE_IOERR_WRITE",
        "refused ledger_unavailable SQLITE_IOERR_WRITE",
        "readable 1",
        "fault True",
        "ledger_recovered",
        "fault False",
        "recorded 2",
    ] == said.splitlines()
