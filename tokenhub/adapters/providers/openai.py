"""A provider that speaks the OpenAI format: OpenAI, vLLM, and the many that copy them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from tokenhub.adapters.providers.transport import (
    Transport,
    Watch,
    beginning,
    failure,
    refuse_encoded,
    retry_after_s,
    translated,
    whole,
)
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.failures import Kind, classify
from tokenhub.core.outcome import Usage
from tokenhub.dialects import openai
from tokenhub.ports.provider import UpstreamError
from tokenhub.wire.openai import ProviderModels

_OK = 200
_MAX_MESSAGE = 500
# How long after a stream's last event the end of its HTTP body may come.
LAST_CHUNK_S = 0.25
_MODELS = msgspec.json.Decoder(ProviderModels)


class OpenAIProvider:
    """`endpoints` take turns, a request each; `secret` is asked anew for every call."""

    def __init__(
        self, endpoints: Sequence[str], *, transport: Transport, secret: Callable[[], str | None]
    ) -> None:
        self._chat = cycle([URL(f"{base}/v1/chat/completions") for base in endpoints])
        self._list = URL(f"{endpoints[0]}/v1/models")
        self._transport = transport
        self._secret = secret
        self._kept: tuple[str | None, CIMultiDict[str]] = (None, CIMultiDict())

    async def complete(self, ask: Ask, model_id: str, *, within_s: float) -> Answer:
        try:
            async with asyncio.timeout(within_s):
                response = await self._post(openai.payload(ask, model_id), within_s)
                if response.status != _OK:
                    raise await refusal(response)
                body = await whole(response)
        except UpstreamError:
            raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise failure(error) from error
        try:
            return Answer(body=body, usage=openai.usage_of(body))
        except ValueError as error:
            raise UpstreamError(Kind.BROKEN, status=_OK) from error

    async def open(
        self, ask: Ask, model_id: str, *, idle_s: float, within_s: float
    ) -> "OpenAIStream":
        end = asyncio.get_running_loop().time() + within_s
        async with translated():
            async with asyncio.timeout(min(idle_s, within_s)):
                response = await self._post(openai.payload(ask, model_id), min(idle_s, within_s))
                if response.status != _OK:
                    raise await refusal(response)
            if response.content_type != "text/event-stream":
                response.close()
                raise UpstreamError(Kind.BROKEN, status=response.status)
            refuse_encoded(response)
        stream = OpenAIStream(
            response,
            openai.StreamReader(hide_usage=not ask.wants_usage),
            Watch(response, idle_s=idle_s, end=end),
        )
        await stream.begin()
        return stream

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        async with translated(), asyncio.timeout(within_s):
            response = await self._transport.request(
                "GET", self._list, headers=self._headers(), within_s=within_s
            )
            if response.status != _OK:
                raise await refusal(response)
            body = await whole(response)
        try:
            found = _MODELS.decode(body).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamError(Kind.BROKEN, status=_OK) from error
        return [{"id": model.id, "owned_by": model.owned_by} for model in found]

    def _post(self, body: bytes, within_s: float) -> Awaitable[aiohttp.ClientResponse]:
        return self._transport.request(
            "POST", next(self._chat), headers=self._headers(), within_s=within_s, body=body
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


class OpenAIStream:
    """A stream of the OpenAI format on its way to a caller of the same."""

    terminal = openai.DONE

    def __init__(
        self, response: aiohttp.ClientResponse, reader: openai.StreamReader, watch: Watch
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
        """Read until the answer has begun; what came so far is kept for the first `next`."""
        parts = []
        try:
            while not self._reader.started:
                part = await self._read()
                if not part and self._reader.done:
                    break
                parts.append(part)
        except asyncio.CancelledError:
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
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self.close()
            if self._watch.expired:
                raise UpstreamError(Kind.TIMEOUT, status=_OK) from error
            raise UpstreamError(
                Kind.BROKEN if isinstance(error, ValueError) else Kind.LOST, status=_OK
            ) from error
        self.close()
        raise UpstreamError(Kind.TIMEOUT if self._watch.expired else Kind.LOST, status=_OK)


async def refusal(response: aiohttp.ClientResponse) -> UpstreamError:
    """What a response other than 200 means; the connection is let go."""
    try:
        error = openai.error_of(await beginning(response))
    finally:
        response.release()
    code = str(error.code) if error.code else ""
    kind = classify(response.status, f"{code} {error.type or ''} {error.message}")
    return UpstreamError(
        kind,
        status=response.status,
        message=error.message[:_MAX_MESSAGE],
        code=code,
        field=error.param or "",
        retry_after_s=retry_after_s(response),
    )
