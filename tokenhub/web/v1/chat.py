"""The routes that ask a model: decode, ask the gateway, answer.

POST /v1/chat/completions   OpenAI's format
POST /v1/messages           Anthropic's
POST /v1/chat               TokenHub's own: policy beside the request, the choice beside the answer
POST /v1/plan               the same in several steps
POST /v1/embeddings         OpenAI's; never another model than the one that was named
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from tokenhub.core.ask import NO_WISH, Ask
from tokenhub.core.catalog import Route
from tokenhub.core.errors import OutOfScope, TokenHubError, Unauthenticated
from tokenhub.core.idempotency import Kept, fingerprint, forced, key_of, replayed
from tokenhub.core.idempotency import Scope as ClaimScope
from tokenhub.core.money import usd
from tokenhub.dialects import native
from tokenhub.dialects.anthropic.ask import to_ask as from_messages
from tokenhub.dialects.anthropic.ask import to_count
from tokenhub.dialects.directives import directed
from tokenhub.dialects.headers import header_wish
from tokenhub.dialects.openai.ask import from_embeddings
from tokenhub.dialects.openai.ask import to_ask as from_completions
from tokenhub.dialects.ordering import to_plan
from tokenhub.gateway.claims import PATIENCE_S, UNCLAIMED, Claim, Claims, Unclaimed
from tokenhub.gateway.pipeline import Answered, Gateway
from tokenhub.gateway.run import Arrival, Caller, Run
from tokenhub.gateway.streaming import Streaming
from tokenhub.web.context import CALLER, RUN
from tokenhub.web.errors import ANTHROPIC, OPENAI, left, named, render
from tokenhub.web.v1.exchange import (
    EVENTS,
    JSON,
    NOSNIFF,
    TURNED_AWAY,
    Gone,
    Headers,
    Incoming,
    Receive,
    Response,
    Scope,
    Send,
    body_of,
    chosen,
    refuse,
    respond,
    text,
    told,
    turn_away,
)
from tokenhub.web.v1.plan import Plans
from tokenhub.web.v1.room import Room
from tokenhub.web.v1.streams import relay

# Larger bodies than this take milliseconds to read.
LARGE_BYTES = 256 << 10


class Chat:
    """One route: `to_ask` reads the body, `to_body` writes a whole answer.

    `scope` is what a key must be allowed to come in here (original-behaviour 1.3). `room` is for
    large bodies. `plans` carries out what is to be answered in several steps, None where nothing
    can be.
    """

    def __init__(
        self,
        gateway: Gateway,
        claims: Claims,
        *,
        to_ask: Callable[[bytes, Incoming], Ask],
        to_body: Callable[[Answered, Ask], bytes] = lambda answered, _: answered.body,
        dialect: str = OPENAI,
        scope: str = "chat",
        beat_s: float = 0.0,
        room: Room,
        plans: Plans | None = None,
    ) -> None:
        self._gateway = gateway
        self._claims = claims
        self._to_ask = to_ask
        self._to_body = to_body
        self._dialect = dialect
        self._scope = scope
        self._beat_s = beat_s
        self._room = room
        self._plans = plans

    async def __call__(self, scope: Scope, receive: Receive, send: Send, arrival: Arrival) -> None:
        incoming = Incoming(scope["headers"])
        body: bytes | None = None
        entered: Caller | None = None
        try:
            try:
                caller = self._gateway.admit(incoming.key, self._scope, arrival)
            except Unauthenticated:
                caller = await self._gateway.admit_anew(incoming.key, self._scope, arrival)
            scope[CALLER] = caller
            if caller.key.concurrency:
                self._gateway.enter(caller)
                entered = caller
            body = await body_of(incoming, receive, self._room)
            caller = self._gateway.still(caller, self._scope)
            run = self._gateway.begin(await self._read(body, incoming), caller)
            scope[RUN] = run
            claim: Claim | Unclaimed = UNCLAIMED
            if incoming.once:
                found = await self._claimed(run, scope["path"], incoming, body)
                if isinstance(found, Kept):
                    await respond(send, *self._again(found, run))
                    return
                claim = found
            with claim:
                await self._carry_out(run, claim, send)
        except TokenHubError as error:
            refusal = render(error, dialect=self._dialect, request_id=arrival.request_id)
            await _refused(scope, receive, send, error, refusal, read=body is not None)
        except Gone:
            return
        finally:
            if entered is not None:
                self._gateway.leave(entered)
            if incoming.held_bytes:
                self._room.give_back(incoming.held_bytes)

    async def _read(self, body: bytes, incoming: Incoming) -> Ask:
        """What is asked. A large body is read beside the loop, which has others to serve."""
        header = header_wish(incoming.policy) if incoming.policy else NO_WISH
        if len(body) <= LARGE_BYTES:
            ask = self._to_ask(body, incoming)
        else:
            ask = await asyncio.to_thread(self._to_ask, body, incoming)
        return ask if header is NO_WISH else replace(ask, header=header)

    def _carry_out(self, run: Run, claim: Claim | Unclaimed, send: Send) -> Awaitable[None]:
        if run.key.tokens_per_minute and run.ask.task != "count":
            return self._metered(run, claim, send)
        return self._answer(run, claim, send)

    async def _metered(self, run: Run, claim: Claim | Unclaimed, send: Send) -> None:
        """An answer to a key whose tokens are counted; what it did not use is given back."""
        try:
            taken = self._gateway.take(run)
        except TokenHubError as error:
            await refuse(error, run, claim, send, dialect=self._dialect)
            return
        run.tokens = taken.left
        try:
            await self._answer(run, claim, send)
        finally:
            self._gateway.give_back(run, taken)

    async def _answer(self, run: Run, claim: Claim | Unclaimed, send: Send) -> None:
        """Once admitted, and the first with its key: an answer, or the error, to keep."""
        if self._plans is not None and (order := self._plans.wanted(run)) is not None:
            await self._plans.answer(run, order, claim, send, head=lambda: self._told(run))
            return
        try:
            if run.ask.stream:
                streaming = await self._gateway.stream(run)
                head = [*EVENTS, *streamed(streaming), *self._told(run)]
                await relay(
                    streaming, send, claim, head=head, dialect=self._dialect, beat_s=self._beat_s
                )
                return
            answered = await self._gateway.complete(run)
        except TokenHubError as error:
            await refuse(error, run, claim, send, dialect=self._dialect)
            return
        body = self._to_body(answered, run.ask)
        head = [JSON, NOSNIFF, *routed(answered, run), *self._told(run)]
        claim.finish(200, head, body)
        await respond(send, 200, head, body)

    async def _claimed(self, run: Run, path: str, incoming: Incoming, body: bytes) -> Claim | Kept:
        """The right to answer, or the answer of an earlier request with the same key."""
        features = sorted(incoming.features)  # in whatever order a client sends its headers
        policy = sorted(incoming.policy)
        meaning = (
            incoming.substitute,
            *(f"{name}:{value}" for name, value in features),
            *(f"{name.decode('latin-1')}:{value.decode('latin-1')}" for name, value in policy),
        )
        return await self._claims.begin(
            ClaimScope(key_id=run.key.id, method="POST", route=path, key=key_of(incoming.once)),
            fingerprint(body, *meaning),
            request_id=run.request_id,
            at=run.at,
            within_s=(run.ask.wish.max_latency_s or run.ask.header.max_latency_s or PATIENCE_S),
            force=forced(incoming.again),
            attempts=run.attempts,
        )

    def _again(self, found: Kept, run: Run) -> Response:
        """An answer of before, with the id of the request that it is given to now."""
        status, headers, body = replayed(found, run.request_id)
        own = [header for header in headers if header[0] != b"x-request-id"]
        return status, [*own, *named(run.request_id, dialect=self._dialect)], body

    def _told(self, run: Run) -> Headers:
        """The request's id and what its caller may still send, in the words of the vendor."""
        alias = run.intent.alias if run.intent else ""
        return [
            *named(run.request_id, dialect=self._dialect),
            *([(b"x-alias-from", text(alias))] if alias else []),
            *left(run.allowance, dialect=self._dialect, at=run.at, tokens=run.tokens),
        ]


