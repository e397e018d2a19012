"""HTTP to providers: one aiohttp session each for the life of the process.

A provider is not trusted more than a stranger: no redirects (they would carry our key to another
origin), no compression (a bomb), no cookies, a cap on what is read, and a limit on every wait.
"""

import asyncio
from collections.abc import Awaitable
from email.utils import mktime_tz, parsedate_tz
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

# For the name, all its addresses and TLS together. A connection of the pool takes no time.
CONNECT_S = 5.0
# The part of a short deadline within which the connection must stand.
HURRY = 0.9
MAX_ANSWER_BYTES = 32 << 20
MAX_ERROR_BYTES = 64 << 10
# Past a minute a provider is down rather than busy (reliability.md 2.5).
MAX_RETRY_AFTER_S = 60.0


class Transport:
    """The session is made on first use, inside the running loop.

    `resolver` stands for the system's resolution of names.
    """

    def __init__(self, *, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    def request(
        self,
        method: str,
        url: URL,
        *,
        headers: CIMultiDict[str],
        within_s: float,
        body: bytes | None = None,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """The response's head; any status. Raises what aiohttp raises: see `failure`.

        Who has less time than a connection may take is told apart: what could not be connected
        within it was not sent either.
        """
        session = self._session or self._open()
        if within_s > CONNECT_S:
            return session.request(method, url, data=body, headers=headers, allow_redirects=False)
        hurried = aiohttp.ClientTimeout(total=None, connect=within_s * HURRY)
        return session.request(
            method, url, data=body, headers=headers, allow_redirects=False, timeout=hurried
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            skip_auto_headers=("User-Agent",),
            auto_decompress=False,
        )
        return self._session


class Within:
    """`with Within(seconds):` raises TimeoutError in the task that takes longer.

    It does what `asyncio.timeout` does, for less than half its cost: that one is an asynchronous
    context manager, and every request enters it.
    """

    __slots__ = ("_before", "_late", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self._late = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self._late:
            return
        # Somebody else may have cancelled the task as well: that is theirs, and goes on.
        ours = self._task.uncancel() <= self._before
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _expire(self) -> None:
        self._late = True
        self._task.cancel()


def failure(error: Exception) -> UpstreamError:
    """What an error of the connection means."""
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return UpstreamError(Kind.UNREACHABLE)
    if isinstance(error, TimeoutError):
        return UpstreamError(Kind.TIMEOUT)
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.InvalidURL, ValueError)):
        return UpstreamError(Kind.BROKEN)
    return UpstreamError(Kind.LOST)


async def whole(response: aiohttp.ClientResponse, *, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The body. Raises UpstreamError when it is larger than `limit` or compressed."""
    refuse_encoded(response)
    if response.content_length is not None and response.content_length <= limit:
        return await response.read()
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.content.iter_any():
            size += len(part)
            if size > limit:
                raise UpstreamError(Kind.BROKEN, status=response.status)
            parts.append(part)
    finally:
        response.close()  # one that was read to its end is back in the pool already
    return b"".join(parts)


def encoded(response: aiohttp.ClientResponse) -> bool:
    return response.headers.get("Content-Encoding", "").lower() not in {"", "identity"}


def refuse_encoded(response: aiohttp.ClientResponse) -> None:
    """We asked for identity: anything else is refused, as it may be a bomb."""
    if encoded(response):
        response.close()
        raise UpstreamError(Kind.BROKEN, status=response.status)


async def beginning(response: aiohttp.ClientResponse) -> bytes:
    """As much of an error's body as is worth reading."""
    if encoded(response):
        return b""
    body = b""
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_ERROR_BYTES:
            break
    return body[:MAX_ERROR_BYTES]


def retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """The wait that a provider asks for, in seconds, at most MAX_RETRY_AFTER_S.

    A date is taken relative to the response's own `Date`, since our clock may be wrong. None for
    what is missing, negative or no time.
    """
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    then = parsedate_tz(value)
    now = parsedate_tz(response.headers.get("Date", ""))
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

    def __init__(self, response: aiohttp.ClientResponse, *, idle_s: float, end: float) -> None:
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
