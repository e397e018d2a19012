"""`/admin/v1/feedback`: what was said of answers, and an operator's own word."""

from litestar import Response, get, post
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.feedback import Feedbacks
from tokenhub.core.errors import BadRequest
from tokenhub.core.feedback import Feedback
from tokenhub.core.rewards import SOURCES
from tokenhub.ports.feedback import FeedbackQuery
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.opinions import said, shown
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import feedback as wire

_PAGE = 100
_TEXTS = {
    "request_id": "request_id",
    "source": "source",
    "api_key_id": "key_id",
    "model_id": "model_id",
    "provider_id": "provider_id",
}


@get("/feedback", opt=needs("viewer"))
async def list_feedback(request: Http, feedbacks: NamedDependency[Feedbacks]) -> Response[bytes]:
    query = queried(request, {"limit", "offset", *_TEXTS})
    page = page_of(query, limit=_PAGE)
    if query.get("source", "") not in {"", *SOURCES}:
        raise BadRequest(f"source must be one of {', '.join(sorted(SOURCES))}", field="source")
    texts = {inside: query.get(name, "") for name, inside in _TEXTS.items()}
    found = await feedbacks.page(FeedbackQuery(limit=page.limit, offset=page.offset, **texts))
    return answer(
        wire.FeedbackPage(
            feedback=[_row(row) for row in found.rows],
            total=found.total,
            limit=page.limit,
            offset=page.offset,
        )
    )


@post("/feedback", status_code=200, opt=needs("operator", rehearses=True))
async def give_feedback(
    request: Http, feedbacks: NamedDependency[Feedbacks], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.FeedbackIn)
    return answer(shown(await feedbacks.operator(said(sent), by=by)))


def _row(row: Feedback) -> wire.FeedbackRow:
    quality = row.quality
    return wire.FeedbackRow(
        request_id=quality.request_id,
        timestamp=utc(quality.at),
        source=quality.source,
        provider_id=quality.provider_id,
        model_id=quality.model_id,
        task=quality.task,
        score=quality.score,
        weight=quality.weight,
        label=row.label,
        comment=row.comment,
        api_key_id=row.key_id,
    )
