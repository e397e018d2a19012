"""What imports have brought in, in the file that they brought it into."""

import sqlite3
from collections.abc import Collection, Sequence

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.ports.imported import OldHash


class SqliteImported:
    """An Imported in the file that holds the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def noted(self) -> frozenset[tuple[str, str]]:
        def query(conn: sqlite3.Connection) -> frozenset[tuple[str, str]]:
            return frozenset(conn.execute("SELECT kind, name FROM imported").fetchall())

        return await self._database.read(query)

    async def note(self, kind: str, names: Collection[str], *, at: float) -> None:
        rows = [(kind, name, round(at * MILLI)) for name in names]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(
                "INSERT INTO imported (kind, name, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                rows,
            )

        await self._database.write(work)

    async def requests(self, ids: Collection[str]) -> frozenset[str]:
        def query(conn: sqlite3.Connection) -> frozenset[str]:
            find = "SELECT request_id FROM requests WHERE request_id = ?"
            rows = (conn.execute(find, (request_id,)).fetchone() for request_id in ids)
            return frozenset(row[0] for row in rows if row is not None)

        return await self._database.read(query)

    async def hashes(self) -> Sequence[OldHash]:
        def query(conn: sqlite3.Connection) -> list[OldHash]:
            rows = conn.execute("SELECT key_id, start, hash FROM imported_keys ORDER BY key_id")
            return [OldHash(key_id=key_id, start=start, hash=text) for key_id, start, text in rows]

        return await self._database.read(query)

    async def keep(self, row: OldHash) -> None:
        def work(conn: sqlite3.Connection) -> None:
            conn.execute(
                "INSERT OR REPLACE INTO imported_keys (key_id, start, hash) VALUES (?, ?, ?)",
                (row.key_id, row.start, row.hash),
            )

        await self._database.write(work)

    async def drop(self, key_ids: Collection[str]) -> None:
        rows = [(key_id,) for key_id in key_ids]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany("DELETE FROM imported_keys WHERE key_id = ?", rows)

        await self._database.write(work)
