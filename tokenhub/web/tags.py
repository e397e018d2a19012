"""Answers of the admin API with their entity tags, and `If-Match` on the way in."""

import re

import msgspec
from litestar import Response

from tokenhub.admin.changes import ANY_VERSION, NO_VERSION
from tokenhub.core.errors import BadRequest
from tokenhub.web.body import Http

_TAG = re.compile(r'"([0-9]{1,18})"')


def answer(value: object, *, version: int | str | None = None) -> Response[bytes]:
    """A 200 with JSON, and the version as its entity tag where there is one."""
    tag = {} if version is None else {"etag": f'"{version}"'}
    body = msgspec.json.encode(value)
    return Response(body, media_type="application/json", status_code=200, headers=tag)


def if_match(request: Http) -> int | None:
    """The version that the caller expects; None where they expect nothing.

    A tag that was never ours, or a weak one (RFC 9110 13.1.1), is a version that never was.
    """
    text = request.headers.get("if-match", "").strip()
    if not text:
        return None
    if text == "*":
        return ANY_VERSION
    if "," in text:
        raise BadRequest("give one entity tag in If-Match", field="If-Match")
    found = _TAG.fullmatch(text)
    return int(found.group(1)) if found else NO_VERSION
