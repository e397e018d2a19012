"""Request bodies: JSON of one type, or an error that says which byte or field is wrong."""

from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from tokenhub.core.errors import BadRequest, UnsupportedMediaType
from tokenhub.dialects.decoding import decoded

Http = Request[Any, Any, State]

T = TypeVar("T")

_JSON = "application/json"


async def body_of(request: Http, kind: type[T]) -> T:
    """The request's body, of exactly this type: no number in a string passes for a number.

    Raises UnsupportedMediaType, TooLarge (by the framework), BadRequest.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise UnsupportedMediaType(f"send the body as {_JSON} and say so in Content-Type")
    codings = request.headers.getall("content-encoding", ["identity"])
    if any(coding.strip().lower() != "identity" for coding in codings):
        raise UnsupportedMediaType("send the body without a Content-Encoding")
    try:
        body = await request.body()
    except InternalServerException as error:
        # The framework's word for a caller who left; it is no failure of ours.
        raise BadRequest("the body ended early", code="invalid_json") from error
    return decoded(msgspec.json.Decoder(kind), body)
