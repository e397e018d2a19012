"""The audit trail: who changed what, who came in, and who was turned away.

A change writes its own entry, in its own transaction (`ports.stores`); here are those that belong
to no row, and the reading of all.
"""

from asyncio import Future
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.ports.pages import PageQuery
from tokenhub.ports.stores import Audit


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Which entries; `before` is an id. An action or resource may end in `*`, for any rest.

    `since` is the first Unix second of them, `until` the first after them.
    """

    action: str = ""
    resource: str = ""
    actor: str = ""
    address: str = ""
    outcome: str = ""
    request_id: str = ""
    since: float | None = None
    until: float | None = None


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is kept: its place in the trail, and its hash in hexadecimal digits."""

    id: int
    hash: str
    entry: Audit


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """The first row at which the chain does not hold."""

    id: int
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk along the whole chain found: `rows` good ones, up to `last_id`."""

    rows: int
    last_id: int
    last_hash: str
    broken: Broken | None


class AuditTrail(Protocol):
    async def page(self, query: AuditQuery) -> Sequence[AuditRow]: ...

    async def count(self, query: AuditQuery) -> int: ...

    def record(self, audit: Audit) -> "Future[int]":
        """Append an entry; done with its id once it is committed, or holds Unavailable."""
        ...

    async def verify(self) -> Verdict: ...

    async def hash_of(self, row_id: int) -> str | None:
        """The hash of a row, None where it is not kept."""
        ...
