"""Which pages of other sites may call `/v1` from a browser (the Fetch standard's CORS protocol).

Callers bring an API key of their own and never a cookie, so any origin may be let in, and
credentials are never allowed. The admin API has none of this.
"""

import re
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from tokenhub.web.v1.exchange import Headers, Scope, Send

ANY = "*"
# As long as the original let a browser remember it.
MAX_AGE_S = 300
METHODS = b"GET, POST"
_EXPOSED = b", ".join(
    [
        b"request-id", b"retry-after", b"x-negotiated-model", b"x-request-id", b"x-should-retry",
        *(b"x-tokenhub-" + name for name in (
            b"attempts", b"dropped-params", b"model", b"overhead-ms", b"provider", b"reason",
        )),
        *(
            b"x-ratelimit-" + part + of
            for part in (b"limit", b"remaining", b"reset")
            for of in (b"-requests", b"-tokens")
        ),
    ]
)  # fmt: skip
# A list of header names (RFC 9110 5.6.2), as browsers send it: lower case, sorted, by commas.
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:[ \t]*,[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
_MAX_NAMES_BYTES = 2048


class Cors:
    """Lets in the pages of these origins: `*` for all, none for none."""

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._any = ANY in origins
        self._known = frozenset(origin.lower().encode("latin-1", "replace") for origin in origins)
        self.on = bool(origins)

    def telling(self, scope: Scope, send: Send) -> Send:
        """A `send` that tells the browser that a page which is let in may read the answer.

        The same `send` where no such page asks.
        """
        origin = self._origin(scope["headers"])
        if not origin:
            return send
        told = self._told(origin)

        async def and_tell(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        return and_tell

    def preflight(self, scope: Scope) -> Headers | None:
        """The answer to a browser that asks whether a page may send; None where none asks.

        Whatever headers it names are allowed: an SDK has many of its own, and none of them opens
        anything without a key.
        """
        if scope["method"] != "OPTIONS" or not self._origin(scope["headers"]):
            return None
        asked = dict(scope["headers"])
        if b"access-control-request-method" not in asked:
            return None
        names = asked.get(b"access-control-request-headers", b"").strip()
        headers: Headers = [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-max-age", b"%d" % MAX_AGE_S),
        ]
        if len(names) <= _MAX_NAMES_BYTES and _NAMES.fullmatch(names):
            headers.append((b"access-control-allow-headers", names))
        return headers

    def _origin(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The origin of a request from a page that is let in; empty for any other request."""
        for name, value in headers:
            if name == b"origin":
                return value if self._any or value.lower() in self._known else b""
        return b""

    def _told(self, origin: bytes) -> Headers:
        exposed = (b"access-control-expose-headers", _EXPOSED)
        if self._any:
            return [(b"access-control-allow-origin", b"*"), exposed]
        # The answer differs by origin, which a cache must know.
        return [(b"access-control-allow-origin", origin), (b"vary", b"origin"), exposed]


NO_CORS = Cors()
