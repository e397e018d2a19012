"""Aliases: names that stand for a split between models."""

from collections.abc import Sequence

from tokenhub.admin.changes import By, Changes, expect
from tokenhub.core.aliases import Alias, checked_alias
from tokenhub.core.errors import BadRequest, NotFound


class Aliases:
    """List, replace and remove aliases."""

    def __init__(self, *, changes: Changes) -> None:
        self._changes = changes

    @property
    def version(self) -> int:
        """The version of the list."""
        return self._changes.catalog.version

    def every(self) -> Sequence[Alias]:
        """All of them, by name."""
        return sorted(self._changes.catalog.aliases.values(), key=lambda row: row.name)

    def get(self, name: str) -> Alias:
        found = self._changes.catalog.aliases.get(name)
        if found is None:
            raise NotFound(f"alias {name!r} not found")
        return found

    async def put(self, alias: Alias, *, by: By, expected: int | None = None) -> Alias:
        """Create or replace. Raises BadRequest naming the field, also for unknown models."""
        row = checked_alias(alias)
        async with self._changes.lock:
            catalog = self._changes.catalog
            for number, variant in enumerate(row.variants):
                if not catalog.routes_of(variant.model_id):
                    raise BadRequest(
                        f"there is no model {variant.model_id!r}; add it first",
                        field=f"variants[{number}].model_id",
                    )
            old = catalog.aliases.get(row.name)
            expect(expected, old.version if old else None, catalog.version)
            audit = self._changes.audit(
                "alias.upsert", f"alias:{row.name}", by, before=old, after=row
            )
            self._changes.publish(await self._changes.store.put_alias(row, audit))
            return self.get(row.name)

    async def delete(self, name: str, *, by: By, expected: int | None = None) -> None:
        async with self._changes.lock:
            old = self.get(name)
            expect(expected, old.version)
            audit = self._changes.audit("alias.delete", f"alias:{name}", by, before=old)
            self._changes.publish(await self._changes.store.delete_alias(name, audit))
