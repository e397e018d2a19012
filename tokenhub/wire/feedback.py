"""Feedback as it is sent, and as it is shown."""

import msgspec


class FeedbackIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of `score`, from 0 to 1, and `thumbs`: "up" or true, "down" or false.

    A null says nothing, as an absent field does.
    """

    request_id: str
    score: float | None = None
    thumbs: str | bool | None = None
    label: str | None = None
    comment: str | None = None


class FeedbackGiven(msgspec.Struct, kw_only=True):
    """`replaced` says that it takes the place of what was said before; `object` is "feedback"."""

    object: str
    request_id: str
    model: str
    provider: str
    score: float
    label: str
    comment_stored: bool
    replaced: bool


class FeedbackRow(msgspec.Struct, kw_only=True):
    """`source` is who said it; `api_key_id` is the key that made the request."""

    request_id: str
    timestamp: str
    source: str
    provider_id: str
    model_id: str
    task: str
    score: float
    weight: float
    label: str
    comment: str
    api_key_id: str


class FeedbackPage(msgspec.Struct, kw_only=True):
    feedback: list[FeedbackRow]
    total: int
    limit: int
    offset: int