async def _refused(
    scope: Scope,
    receive: Receive,
    send: Send,
    error: TokenHubError,
    refusal: Response,
    *,
    read: bool,
) -> None:
    """Tell of an error; whoever hears of doors is told of those who may not come in."""
    if isinstance(error, Unauthenticated | OutOfScope):
        scope[TURNED_AWAY] = error
    if read:
        await respond(send, *refusal)
    else:
        await turn_away(scope, receive, send, refusal)


def completions(gateway: Gateway, claims: Claims, *, beat_s: float, room: Room) -> Chat:
    """The OpenAI format: a provider's answer goes out byte for byte."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        return _directed(from_completions(body, substitute=incoming.substitute))

    return Chat(gateway, claims, to_ask=to_ask, beat_s=beat_s, room=room)


def messages(gateway: Gateway, claims: Claims, *, beat_s: float, room: Room) -> Chat:
    """The Anthropic format."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        ask = from_messages(body, substitute=incoming.substitute, features=incoming.features)
        return _directed(ask)

    return Chat(gateway, claims, to_ask=to_ask, dialect=ANTHROPIC, beat_s=beat_s, room=room)


def counts(gateway: Gateway, claims: Claims, *, room: Room) -> Chat:
    """A prompt's tokens in the Anthropic format: the provider's count, or else our estimate."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        ask = to_count(body, substitute=incoming.substitute, features=incoming.features)
        return _directed(ask)

    def to_body(answered: Answered, ask: Ask) -> bytes:
        return answered.body or b'{"input_tokens":%d}' % ask.input_tokens

    return Chat(gateway, claims, to_ask=to_ask, to_body=to_body, dialect=ANTHROPIC, room=room)


def native_chat(
    gateway: Gateway, claims: Claims, *, beat_s: float, room: Room, plans: Plans
) -> Chat:
    """TokenHub's own format: the answer in an envelope that says how it was chosen."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        return _directed(native.to_ask(body, substitute=incoming.substitute))

    return Chat(
        gateway,
        claims,
        to_ask=to_ask,
        to_body=_enveloped,
        beat_s=beat_s,
        room=room,
        plans=plans,
    )


