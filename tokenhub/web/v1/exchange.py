"""One HTTP exchange of the data plane: raw ASGI, since each layer costs what a request costs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

from tokenhub.core.errors import BadRequest, TokenHubError, TooLarge, UnsupportedMediaType
from tokenhub.dialects.headers import POLICY
from tokenhub.gateway.claims import Claim, Unclaimed
from tokenhub.gateway.run import Run
from tokenhub.web.errors import render
from tokenhub.web.v1.room import STEP_BYTES, Room

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
# Status, headers and body.
Response = tuple[int, Headers, bytes]

# The original's limit (original-behaviour 1.2).
MAX_BODY_BYTES = 10 << 20
# A body of no more than this is not worth a connection.
_SMALL_BYTES = 64 << 10
# How long a body that was refused may go on coming.
LINGER_S = 2.0
_SUBSTITUTE = ("any", "same-model", "never")
# What an Anthropic client says beside the body, and its provider is to hear.
_FEATURES = (b"anthropic-beta", b"anthropic-version")
# Two names of one header: the standard's draft, and the original's documents.
_ONCE = (b"idempotency-key", b"x-idempotency-key")
_MAX_FEATURE_CHARS = 1024
# Names of parameters that are worth a header; more of them are told by their number. Clients and
# proxies give up on a head of 8 KiB or 16, and the answer in it is paid for.
_MAX_DROPPED = 20
_MAX_DROPPED_CHARS = 64
_MAX_DROPPED_BYTES = 1000
# Under it a route leaves in the scope the error with which it has turned a caller away.
TURNED_AWAY = "tokenhub.turned_away"
JSON = (b"content-type", b"application/json")
# No proxy may hold a stream back, nor any browser guess a type.
EVENTS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
NOSNIFF = (b"x-content-type-options", b"nosniff")


class Gone(Exception):
    """The caller left before the request was whole."""


class Incoming:
    """What a request's headers say, read in one pass.

    `policy` are those that make one, as they came.
    `held_bytes` is what its body takes of the room for large ones.
    """

    __slots__ = (
        "again",
        "content_length",
        "content_type",
        "encoding",
        "features",
        "held_bytes",
        "key",
        "once",
        "policy",
        "substitute",
    )

    def __init__(  # noqa: C901, PLR0912 - one pass over the headers, a branch each
        self, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self.key: str | None = None
        self.policy: tuple[tuple[bytes, bytes], ...] = ()
        self.content_type = b""
        self.content_length = 0
        self.held_bytes = 0
        self.encoding = b""
        self.once: tuple[bytes, ...] = ()
        self.again = b""
        self.features: tuple[tuple[str, str], ...] = ()
        spare: str | None = None
        substitute: str | None = None
        for name, value in headers:
            if name == b"authorization":
                if value[:7].lower() == b"bearer ":  # RFC 9110 11.1: any case
                    self.key = value[7:].decode("latin-1")
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = int(value)
            elif name == b"x-api-key":
                spare = value.decode("latin-1")
            elif name == b"x-tokenhub-substitute":
                said = value.decode("latin-1").strip().lower()
                # RFC 9110 5.3: several lines are one list, and there is no list of these.
                substitute = said if substitute is None else f"{substitute}, {said}"
            elif name in POLICY:
                self.policy = (*self.policy, (name, value))
            elif name == b"content-encoding":
                # RFC 9110 5.3: several lines are one list.
                self.encoding = b"%b, %b" % (self.encoding, value) if self.encoding else value
            elif name in _ONCE:
                self.once = (*self.once, value)
            elif name == b"idempotency-retry":
                self.again = value
            elif name in _FEATURES:
                self.features = (*self.features, (name.decode(), value.decode("latin-1")))
        self.substitute = "any" if substitute is None else substitute
        if not self.key:
            self.key = spare


async def body_of(incoming: Incoming, receive: Receive, room: Room) -> bytes:
    """The whole body. Raises UnsupportedMediaType, TooLarge, BadRequest, Unavailable, and Gone.

    Of a large one, `incoming.held_bytes` are the caller's to give back, however it ends.
    """
    media = incoming.content_type
    if media != b"application/json" and media.partition(b";")[0].strip().lower() != JSON[1]:
        raise UnsupportedMediaType('send JSON with "Content-Type: application/json"')
    if incoming.encoding and incoming.encoding.lower() != b"identity":
        raise UnsupportedMediaType("send the body without a Content-Encoding")
    if incoming.substitute not in _SUBSTITUTE:
        raise BadRequest(
            "X-TokenHub-Substitute must be any, same-model or never", field="X-TokenHub-Substitute"
        )
    for name, value in incoming.features:
        if len(value) > _MAX_FEATURE_CHARS or not (value.isascii() and value.isprintable()):
            raise BadRequest(f"{name} must be short printable ASCII", field=name)
    if incoming.content_length > MAX_BODY_BYTES:
        raise _too_large()
    if incoming.content_length > STEP_BYTES:
        room.take(incoming.content_length)
        incoming.held_bytes = incoming.content_length
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request":
        return bytes(body)
    return await _rest(incoming, bytearray(body), message, receive, room)


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A whole response."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(
    error: TokenHubError, run: Run, claim: Claim | Unclaimed, send: Send, *, dialect: str
) -> None:
    """The error as the whole response to a request that was admitted, kept for its repeats."""
    refusal = render(error, dialect=dialect, request_id=run.request_id)
    claim.failed(*refusal)
    await respond(send, *refusal)


async def turn_away(scope: Scope, receive: Receive, send: Send, refusal: Response) -> None:
    """A whole response to a request whose body has not been read to its end.

    A small body is thrown away as it comes, and the connection lives on; after any other it ends.
    """
    if small(scope["headers"]):
        await respond(send, *refusal)
    else:
        await _refuse(send, receive, *refusal)


async def _refuse(send: Send, receive: Receive, status: int, headers: Headers, body: bytes) -> None:
    """A response, and the connection's end.

    What still comes is thrown away for a while: to close on it would reset the connection, and
    the caller could lose the response.
    """
    headers += [(b"connection", b"close"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


def small(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the body is known to be small, or to be none."""
    said = dict(headers)
    if b"transfer-encoding" in said:
        return False
    return int(said.get(b"content-length", b"0")) <= _SMALL_BYTES


