"""Runs a command and writes down what it does to the files of a folder: `tracer.py FOLDER CMD...`.

One JSON object a line on standard output. It is what strace would tell, by the same means, the
kernel's own ptrace, so that a machine needs no tool for it: Linux 5.3 or newer on x86-64 or
aarch64, and the right to trace one's own children. Ends with 77 where that is not given, else as
the command ends.

What the command writes to its standard output is a mark, in its place between the operations.
"""

import base64
import ctypes
import json
import os
import platform
import signal
import struct
import sys
from pathlib import Path

CANNOT = 77
# sys/ptrace.h
TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
SYSGOOD, FORKS, EXITKILL = 0x1, 0x2 | 0x4 | 0x8, 0x100000
ENTRY, EXIT = 1, 2
ALL_CHILDREN = 0x40000000
O_CREAT, O_TRUNC, O_APPEND = os.O_CREAT, os.O_TRUNC, os.O_APPEND
HERE = -100
# The system calls that change files, by their numbers (asm/unistd.h).
CALLS = {
    "x86_64": {
        1: "write", 18: "pwrite", 20: "writev", 296: "pwritev", 328: "pwritev",
        77: "ftruncate", 76: "truncate",
        2: "open", 257: "openat", 85: "creat", 74: "sync", 75: "sync", 82: "rename",
        264: "renameat", 316: "renameat", 87: "unlink", 263: "unlinkat", 285: "fallocate",
    },
    "aarch64": {
        64: "write", 68: "pwrite", 66: "writev", 70: "pwritev", 287: "pwritev",
        46: "ftruncate", 45: "truncate",
        56: "openat", 82: "sync", 83: "sync", 38: "renameat", 276: "renameat", 35: "unlinkat",
        47: "fallocate",
    },
}  # fmt: skip


class Cannot(Exception):
    """This machine does not let us trace."""


