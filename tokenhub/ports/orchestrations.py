"""The record of orchestrations; their steps are in the journal, under the id of each."""

from asyncio import Future
from typing import Protocol

from tokenhub.core.orchestration import Orchestration
from tokenhub.ports.pages import Paged, PageQuery


class OrchestrationQuery(PageQuery, frozen=True, kw_only=True):
    """Which orchestrations; an empty field asks for all."""

    id: str = ""
    mode: str = ""
    status: str = ""


class OrchestrationStore(Paged[OrchestrationQuery, Orchestration], Protocol):
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
