"""A call to any route, for what has no function of its own."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from msgspec import Raw

from tokenhub.client.call import Call
from tokenhub.client.errors import BadCall

# Of a method that changes nothing.
_READS = frozenset(("GET", "HEAD", "OPTIONS"))


def request(
    method: str, path: str, *, body: bytes | None = None, headers: Sequence[tuple[str, str]] = ()
) -> Call[bytes]:
    """A request as it is given; a path without a slash at its front is one of the admin API.

    Raises BadCall for a path that names a server: the token would go there; and for one with a #,
    behind which nothing reaches a server.
    """
    if "#" in path:
        raise BadCall(f"{path!r} holds a #, and what follows it is never sent; write %23 for it")
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not parts.path:
        raise BadCall(f"{path!r} is no path on the server, such as /admin/v1/models")
    where = parts.path if parts.path.startswith("/") else f"/admin/v1/{parts.path}"
    return Call(
        method=method.upper(),
        path=where,
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        body=None if body is None else Raw(body),
        headers=tuple(headers),
        returns=bytes,
        asks=method.upper() in _READS,
    )