def text(value: str) -> bytes:
    """A header's value: what is not printable ASCII is escaped, so that none can break a header."""
    if value.isascii() and value.isprintable():
        return value.encode()
    letters = (c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in value)
    return "".join(letters).encode()


def chosen(model: str, provider: str, reason: str, attempts: int) -> Headers:
    """How an answer came to be, in headers; an answer of our own has no model."""
    if not model:
        return [(b"x-tokenhub-attempts", b"%d" % attempts)]
    name = text(model)
    return [
        (b"x-negotiated-model", name),
        (b"x-tokenhub-model", name),
        (b"x-tokenhub-provider", text(provider)),
        (b"x-tokenhub-reason", reason.encode()),
        (b"x-tokenhub-attempts", b"%d" % attempts),
    ]


def told(overhead_s: float, dropped: Sequence[str]) -> Headers:
    """Our part of the time, and what of the request had no effect."""
    headers = [(b"x-tokenhub-overhead-ms", b"%.3f" % (overhead_s * 1000))]
    if dropped:
        headers.append((b"x-tokenhub-dropped-params", _names(dropped)))
    return headers


def _names(dropped: Sequence[str]) -> bytes:
    """The names of parameters, as many of them as a header bears: a caller has made them up."""
    names: list[bytes] = []
    free = _MAX_DROPPED_BYTES
    for name in dropped[:_MAX_DROPPED]:
        shown = text(name[:_MAX_DROPPED_CHARS])
        free -= len(shown) + 2
        if free < 0:
            break
        names.append(shown)
    if len(names) < len(dropped):
        names.append(b"and %d more" % (len(dropped) - len(names)))
    return b", ".join(names)


async def _rest(
    incoming: Incoming, body: bytearray, message: Message, receive: Receive, room: Room
) -> bytes:
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        while len(body) > max(STEP_BYTES, incoming.held_bytes):  # of a length that was not said
            room.take(STEP_BYTES)
            incoming.held_bytes += STEP_BYTES
    if message["type"] == "http.disconnect":
        raise Gone
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
