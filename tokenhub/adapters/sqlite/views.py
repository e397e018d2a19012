"""Saved views in the file that holds the ledger."""

import sqlite3
from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict, replace

from tokenhub.adapters.sqlite.change import enter, upsert
from tokenhub.adapters.sqlite.database import Database
from tokenhub.core.errors import NotFound
from tokenhub.ports.stores import Audit
from tokenhub.ports.views import View

_COLUMNS = View.__struct_fields__
_PUT = upsert("views", _COLUMNS, key=("name",))
_NAMES = msgspec.json.Decoder(tuple[str, ...])


class SqliteViews:
    """A ViewStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[View]:
        return await self._database.read(_read)

    async def put(self, view: View, audit: Audit) -> View:
        def work(conn: sqlite3.Connection) -> View:
            stamped = replace(view, version=enter(conn, "views", audit))
            columns = msgspec.json.encode(view.columns).decode()
            conn.execute(_PUT, asdict(stamped) | {"columns": columns})
            return stamped

        return await self._database.write(work)

    async def delete(self, name: str, audit: Audit) -> None:
        def work(conn: sqlite3.Connection) -> None:
            enter(conn, "views", audit)
            if not conn.execute("DELETE FROM views WHERE name = ?", (name,)).rowcount:
                raise NotFound(f"there is no view {name!r}")

        await self._database.write(work)


def _read(conn: sqlite3.Connection) -> Sequence[View]:
    rows = conn.execute(f"SELECT {','.join(_COLUMNS)} FROM views ORDER BY name")  # noqa: S608 (constants)
    return [
        View(name=name, filter=text, columns=_NAMES.decode(columns), version=version)
        for name, text, columns, version in rows
    ]
