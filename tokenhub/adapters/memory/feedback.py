"""Feedback that is forgotten with the process, for tests of what stands on it."""

from collections.abc import Iterator, Sequence
from itertools import islice

from tokenhub.core.errors import NotFound
from tokenhub.core.feedback import Feedback
from tokenhub.ports.feedback import FeedbackQuery
from tokenhub.ports.journal import Journal, LogQuery


class MemoryFeedback:
    """A FeedbackStore beside a journal; what it is to `note` must have its request there."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[tuple[str, str], Feedback] = {}

    async def put(self, row: Feedback) -> Feedback | None:
        request_id = row.quality.request_id
        if not await self._journal.count(LogQuery(request_id=request_id)):
            raise NotFound(f"request {request_id!r} is not kept any more")
        before = self._rows.get((request_id, row.quality.source))
        self._rows[request_id, row.quality.source] = row
        return before

    def note(self, rows: Sequence[Feedback]) -> None:
        self._rows |= {(row.quality.request_id, row.quality.source): row for row in rows}

    async def page(self, query: FeedbackQuery) -> Sequence[Feedback]:
        return list(islice(self._found(query), query.offset, query.offset + query.limit))

    async def count(self, query: FeedbackQuery) -> int:
        return sum(1 for _ in self._found(query))

    def _found(self, query: FeedbackQuery) -> Iterator[Feedback]:
        named = sorted(self._rows, key=lambda name: name[1])
        for name in sorted(named, key=lambda name: name[0], reverse=True):
            row = self._rows[name]
            quality = row.quality
            if query.before and quality.request_id >= query.before:
                continue
            wanted = (
                (query.request_id, quality.request_id),
                (query.source, quality.source),
                (query.key_id, row.key_id),
                (query.model_id, quality.model_id),
                (query.provider_id, quality.provider_id),
            )
            if all(not asked or asked == found for asked, found in wanted):
                yield row
