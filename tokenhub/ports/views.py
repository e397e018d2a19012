"""Where saved views are kept."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.ports.stores import Audit


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A name for requests of the log: a filter, and the columns to show them in."""

    name: str
    filter: str
    columns: tuple[str, ...] = ()
    version: int = 0


class ViewStore(Protocol):
    """Each write is one transaction with its audit entry. All raise Unavailable."""

    async def load(self) -> Sequence[View]: ...

    async def put(self, view: View, audit: Audit) -> View:
        """Insert or replace by name; returns it with its new version."""
        ...

    async def delete(self, name: str, audit: Audit) -> None: ...