def planned(gateway: Gateway, claims: Claims, *, room: Room, plans: Plans) -> Chat:
    """A request in TokenHub's own format, and how it is to be carried out in several steps."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        return _directed(to_plan(body, substitute=incoming.substitute))

    return Chat(gateway, claims, to_ask=to_ask, scope="plan", room=room, plans=plans)


def embeddings(gateway: Gateway, claims: Claims, *, room: Room) -> Chat:
    """Embeddings: the provider's vectors, byte for byte."""

    def to_ask(body: bytes, incoming: Incoming) -> Ask:
        return from_embeddings(body, substitute=incoming.substitute)

    return Chat(gateway, claims, to_ask=to_ask, scope="embeddings", room=room)


def routed(answered: Answered, run: Run) -> Headers:
    """How a whole answer came to be, in headers."""
    outcome = answered.outcome
    return [
        *chosen(outcome.model_id, outcome.provider_id, outcome.reason, len(outcome.attempts)),
        *told(answered.overhead_s, run.dropped),
    ]


def streamed(streaming: Streaming) -> Headers:
    """The same of an answer that has only begun."""
    run, route = streaming.run, streaming.run.route
    assert isinstance(route, Route)
    return [
        *chosen(route.model.id, route.provider.id, run.reason, streaming.attempts),
        *told(streaming.overhead_s, run.dropped),
    ]


def _directed(ask: Ask) -> Ask:
    """The ask with what the directives in its texts say, if there are any."""
    found = directed(ask)
    return ask if found is None else replace(ask, directed=found)


def _enveloped(answered: Answered, ask: Ask) -> bytes:  # noqa: ARG001 - as every writer
    outcome = answered.outcome
    cost = outcome.cost_nusd
    return native.answer(
        answered.body,
        model_id=outcome.model_id,
        reason=outcome.reason,
        cost_usd=None if cost is None else usd(cost),
    )
