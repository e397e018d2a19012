"""The original's SQLite file, read and never written.

While the original runs, its WAL and shared memory lie beside the file, and SQLite reads through
both. A file that lies alone with its WAL where nothing may be created is read from a copy in a
private folder, since SQLite has to make the shared memory anew.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.ports.original import Content, Row, Sealed

_NEEDED = ("providers", "models", "api_keys", "request_logs")
# Ours has tables of the same names.
_OURS = "_sqlite_migrations"
_LEFT = ("audit_logs", "reward_logs", "tsdb_points")
# Argon2 asks for at least 8, and the original made 16.
_MIN_SALT, _MAX_SALT = 8, 64


class OriginalFile:
    """An Original in a file. Use it inside `open_original`."""

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self._conn = conn
        self._path = path

    def content(self) -> Content:
        with self._translated():
            self._conn.execute("BEGIN")
            try:
                return self._content()
            finally:
                self._conn.execute("ROLLBACK")

    def requests(self, after: int, limit: int) -> Sequence[Row]:
        with self._translated():
            cursor = self._conn.execute(
                "SELECT * FROM request_logs WHERE typeof(id) = 'integer' AND id > ? "
                "ORDER BY id LIMIT ?",
                (after, limit),
            )
            return _rows(cursor)

    def counted(self, last: int) -> int:
        with self._translated():
            row = self._conn.execute("SELECT count(*) FROM request_logs WHERE id <= ?", (last,))
            count: int = row.fetchone()[0]
            return count

    def _content(self) -> Content:
        # No views: the original has none, and one may be made to have no end.
        found = self._conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        tables = {name for (name,) in found}
        if _OURS in tables:
            raise BadRequest(f"{self._path} is a database of TokenHub itself, not of the original")
        if missing := [name for name in _NEEDED if name not in tables]:
            raise BadRequest(
                f"{self._path} is no database of the original: it has no table {missing[0]!r}"
            )
        defaults = self._all("routing_config", tables)
        vault, fault = self._vault(tables)
        return Content(
            providers=self._all("providers", tables),
            models=self._all("models", tables),
            aliases=self._all("model_aliases", tables),
            keys=self._all("api_keys", tables),
            defaults=defaults[0] if defaults else None,
            vault=vault,
            vault_fault=fault,
            left={name: self._count(name) for name in _LEFT if name in tables},
        )

    def _all(self, table: str, tables: set[str]) -> Sequence[Row]:
        if table not in tables:
            return ()
        return _rows(self._conn.execute(f"SELECT * FROM {table} ORDER BY rowid"))  # noqa: S608 (constants)

    def _count(self, table: str) -> int:
        count: int = self._conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (constants)
        return count

    def _vault(self, tables: set[str]) -> tuple[Sealed | None, str]:
        """The vault, or why it cannot be read; neither where it was never set up."""
        rows = self._all("vault_blob", tables)
        if not rows:
            return None, ""
        salt, data = rows[0].get("salt", b""), rows[0].get("data", "{}")
        try:
            entries = msgspec.json.decode(str(data), type=dict[str, str])
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return None, "the vault's row is damaged: it holds no JSON object of texts"
        if not entries:
            return None, ""
        if not isinstance(salt, bytes) or not _MIN_SALT <= len(salt) <= _MAX_SALT:
            return None, "the vault's row is damaged: it has no salt"
        return Sealed(salt=salt, entries=entries), ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unreadable(self._path, error) from error


@contextmanager
def open_original(path: Path) -> Iterator[OriginalFile]:
    """The original's database at `path`. Raises BadRequest where there is none to be read."""
    if not path.is_file():
        raise BadRequest(f"there is no file {path}; give the path of the original's database")
    with tempfile.TemporaryDirectory(prefix="tokenhub-import-") as folder:
        try:
            conn = _connected(path, Path(folder))
        except (sqlite3.Error, OSError) as error:
            raise _unreadable(path, error) from error
        with closing(conn):
            yield OriginalFile(conn, path)


def _connected(path: Path, folder: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.OperationalError:
        wal = path.with_name(f"{path.name}-wal")
        if not wal.exists():
            raise
        shutil.copyfile(path, folder / path.name)
        shutil.copyfile(wal, folder / wal.name)
        return _connect(folder / path.name)


def _connect(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        timeout=10.0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        conn.text_factory = lambda raw: raw.decode("utf-8", "replace")
        conn.execute("PRAGMA query_only=ON")
        conn.execute("PRAGMA trusted_schema=OFF")
        conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        conn.close()
        raise
    return conn


def _rows(cursor: sqlite3.Cursor) -> Sequence[Row]:
    columns = [column[0] for column in cursor.description]
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in cursor
    ]


def _unreadable(path: Path, error: Exception) -> BadRequest:
    return BadRequest(f"{path} cannot be read ({error}); is it the original's database, whole?")
