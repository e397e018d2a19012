"""A chain over rows: each row's hash is over the one before it and over the row itself.

Whoever changes, removes or inserts a row breaks every hash from there on. Whoever can write the
whole file can also write all hashes anew, which only a hash that was kept elsewhere shows.
"""

import hashlib
from collections.abc import Iterable

HASH_BYTES = 32
# What stands before the first row.
START = bytes(HASH_BYTES)
_DOMAIN = b"th-audit-v1\0"


def link(before: bytes, fields: Iterable[bytes | int]) -> bytes:
    """The hash of a row, SHA-256, over the hash before it and its fields in their order.

    Each field goes in behind its length, so that no two rows have one form: ("a", "bc") and
    ("ab", "c") differ. A number goes in as its decimal digits.
    """
    sealed = hashlib.sha256(_DOMAIN + before)
    for field in fields:
        content = b"%d" % field if isinstance(field, int) else field
        sealed.update(len(content).to_bytes(8))
        sealed.update(content)
    return sealed.digest()
