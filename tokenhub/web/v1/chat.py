"""`POST /v1/chat/completions` and `POST /v1/chat`: decode, ask the gateway, answer."""

from collections.abc import Callable

from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Route
from tokenhub.core.errors import TokenHubError, TooLarge, UnsupportedMediaType
from tokenhub.core.money import usd
from tokenhub.dialects import native
from tokenhub.dialects.openai.ask import to_ask
from tokenhub.gateway.pipeline import Answered, Gateway, Streaming
from tokenhub.gateway.run import Arrival
from tokenhub.web.errors import render
from tokenhub.web.v1.exchange import (
    EVENTS,
    JSON,
    NOSNIFF,
    Gone,
    Headers,
    Incoming,
    Receive,
    Scope,
    Send,
    body_of,
    refuse,
    respond,
    text,
)
from tokenhub.wire import sse


class Chat:
    """One route: `to_ask` reads the body, `to_body` writes a whole answer."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        to_ask: Callable[..., Ask],
        to_body: Callable[[Answered], bytes],
    ) -> None:
        self._gateway = gateway
        self._to_ask = to_ask
        self._to_body = to_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:
        try:
            incoming = Incoming(scope["headers"])
            ask = self._to_ask(await body_of(incoming, receive), substitute=incoming.substitute)
            if ask.stream:
                await relay(await self._gateway.stream(ask, incoming.key, arrival), send)
            else:
                answered = await self._gateway.complete(ask, incoming.key, arrival)
                await respond(send, 200, routed(answered), self._to_body(answered))
        except (TooLarge, UnsupportedMediaType) as error:
            told = render(error, dialect="openai", request_id=arrival.request_id)
            await refuse(send, receive, *told)
        except TokenHubError as error:
            await respond(send, *render(error, dialect="openai", request_id=arrival.request_id))
        except Gone:
            return


def completions(gateway: Gateway) -> Chat:
    """The OpenAI format: a provider's answer goes out byte for byte."""
    return Chat(gateway, to_ask=to_ask, to_body=lambda a: a.body)


def native_chat(gateway: Gateway) -> Chat:
    """TokenHub's own format: the answer in an envelope that says how it was chosen."""
    return Chat(gateway, to_ask=native.to_ask, to_body=_enveloped)


async def relay(streaming: Streaming, send: Send) -> None:
    """Send the events as they come. A caller who hangs up has this task cancelled (protocol.py)."""
    try:
        await _events(streaming, send)
    except BaseException as error:
        streaming.abandon(error)
        raise


async def _events(streaming: Streaming, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _stream_head(streaming)})
    try:
        while events := await streaming.next():
            await send({"type": "http.response.body", "body": events, "more_body": True})
        last = await streaming.finish()
    except TokenHubError as error:
        last = _error_event(error, streaming.run.request_id)
    await send({"type": "http.response.body", "body": last})


def _error_event(error: TokenHubError, request_id: str) -> bytes:
    """What both official SDKs raise as an error in the middle of a stream (reliability.md 3.3)."""
    _, _, body = render(error, dialect="openai", request_id=request_id)
    return sse.event(body)


def routed(answered: Answered) -> Headers:
    """How a whole answer came to be, in headers."""
    outcome = answered.outcome
    return [
        JSON,
        NOSNIFF,
        *_chosen(outcome.model_id, outcome.provider_id, outcome.reason, len(outcome.attempts)),
        (b"x-request-id", outcome.request_id.encode()),
        (b"x-tokenhub-overhead-ms", b"%.3f" % (answered.overhead_s * 1000)),
    ]


def _stream_head(streaming: Streaming) -> Headers:
    run = streaming.run
    route = run.route
    assert isinstance(route, Route)
    return [
        *EVENTS,
        *_chosen(route.model.id, route.provider.id, run.reason, len(run.attempts) + 1),
        (b"x-request-id", run.request_id.encode()),
        (b"x-tokenhub-overhead-ms", b"%.3f" % (streaming.overhead_s * 1000)),
    ]


def _chosen(model: str, provider: str, reason: str, attempts: int) -> Headers:
    name = text(model)
    return [
        (b"x-negotiated-model", name),
        (b"x-tokenhub-model", name),
        (b"x-tokenhub-provider", text(provider)),
        (b"x-tokenhub-reason", reason.encode()),
        (b"x-tokenhub-attempts", b"%d" % attempts),
    ]


def _enveloped(answered: Answered) -> bytes:
    outcome = answered.outcome
    cost = outcome.cost_nusd
    return native.answer(
        answered.body,
        model_id=outcome.model_id,
        reason=outcome.reason,
        cost_usd=None if cost is None else usd(cost),
    )
