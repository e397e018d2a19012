"""The door of the admin API: whose credential that is, and how often strangers may try.

Tokens that we made and the ids of sessions are 256 random bits. Nobody can guess one, so they are
looked up at any time, however many failures there were: no attacker can lock them out. A token of
another form was chosen by an operator and could be guessed; such a one is not looked at while its
peer has failed too often, and with a delay while all peers together have, unless it is from a
peer who got in before.
"""

import logging
from collections import OrderedDict

import msgspec

from tokenhub.admin.changes import By
from tokenhub.admin.failures import Failures
from tokenhub.admin.sessions import Sessions, Started
from tokenhub.admin.tokens import Tokens
from tokenhub.core.access import AdminToken, Operator, digest, minted
from tokenhub.core.errors import TooManyFailures, Unauthenticated
from tokenhub.ports.access import Attempt, Attempts, Unheard
from tokenhub.ports.clock import Clock

_log = logging.getLogger("tokenhub.access")
# While all fail too often: how long a guess waits, and how many may wait at once.
DELAY_S = 1.0
MAX_WAITING = 16
# Peers with their tokens that are remembered as having got in.
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
        attempts: Attempts | None = None,
    ) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self._clock = clock
        self._attempts: Attempts = Unheard() if attempts is None else attempts
        self._failures = Failures()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._waiting = 0

    async def bearer(self, secret: str, peer: Peer) -> Operator:
        """Who has that token. Raises Unauthenticated and TooManyFailures."""
        token = await self._token(secret, peer)
        return Operator(name=token.name, role=token.role, token_id=token.id)

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
        if not minted(secret):
            await self._gate(peer)
        now = self._clock.now()
        token = self.tokens.opened_by(secret, now)
        if token is None:
            raise self._failed(peer)
        self.tokens.used(token, now)
        self._welcome(token, peer)
        return token

    async def _gate(self, peer: Peer) -> None:
        """Let a guess pass, at once or in a while. Raises TooManyFailures."""
        now = self._clock.monotonic()
        if wait_s := self._failures.wait_s(peer.bucket, now):
            raise self._throttled(peer, wait_s)
        if not self._failures.crowded(now) or self._was_here(peer):
            return
        if self._waiting >= MAX_WAITING:
            raise self._throttled(peer, DELAY_S)
        self._waiting += 1
        try:
            await self._clock.sleep(DELAY_S)
        finally:
            self._waiting -= 1

    def _failed(self, peer: Peer) -> Exception:
        now = self._clock.monotonic()
        if wait_s := self._failures.wait_s(peer.bucket, now):
            return self._throttled(peer, wait_s)
        self._failures.count(peer.bucket, now)
        _log.warning("admin_refused", extra={"address": peer.address})
        self._tell("refused", peer)
        return Unauthenticated("invalid admin token", code="invalid_admin_token")

    def _throttled(self, peer: Peer, wait_s: float) -> TooManyFailures:
        self._tell("throttled", peer)
        return TooManyFailures(
            "too many attempts with a wrong admin token came from this address; "
            f"the next one may come in {wait_s:.0f} s",
            retry_after_s=wait_s,
        )

    def _welcome(self, token: AdminToken, peer: Peer) -> None:
        seen = (peer.bucket, token.id)
        if seen in self._known:
            self._known.move_to_end(seen)
            return
        self._known[seen] = None
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        _log.info("admin_new_address", extra={"address": peer.address, "actor": token.name})
        self._tell("admitted", peer, actor=token.name)

    def _was_here(self, peer: Peer) -> bool:
        return any(bucket == peer.bucket for bucket, _ in self._known)

    def _tell(self, outcome: str, peer: Peer, *, actor: str = "") -> None:
        self._attempts.heard(
            Attempt(
                outcome=outcome,
                address=peer.address,
                at=self._clock.now(),
                actor=actor,
                request_id=peer.request_id,
            )
        )
