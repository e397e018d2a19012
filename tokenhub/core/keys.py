"""API keys: their form, and what a key may do.

A key is `tokenhub_` + 33 base62 characters (192 random bits) + 6 base62 characters of a CRC-32
over all before it, 48 characters in all: a fixed pattern that secret scanners can find, with a
checksum that tells a typing error from a stranger (reliability.md 4.4). Only its SHA-256 is kept:
192 random bits cannot be guessed at any speed of hashing, and a slow hash would force a cache, in
which a revoked key lives on.
"""

import hashlib
import zlib
from collections.abc import Mapping, MutableMapping

import msgspec
from msgspec.structs import replace

from tokenhub.core.credentials import Credential, due_at, earliest
from tokenhub.core.grants import FREE, Grant

PREFIX = "tokenhub_"
SCOPES = ("chat", "plan", "embeddings", "*")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BITS = 192
NO_LIMIT = -1
MAX_RPS = 1_000_000
MAX_TOKENS_PER_MINUTE = 1_000_000_000
MAX_CONCURRENCY = 100_000
_SECRET_CHARS = 33
_CHECK_CHARS = 6
_DOMAIN = b"th-apikey-v1\0"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A caller. `digest` is all that is kept of the key; times are Unix seconds.

    `grant` is what it may use. `rate_limit_rps` are requests per second, 0 as many as an address
    may send, NO_LIMIT any number. `directives` is whether `@@tokenhub` in the text of a message
    is obeyed, `judged` whether a model may be shown its requests to judge the answers.

    `budget_nusd` is what it may spend in a month (UTC), None for no limit. At `budget_reset_at` an
    operator set its spending back to nothing: of `paid_month` (core.purse), the `paid_nusd` that
    had been spent by then do not count.

    `tokens_per_minute` and `concurrency`, the requests under way at once, are 0 where there is no
    such limit. No scopes are none: such a key opens nothing.

    `digest` and `prefix` are of the credential that was issued last: at `rotated_at`, None for the
    first. It opens the key for `rotation_days`, 0 for ever; `former` are those before it that
    open it yet.
    """

    id: str
    name: str
    digest: bytes
    prefix: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    enabled: bool = True
    rate_limit_rps: int = 0
    directives: bool = True
    version: int = 0
    grant: Grant = FREE
    budget_nusd: int | None = None
    budget_reset_at: float | None = None
    paid_month: int = 0
    paid_nusd: int = 0
    tokens_per_minute: int = 0
    concurrency: int = 0
    rotation_days: int = 0
    rotated_at: float | None = None
    former: tuple[Credential, ...] = ()
    judged: bool = True

    @property
    def issued_at(self) -> float:
        """When the last credential was issued."""
        return self.created_at if self.rotated_at is None else self.rotated_at

    @property
    def ends_at(self) -> float | None:
        """When the last credential opens nothing more; None is never."""
        return earliest(self.expires_at, due_at(self.issued_at, self.rotation_days))

    def usable(self, now: float) -> bool:
        return self.enabled and (self.expires_at is None or now < self.expires_at)

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "*" in self.scopes


# Keys by the digest of each credential, as every request looks its caller up: see `opened`.
KeyTable = Mapping[bytes, ApiKey]
# When each credential was last used, by its digest; Unix seconds.
Uses = MutableMapping[bytes, float]


def opened(key: ApiKey) -> dict[bytes, ApiKey]:
    """The key under the digest of each of its credentials, as that one opens it.

    Its `digest` and `expires_at` are then those of the credential, so that a request has one
    look-up and one comparison, however many there are and whatever ends them.
    """
    last = key.ends_at
    found = {key.digest: key if last == key.expires_at else replace(key, expires_at=last)}
    for old in key.former:
        due = due_at(old.issued_at, key.rotation_days)
        ends = earliest(key.expires_at, old.expires_at, due)
        found[old.digest] = replace(key, digest=old.digest, prefix=old.prefix, expires_at=ends)
    return found


def mint(secret: int) -> str:
    """The key that holds `secret`, 192 random bits."""
    body = PREFIX + _base62(secret, _SECRET_CHARS)
    return body + _base62(zlib.crc32(body.encode()), _CHECK_CHARS)


def well_formed(key: str) -> bool:
    """Whether prefix, length and checksum are those of a key we minted."""
    if not key.startswith(PREFIX) or len(key) != len(PREFIX) + _SECRET_CHARS + _CHECK_CHARS:
        return False
    if not key.isascii():
        return False
    body, check = key[:-_CHECK_CHARS], key[-_CHECK_CHARS:]
    return check == _base62(zlib.crc32(body.encode()), _CHECK_CHARS)


def digest(key: str) -> bytes:
    """What is stored of a key, and what it is looked up by."""
    return hashlib.sha256(_DOMAIN + key.encode("utf-8", "surrogatepass")).digest()


def shown_prefix(key: str) -> str:
    """What may be shown of a key: its first four and last four characters."""
    return f"{key[: len(PREFIX) + 4]}...{key[-4:]}"


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