class Tracer:
    """One run. `told` hears of every operation on a file of the folder, and of every mark."""

    def __init__(self, folder, told):
        self._folder = Path(folder).resolve()
        self._told = told
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [
            ctypes.c_long,
            ctypes.c_long,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._libc.ptrace.restype = ctypes.c_long
        self._calls = CALLS.get(platform.machine())
        self._entered = {}

    def run(self, command):
        """The command's exit code."""
        if self._calls is None:
            raise Cannot(f"the system calls of {platform.machine()} are not known")
        pid = os.fork()
        if not pid:
            if self._libc.ptrace(TRACEME, 0, None, None):
                os._exit(CANNOT)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # ours is for what we tell
            os.execvp(command[0], command)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            raise Cannot("the kernel does not let a process trace its child")
        self._ptrace(SETOPTIONS, pid, SYSGOOD | FORKS | EXITKILL)
        self._ptrace(SYSCALL, pid, 0)
        return self._follow(pid)

    def _follow(self, pid):
        alive = {pid}
        while True:
            tid, status = os.waitpid(-1, ALL_CHILDREN)
            if not os.WIFSTOPPED(status):
                if tid == pid:
                    return os.waitstatus_to_exitcode(status)
                continue
            stop, deliver = status >> 8, 0
            if stop == signal.SIGTRAP | 0x80:
                self._stopped(tid)
            elif stop == signal.SIGSTOP and tid not in alive:
                alive.add(tid)  # a new thread begins with it
            elif stop >> 8 == 0 and stop != signal.SIGTRAP:
                deliver = stop
            self._ptrace(SYSCALL, tid, deliver)

    def _stopped(self, tid):
        buffer = ctypes.create_string_buffer(88)
        size = self._libc.ptrace(GET_SYSCALL_INFO, tid, len(buffer), ctypes.addressof(buffer))
        if size <= 0:
            raise Cannot("the kernel is older than 5.3")
        if buffer.raw[0] == ENTRY:
            number, *given = struct.unpack_from("<7Q", buffer.raw, 24)
            name = self._calls.get(number)
            self._entered[tid] = (name, self._enter(tid, name, given)) if name else None
        elif buffer.raw[0] == EXIT and (entered := self._entered.pop(tid, None)):
            (value,) = struct.unpack_from("<q", buffer.raw, 24)
            if value >= 0 and entered[1] is not None:
                for operation in self._ended(*entered, value):
                    self._told(operation)

    def _enter(self, tid, name, given):
        """What a call is about, read before it changes anything; None where it is not ours."""
        first, second, third, fourth = given[:4]
        if name in {"write", "pwrite", "writev", "pwritev"}:
            return self._enter_write(tid, name, given)
        if name in {"ftruncate", "sync", "fallocate"}:
            path = self._of(tid, first)
            size = third + fourth if name == "fallocate" else second
            return path and (path, size)
        if name == "truncate":
            path = self._named(tid, HERE, first)
            return path and (path, second)
        if name in {"open", "openat", "creat"}:
            at, text, flags = {
                "open": (HERE, first, second),
                "openat": (first, second, third),
                "creat": (HERE, first, O_CREAT | O_TRUNC),
            }[name]
            path = self._named(tid, at, text)
            there = path is not None and os.path.lexists(self._folder / path)
            return path and (path, flags, there)
        if name in {"rename", "renameat"}:
            plain = name == "rename"
            old = self._named(tid, HERE if plain else first, first if plain else second)
            new = self._named(tid, HERE if plain else third, second if plain else fourth)
            return old and new and (old, new)
        path = self._named(tid, *((HERE, first) if name == "unlink" else (first, second)))
        return path and (path,)

    def _enter_write(self, tid, name, given):
        fd, buffer, count, offset = given[:4]
        if fd == 1 and name == "write":
            return None, 0, self._read(tid, buffer, count)
        path = self._of(tid, fd)
        if path is None:
            return None
        if name.endswith("v"):
            table = self._read(tid, buffer, 16 * count)
            parts = struct.iter_unpack("<QQ", table)
            data = b"".join(self._read(tid, where, length) for where, length in parts)
        else:
            data = self._read(tid, buffer, count)
        if not name.startswith("p"):
            info = dict(
                line.split(":", 1)
                for line in Path(f"/proc/{tid}/fdinfo/{fd}").read_text("ascii").splitlines()
            )
            appends = int(info["flags"], 8) & O_APPEND
            whole = self._folder / path
            offset = whole.stat().st_size if appends else int(info["pos"])
        return path, offset, data

    def _ended(self, name, about, value):
        """The operations that a call came to; `value` is what it returned."""
        if name in {"write", "pwrite", "writev", "pwritev"}:
            path, offset, data = about
            text = base64.b64encode(data[:value]).decode()
            if path is None:
                yield {"kind": "mark", "data": text}
            else:
                yield {"kind": "write", "path": path, "at": offset, "data": text}
        elif name in {"ftruncate", "truncate", "fallocate"}:
            kind = "grow" if name == "fallocate" else "truncate"
            yield {"kind": kind, "path": about[0], "at": about[1]}
        elif name in {"open", "openat", "creat"}:
            path, flags, there = about
            if flags & O_CREAT and not there:
                yield {"kind": "create", "path": path}
            elif flags & O_TRUNC:
                yield {"kind": "truncate", "path": path, "at": 0}
        elif name in {"rename", "renameat"}:
            yield {"kind": "rename", "path": about[0], "to": about[1]}
        else:
            kind = "sync" if name == "sync" else "unlink"
            yield {"kind": kind, "path": about[0]}

    def _of(self, tid, fd):
        """The path of an open file within the folder, None for any other."""
        try:
            return self._within(Path(f"/proc/{tid}/fd/{fd}").readlink())
        except OSError:
            return None

    def _named(self, tid, at, address):
        text = os.fsdecode(self._read(tid, address, 4096).partition(b"\0")[0])
        fd = ctypes.c_int(at & 0xFFFFFFFF).value
        where = Path(f"/proc/{tid}/cwd" if fd == HERE else f"/proc/{tid}/fd/{fd}")
        path = Path(text)
        whole = path if path.is_absolute() else where.readlink() / path
        return self._within(whole.parent.resolve() / whole.name)

    def _within(self, path):
        inside = self._folder in path.parents
        return str(path.relative_to(self._folder)) if inside else None

    def _read(self, tid, address, count):
        """So many bytes of its memory, or as many as there are."""
        with Path(f"/proc/{tid}/mem").open("rb", buffering=0) as memory:
            found = b""
            while len(found) < count:
                # Page by page: what is asked for may reach into one that is not there.
                step = min(count - len(found), 4096 - (address + len(found)) % 4096)
                try:
                    memory.seek(address + len(found))
                    found += memory.read(step)
                except OSError:
                    break
            return found

    def _ptrace(self, request, tid, data):
        if self._libc.ptrace(request, tid, None, data) < 0:
            number = ctypes.get_errno()
            if request != SYSCALL:  # a thread may be gone by the time it is told to go on
                raise Cannot(os.strerror(number))


def main(folder, *command):
    def told(operation):
        print(json.dumps(operation))

    try:
        return Tracer(folder, told).run(command)
    except Cannot as error:
        print(f"cannot trace: {error}", file=sys.stderr)
        return CANNOT


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
