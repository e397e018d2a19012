"""The recorder sees every way in which a program changes files, or says that it cannot."""

import sys
from textwrap import dedent

import pytest

from tests.support import tracer
from tests.support.crash_states import CannotTrace, record

WAYS = {
    "write": "open('a', 'wb').write(b'new')",
    "append": "open('a', 'ab').write(b'new')",
    "in the middle": "f = open('a', 'r+b'); f.seek(1); f.write(b'NEW'); f.close()",
    "past the end": "f = open('a', 'r+b'); f.seek(9); f.write(b'NEW'); f.close()",
    "pwrite": "fd = os.open('a', os.O_WRONLY); os.pwrite(fd, b'NEW', 2); os.fdatasync(fd)",
    "writev": "fd = os.open('a', os.O_WRONLY); os.writev(fd, [b'N', b'', b'EW'])",
    "pwritev": "fd = os.open('a', os.O_WRONLY); os.pwritev(fd, [b'N', b'EW'], 3)",
    "ftruncate": "fd = os.open('a', os.O_WRONLY); os.ftruncate(fd, 2)",
    "truncate": "os.truncate('a', 7)",
    "fallocate": "fd = os.open('a', os.O_WRONLY); os.posix_fallocate(fd, 4, 8)",
    "make": "open('b/c', 'xb').write(b'new')",
    "rename": "os.rename('a', 'b/d')",
    "replace": "open('b/c', 'xb').write(b'new'); os.replace('b/c', 'a')",
    "unlink": "os.unlink('a')",
    "by a folder's descriptor": (
        "at = os.open('b', os.O_RDONLY); fd = os.open('c', os.O_CREAT | os.O_WRONLY, dir_fd=at); "
        "os.write(fd, b'new'); os.rename('c', 'e', src_dir_fd=at, dst_dir_fd=at)"
    ),
    "a thread": (
        "t = threading.Thread(target=lambda: open('a', 'ab').write(b'new')); t.start(); t.join()"
    ),
    "a child": "subprocess.run([sys.executable, '-c', \"open('a', 'ab').write(b'new')\"])",
    "elsewhere": "open('../outside', 'wb').write(b'new')",
    "a long write": "open('a', 'wb').write(b'x' * 100_000)",
}


def done(folder, what):
    program = dedent(f"""
        import os, subprocess, sys, threading
        os.chdir({str(folder)!r})
        {what}
        os.write(1, b"acknowledged")
    """)
    try:
        return record([sys.executable, "-S", "-E", "-c", program], folder)
    except CannotTrace as error:
        pytest.skip(f"no file operation can be recorded here: {error}")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    (place / "b").mkdir(parents=True)
    (place / "a").write_bytes(b"old content"[:6])
    return place


@pytest.mark.parametrize("way", WAYS)
def test_a_change_is_seen_whole(folder, way):
    """`record` itself compares what it saw with what is there afterwards."""
    recording = done(folder, WAYS[way])

    assert {"a": b"old co"} == recording.before
    assert "mark" == recording.ops[-1].kind
    assert (way == "elsewhere") == (1 == len(recording.ops))


def test_a_sync_stands_between_the_writes_that_it_divides(folder):
    what = "f = open('a', 'ab', 0); f.write(b'1'); os.fsync(f.fileno()); f.write(b'2')"

    recording = done(folder, what)

    assert ["write", "sync", "write", "mark"] == [op.kind for op in recording.ops]
    assert [6, 7] == [op.at for op in recording.ops if op.kind == "write"]


def test_a_write_that_failed_is_none(folder):
    what = "fd = os.open('a', os.O_RDONLY)\ntry: os.write(fd, b'x')\nexcept OSError: pass"

    assert ["mark"] == [op.kind for op in done(folder, what.replace("\n", "\n        ")).ops]


def test_a_command_that_promises_nothing_is_a_mistake(folder):
    done(folder, "pass")  # skips where nothing can be recorded

    with pytest.raises(AssertionError, match="promised nothing"):
        record([sys.executable, "-S", "-E", "-c", "pass"], folder)


def test_a_machine_whose_calls_are_not_known_is_told(folder, capsys, monkeypatch):
    monkeypatch.setattr(tracer.platform, "machine", lambda: "pdp11")

    assert tracer.CANNOT == tracer.main(str(folder), "true")
    assert "pdp11" in capsys.readouterr().err
