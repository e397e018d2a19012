"""Signatures of simulated thinking: made here, and known again when they come back.

They are the same in every simulation, as a vendor's are in all its data centres, and worth
nothing anywhere else.
"""

import base64
import binascii
from hashlib import blake2b

LABEL = b"tokenhub-simulation"
NONCE = 16


def signature(text: str) -> str:
    """The signature of this thinking."""
    return base64.b64encode(_mac(text.encode("utf-8", "surrogatepass"))).decode()


def signed(text: str, given: str) -> bool:
    """Whether the simulation gave this signature to this text."""
    return given == signature(text)


def data(nonce: str) -> str:
    """Thinking that nobody can read, one for each nonce."""
    seed = nonce.encode().ljust(NONCE, b"0")[:NONCE]
    return base64.b64encode(seed + _mac(seed)).decode()


def known(given: str) -> bool:
    """Whether the simulation gave this unreadable thinking."""
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return raw[NONCE:] == _mac(raw[:NONCE])


def _mac(content: bytes) -> bytes:
    return blake2b(content, key=LABEL, digest_size=48).digest()
