"""Admin tokens and sessions in memory: the twin of those in SQLite."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from tokenhub.core.access import AdminSession, AdminToken
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.ports.stores import Audit


class MemoryTokenStore:
    """A TokenStore that forgets. `audit` holds the entries, oldest first."""

    def __init__(self, tokens: Iterable[AdminToken] = ()) -> None:
        self.audit: list[Audit] = []
        self._tokens = {token.id: token for token in tokens}
        self._sessions: dict[bytes, AdminSession] = {}
        self._version = max((token.version for token in self._tokens.values()), default=0)

    async def load(self) -> Sequence[AdminToken]:
        return [self._tokens[token_id] for token_id in sorted(self._tokens)]

    async def put(self, token: AdminToken, audit: Audit) -> AdminToken:
        if any(token.name == t.name and token.id != t.id for t in self._tokens.values()):
            raise Conflict(f"another admin token is called {token.name!r}")
        self._version += 1
        self._tokens[token.id] = replace(token, version=self._version)
        self.audit.append(audit)
        return self._tokens[token.id]

    async def delete(self, token_id: str, audit: Audit) -> None:
        if token_id not in self._tokens:
            raise NotFound(f"no admin token has the id {token_id!r}")
        self._version += 1
        del self._tokens[token_id]
        kept = {d: s for d, s in self._sessions.items() if s.token_id != token_id}
        self._sessions = kept
        self.audit.append(audit)

    async def note(self, audit: Audit) -> None:
        self._version += 1
        self.audit.append(audit)

    async def sessions(self) -> Sequence[AdminSession]:
        return list(self._sessions.values())

    async def begin(self, session: AdminSession, audit: Audit) -> None:
        await self.note(audit)
        self._sessions[session.digest] = session

    async def end(self, digest: bytes, audit: Audit) -> None:
        await self.note(audit)
        self._sessions.pop(digest, None)

    async def seen(
        self,
        *,
        tokens: Mapping[str, float],
        sessions: Mapping[bytes, float],
        over: Iterable[bytes],
    ) -> None:
        for token_id in tokens.keys() & self._tokens.keys():
            row = self._tokens[token_id]
            self._tokens[token_id] = replace(row, last_used_at=tokens[token_id])
        for digest in sessions.keys() & self._sessions.keys():
            row_ = self._sessions[digest]
            self._sessions[digest] = replace(row_, seen_at=sessions[digest])
        for digest in over:
            self._sessions.pop(digest, None)
