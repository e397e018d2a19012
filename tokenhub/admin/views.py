"""Saved views: names for filters of the log, which all operators share."""

import asyncio
import re
from collections.abc import Sequence

from tokenhub.admin.changes import By, entry, expect
from tokenhub.core.errors import BadRequest, NotFound
from tokenhub.filters import FilterError, parse
from tokenhub.ports.clock import Clock
from tokenhub.ports.stores import Audit
from tokenhub.ports.views import View, ViewStore

MAX_VIEWS = 1_000
MAX_COLUMNS = 50
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Views:
    """List, replace and remove views."""

    def __init__(self, *, store: ViewStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._rows: dict[str, View] = {}

    async def load(self) -> "Views":
        """Read the stored ones; done once, before anything is served."""
        self._rows = {row.name: row for row in await self._store.load()}
        return self

    def over(self, store: ViewStore) -> "Views":
        """The same views in another store, to be changed apart."""
        copy = Views(store=store, clock=self._clock)
        copy._rows = dict(self._rows)
        return copy

    def every(self) -> Sequence[View]:
        """All of them, by name."""
        return [self._rows[name] for name in sorted(self._rows)]

    def get(self, name: str) -> View:
        found = self._rows.get(name)
        if found is None:
            raise NotFound(f"there is no view {name!r}")
        return found

    async def put(self, view: View, *, by: By, expected: int | None = None) -> View:
        """Create or replace. Raises BadRequest naming the field."""
        self._check(view)
        async with self._lock:
            old = self._rows.get(view.name)
            expect(expected, old.version if old else None)
            if old is None and len(self._rows) >= MAX_VIEWS:
                raise BadRequest(f"there are {MAX_VIEWS} views already; delete some", field="name")
            audit = self._audit("view.upsert", view.name, by, old, view)
            self._rows[view.name] = await self._store.put(view, audit)
            return self._rows[view.name]

    async def delete(self, name: str, *, by: By, expected: int | None = None) -> None:
        async with self._lock:
            old = self.get(name)
            expect(expected, old.version)
            await self._store.delete(name, self._audit("view.delete", name, by, old, None))
            del self._rows[name]

    def _check(self, view: View) -> None:
        if not _NAME.fullmatch(view.name):
            raise BadRequest(
                "name must be 1 to 64 letters, digits and . _ -, beginning with a letter or digit",
                field="name",
            )
        try:
            parse(view.filter, now=self._clock.now())
        except FilterError as error:
            raise BadRequest(f"filter: {error}", field="filter") from error
        named = len(view.columns) <= MAX_COLUMNS and all(map(_COLUMN.fullmatch, view.columns))
        if not named or len(set(view.columns)) < len(view.columns):
            raise BadRequest(
                f"columns must be at most {MAX_COLUMNS} names of fields, each once", field="columns"
            )

    def _audit(
        self, action: str, name: str, by: By, before: View | None, after: View | None
    ) -> Audit:
        return entry(self._clock.now(), action, f"view:{name}", by, before=before, after=after)
