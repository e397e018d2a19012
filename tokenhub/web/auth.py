"""Who may use the admin API: whoever has the admin token.

The guard stands before every route, and lets a request pass without a token only where the route
itself is marked as open. It reads the matched route, never the URL: no spelling of a path can
get around it.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from tokenhub.core.errors import Unauthenticated
from tokenhub.ports.snapshot import Snapshot

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], None]

# The mark of a route that answers anybody: `@get(..., opt=OPEN)`.
_MARK = "open_to_all"
OPEN = {_MARK: True}


def admin_only(token: Snapshot[str]) -> Guard:
    """The guard; it reads the token anew each time, so that a new one holds at once."""

    def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        if handler.opt.get(_MARK) is True:
            return
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise Unauthenticated("missing admin token", code="missing_admin_token")
        if not same(given.strip(), token.current):
            raise Unauthenticated("invalid admin token", code="invalid_admin_token")

    return guard


def same(given: str, token: str) -> bool:
    """Whether the token fits, in a time that tells nothing of it. An empty one fits nothing."""
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, token)]
    return bool(token) and hmac.compare_digest(*digests)
