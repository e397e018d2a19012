"""Admin tokens: who operates this server, in which role, and until when.

The token of the data directory (`core.access.BOOTSTRAP`) is one of them, always an owner and with
no row of its own: it is how the first of the others is made, and how an operator gets in again.
"""

import asyncio
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from tokenhub.admin.changes import By, entry, expect
from tokenhub.admin.durations import seconds
from tokenhub.core import admin_token
from tokenhub.core.access import BOOTSTRAP, OWNER, ROLES, AdminToken, digest, mint, shown_prefix
from tokenhub.core.errors import BadRequest, Conflict, NotFound, Unavailable
from tokenhub.ports.access import TokenFile, TokenStore
from tokenhub.ports.clock import Clock
from tokenhub.ports.snapshot import Snapshot
from tokenhub.ports.stores import Audit

# How long a token that was replaced goes on to open, where nobody says.
OVERLAP = "1h"
_AT_ONCE = frozenset({"0", "0s", "0m", "0h", "0d"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ID = "tok_"
_ID_BITS = 64


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new token; the only time that `secret`, the token itself, is at hand."""

    secret: str
    token: AdminToken


class _Changes(msgspec.Struct, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    expires_in: str | UnsetType = UNSET


class Tokens:
    """Make, list, change, rotate and revoke admin tokens; say whose one is.

    `bootstrap` holds the token of the data directory, and `file` is where it is kept. Every
    change holds for the next request. `randbits` gives that many random bits.
    """

    def __init__(
        self,
        *,
        store: TokenStore,
        bootstrap: Snapshot[str],
        file: TokenFile,
        clock: Clock,
        randbits: Callable[[int], int],
    ) -> None:
        self._store = store
        self._bootstrap = bootstrap
        self._file = file
        self._clock = clock
        self._randbits = randbits
        self._lock = asyncio.Lock()
        self._rows: Mapping[str, AdminToken] = {}
        self._by_digest: Mapping[bytes, AdminToken] = {}
        self._used: dict[str, float] = {}

    async def load(self) -> None:
        """Read the stored tokens; done once, before anything is served."""
        self.begin(await self._store.load())

    def begin(self, rows: Iterable[AdminToken]) -> None:
        """Go by these tokens, which the store has."""
        self._publish({row.id: row for row in rows})

    def every(self) -> Sequence[AdminToken]:
        """All tokens: that of the data directory, then the others by name."""
        rows = sorted(self._rows.values(), key=lambda row: row.name)
        return [self._told(row) for row in (self._first(), *rows)]

    def get(self, ref: str) -> AdminToken:
        """The token of that id or name. Raises NotFound."""
        return self._told(self._find(ref))

    def opened_by(self, secret: str, now: float) -> AdminToken | None:
        """Whose token that is, if it opens anything now. In a time that tells nothing of it."""
        given = digest(secret)
        first = self._first()
        if self._bootstrap.current and hmac.compare_digest(given, first.digest):
            return first
        row = self._by_digest.get(given)
        return row if row is not None and row.opens(given, now) else None

    def current(self, token_id: str, now: float) -> AdminToken | None:
        """The token of that id while it opens anything; for sessions, which know no more of it."""
        if token_id == BOOTSTRAP:
            return self._first() if self._bootstrap.current else None
        row = self._rows.get(token_id)
        return row if row is not None and row.opens(row.digest, now) else None

    def opens(self, token_id: str, given: bytes, now: float) -> bool:
        """Whether the token of that digest opens anything in the name of that id."""
        if token_id == BOOTSTRAP:
            first = self._first().digest
            return bool(self._bootstrap.current) and hmac.compare_digest(given, first)
        row = self._rows.get(token_id)
        return row is not None and row.opens(given, now)

    def used(self, token: AdminToken, now: float) -> None:
        """Remember that it was used; it is written down from time to time."""
        self._used[token.id] = now

    def take_used(self) -> dict[str, float]:
        """When which tokens were used since this was last asked; to be written down."""
        used = {token_id: at for token_id, at in self._used.items() if token_id in self._rows}
        rows = {**self._rows}
        for token_id, at in used.items():
            rows[token_id] = replace(rows[token_id], last_used_at=at)
            del self._used[token_id]
        self._publish(rows)
        return used

    def keep_used(self, used: Mapping[str, float]) -> None:
        """Take back what could not be written down; what has come since is newer."""
        self._used = {**used, **self._used}

    async def create(self, *, name: str, role: str, expires_in: str = "", by: By) -> IssuedToken:
        now = self._clock.now()
        secret = mint(self._randbits(admin_token.BITS))
        row = AdminToken(
            id=f"{_ID}{self._randbits(_ID_BITS):016x}",
            name=_checked_name(name),
            role=_checked_role(role),
            digest=digest(secret),
            prefix=shown_prefix(secret),
            created_at=now,
            expires_at=now + seconds(expires_in, field="expires_in") if expires_in else None,
        )
        async with self._lock:
            stored = await self._put(row, self._audit("token.create", None, row, by))
        return IssuedToken(secret=secret, token=stored)

    async def update(
        self, ref: str, changes: Mapping[str, object], *, by: By, expected: int | None = None
    ) -> AdminToken:
        """Change the given ones of name, role and `expires_in`, which counts from now."""
        sent = msgspec.convert(changes, _Changes)
        async with self._lock:
            old = self._row(ref)
            expect(expected, old.version)
            new = self._changed(old, sent)
            return await self._put(new, self._audit("token.update", old, new, by))

    async def rotate(
        self, ref: str, *, overlap: str = OVERLAP, by: By, expected: int | None = None
    ) -> IssuedToken:
        """A new secret for a token; the old one opens for `overlap` more, and no session lives on.

        Of two rotations within one overlap, the oldest secret ends at once. That of the data
        directory has no overlap.
        """
        for_s = 0.0 if overlap.strip() in _AT_ONCE else seconds(overlap, field="overlap")
        if self._find(ref).id == BOOTSTRAP:
            return await self.rotate_first("", by=by)
        secret = mint(self._randbits(admin_token.BITS))
        async with self._lock:
            old = self._row(ref)
            expect(expected, old.version)
            new = replace(
                old,
                digest=digest(secret),
                prefix=shown_prefix(secret),
                previous=old.digest if for_s else None,
                previous_until=self._clock.now() + for_s if for_s else 0.0,
            )
            stored = await self._put(new, self._audit("token.rotate", old, new, by))
        return IssuedToken(secret=secret, token=stored)

    async def rotate_first(self, chosen: str, *, by: By) -> IssuedToken:
        """Another token for the data directory: the chosen one, or a new one where it is empty.

        The old one is over with the answer, and so are its sessions. Raises Conflict where the
        environment sets it.
        """
        if self._file.given:
            raise Conflict(
                "this token is set by TOKENHUB_ADMIN_TOKEN: give the variable another value and "
                "start the server again"
            )
        secret = chosen or mint(self._randbits(admin_token.BITS))
        admin_token.checked(secret, "the request")
        async with self._lock:
            before = self._first()
            # A file takes no part in a transaction: the entry comes first, for no audit, no change.
            after = replace(before, prefix=_prefix(secret))
            await self._store.note(self._audit("admin_token.rotate", before, after, by))
            try:
                await asyncio.to_thread(self._file.replace, secret)
            except Unavailable:
                failed = self._audit("admin_token.rotate_failed", after, before, by)
                await self._store.note(failed)
                raise
            self._bootstrap.current = secret
        return IssuedToken(secret=secret, token=self._first())

    async def delete(self, ref: str, *, by: By, expected: int | None = None) -> None:
        async with self._lock:
            old = self._row(ref)
            expect(expected, old.version)
            await self._store.delete(old.id, self._audit("token.revoke", old, None, by))
            self._publish({key: row for key, row in self._rows.items() if key != old.id})

    async def _put(self, row: AdminToken, audit: Audit) -> AdminToken:
        if any(row.name == other.name and row.id != other.id for other in self._rows.values()):
            raise Conflict(f"another admin token is called {row.name!r}")
        stored = await self._store.put(row, audit)
        self._publish({**self._rows, stored.id: stored})
        return self._told(stored)

    def _publish(self, rows: Mapping[str, AdminToken]) -> None:
        opening = {row.previous: row for row in rows.values() if row.previous is not None}
        self._rows = rows
        self._by_digest = {**opening, **{row.digest: row for row in rows.values()}}

    def _find(self, ref: str) -> AdminToken:
        if ref == BOOTSTRAP:
            return self._first()
        found = [row for row in self._rows.values() if ref in {row.id, row.name}]
        if not found:
            raise NotFound(f"no admin token has the id or name {ref!r}")
        return found[0]

    def _row(self, ref: str) -> AdminToken:
        """A token that can be changed like a row. Raises NotFound and Conflict."""
        row = self._find(ref)
        if row.id == BOOTSTRAP:
            raise Conflict(
                f"{BOOTSTRAP!r} is the token of the data directory: it stays and is an owner, and "
                "can only be rotated"
            )
        return row

    def _first(self) -> AdminToken:
        token = self._bootstrap.current
        return AdminToken(
            id=BOOTSTRAP,
            name=BOOTSTRAP,
            role=OWNER,
            digest=digest(token),
            prefix=_prefix(token),
            created_at=0.0,
        )

    def _told(self, row: AdminToken) -> AdminToken:
        """The row with its last use, which may not be written down yet."""
        return replace(row, last_used_at=self._used.get(row.id, row.last_used_at))

    def _changed(self, old: AdminToken, sent: _Changes) -> AdminToken:
        expires_at = old.expires_at
        if sent.expires_in is not UNSET:
            text = sent.expires_in
            now = self._clock.now()
            expires_at = now + seconds(text, field="expires_in") if text else None
        return replace(
            old,
            name=old.name if sent.name is UNSET else _checked_name(sent.name),
            role=old.role if sent.role is UNSET else _checked_role(sent.role),
            expires_at=expires_at,
        )

    def _audit(self, action: str, old: AdminToken | None, new: AdminToken | None, by: By) -> Audit:
        named = new or old
        return entry(
            self._clock.now(),
            action,
            named.id if named else "",
            by,
            before=_without_digests(old),
            after=_without_digests(new),
        )


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name == BOOTSTRAP or name.startswith(_ID):
        raise BadRequest(
            "name must be 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit; "
            f"{BOOTSTRAP} and names that begin with {_ID} are taken",
            field="name",
        )
    return name


def _checked_role(role: str) -> str:
    if role not in ROLES:
        raise BadRequest(f"role must be one of {', '.join(ROLES)}", field="role")
    return role


def _prefix(token: str) -> str:
    """What may be shown of the first token, which its operator may have chosen: nothing of that."""
    return shown_prefix(token) if token.startswith(admin_token.PREFIX) else "(chosen)"


def _without_digests(row: AdminToken | None) -> dict[str, object] | None:
    """A token as the audit trail may hold it."""
    if row is None:
        return None
    hidden = {"digest", "previous", "last_used_at"}
    return {name: value for name, value in asdict(row).items() if name not in hidden}
