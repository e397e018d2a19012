"""A provider over HTTP, whatever its format: OpenAI, Anthropic, vLLM, and those that copy them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle, islice

import msgspec

from tokenhub.adapters.providers.connection import Response
from tokenhub.adapters.providers.failing import FAILURES, hushed, refusal, source, understood
from tokenhub.adapters.providers.stream import HttpStream, refuse_unless_stream
from tokenhub.adapters.providers.transport import (
    Target,
    Transport,
    Watch,
    header_lines,
    target,
    whole,
)
from tokenhub.adapters.providers.vendors import Vendor, features
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.errors import BadRequest
from tokenhub.core.failures import Kind
from tokenhub.dialects.exchange import Exchange, exchange
from tokenhub.dialects.translation import Unsayable
from tokenhub.ports.clock import Clock
from tokenhub.ports.provider import UpstreamError
from tokenhub.wire.openai import ProviderModels

_OK = 200
# To translate more than this takes tens of milliseconds, so that it is done beside the loop.
LARGE_BYTES = 256 << 10
# A call that has no time left ends at once, but ends as one that was late.
_LEAST_S = 0.001
# How long an endpoint that failed is left out, while others of its provider are there.
REST_S = 10.0
_ENDPOINT_FAULTS = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.OVERLOADED, Kind.TIMEOUT})
_ALWAYS = {"Content-Type": "application/json", "Accept": "*/*", "Accept-Encoding": "identity"}
_MODELS = msgspec.json.Decoder(ProviderModels)


class HttpProvider:
    """`endpoints` take turns, a request each; `secret` is asked anew for every call.

    It is never kept: whoever holds it may lock it away. `peek` is asked for lists of models.

    `strict` refuses what the vendor has no words for; otherwise an answer tells what was dropped.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        vendor: Vendor,
        transport: Transport,
        secret: Callable[[], bytes | None],
        clock: Clock,
        peek: Callable[[], bytes | None] | None = None,
        strict: bool = False,
    ) -> None:
        self._vendor = vendor
        self._turns = {
            task: Turns([target("POST", f"{base}{path}") for base in endpoints])
            for task, path in vendor.paths.items()
        }
        self._lists = Turns([target("GET", f"{base}{vendor.models}") for base in endpoints])
        self._endpoints = len(endpoints)
        self._transport = transport
        self._secret = secret
        self._peek = peek or secret
        self._clock = clock
        self._strict = strict
        self._lines = header_lines(_ALWAYS | vendor.headers)

    async def complete(self, ask: Ask, model_id: str, *, within_s: float) -> Answer:
        if len(ask.payload) <= LARGE_BYTES:
            words, body, turns = self._said(ask, model_id)
        else:
            clock = asyncio.get_running_loop().time
            end = clock() + within_s
            words, body, turns = await asyncio.to_thread(self._said, ask, model_id)
            within_s = max(_LEAST_S, end - clock())
        url = turns.next()
        try:
            response = await self._post(url, ask, body, within_s)
            if response.status != _OK:
                raise await refusal(response, self._vendor.error_of)
            body = await whole(response)
            if len(body) <= LARGE_BYTES:
                return _answer(words, body)
            return await asyncio.to_thread(_answer, words, body)
        except FAILURES as error:
            raise turns.failed(url, self._understood(error)) from source(error)

    async def open(
        self, ask: Ask, model_id: str, *, idle_s: float, begin_s: float, within_s: float
    ) -> HttpStream:
        began = asyncio.get_running_loop().time()
        if len(ask.payload) <= LARGE_BYTES:
            words, body, turns = self._said(ask, model_id)
        else:
            words, body, turns = await asyncio.to_thread(self._said, ask, model_id)
        head_s = min(idle_s, begin_s)
        url = turns.next()
        try:
            response = await self._post(url, ask, body, head_s)
            if response.status != _OK:
                raise await refusal(response, self._vendor.error_of)
            refuse_unless_stream(response)
            response.lift_deadline()
            watch = Watch(response, idle_s=idle_s, end=began + begin_s)
            stream = HttpStream(
                response, words.follower(), watch, dropped=words.dropped, meaning=self._understood
            )
            await stream.begin()
            watch.until(began + within_s)
        except FAILURES as error:
            raise turns.failed(url, self._understood(error)) from source(error)
        return stream

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        """Of the first endpoint that has a list: the others serve the same, and some may rest."""
        for left in range(self._endpoints, 1, -1):
            began = asyncio.get_running_loop().time()
            try:
                return await self._listed(within_s / left)
            except UpstreamError as error:
                if error.kind not in _ENDPOINT_FAULTS:
                    raise
            within_s = max(_LEAST_S, within_s - (asyncio.get_running_loop().time() - began))
        return await self._listed(within_s)

    async def _listed(self, within_s: float) -> Sequence[Mapping[str, str]]:
        url = self._lists.next()
        try:
            headers = self._headers(self._lines, self._peek())
            response = await self._transport.request(url, headers, within_s=within_s)
            if response.status != _OK:
                raise await refusal(response, self._vendor.error_of)
            body = await whole(response)
        except FAILURES as error:
            raise self._lists.failed(url, self._understood(error)) from source(error)
        try:
            found = _MODELS.decode(body).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamError(Kind.BROKEN, status=_OK) from error
        return [{"id": model.id, "owned_by": model.owned_by} for model in found]

    def _said(self, ask: Ask, model_id: str) -> tuple[Exchange, bytes, "Turns"]:
        """The request in the vendor's words, and the endpoints for it."""
        turns = self._turns.get(ask.task)
        try:
            if turns is None:
                raise _not_offered(ask.task)
            words = exchange(ask, self._vendor.speech, created=int(self._clock.now()))
            body = words.payload(model_id)
            if words.dropped and self._strict:
                raise _unsaid(words.dropped)
        except (Unsayable, BadRequest) as error:
            raise understood(error) from error
        return words, body, turns

    def _understood(self, error: Exception, *, status: int = 0) -> UpstreamError:
        """What a failure means, without our key in what the provider says of it."""
        return hushed(understood(error, status=status), self._peek)

    def _post(self, url: Target, ask: Ask, body: bytes, within_s: float) -> Awaitable[Response]:
        own = features(ask, self._vendor)
        lines = header_lines(_ALWAYS | self._vendor.headers | dict(own)) if own else self._lines
        if ask.trace:
            lines = b"%btraceparent: %b\r\n" % (lines, ask.trace)
        headers = self._headers(lines, self._secret())
        return self._transport.request(url, headers, within_s=within_s, body=body)

    def _headers(self, lines: bytes, secret: bytes | None) -> bytes:
        """The headers of a call: these, and the key, which was checked when it was given."""
        return b"%b%b%b\r\n" % (lines, self._vendor.credential, secret) if secret else lines


