"""Where it is kept what was said of answers."""

from collections.abc import Sequence
from typing import Protocol

from tokenhub.core.feedback import Feedback
from tokenhub.ports.pages import Paged, PageQuery


class FeedbackQuery(PageQuery, frozen=True, kw_only=True):
    """Which feedback; an empty field asks for all. `before` is the id of a request."""

    request_id: str = ""
    source: str = ""
    key_id: str = ""
    model_id: str = ""
    provider_id: str = ""


class FeedbackStore(Paged[FeedbackQuery, Feedback], Protocol):
    """One word of each source on each request, the last. Pages are newest request first."""

    async def put(self, row: Feedback) -> Feedback | None:
        """Keep it, and give what it takes the place of, once that is committed.

        Raises NotFound where the request is not kept (any more), and Unavailable.
        """
        ...

    def note(self, rows: Sequence[Feedback]) -> None:
        """Keep them soon; never waits, never fails. What has no request is dropped."""
        ...
