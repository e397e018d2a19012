"""HTTP to providers: pools of connections, for the life of the process.

A provider is not trusted more than a stranger: no redirects (they would carry our key to another
origin), no compression (a bomb), no cookies, a cap on what is read, and a limit on every wait.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from email.utils import mktime_tz, parsedate_tz
from urllib.parse import quote

import msgspec

from tokenhub.adapters.providers.connection import Response
from tokenhub.adapters.providers.pool import (
    ConnectError,
    NotAllowed,
    Origin,
    Pool,
    Resolve,
    system,
)
from tokenhub.core.destinations import CODE, Destinations
from tokenhub.core.failures import Kind
from tokenhub.core.urls import origin
from tokenhub.ports.provider import UpstreamError
from tokenhub.ports.snapshot import Snapshot

# For the name, all its addresses and TLS together. A connection of the pool takes no time.
CONNECT_S = 5.0
# The part of a short deadline within which the connection must stand.
HURRY = 0.9
MAX_ANSWER_BYTES = 32 << 20
MAX_ERROR_BYTES = 64 << 10
# Past a minute a provider is down rather than busy (reliability.md 2.5).
MAX_RETRY_AFTER_S = 60.0
# Of a header that goes out: a token (RFC 9110, 5.6.2), and printable ASCII without a space at
# either end. What else the standard lets pass is of no use, and read differently by servers.
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VALUE = re.compile(r"(?:[!-~](?:[ !-~]*[!-~])?)?")
# What a URL's path and query may hold as they stand (RFC 3986, 3.3 and 3.4), and what is
# percent-encoded already.
_AS_IT_STANDS = "/%:@!$&'()*+,;=~?"


class Target(msgspec.Struct, frozen=True):
    """Where a request goes: the origin, and the first two lines of its head."""

    origin: Origin
    lines: bytes


def target(method: str, url: str) -> Target:
    """`url` is a base URL (core.urls) with a path behind it."""
    _, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host = authority if authority.isascii() else authority.encode("idna").decode()
    asked = quote(slash + path, safe=_AS_IT_STANDS)
    scheme, name, port = origin(url)
    where = name if name.isascii() else name.encode("idna").decode()
    return Target((scheme, where, port), f"{method} {asked} HTTP/1.1\r\nHost: {host}\r\n".encode())


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent. Raises ValueError for what no header may hold."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header holds what no header may")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()


class Transport:
    """Calls go to what is `allowed`. `resolve` stands for the system's resolution of names."""

    def __init__(self, *, allowed: Snapshot[Destinations], resolve: Resolve = system) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._pools: dict[Origin, Pool] = {}

    def request(
        self, target: Target, headers: bytes, *, within_s: float, body: bytes | None = None
    ) -> Awaitable[Response]:
        """The response's head; any status. All of it must come `within_s` (see Response).

        Raises what `Response.some` raises, and ConnectError.
        """
        if body is None:
            head, body = b"%b%b\r\n" % (target.lines, headers), b""
        else:
            head = b"%b%bContent-Length: %d\r\n\r\n" % (target.lines, headers, len(body))
        pool = self._pools.get(target.origin)
        if pool is None:
            pool = self._pools[target.origin] = Pool(
                target.origin, resolve=self._resolve, allowed=self._allowed
            )
        if free := pool.free():
            return free.exchange(head, body, within_s).head()
        return _over_a_new_one(pool, head, body, within_s)

    async def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


async def _over_a_new_one(pool: Pool, head: bytes, body: bytes, within_s: float) -> Response:
    """Who has less time than a connection may take is told apart.

    What could not be connected within it was not sent either.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + within_s
    connection = await pool.connect(min(CONNECT_S, within_s * HURRY))
    return await connection.exchange(head, body, end - clock()).head()


def failure(error: Exception) -> UpstreamError:
    """What an error of the connection means."""
    if isinstance(error, NotAllowed):
        return UpstreamError(Kind.UNREACHABLE, message=str(error), code=CODE)
    if isinstance(error, ConnectError):
        return UpstreamError(Kind.UNREACHABLE)
    if isinstance(error, TimeoutError):
        return UpstreamError(Kind.TIMEOUT)
    if isinstance(error, ValueError):
        return UpstreamError(Kind.BROKEN)
    return UpstreamError(Kind.LOST)


async def whole(response: Response, *, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The body. Raises UpstreamError when it is larger than `limit` or compressed."""
    refuse_encoded(response)
    parts: list[bytes] = []
    size = 0
    try:
        while part := await response.some():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise UpstreamError(Kind.BROKEN, status=response.status)
    finally:
        response.close()  # one that was read to its end is back in the pool already
    return parts[0] if len(parts) == 1 else b"".join(parts)


def encoded(response: Response) -> bool:
    return response.header(b"content-encoding").lower() not in {"", "identity"}


def refuse_encoded(response: Response) -> None:
    """We asked for identity: anything else is refused, as it may be a bomb."""
    if encoded(response):
        response.close()
        raise UpstreamError(Kind.BROKEN, status=response.status)


async def beginning(response: Response) -> bytes:
    """As much of an error's body as is worth reading."""
    if encoded(response):
        return b""
    body = b""
    while len(body) <= MAX_ERROR_BYTES and (part := await response.some()):
        body += part
    return body[:MAX_ERROR_BYTES]


def retry_after_s(response: Response) -> float | None:
    """The wait that a provider asks for, in seconds, at most MAX_RETRY_AFTER_S.

    A date is taken relative to the response's own `Date`, since our clock may be wrong. None for
    what is missing, negative or no time.
    """
    value = response.header(b"retry-after")
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    then = parsedate_tz(value)
    now = parsedate_tz(response.header(b"date"))
    if then is None or now is None:
        return None
    wait = mktime_tz(then) - mktime_tz(now)
    return min(float(wait), MAX_RETRY_AFTER_S) if wait >= 0 else None


class Watch:
    """Closes a stream that pauses longer than `idle_s`, or goes on after `end` (the loop's time).

    One timer for the whole of it, which looks at when the read began: nothing a chunk. Only
    while somebody reads is a pause the provider's: a slow caller's is not. Bytes that end no line
    do not end a pause, so that nobody keeps a stream open by sending one now and then: the event
    that they are of has to come within `idle_s`. `waited_s` is the sum of all waits.
    """

    def __init__(self, response: Response, *, idle_s: float, end: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._idle_s = idle_s
        self._end = end
        self._since = self._loop.time()
        self._turned = self._since
        self._reading = False
        self._within_line = False
        self.waited_s = 0.0
        self.expired = False
        self._timer = self._loop.call_at(min(self._since + idle_s, end), self._look)

    def began(self) -> None:
        self._reading = True
        now = self._loop.time()
        self._since = self._since + now - self._turned if self._within_line else now
        self._turned = now

    def saw(self, data: bytes) -> None:
        self._reading = False
        now = self._loop.time()
        self.waited_s += now - self._turned
        self._turned = now
        self._within_line = b"\n" not in data and b"\r" not in data

    def until(self, end: float) -> None:
        """Let the stream go on until a later end."""
        self._end = end

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if not self._reading:
            self._since = self._turned = now
        until = min(self._since + self._idle_s, self._end)
        if now >= until:
            self.expired = True
            self._response.close()
        else:
            self._timer = self._loop.call_at(until, self._look)
