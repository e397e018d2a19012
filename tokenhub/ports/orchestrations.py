"""The record of orchestrations; their steps are in the journal, under the id of each."""

from asyncio import Future
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.core.orchestration import Orchestration


class OrchestrationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: newest first. `before` is the id that the last page ended with."""

    limit: int = 100
    offset: int = 0
    before: str = ""
    id: str = ""
    mode: str = ""
    status: str = ""


class OrchestrationStore(Protocol):
    def record(self, row: Orchestration) -> Future[None]:
        """Take a row over, or the new state of one; done when it is committed.

        It is queued before this returns, behind all that was queued before it: a caller that is
        cancelled while it waits loses nothing. Fails with Unavailable.
        """
        ...

    async def recover(self) -> int:
        """Mark as lost what was under way when the server died; gives how many there were.

        Each then costs what the rows of its steps say.
        """
        ...

    async def page(self, query: OrchestrationQuery) -> Sequence[Orchestration]: ...

    async def count(self, query: OrchestrationQuery) -> int: ...
