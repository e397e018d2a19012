"""The record of requests and what they cost."""

from asyncio import Future
from typing import Protocol

from tokenhub.core.outcome import Outcome
from tokenhub.ports.pages import Paged, PageQuery


class LogQuery(PageQuery, frozen=True, kw_only=True):
    """Which requests; an empty field asks for all."""

    model_id: str = ""
    provider_id: str = ""
    key_id: str = ""
    status: int = 0
    request_id: str = ""
    parent_id: str = ""


class Journal(Paged[LogQuery, Outcome], Protocol):
    @property
    def fault(self) -> str:
        """Why nothing can be committed now; empty when it can.

        An attribute read that never waits, since every request asks. It becomes empty by itself
        once the cause is gone, at the latest a second or so after somebody has asked.
        """
        ...

    def record(self, outcome: Outcome) -> Future[None]:
        """Take the request's log row and ledger rows at once; done when they are committed.

        One transaction for all of them. The rows are queued before this returns, so a caller
        that is cancelled while it waits loses nothing. Fails with Unavailable.
        """
        ...

    async def decision(self, request_id: str) -> bytes | None:
        """The JSON of the decision record, from its hand-over on; None where there is none."""
        ...

    async def checksum(self, request_id: str) -> int | None:
        """The checksum of the decision record at its hand-over; None where it is not known."""
        ...

    def explain(self, request_id: str, at: float, decision: object) -> None:
        """Hand over a decision record to be written soon; never waits, never fails."""
        ...
