"""The original's vault: AES-256-GCM under a key that Argon2id makes of the password.

The format is original-behaviour 5.1. It has no verifier: the original took any password, and what
was stored while a wrong one was in force opens with that one only. So each entry tells for itself
whether the password opens it.
"""

import base64
import binascii

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokenhub.ports.original import Opened, Sealed

_PASSES = 3
_MEMORY_KIB = 65_536
_LANES = 4
_KEY_BYTES = 32
_NONCE_BYTES = 12


def opened(vault: Sealed, password: bytes) -> Opened:
    """What the password opens. Takes 64 MiB and a good part of a second."""
    if not vault.entries:
        return Opened(secrets={})
    cipher = AESGCM(_key(password, vault.salt))
    found = {name: _open(cipher, entry) for name, entry in vault.entries.items()}
    return Opened(
        secrets={name: secret for name, secret in found.items() if secret is not None},
        refused=[name for name, secret in found.items() if secret is None],
    )


def _key(password: bytes, salt: bytes) -> bytes:
    return hash_secret_raw(
        password,
        salt,
        time_cost=_PASSES,
        memory_cost=_MEMORY_KIB,
        parallelism=_LANES,
        hash_len=_KEY_BYTES,
        type=Type.ID,
    )


def _open(cipher: AESGCM, entry: str) -> str | None:
    try:
        box = base64.b64decode(entry, validate=True)
        return cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], None).decode()
    except (binascii.Error, InvalidTag, ValueError):
        return None
