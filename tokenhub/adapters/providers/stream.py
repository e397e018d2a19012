"""A streamed answer as it comes over HTTP."""

import asyncio
from typing import Protocol

from tokenhub.adapters.providers.connection import Response
from tokenhub.adapters.providers.failing import understood
from tokenhub.adapters.providers.transport import Watch, refuse_encoded
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage
from tokenhub.dialects.translation import Follower
from tokenhub.ports.provider import UpstreamError
from tokenhub.wire import sse

_OK = 200
# What may come before the first piece of an answer.
MAX_BEFORE_BYTES = 1 << 20
# All of a stream: about 300 bytes go over the wire for a token, and 128 Ki tokens are the longest
# answers that vendors sell.
MAX_STREAM_BYTES = 128 << 20
# How long after a stream's last event the end of its HTTP body may come.
LAST_CHUNK_S = 0.25


class Meaning(Protocol):
    """Says what a failure of a stream means."""

    def __call__(self, error: Exception, *, status: int) -> UpstreamError: ...


class HttpStream:
    """A provider's stream on its way to the caller, in the caller's dialect."""

    booked = False

    def __init__(
        self,
        response: Response,
        follower: Follower,
        watch: Watch,
        *,
        dropped: tuple[str, ...],
        meaning: Meaning = understood,
    ) -> None:
        self.dropped = dropped
        self._response = response
        self._follower = follower
        self._watch = watch
        self._meaning = meaning
        self._first = b""
        self._came_bytes = 0
        self._fault: ValueError | None = None

    @property
    def terminal(self) -> bytes:
        return self._follower.terminal

    @property
    def waited_s(self) -> float:
        return self._watch.waited_s

    @property
    def usage(self) -> Usage | None:
        return self._follower.usage

    @property
    def output_tokens(self) -> int:
        return self._follower.output_tokens

    async def begin(self) -> None:
        """Read until the answer has begun; what came so far is kept for the first `next`.

        A provider may send much that is no answer, comments above all: beyond MAX_BEFORE_BYTES it
        is refused, whether or not any of that would be handed on. So is a stream that ends before
        it has begun: another provider may answer.
        """
        try:
            self._first = await self._opening()
        except BaseException:
            self.close()
            raise

    async def next(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        while not self._follower.done:
            if part := await self._read():
                return part
        return b""

    def close(self) -> None:
        """Hang up on a provider that is not through.

        A connection whose response has ended is back in the pool already, and stays there. Where
        only the end of the HTTP body is missing, it may come: many servers send it by itself.
        """
        self._watch.cancel()
        if self._follower.done and not self._response.ended:
            asyncio.get_running_loop().call_later(LAST_CHUNK_S, self._response.close)
        else:
            self._response.close()

    async def _opening(self) -> bytes:
        parts = []
        while True:
            parts.append(await self._read())
            if self._follower.started and self._fault is None:
                return b"".join(parts)
            refuse_beyond(self._came_bytes, MAX_BEFORE_BYTES)
            if self._follower.done:
                raise UpstreamError(Kind.BROKEN, status=_OK)

    async def _read(self) -> bytes:
        if self._fault is not None:
            raise self._failed(self._fault) from self._fault
        data = b""
        try:
            self._watch.began()
            try:
                data = await self._response.some()
            finally:
                self._watch.saw(data)
            if data:
                self._came_bytes += len(data)
                refuse_beyond(self._came_bytes, MAX_STREAM_BYTES)
                return self._fed(data)
            last = self._follower.end()
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        if self._follower.done and not self._watch.expired:
            return last
        raise self._failed(ConnectionResetError())

    def _fed(self, data: bytes) -> bytes:
        """What the caller is to hear of it. Events before a bad one are heard before its error."""
        portions = sse.portions(data)
        if len(portions) == 1:
            return self._follower.feed(data)
        heard = bytearray()
        try:
            for portion in portions:
                heard += self._follower.feed(portion)
        except ValueError as error:
            self._fault = error
            if not heard:
                raise
        return bytes(heard)

    def _failed(self, error: Exception) -> UpstreamError:
        self.close()
        if self._watch.expired:
            return UpstreamError(Kind.TIMEOUT, status=_OK)
        return self._meaning(error, status=_OK)


def refuse_beyond(size: int, most: int) -> None:
    """Raise UpstreamError for a provider that sends more than it may."""
    if size > most:
        raise UpstreamError(Kind.BROKEN, status=_OK)


def refuse_unless_stream(response: Response) -> None:
    refuse_encoded(response)
    kind, _, _ = response.header(b"content-type").partition(";")
    if kind.strip().lower() != "text/event-stream":
        response.close()
        raise UpstreamError(Kind.BROKEN, status=response.status)
