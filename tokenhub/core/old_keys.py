"""API keys that the original issued, and that it handed over as bcrypt hashes.

Such a key is `tokenhub_` + 64 lower-case hex digits (original-behaviour 5.4). What came over of it
is bcrypt of the hex SHA-256 of the whole key, so its digest is not known before it is used:

    waiting    its row has the mark of its hash for a digest, a value that no key has
    known      on its first good use the digest takes the mark's place, and the hash is dropped
"""

import hashlib
import re

from tokenhub.core.keys import PREFIX, SCOPES

# What an original key without scopes might do: everything that there was.
FULL_SCOPES = tuple(scope for scope in SCOPES if scope != "*")
# Hex digits of the key that the original kept as its id and as its prefix.
ID_DIGITS = 16
PREFIX_DIGITS = 8
# The original wrote cost 10. A check at 14 takes a second; what asks for more is not its work.
MIN_COST, MAX_COST = 4, 14

_KEY = re.compile(rf"{PREFIX}[0-9a-f]{{64}}", re.ASCII)
_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_PREFIX = re.compile(rf"{PREFIX}[0-9a-f]{{{PREFIX_DIGITS}}}", re.ASCII)
_ID = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}", re.ASCII)
_ID_DOMAIN = b"th-imported-key-v1\0"
_MARK_DOMAIN = b"th-imported-hash-v1\0"


def old_form(key: str) -> bool:
    """Whether a key has the form of the original's."""
    return _KEY.fullmatch(key) is not None


def prehash(key: str) -> bytes:
    """What the original gave to bcrypt for a key."""
    return hashlib.sha256(key.encode()).hexdigest().encode()


def imported_id(old_id: str) -> str:
    """The id of an imported key.

    Always the same for one key, so that an import can be repeated, and no part of the key, as the
    original's id was.
    """
    return f"key_{hashlib.sha256(_ID_DOMAIN + old_id.encode('utf-8', 'replace')).hexdigest()[:16]}"


def mark(old_hash: str) -> bytes:
    """What stands for the digest of a key that was not used yet. It is no key's digest."""
    return hashlib.sha256(_MARK_DOMAIN + old_hash.encode()).digest()


def start_of(old_id: str, prefix: str) -> str:
    """The hex digits that the key begins with, as far as the original kept them.

    The id has 16 of them, unless the key was rotated: then only the prefix is the new key's.
    Raises ValueError where the prefix is none of the original's.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("its prefix is not that of a key of the original")
    digits = prefix.removeprefix(PREFIX)
    return old_id if _ID.fullmatch(old_id) and old_id.startswith(digits) else digits


def starts(key: str) -> tuple[str, str]:
    """The beginnings under which a key of the old form may be waiting."""
    digits = key[len(PREFIX) : len(PREFIX) + ID_DIGITS]
    return digits, digits[:PREFIX_DIGITS]


def checkable(old_hash: str) -> bool:
    """Whether this is a bcrypt hash, of a cost that a server may be asked to bear."""
    found = _HASH.fullmatch(old_hash)
    return found is not None and MIN_COST <= int(found[1]) <= MAX_COST
