"""Where admin tokens and sessions are kept, and who hears of those that try to get in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

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


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who tried to get in, by a token or to begin a session.

    `actor` is empty where nobody knows who. `outcome` is `admitted`, `refused`, or `throttled`
    where the credential was not looked at. `at` is Unix seconds.
    """

    outcome: str
    address: str
    at: float
    actor: str = ""
    request_id: str = ""


class Attempts(Protocol):
    """Hears of every failure, and of a success from an address that is new for that token."""

    def heard(self, attempt: Attempt) -> None:
        """Take note; it may not wait, and may be told of thousands."""
        ...


class Unheard:
    """Nobody listens."""

    def heard(self, attempt: Attempt) -> None:
        """Forget it."""