def _not_offered(task: str) -> Unsayable:
    return Unsayable(f"the provider of this model does not offer {task}", field="model")


def _unsaid(names: Sequence[str]) -> Unsayable:
    return Unsayable(
        f"the provider of this model has no counterpart of {', '.join(names)}; leave them out, or "
        "set TOKENHUB_STRICT_PARAMS=false to have them dropped",
        field=names[0],
        code="unsupported_parameter",
    )


def _answer(words: Exchange, body: bytes) -> Answer:
    try:
        return words.answer(body)
    except ValueError as error:
        raise understood(error, status=_OK) from error


class Turns:
    """Endpoints that take turns. One that failed is left out for REST_S, while others are left."""

    def __init__(self, urls: Sequence[Target]) -> None:
        self._urls = urls
        self._turn = cycle(urls)
        self._resting: dict[Target, float] = {}

    def next(self) -> Target:
        if not self._resting:
            return next(self._turn)
        now = asyncio.get_running_loop().time()
        self._resting = {url: until for url, until in self._resting.items() if until > now}
        rested = (url for url in islice(self._turn, len(self._urls)) if url not in self._resting)
        return next(rested, None) or next(self._turn)

    def failed(self, url: Target, error: UpstreamError) -> UpstreamError:
        """The error, once it is noted. No frame of its traceback may name it in a variable.

        That were a cycle, which holds all that had come until the next collection.
        """
        if error.kind in _ENDPOINT_FAULTS and len(self._urls) > 1:
            self._resting[url] = asyncio.get_running_loop().time() + REST_S
        return error
