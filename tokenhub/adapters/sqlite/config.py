"""Several changes of the configuration in one transaction of SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tokenhub.adapters.sqlite import catalog, history, keys
from tokenhub.adapters.sqlite.change import enter, note, version
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.series import SqliteSeries, put_days
from tokenhub.core.keys import ApiKey
from tokenhub.ports import config
from tokenhub.ports.config import Committed, Write

_Work = Callable[[sqlite3.Connection, int, Any], None]

# How each change of the catalog is written, at a version of it.
_CATALOG: dict[type[Write], _Work] = {
    config.PutProvider: lambda conn, stamp, it: catalog.put_provider(
        conn, stamp, it.provider, it.key
    ),
    config.DropProvider: lambda conn, _, it: catalog.drop_provider(conn, it.provider_id, it.key),
    config.PutModels: lambda conn, stamp, it: catalog.put_models(conn, stamp, it.models),
    config.DropModel: lambda conn, _, it: catalog.drop_model(conn, it.key),
    config.PutAlias: lambda conn, stamp, it: catalog.put_alias(conn, stamp, it.alias),
    config.DropAlias: lambda conn, _, it: catalog.drop_alias(conn, it.name),
    config.PutDefaults: lambda conn, stamp, it: catalog.put_defaults(conn, stamp, it.defaults),
}


class SqliteConfig:
    """A ConfigStore in the file that holds the ledger."""

    def __init__(self, database: Database, series: SqliteSeries) -> None:
        self._database = database
        self._series = series

    async def commit(self, writes: Sequence[Write]) -> Committed:
        committed = await self._database.write(partial(_written, writes=writes))
        for write in writes:
            if isinstance(write, config.PutRetention):
                self._series.retention_days = write.days
        return committed


def _written(conn: sqlite3.Connection, *, writes: Sequence[Write]) -> Committed:
    stamp = 0
    put: dict[str, ApiKey] = {}
    for write in writes:
        work = _CATALOG.get(type(write))
        if work is not None:
            if stamp:
                note(conn, write.audit)
            else:
                stamp = enter(conn, "catalog", write.audit)
            work(conn, stamp, write)
        elif isinstance(write, config.PutKey):
            put[write.key.id] = keys.put(conn, write.key, write.audit)
        elif isinstance(write, config.DropKey):
            keys.drop(conn, write.key_id, write.audit)
        else:
            assert isinstance(write, config.PutRetention)
            put_days(conn, days=write.days, audit=write.audit)
    now = catalog.read(conn)
    if not history.kept(conn, version(conn, "catalog")):
        history.keep(conn, now)
    return Committed(catalog=now, keys=tuple(put.values()))
