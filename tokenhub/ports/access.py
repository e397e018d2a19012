"""Where admin tokens and sessions are kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tokenhub.core.access import AdminSession, AdminToken
from tokenhub.ports.stores import Audit


class TokenStore(Protocol):
    """Each write commits its rows and its audit entry in one transaction, and returns after it."""

    async def load(self) -> Sequence[AdminToken]: ...

    async def put(self, token: AdminToken, audit: Audit) -> AdminToken:
        """Insert or replace by id; returns the token with its new version.

        Raises Conflict where another one has its name.
        """
        ...

    async def delete(self, token_id: str, audit: Audit) -> None:
        """Delete a token with its sessions. Raises NotFound."""
        ...

    async def note(self, audit: Audit) -> None:
        """Write an audit entry of a change that happens elsewhere, before it happens."""
        ...

    async def sessions(self) -> Sequence[AdminSession]: ...

    async def begin(self, session: AdminSession, audit: Audit) -> None: ...

    async def end(self, digest: bytes, audit: Audit) -> None:
        """Delete a session; one that is not there is no error."""
        ...

    async def seen(
        self,
        *,
        tokens: Mapping[str, float],
        sessions: Mapping[bytes, float],
        over: Iterable[bytes],
    ) -> None:
        """Write down when tokens and sessions were last used, and forget sessions that are over.

        No entry of the audit trail: nobody decided anything.
        """
        ...


class TokenFile(Protocol):
    """Where the token of the data directory is kept, unless it is `given` by the environment."""

    given: bool

    def replace(self, token: str) -> None:
        """Write another one, so that the file is whole at any moment. Raises Unavailable."""
        ...
