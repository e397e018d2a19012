"""`POST /v1/feedback`: how good an answer was, from the key that asked for it."""

import msgspec

from tokenhub.admin.feedback import Feedbacks
from tokenhub.core.errors import TokenHubError, TooLarge, Unauthenticated
from tokenhub.core.keys import ApiKey
from tokenhub.dialects.decoding import decoded
from tokenhub.gateway.pipeline import Gateway
from tokenhub.gateway.run import Arrival
from tokenhub.web.errors import OPENAI, named, render
from tokenhub.web.opinions import said, shown
from tokenhub.web.v1.exchange import (
    JSON,
    NOSNIFF,
    TURNED_AWAY,
    Gone,
    Incoming,
    Receive,
    Scope,
    Send,
    body_of,
    respond,
    turn_away,
)
from tokenhub.web.v1.room import Room
from tokenhub.wire import feedback as wire

# The longest comment in escapes, and as much again.
MAX_BYTES = 64 << 10
_READ = msgspec.json.Decoder(wire.FeedbackIn)
_ENCODE = msgspec.json.Encoder().encode


class Feedback:
    """The route. A key needs no scope to say what it thinks of its own answers."""

    def __init__(self, gateway: Gateway, feedbacks: Feedbacks, room: Room) -> None:
        self._gateway = gateway
        self._feedbacks = feedbacks
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:
        incoming = Incoming(scope["headers"])
        body: bytes | None = None
        try:
            owner = await self._owner(incoming.key, arrival)
            if incoming.content_length > MAX_BYTES:
                raise _too_large()
            body = await body_of(incoming, receive, self._room)
            if len(body) > MAX_BYTES:
                raise _too_large()
            given = await self._feedbacks.caller(said(decoded(_READ, body)), key_id=owner.id)
        except TokenHubError as error:
            refusal = render(error, dialect=OPENAI, request_id=arrival.request_id)
            if isinstance(error, Unauthenticated):
                scope[TURNED_AWAY] = error
            if body is None:
                await turn_away(scope, receive, send, refusal)
            else:
                await respond(send, *refusal)
            return
        except Gone:
            return
        finally:
            if incoming.held_bytes:
                self._room.give_back(incoming.held_bytes)
        headers = [JSON, NOSNIFF, *named(arrival.request_id, dialect=OPENAI)]
        await respond(send, 200, headers, _ENCODE(shown(given)))

    async def _owner(self, key: str | None, arrival: Arrival) -> ApiKey:
        try:
            return self._gateway.owner(key, arrival)[0]
        except Unauthenticated:
            await self._gateway.meet(key)
            return self._gateway.owner(key, arrival)[0]


def _too_large() -> TooLarge:
    return TooLarge(f"feedback may have at most {MAX_BYTES} bytes")
