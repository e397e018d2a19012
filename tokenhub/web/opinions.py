"""Feedback as it is sent and answered, by callers and operators alike."""

from tokenhub.admin.feedback import Given
from tokenhub.core.feedback import Opinion, opinion
from tokenhub.wire import feedback as wire


def said(sent: wire.FeedbackIn) -> Opinion:
    """The opinion in a body. Raises BadRequest naming the field."""
    return opinion(
        sent.request_id,
        score=sent.score,
        thumbs=sent.thumbs,
        label=sent.label or "",
        comment=sent.comment or "",
    )


def shown(given: Given) -> wire.FeedbackGiven:
    """What whoever gave it is told."""
    quality = given.feedback.quality
    return wire.FeedbackGiven(
        object="feedback",
        request_id=quality.request_id,
        model=quality.model_id,
        provider=quality.provider_id,
        score=quality.score,
        label=given.feedback.label,
        comment_stored=bool(given.feedback.comment),
        replaced=given.replaced,
    )
