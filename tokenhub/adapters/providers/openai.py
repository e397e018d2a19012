"""A provider that speaks the OpenAI format: OpenAI, vLLM, and the many that copy them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle, islice

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from tokenhub.adapters.providers.transport import (
    Transport,
    Watch,
    Within,
    beginning,
    failure,
    refuse_encoded,
    retry_after_s,
    whole,
)
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.failures import Kind, classify
from tokenhub.core.outcome import Usage
from tokenhub.dialects.openai import passing
from tokenhub.dialects.told import Told, ToldError
from tokenhub.ports.provider import UpstreamError
from tokenhub.wire.openai import ProviderModels

_OK = 200
_MAX_MESSAGE = 500
# What may come before the first piece of an answer.
MAX_BEFORE_BYTES = 1 << 20
# How long an endpoint that failed is left out, while others of its provider are there.
REST_S = 10.0
_ENDPOINT_FAULTS = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.OVERLOADED, Kind.TIMEOUT})
# How long after a stream's last event the end of its HTTP body may come.
LAST_CHUNK_S = 0.25
# All that a call can end with, but for a cancellation.
FAILURES = (UpstreamError, TimeoutError, aiohttp.ClientError, OSError, ValueError)
_MODELS = msgspec.json.Decoder(ProviderModels)


class OpenAIProvider:
    """`endpoints` take turns, a request each; `secret` is asked anew for every call."""

    def __init__(
        self, endpoints: Sequence[str], *, transport: Transport, secret: Callable[[], str | None]
    ) -> None:
        self._chat = Turns([URL(f"{base}/v1/chat/completions") for base in endpoints])
        self._list = URL(f"{endpoints[0]}/v1/models")
        self._transport = transport
        self._secret = secret
        self._kept: tuple[str | None, CIMultiDict[str]] = (None, CIMultiDict())

    async def complete(self, ask: Ask, model_id: str, *, within_s: float) -> Answer:
        url = self._chat.next()
        try:
            with Within(within_s):
                response = await self._post(url, passing.payload(ask, model_id), within_s)
                if response.status != _OK:
                    raise await refusal(response)
                body = await whole(response)
            return self._answer(body)
        except FAILURES as error:
            failed = understood(error)
            self._chat.failed(url, failed.kind)
            raise failed from _source(error)

    def _answer(self, body: bytes) -> Answer:
        try:
            return Answer(body=body, usage=passing.usage_of(body))
        except ValueError as error:
            raise understood(error, status=_OK) from error

    async def open(
        self, ask: Ask, model_id: str, *, idle_s: float, within_s: float
    ) -> "OpenAIStream":
        end = asyncio.get_running_loop().time() + within_s
        head_s = min(idle_s, within_s)
        url = self._chat.next()
        try:
            with Within(head_s):
                response = await self._post(url, passing.payload(ask, model_id), head_s)
                if response.status != _OK:
                    raise await refusal(response)
            refuse_unless_stream(response)
            stream = OpenAIStream(
                response,
                passing.StreamReader(hide_usage=not ask.wants_usage),
                Watch(response, idle_s=idle_s, end=end),
            )
            await stream.begin()
        except FAILURES as error:
            failed = understood(error)
            self._chat.failed(url, failed.kind)
            raise failed from _source(error)
        return stream

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        try:
            with Within(within_s):
                response = await self._transport.request(
                    "GET", self._list, headers=self._headers(), within_s=within_s
                )
                if response.status != _OK:
                    raise await refusal(response)
                body = await whole(response)
        except FAILURES as error:
            raise understood(error) from _source(error)
        try:
            found = _MODELS.decode(body).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamError(Kind.BROKEN, status=_OK) from error
        return [{"id": model.id, "owned_by": model.owned_by} for model in found]

    def _post(self, url: URL, body: bytes, within_s: float) -> Awaitable[aiohttp.ClientResponse]:
        return self._transport.request(
            "POST", url, headers=self._headers(), within_s=within_s, body=body
        )

    def _headers(self) -> CIMultiDict[str]:
        """The headers of every call, made anew when the secret has changed."""
        secret = self._secret()
        known, headers = self._kept
        if headers and known == secret:
            return headers
        headers = CIMultiDict({"Content-Type": "application/json", "Accept-Encoding": "identity"})
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        self._kept = (secret, headers)
        return headers


class Turns:
    """Endpoints that take turns. One that failed is left out for REST_S, while others are left."""

    def __init__(self, urls: Sequence[URL]) -> None:
        self._urls = urls
        self._turn = cycle(urls)
        self._resting: dict[URL, float] = {}

    def next(self) -> URL:
        if not self._resting:
            return next(self._turn)
        now = asyncio.get_running_loop().time()
        self._resting = {url: until for url, until in self._resting.items() if until > now}
        rested = (url for url in islice(self._turn, len(self._urls)) if url not in self._resting)
        return next(rested, None) or next(self._turn)

    def failed(self, url: URL, kind: Kind) -> None:
        if kind in _ENDPOINT_FAULTS and len(self._urls) > 1:
            self._resting[url] = asyncio.get_running_loop().time() + REST_S


class OpenAIStream:
    """A stream of the OpenAI format on its way to a caller of the same."""

    terminal = passing.DONE

    def __init__(
        self, response: aiohttp.ClientResponse, reader: passing.StreamReader, watch: Watch
    ) -> None:
        self._response = response
        self._reader = reader
        self._watch = watch
        self._first = b""

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage

    @property
    def output_tokens(self) -> int:
        return self._reader.output_tokens

    async def begin(self) -> None:
        """Read until the answer has begun; what came so far is kept for the first `next`.

        A provider may send much that is no answer, comments above all: beyond MAX_BEFORE_BYTES it
        is refused.
        """
        parts = []
        size = 0
        try:
            while not self._reader.started:
                part = await self._read()
                if not part and self._reader.done:
                    break
                parts.append(part)
                size = enough(size + len(part))
        except BaseException:
            self.close()
            raise
        self._first = b"".join(parts)

    async def next(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        while not self._reader.done:
            if part := await self._read():
                return part
        return b""

    def close(self) -> None:
        """Hang up on a provider that is not through.

        A connection whose response has ended is back in the pool already, and stays there. Where
        only the end of the HTTP body is missing, it may come: many servers send it by itself.
        """
        self._watch.cancel()
        if self._reader.done and self._response.connection is not None:
            asyncio.get_running_loop().call_later(LAST_CHUNK_S, self._response.close)
        else:
            self._response.close()

    async def _read(self) -> bytes:
        try:
            self._watch.began()
            data = await self._response.content.readany()
            self._watch.saw()
            if data:
                return self._reader.feed(data)
            self._reader.end()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self.close()
            if self._watch.expired:
                raise UpstreamError(Kind.TIMEOUT, status=_OK) from error
            # What comes in the middle of an answer cannot be mended by asking somebody else.
            late = isinstance(error, ValueError) and self._reader.started
            raise understood(ValueError() if late else error, status=_OK) from error
        if self._reader.done and not self._watch.expired:
            return b""
        self.close()
        raise UpstreamError(Kind.TIMEOUT if self._watch.expired else Kind.LOST, status=_OK)


def enough(size: int) -> int:
    """The size, if it may still grow. Raises UpstreamError beyond MAX_BEFORE_BYTES."""
    if size > MAX_BEFORE_BYTES:
        raise UpstreamError(Kind.BROKEN, status=_OK)
    return size


def refuse_unless_stream(response: aiohttp.ClientResponse) -> None:
    refuse_encoded(response)
    if response.content_type != "text/event-stream":
        response.close()
        raise UpstreamError(Kind.BROKEN, status=response.status)


def understood(error: Exception, *, status: int = 0) -> UpstreamError:
    """Any failure of a call as what it means."""
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, ToldError):
        return told(error.error, error.status, retry_after_s=None)
    failed = failure(error)
    return UpstreamError(failed.kind, status=status) if status else failed


def _source(error: Exception) -> BaseException | None:
    """What to name as the cause of an UpstreamError: never itself."""
    return error.__cause__ if isinstance(error, UpstreamError) else error


def told(error: Told, status: int, *, retry_after_s: float | None) -> UpstreamError:
    """What a provider's own error means."""
    code = str(error.code) if error.code else ""
    return UpstreamError(
        classify(status, f"{code} {error.type or ''} {error.message}"),
        status=status,
        message=error.message[:_MAX_MESSAGE],
        code=code,
        field=error.param or "",
        retry_after_s=retry_after_s,
    )


async def refusal(response: aiohttp.ClientResponse) -> UpstreamError:
    """What a response other than 200 means; the connection is let go."""
    try:
        error = passing.error_of(await beginning(response))
    finally:
        response.release()
    return told(error, response.status, retry_after_s=retry_after_s(response))
