"""What callers and operators say of answers, kept and handed on to be learned from."""

from collections.abc import Callable

import msgspec

from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import By
from tokenhub.admin.paging import Page, page_of
from tokenhub.core.errors import BadRequest, Conflict, NotFound
from tokenhub.core.feedback import Feedback, Opinion
from tokenhub.core.ids import made_at
from tokenhub.core.outcome import Outcome
from tokenhub.core.rewards import CALLER, OPERATOR, Quality
from tokenhub.ports.clock import Clock
from tokenhub.ports.feedback import FeedbackQuery, FeedbackStore
from tokenhub.ports.journal import Journal, LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery, OrchestrationStore

DAY_S = 86_400.0
# The log's name for a request that only has its tokens counted.
_COUNT = "count_tokens"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say; 0 days are no limit. `kept_days` is how long requests are kept."""

    comments: bool = False
    days: int = 30
    kept_days: int = 400


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback that is committed; `replaced` says that the same source had said something."""

    feedback: Feedback
    replaced: bool


class Feedbacks:
    """Take feedback. Each judgement goes to `learn` once it is committed.

    Of each source, the last word on a request counts: who learns is told with it which score it
    takes the place of.
    """

    def __init__(
        self,
        store: FeedbackStore,
        *,
        journal: Journal,
        orchestrations: OrchestrationStore,
        trail: Trail,
        clock: Clock,
        learn: Callable[[Quality], None],
    ) -> None:
        self.rules = Rules()
        self._store = store
        self._journal = journal
        self._orchestrations = orchestrations
        self._trail = trail
        self._clock = clock
        self._learn = learn

    async def caller(self, said: Opinion, *, key_id: str) -> Given:
        """That of the caller with this key, on a request that it made.

        Raises NotFound for anybody else's, BadRequest and Conflict for one that cannot be judged.
        """
        row = await self._row(said.request_id, key_id=key_id)
        return await self._put(row, said, CALLER)

    async def operator(self, said: Opinion, *, by: By) -> Given:
        """That of an operator, on any request. Raises as `caller` does."""
        row = await self._row(said.request_id)
        # A comment may quote what the trail is not to hold.
        told = {"score": said.score, "label": said.label}
        await self._trail.record("feedback.give", row.request_id, by, after=told)
        return await self._put(row, said, OPERATOR)

    async def page(self, query: FeedbackQuery) -> Page[Feedback]:
        return await page_of(self._store, query, id_of=lambda row: row.quality.request_id)

    async def _put(self, row: Outcome, said: Opinion, source: str) -> Given:
        quality = Quality(
            request_id=row.request_id,
            provider_id=row.provider_id,
            model_id=row.model_id,
            score=said.score,
            source=source,
            task=row.task,
            at=self._clock.now(),
        )
        comment = said.comment if self.rules.comments else ""
        given = Feedback(quality=quality, label=said.label, comment=comment, key_id=row.key_id)
        before = await self._store.put(given)
        said_before = None if before is None else before.quality.score
        # The same word again is no news: however often it is said, it is one judgement.
        if said_before != said.score:
            self._learn(msgspec.structs.replace(quality, replaces=said_before))
        return Given(feedback=given, replaced=before is not None)

    async def _row(self, request_id: str, *, key_id: str = "") -> Outcome:
        """The request, if there is something in it to be judged. With a key, it must be its own."""
        rows = await self._journal.page(LogQuery(request_id=request_id, key_id=key_id, limit=1))
        if not rows:
            raise await self._missing(request_id, key_id)
        (row,) = rows
        days = self.rules.days
        if days and row.at < self._clock.now() - days * DAY_S:
            raise BadRequest(
                f"this request is more than {days} days old; feedback is taken until then",
                code="feedback_too_late",
                field="request_id",
            )
        if not row.model_id or row.error_class or row.dialect == _COUNT:
            raise Conflict(
                "this request has brought no whole answer of a model, so that there is none to be "
                "judged",
                code="no_answer",
            )
        return row

    async def _missing(self, request_id: str, key_id: str) -> NotFound | BadRequest:
        """Callers of a plan were told its id as that of their request."""
        plans = await self._orchestrations.page(OrchestrationQuery(id=request_id, limit=1))
        if plans and key_id in {"", plans[0].key_id}:
            return BadRequest(
                "this is a plan, whose steps were answered one by one; give the request_id of one "
                "of its steps",
                code="plan_has_steps",
                field="request_id",
            )
        days, at = self.rules.kept_days, made_at(request_id)
        if days and at is not None and at < self._clock.now() - days * DAY_S:
            return NotFound(
                f"request {request_id!r} is more than {days} days old, and is not kept any more"
            )
        if key_id:
            return NotFound(
                f"this key has no finished request {request_id!r}; the id is in the header "
                "x-request-id of the answer, and feedback is given with the same key"
            )
        return NotFound(f"request {request_id!r} not found")
