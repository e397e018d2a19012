"""Request bodies: JSON of one type, or an error that says which byte or field is wrong."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from tokenhub.core.errors import BadRequest, UnsupportedMediaType

Http = Request[Any, Any, State]

T = TypeVar("T")

# The original's limit (original-behaviour 1.2).
MAX_BYTES = 10 * 1024 * 1024
_JSON = "application/json"
# How msgspec says where: "... - at `$.endpoints[1]`", "... unknown field `x`".
_AT = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_NAMED = re.compile(r"(?:missing required|contains unknown) field `(.*?)`", re.DOTALL)


async def body_of(request: Http, kind: type[T]) -> T:
    """The request's body. Raises UnsupportedMediaType, TooLarge (by the framework), BadRequest."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise UnsupportedMediaType(f"send the body as {_JSON} and say so in Content-Type")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("send the body without a Content-Encoding")
    try:
        body = await request.body()
    except InternalServerException as error:
        # The framework's word for a caller who left; it is no failure of ours.
        raise BadRequest("the body ended early", code="invalid_json") from error
    return decoded(body, kind)


def decoded(body: bytes, kind: type[T]) -> T:
    """The value in `body`, of exactly this type: no number in a string passes for a number."""
    if not body:
        raise BadRequest("the body is empty; send a JSON object", code="invalid_json")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        message = str(error)
        raise BadRequest(message, code="invalid_type", field=_field(message)) from error
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}", code="invalid_json") from error
    except UnicodeDecodeError as error:
        raise BadRequest("the body is not UTF-8", code="invalid_utf8") from error
    except RecursionError as error:
        raise BadRequest("the body is nested too deeply", code="json_too_deep") from error


def _field(message: str) -> str | None:
    at, named = _AT.search(message), _NAMED.search(message)
    path = [match.group(1) for match in (at, named) if match]
    return ".".join(part for part in path if part) or None
