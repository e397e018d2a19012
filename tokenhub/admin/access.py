"""The door of the admin API: whose credential that is, and how often strangers may try.

Tokens that we made and the ids of sessions are 256 random bits. Nobody can guess one, so they are
looked up at any time, however many failures there were: no attacker can lock them out. The same
goes for a long token that an operator made. A short one could be guessed; such a one is not looked
at while its peer has failed too often, and with a delay while all peers together have, unless it
is from a peer who got in before.
"""

import logging
from collections import OrderedDict

import msgspec

from tokenhub.admin.changes import By
from tokenhub.admin.failures import Failures
from tokenhub.admin.sessions import Sessions, Started
from tokenhub.admin.tokens import Tokens
from tokenhub.core.access import AdminToken, Operator, digest, guessable
from tokenhub.core.errors import TooManyFailures, Unauthenticated
from tokenhub.ports.clock import Clock

_log = logging.getLogger("tokenhub.access")
# While all fail too often: how long a guess waits, and how many may wait at once.
DELAY_S = 1.0
MAX_WAITING = 16
# Peers that are remembered as having got in.
CAPACITY = 1_000


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request is from: the address, the bucket that counts it, and the request's id."""

    address: str
    bucket: str
    request_id: str = ""


class Access:
    """Tells who is asking. Raises Unauthenticated in one text for whatever opens nothing."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self._clock = clock
        self._failures = Failures()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting = 0

    async def bearer(self, secret: str, peer: Peer) -> Operator:
        """Who has that token. Raises Unauthenticated and TooManyFailures."""
        token = await self._token(secret, peer)
        return Operator(name=token.name, role=token.role, token_id=token.id)

    def opens(self, token_id: str, given: bytes) -> bool:
        """Whether the token of that digest, which was let in, would be now."""
        return self.tokens.opens(token_id, given, self._clock.now())

    def session(self, session_id: str, *, renew: bool = True) -> Operator | None:
        """Whose session that is, None where it is none or over.

        Nothing is counted: an id cannot be guessed, and a browser that was left open goes on
        asking with one that is over.
        """
        found = self.sessions.find(session_id, renew=renew)
        if found is None:
            return None
        token, session = found
        return Operator(name=token.name, role=token.role, token_id=token.id, session=session.digest)

    async def sign_in(self, secret: str, peer: Peer) -> Started:
        """Begin a session in the name of that token. Raises as `bearer` does."""
        token = await self._token(secret, peer)
        if digest(secret) != token.digest:
            raise Unauthenticated(
                "this token was rotated: it opens for a while yet, but begins no session; "
                "sign in with the new one",
                code="admin_token_rotated",
            )
        by = By(actor=token.name, address=peer.address, request_id=peer.request_id)
        return await self.sessions.begin(token, by=by)

    async def _token(self, secret: str, peer: Peer) -> AdminToken:
        if guessable(secret):
            await self._gate(peer)
        now = self._clock.now()
        token = self.tokens.opened_by(secret, now)
        if token is None:
            raise self._failed(peer)
        self.tokens.used(token, now)
        self._welcome(peer)
        return token

    async def _gate(self, peer: Peer) -> None:
        """Let a guess pass, at once or in a while. Raises TooManyFailures."""
        self._check(peer)
        if peer.bucket in self._known or not self._failures.crowded(self._clock.monotonic()):
            return
        if self._waiting >= MAX_WAITING:
            raise _throttled(DELAY_S)
        self._waiting += 1
        try:
            await self._clock.sleep(DELAY_S)
        finally:
            self._waiting -= 1
        self._check(peer)  # others of the same peer may have failed meanwhile

    def _check(self, peer: Peer) -> None:
        if wait_s := self._failures.wait_s(peer.bucket, self._clock.monotonic()):
            raise _throttled(wait_s)

    def _failed(self, peer: Peer) -> Unauthenticated:
        """The answer to a wrong token. Raises TooManyFailures instead where there were many."""
        self._check(peer)
        self._failures.count(peer.bucket, self._clock.monotonic())
        _log.warning("admin_refused", extra={"address": peer.address})
        return Unauthenticated("invalid admin token", code="invalid_admin_token")

    def _welcome(self, peer: Peer) -> None:
        self._known[peer.bucket] = None
        self._known.move_to_end(peer.bucket)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)


def _throttled(wait_s: float) -> TooManyFailures:
    return TooManyFailures(
        "too many attempts with a wrong admin token were made; "
        f"the next one may come in {wait_s:.0f} s",
        retry_after_s=wait_s,
    )
