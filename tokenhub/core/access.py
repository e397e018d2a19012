"""Who may operate this server: roles, admin tokens, and the sessions of browsers.

An admin token is `tha_` and 256 random bits; a session's id is `ths_` and as many. Of either only
a SHA-256 is kept: so many bits cannot be guessed at any speed of hashing (reliability.md 4.5).

A session is bound to the very secret of the token that opened it: its row holds a hash over the
session's id and the token's digest. So the day that the token is rotated, its sessions are over,
without anybody having to end them; and the row alone tells nothing of a token that its operator
has chosen badly.
"""

import hashlib
import re

import msgspec

from tokenhub.core import admin_token

# Each may do what those before it may.
ROLES = ("viewer", "operator", "owner")
OWNER = ROLES[-1]
# The token of the data directory: always there, always an owner.
BOOTSTRAP = "admin"
SESSION_PREFIX = "ths_"
# A session that nobody uses, and any session (reliability.md 4.5).
IDLE_S = 30 * 60.0
SESSION_S = 12 * 3600.0
_VARIED_CHARS = 10
_MINTED = re.compile(rf"{admin_token.PREFIX}[0-9a-f]{{{admin_token.BITS // 4}}}")
_TOKEN_DOMAIN = b"th-admin-token-v1\0"
_SESSION_DOMAIN = b"th-admin-session-v1\0"
_BINDING_DOMAIN = b"th-admin-binding-v1\0"


class AdminToken(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who operates the server. Times are Unix seconds.

    `digest` is all that is kept of the token. The one that it replaced opens, by its digest
    `previous`, until `previous_until`.
    """

    id: str
    name: str
    role: str
    digest: bytes
    prefix: str
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    previous: bytes | None = None
    previous_until: float = 0.0
    version: int = 0

    def opens(self, given: bytes, now: float) -> bool:
        """Whether the token of that digest opens anything at that time."""
        if self.expires_at is not None and now >= self.expires_at:
            return False
        return given == self.digest or (given == self.previous and now < self.previous_until)


class AdminSession(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that has signed in. Times are Unix seconds; `seen_at` is its last request.

    `digest` is that of its id, `binding` the one over the id and the digest of its token.
    """

    digest: bytes
    token_id: str
    binding: bytes
    created_at: float
    seen_at: float
    address: str = ""

    @property
    def expires_at(self) -> float:
        return self.created_at + SESSION_S

    @property
    def idle_at(self) -> float:
        """When it is over if nothing more comes."""
        return min(self.seen_at + IDLE_S, self.expires_at)

    def alive(self, now: float) -> bool:
        return now < self.idle_at


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request of the admin API. `session` is the digest of theirs, empty without one."""

    name: str
    role: str
    token_id: str
    session: bytes = b""


def allows(role: str, needed: str) -> bool:
    """Whether a role may do what another one may. A role that there is not may do nothing."""
    return role in ROLES and needed in ROLES and ROLES.index(role) >= ROLES.index(needed)


def mint(secret: int) -> str:
    """The admin token that holds `secret`, 256 random bits."""
    return f"{admin_token.PREFIX}{secret:0{admin_token.BITS // 4}x}"


def mint_session(secret: int) -> str:
    """The session's id that holds `secret`, 256 random bits."""
    return f"{SESSION_PREFIX}{secret:0{admin_token.BITS // 4}x}"


def minted(token: str) -> bool:
    """Whether a token has the form of those that we make."""
    return _MINTED.fullmatch(token) is not None


def guessable(token: str) -> bool:
    """Whether a token could be found by trying: one that was chosen, and short or monotonous.

    A token that fits is as good as the one that it fits, so this can be asked of what a stranger
    sends. 32 random characters are far beyond any number of requests; ten different ones are in
    all but one in ten thousand random tokens of 32 hex digits.
    """
    varied = len(set(token)) >= _VARIED_CHARS
    return not (minted(token) or (len(token) >= admin_token.ADVISED_CHARS and varied))


def digest(token: str) -> bytes:
    """What is stored of an admin token, and what it is looked up by."""
    return _hashed(_TOKEN_DOMAIN, token)


def session_digest(session_id: str) -> bytes:
    """What is stored of a session's id, and what it is looked up by."""
    return _hashed(_SESSION_DOMAIN, session_id)


def binding(session_id: str, token_digest: bytes) -> bytes:
    """What binds a session to the secret of its token."""
    text = session_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(_BINDING_DOMAIN + token_digest + text).digest()


def shown_prefix(token: str) -> str:
    """What may be shown of a token that we made: its first four and last four characters."""
    return f"{token[: len(admin_token.PREFIX) + 4]}...{token[-4:]}"


def _hashed(domain: bytes, text: str) -> bytes:
    return hashlib.sha256(domain + text.encode("utf-8", "surrogatepass")).digest()
