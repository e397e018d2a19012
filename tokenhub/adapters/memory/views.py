"""Saved views in memory: the twin of those in SQLite."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tokenhub.core.errors import NotFound
from tokenhub.ports.stores import Audit
from tokenhub.ports.views import View


class MemoryViews:
    """A ViewStore that forgets. `audit` holds the entries, oldest first."""

    def __init__(self, views: Iterable[View] = ()) -> None:
        self.audit: list[Audit] = []
        self._views = {view.name: view for view in views}
        self._version = max((view.version for view in self._views.values()), default=0)

    async def load(self) -> Sequence[View]:
        return [self._views[name] for name in sorted(self._views)]

    async def put(self, view: View, audit: Audit) -> View:
        self._version += 1
        self._views[view.name] = replace(view, version=self._version)
        self.audit.append(audit)
        return self._views[view.name]

    async def delete(self, name: str, audit: Audit) -> None:
        if self._views.pop(name, None) is None:
            raise NotFound(f"there is no view {name!r}")
        self._version += 1
        self.audit.append(audit)
