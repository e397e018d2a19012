"""Sessions of browsers: a token is shown once, and an id that opens no more than it stands for it.

Ids are 256 random bits, kept as hashes. A session has the role that its token has now, and is over
with it: when it is revoked, expired or rotated (core/access.py says how).
"""

import hmac
import logging
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from tokenhub.admin.changes import By, entry
from tokenhub.admin.tokens import Tokens
from tokenhub.core.access import (
    AdminSession,
    AdminToken,
    binding,
    mint_session,
    session_digest,
)
from tokenhub.core.admin_token import BITS
from tokenhub.core.errors import Unavailable
from tokenhub.ports.access import TokenStore
from tokenhub.ports.clock import Clock

_log = logging.getLogger("tokenhub.access")
# Of each token; beyond it the session that was idle for the longest ends.
MAX_SESSIONS = 100


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A new session; the only time that its id is at hand."""

    session_id: str
    session: AdminSession
    token: AdminToken


class Sessions:
    """Begin, find and end sessions. `randbits` gives that many random bits."""

    def __init__(
        self,
        *,
        store: TokenStore,
        tokens: Tokens,
        clock: Clock,
        randbits: Callable[[int], int],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._randbits = randbits
        self._rows: dict[bytes, AdminSession] = {}
        self._seen: set[bytes] = set()
        # What has ended here and may not have on the disk: a restart would find it again.
        self._ended: set[bytes] = set()

    async def load(self) -> None:
        """Read the stored sessions; done once, before anything is served."""
        self._rows = {row.digest: row for row in await self._store.sessions()}

    async def begin(self, token: AdminToken, *, by: By) -> Started:
        """A session in the name of a token that was shown just now."""
        await self._make_room(token, by)
        now = self._clock.now()
        session_id = mint_session(self._randbits(BITS))
        row = AdminSession(
            digest=session_digest(session_id),
            token_id=token.id,
            binding=binding(session_id, token.digest),
            created_at=now,
            seen_at=now,
            address=by.address,
        )
        after = {"token": token.name, "role": token.role, "expires_at": row.expires_at}
        audit = entry(now, "session.create", token.id, by, before=None, after=after)
        await self._store.begin(row, audit)
        self._rows[row.digest] = row
        return Started(session_id=session_id, session=row, token=token)

    def find(self, session_id: str, *, renew: bool) -> tuple[AdminToken, AdminSession] | None:
        """The session of that id, with its token as it is now; None where it is none or over.

        With `renew` this is a use of it, which puts off its end.
        """
        now = self._clock.now()
        row = self._rows.get(session_digest(session_id))
        if row is None or not row.alive(now):
            return None
        token = self._tokens.current(row.token_id, now)
        if token is None:
            return None
        if not hmac.compare_digest(row.binding, binding(session_id, token.digest)):
            return None
        if renew:
            row = replace(row, seen_at=now)
            self._rows[row.digest] = row
            self._seen.add(row.digest)
        return token, row

    async def end(self, digest_: bytes, *, by: By) -> None:
        """Sign out: the id opens nothing any more, from the next request on."""
        row = self._rows.pop(digest_, None)
        if row is not None:
            before = {"token_id": row.token_id, "created_at": row.created_at}
            now = self._clock.now()
            audit = entry(now, "session.delete", row.token_id, by, before=before, after=None)
            self._ended.add(digest_)
            await self._store.end(digest_, audit)
            self._ended.discard(digest_)

    async def write_down(self) -> None:
        """Write down when tokens and sessions were used, and forget the sessions that are over."""
        now = self._clock.now()
        for row in [row for row in self._rows.values() if self._over(row, now)]:
            del self._rows[row.digest]
            self._ended.add(row.digest)
        seen = {found: self._rows[found].seen_at for found in self._seen if found in self._rows}
        used, ended = self._tokens.take_used(), frozenset(self._ended)
        self._seen.clear()
        if not (seen or used or ended):
            return
        try:
            await self._store.seen(tokens=used, sessions=seen, over=ended)
        except Unavailable as error:
            _log.warning("last_use_not_written", extra={"reason": str(error)})
            self._seen |= seen.keys()
            self._tokens.keep_used(used)
        else:
            self._ended -= ended

    def _over(self, row: AdminSession, now: float) -> bool:
        return not row.alive(now) or self._tokens.current(row.token_id, now) is None

    async def _make_room(self, token: AdminToken, by: By) -> None:
        its = [row for row in self._rows.values() if row.token_id == token.id]
        too_many = max(0, len(its) + 1 - MAX_SESSIONS)
        for row in sorted(its, key=lambda row: row.seen_at)[:too_many]:
            await self.end(row.digest, by=by)
