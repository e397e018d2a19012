"""Every state in which a crash can leave the files of a change, opened one after the other.

    recording = record([sys.executable, "change.py", str(folder)], folder)
    counts = enumerate_states(recording, open_with, tmp_path)

`command` makes one change to what lies in the folder, and prints ACK when it has been promised.
Every file operation of it is recorded (tracer.py). Two models of a crash are then played through:

- the process is killed: all operations up to any of them are there, and of the next write any
  number of bytes;
- the power fails: of the writes that no sync of their file has followed, none is there, or all,
  or each one alone, or all but one; up to SUBSETS of them, any.

Files that are made, renamed and deleted are taken to be so durably and in order. `open_with` opens
such a folder as the program would and says what it finds: {"old"}, {"new"}, both or nothing.
"""

import base64
import hashlib
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.support import tracer

ACK = b"acknowledged"
# What SQLite makes anew, and the lock, which is empty.
PASSING = ("-shm", ".lock")
SUBSETS = 8
SECTOR = 512

Files = dict[str, bytes]
OpenWith = Callable[[Path], set[str]]


class CannotTrace(Exception):
    """Nothing can be recorded on this machine; the message says why."""


class Op(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: write, truncate, grow, create, rename, unlink, sync or mark."""

    kind: str
    path: str = ""
    at: int = 0
    data: bytes = b""
    to: str = ""


class Recording(NamedTuple):
    """The files before the change, and what was done to them."""

    before: Files
    ops: Sequence[Op]


class Counts(msgspec.Struct):
    """What the states held; `lost` are those in which a promised change is not there."""

    kill: int = 0
    power: int = 0
    old: int = 0
    new: int = 0
    both: int = 0
    neither: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kill + self.power} states ({self.kill} kill, {self.power} power): "
            f"{self.old} old, {self.new} new, both {self.both}, neither {self.neither}, "
            f"lost acknowledgement {self.lost}"
        )


class State(NamedTuple):
    """One way the folder may be found."""

    model: str
    files: Mapping[str, bytes]
    acknowledged: bool


def record(command: Sequence[str], folder: Path) -> Recording:
    """What a command does to the files of a folder. Raises CannotTrace where nobody can tell.

    Fails where the operations that were seen do not lead from the files of before to those of
    after: one that was missed would leave states out.
    """
    before = _files(folder)
    traced = subprocess.run(
        [sys.executable, tracer.__file__, str(folder), *command],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if traced.returncode == tracer.CANNOT:
        raise CannotTrace(traced.stderr.decode().strip())
    assert 0 == traced.returncode, traced.stderr.decode()
    ops = [_op(json.loads(line)) for line in traced.stdout.splitlines()]
    ops = [op for op in ops if not op.path.endswith(PASSING)]
    after = dict(before)
    for op in ops:
        apply(after, op)
    assert _files(folder) == after, "an operation was missed"
    assert any(_promises(op) for op in ops), "the command has promised nothing"
    return Recording(before, ops)


def enumerate_states(
    recording: Recording, open_with: OpenWith, folder: Path, *, step: int = SECTOR
) -> Counts:
    """Open every state, each in a fresh folder within `folder`; prints and returns the counts.

    A write is torn after each of its first and last bytes, and after every `step` between.
    """
    counts = Counts()
    seen: set[bytes] = set()
    image = folder / "image"
    for state in itertools.chain(kills(recording, step), powers(recording)):
        mark = _mark(state)
        if mark in seen:
            continue
        seen.add(mark)
        _lay(state.files, image)
        _count(counts, state, open_with(image))
        shutil.rmtree(image)
    print(counts)
    return counts


def kills(recording: Recording, step: int) -> Iterator[State]:
    """The process is killed: a prefix of the operations, and a part of the next write."""
    files, acknowledged = dict(recording.before), False
    yield State("kill", dict(files), acknowledged)
    for op in recording.ops:
        if op.kind == "write":
            for count in cuts(len(op.data), step):
                torn = dict(files)
                apply(torn, msgspec.structs.replace(op, data=op.data[:count]))
                yield State("kill", torn, acknowledged)
        apply(files, op)
        acknowledged |= _promises(op)
        yield State("kill", dict(files), acknowledged)


def powers(recording: Recording) -> Iterator[State]:
    """The power fails: what is synced is there, and of the rest any part."""
    synced, pending, acknowledged = dict(recording.before), list[Op](), False
    for op in recording.ops:
        if op.kind in {"write", "truncate", "grow"}:
            pending.append(op)
        elif op.kind == "sync":
            for one in pending:
                if one.path == op.path:
                    apply(synced, one)
            pending = [one for one in pending if one.path != op.path]
        elif op.kind == "unlink":
            pending = [one for one in pending if one.path != op.path]
            apply(synced, op)
        elif op.kind == "rename":
            pending = [_moved(one, op) for one in pending if one.path != op.to]
            apply(synced, op)
        else:
            apply(synced, op)
        acknowledged |= _promises(op)
        for chosen in subsets(len(pending)):
            files = dict(synced)
            for number in sorted(chosen):
                apply(files, pending[number])
            yield State("power", files, acknowledged)


def cuts(length: int, step: int) -> list[int]:
    """After how many of its bytes a write is torn: never before the first or after the last."""
    edges = [*range(1, min(length, 17)), *range(step, length, step), length - 1]
    return sorted({count for count in edges if 0 < count < length})


def subsets(count: int) -> Iterator[frozenset[int]]:
    """Which of so many writes have reached the disk."""
    every = range(count)
    if count <= SUBSETS:
        for size in range(count + 1):
            yield from map(frozenset, itertools.combinations(every, size))
        return
    yield frozenset()
    yield frozenset(every)
    for one in every:
        yield frozenset({one})
        yield frozenset(every) - {one}


def apply(files: Files, op: Op) -> None:
    """Do to the files what an operation does."""
    content = files.get(op.path, b"")
    if op.kind == "write":
        start = content[: op.at].ljust(op.at, b"\0")
        files[op.path] = start + op.data + content[op.at + len(op.data) :]
    elif op.kind == "truncate":
        files[op.path] = content[: op.at].ljust(op.at, b"\0")
    elif op.kind == "grow":
        files[op.path] = content.ljust(op.at, b"\0")
    elif op.kind == "create":
        files[op.path] = b""
    elif op.kind == "rename":
        files[op.to] = files.pop(op.path)
    elif op.kind == "unlink":
        files.pop(op.path, None)


def _count(counts: Counts, state: State, found: set[str]) -> None:
    if state.model == "kill":
        counts.kill += 1
    else:
        counts.power += 1
    if found == {"old", "new"}:
        counts.both += 1
    elif found:
        counts.old += "old" in found
        counts.new += "new" in found
    else:
        counts.neither += 1
    counts.lost += state.acknowledged and "new" not in found


def _mark(state: State) -> bytes:
    """The same for states that no opening could tell apart."""
    mark = hashlib.sha256(b"%d" % state.acknowledged)
    for path, content in sorted(state.files.items()):
        mark.update(b"%s\0%d\0" % (path.encode(), len(content)))
        mark.update(content)
    return mark.digest()


def _lay(files: Mapping[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o600)


def _files(folder: Path) -> Files:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(PASSING)
    }


def _op(told: dict[str, Any]) -> Op:
    return Op(**told | {"data": base64.b64decode(told.get("data", ""))})


def _moved(op: Op, rename: Op) -> Op:
    return msgspec.structs.replace(op, path=rename.to) if op.path == rename.path else op


def _promises(op: Op) -> bool:
    return op.kind == "mark" and ACK in op.data
