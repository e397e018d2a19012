"""Small files that hold secrets: the credentials file, the admin token, the note beside them.

Each is for its owner's eyes only. Reading refuses a file that others may read; writing goes to a
new file that is synced and renamed over the old one, so that a crash leaves one or the other.
"""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from tokenhub.core import admin_token as form
from tokenhub.core.errors import BadRequest, Unavailable

APPLIED_FILE = ".credentials-applied"
# A hundred times what a file with a thousand models takes.
MAX_BYTES = 16 * 1024 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner may touch; empty where there is no file.

    Raises BadRequest, saying what to do, where others may touch it or it cannot be read.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise BadRequest(f"cannot read {path}: {error.strerror}", code="file_refused") from error
    try:
        # Asked of the open file, not of its name: nobody can change the answer in between.
        _refuse_shared(path, os.fstat(opened).st_mode)
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(opened)
    if len(content) > MAX_BYTES:
        raise BadRequest(f"{path} is larger than {MAX_BYTES} bytes", code="file_refused")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace the file, mode 0600, so that it is whole at any moment. Raises Unavailable."""
    fresh = path.with_name(f"{path.name}.new.{os.getpid()}")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error


def admin_token(data_dir: Path, *, given: str, randbits: Callable[[int], int]) -> str:
    """The token of the admin API: the one given, else the one on disk, else a new one on disk.

    A given token is not written down. Raises BadRequest for one that is too short or that no
    header can hold, or that others can read.
    """
    if given:
        return form.checked(given, "TOKENHUB_ADMIN_TOKEN")
    path = data_dir / form.FILE
    kept = read_private(path)
    if kept:
        return form.checked(kept.decode("ascii", "replace").strip(), str(path))
    token = f"{form.PREFIX}{randbits(form.BITS):064x}"
    write_private(path, f"{token}\n".encode())
    return token


class AdminTokenFile:
    """The `ports.access.TokenFile` of a data directory."""

    def __init__(self, data_dir: Path, *, given: bool) -> None:
        self.given = given
        self._path = data_dir / form.FILE

    def replace(self, token: str) -> None:
        write_private(self._path, f"{token}\n".encode())


class AppliedFile:
    """The note of `ports.applied`, in the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / APPLIED_FILE

    def read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise Unavailable(f"cannot read {self._path}: {error.strerror}") from error

    def write(self, note: bytes) -> None:
        write_private(self._path, note)


def _refuse_shared(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise BadRequest(f"{path} is not a regular file", code="file_refused")
    if mode & _OTHERS:
        raise BadRequest(
            f"{path} is not used: others may touch it (mode {stat.S_IMODE(mode):04o}); "
            f"run: chmod 600 {path}",
            code="file_refused",
        )


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
