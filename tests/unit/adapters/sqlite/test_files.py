import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tokenhub.adapters.sqlite import files
from tokenhub.core.errors import Unavailable

DIE = """
import os, pathlib, sys
from tokenhub.adapters.sqlite import files
files.hold(pathlib.Path(sys.argv[1]))
os._exit(9)
"""


def died_with_it(path: Path) -> None:
    """A process that takes the lock and dies."""
    subprocess.run([sys.executable, "-c", DIE, str(path)], check=False)


def made(path: Path) -> Path:
    files.create(path)
    with closing(files.connect(path, "FULL")) as conn:
        conn.execute("CREATE TABLE entries (id TEXT PRIMARY KEY, amount INTEGER UNIQUE) STRICT")
        conn.executemany("INSERT INTO entries VALUES (?, ?)", [(f"{n:06}", n) for n in range(999)])
    return path


def test_a_lock_that_was_let_go_of_is_clean(path: Path) -> None:
    files.hold(path).release()

    lock = files.hold(path)
    lock.release()

    assert not lock.unclean


def test_a_lock_whose_holder_died_is_unclean_until_somebody_lets_go(path: Path) -> None:
    died_with_it(path)

    first = files.hold(path)
    first.release(clean=False)
    second = files.hold(path)
    second.release()
    third = files.hold(path)
    third.release()

    assert [True, True, False] == [first.unclean, second.unclean, third.unclean]


def test_a_lock_that_is_held_names_its_holder(path: Path) -> None:
    lock = files.hold(path)

    with pytest.raises(Unavailable, match=f"process {os.getpid()}") as refused:
        files.hold(path)
    lock.release()

    assert "database_in_use" == refused.value.code


def test_the_full_check_sees_what_the_quick_one_does_not(path: Path) -> None:
    """A row whose index has another value: the structure of every page is in order."""
    made(path)
    path.write_bytes(path.read_bytes().replace(b"000500", b"0005zz", 1))

    files.connect(path, "FULL").close()
    with pytest.raises(Unavailable) as refused:
        files.connect(path, "FULL", full=True)

    assert "database_damaged" == refused.value.code
    assert '"tokenhub restore"' in str(refused.value)


def test_after_an_error_all_of_the_log_is_in_the_file(path: Path) -> None:
    made(path)
    with closing(files.connect(path, "FULL")) as conn, closing(files.connect_reader(path)):
        conn.execute("DELETE FROM entries")
        log = path.with_name(f"{path.name}-wal")
        grown = log.stat().st_size

        files.reconnect(path, "FULL").close()

        assert grown > 0
        assert 0 == log.stat().st_size


def test_a_log_that_somebody_reads_cannot_be_emptied_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(path)
    monkeypatch.setattr(files, "BUSY_S", 0.01)
    with closing(files.connect(path, "FULL")) as conn, closing(files.connect_reader(path)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM entries LIMIT 1").fetchone()
        conn.execute("DELETE FROM entries")

        with pytest.raises(Unavailable, match="being read"):
            files.reconnect(path, "FULL")


def test_what_is_deleted_is_overwritten(path: Path) -> None:
    files.create(path)
    with closing(files.connect(path, "FULL")) as conn:
        conn.execute("CREATE TABLE entries (id TEXT) STRICT")
        conn.execute("INSERT INTO entries VALUES ('zebra-canary')")
        conn.execute("DELETE FROM entries")

    assert b"zebra-canary" not in path.read_bytes()


def test_a_half_restored_database_is_refused_with_what_to_do(path: Path) -> None:
    path.with_name(f"{path.name}{files.HALF_RESTORED}").touch()

    with pytest.raises(Unavailable, match='run the same "tokenhub restore" again'):
        files.refuse_half_restored(path)


def test_a_file_that_others_could_read_is_closed_to_them_and_that_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made(path)
    path.chmod(0o644)

    files.create(path)
    files.create(path)

    assert 0o600 == path.stat().st_mode & 0o777
    assert [("file_closed_to_others", "0644")] == [
        (one.message, one.mode) for one in caplog.records
    ]


@pytest.mark.parametrize("take", [files.create, files.hold])
def test_a_link_in_the_place_of_a_file_is_not_followed(
    path: Path, tmp_path: Path, take: Callable[[Path], object]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in (path.name, f"{path.name}.lock"):
        (tmp_path / name).symlink_to(victim)

    with pytest.raises(Unavailable) as refused:
        take(path)

    assert "database_unusable" == refused.value.code
    assert "untouched" == victim.read_text()
