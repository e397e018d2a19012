"""Calls about feedback."""

from tokenhub.client.call import Call, query
from tokenhub.wire.feedback import FeedbackGiven, FeedbackIn, FeedbackPage

FEEDBACK = "/admin/v1/feedback"


def list_feedback(
    *,
    request_id: str = "",
    source: str = "",
    api_key_id: str = "",
    model_id: str = "",
    provider_id: str = "",
    limit: int | None = None,
    offset: int | None = None,
) -> Call[FeedbackPage]:
    """What was said of answers, that of the newest request first."""
    return Call(
        method="GET",
        path=FEEDBACK,
        query=query(
            request_id=request_id,
            source=source,
            api_key_id=api_key_id,
            model_id=model_id,
            provider_id=provider_id,
            limit=limit,
            offset=offset,
        ),
        returns=FeedbackPage,
    )


def give_feedback(sent: FeedbackIn) -> Call[FeedbackGiven]:
    """An operator's word on a request; a second one takes the place of the first."""
    return Call(method="POST", path=FEEDBACK, body=sent, returns=FeedbackGiven)
