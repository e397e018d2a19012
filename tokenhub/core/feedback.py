"""What was said of an answer, by whoever said it, and what each kind of it weighs."""

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.rewards import Quality

MAX_LABEL_CHARS = 64
MAX_COMMENT_CHARS = 4_000
UP, DOWN = "up", "down"


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement as it is kept. `key_id` is the key that made the request."""

    quality: Quality
    label: str = ""
    comment: str = ""
    key_id: str = ""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of the answer to a request: `score` from 0 to 1."""

    request_id: str
    score: float
    label: str = ""
    comment: str = ""


def opinion(
    request_id: str,
    *,
    score: float | None = None,
    thumbs: str | bool | None = None,
    label: str = "",
    comment: str = "",
) -> Opinion:
    """The opinion, if it is one. Raises BadRequest naming the field."""
    if not request_id:
        raise BadRequest("request_id is required", field="request_id")
    if len(label) > MAX_LABEL_CHARS or not label.isprintable():
        raise BadRequest(
            f"label must be printable and at most {MAX_LABEL_CHARS} characters", field="label"
        )
    if len(comment) > MAX_COMMENT_CHARS:
        raise BadRequest(
            f"comment must have at most {MAX_COMMENT_CHARS} characters", field="comment"
        )
    said = _score(score, thumbs)
    return Opinion(request_id=request_id, score=said, label=label, comment=comment)


def _score(score: float | None, thumbs: str | bool | None) -> float:  # noqa: FBT001 - as it is sent
    if (score is None) == (thumbs is None):
        raise BadRequest("send one of score and thumbs", field="score")
    if score is not None:
        if not 0 <= score <= 1:
            raise BadRequest("score must be a number from 0 to 1", field="score")
        return float(score)
    if thumbs not in {UP, DOWN, True, False}:
        raise BadRequest('thumbs must be "up", "down", true or false', field="thumbs")
    return 1.0 if thumbs in {UP, True} else 0.0
