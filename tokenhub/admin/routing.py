"""The routing defaults: the policy of a request that brings none."""

from tokenhub.admin.changes import By, Changes, effective, expect
from tokenhub.core.catalog import Defaults, checked_defaults


class Routing:
    """Read and replace the routing defaults. Their version is the catalog's."""

    def __init__(self, *, changes: Changes) -> None:
        self._changes = changes

    @property
    def version(self) -> int:
        return self._changes.catalog.version

    def current(self) -> Defaults:
        """The defaults in force: the environment's below the stored row's."""
        return self._changes.catalog.defaults

    async def put(self, row: Defaults, *, by: By, expected: int | None = None) -> Defaults:
        """Replace the stored row; an empty mode, a budget or a latency of 0 say nothing.

        What is stored is what was said, so that it follows the environment where it said
        nothing. Raises BadRequest naming the field.
        """
        async with self._changes.lock:
            expect(expected, self.version)
            before = self.current()
            said = Defaults(
                mode=row.mode,
                max_budget_nusd=row.max_budget_nusd,
                max_latency_s=row.max_latency_s,
                version=self.version + 1,
            )
            checked_defaults(effective(said, self._changes.environment))
            audit = self._changes.audit(
                "routing-config.update", "routing-config", by, before=before, after=said
            )
            self._changes.publish(await self._changes.store.put_defaults(said, audit))
            return self.current()
