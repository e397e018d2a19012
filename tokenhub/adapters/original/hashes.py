"""The original's hashes of API keys."""

import bcrypt

from tokenhub.core.old_keys import prehash


def fits(key: str, old_hash: str) -> bool:
    """Whether the hash is that of the key. Takes tens of milliseconds, and lets go of the GIL."""
    return bcrypt.checkpw(prehash(key), old_hash.encode())
