"""Passwords and recovery keys: their form, and how long a wrong one has to wait."""

import base64

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.vault.keyring import Draw

# The original's least (original-behaviour 5.1), and what is warned of besides.
MIN_CHARS = 8
GOOD_CHARS = 12
MAX_BYTES = 1024
# Free tries, then 1, 2, 4 ... 60 s (reliability.md 4.2). Global: an address is easily changed.
FREE_TRIES = 5
LONGEST_WAIT_S = 60.0
WEAK = f"it has fewer than {GOOD_CHARS} characters: take a longer one"

_MARK = b"RECOVERY"
# 160 random bits; 32 letters and digits (RFC 4648, base32).
_RECOVERY_BYTES = 20
_GROUP = 4


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """Wrong passwords in a row, and the Unix time of the last."""

    failures: int = 0
    last_at: float = 0.0


def wait_s(tries: Tries, now: float) -> float:
    """Seconds until the next try is heard; 0 for now. A clock that was set back grants nothing."""
    over = tries.failures - FREE_TRIES
    if over < 0:
        return 0.0
    due = min(LONGEST_WAIT_S, 2.0 ** min(over, 10))
    return min(due, max(0.0, tries.last_at + due - now))


def checked_password(password: bytes | bytearray, *, field: str) -> str:
    """A warning about a new password, or nothing. Raises BadRequest for one that is refused."""
    chars = len(bytes(password).decode("utf-8", "replace"))
    if not bytes(password).strip():
        raise BadRequest(f"{field} must be given", field=field)
    if chars < MIN_CHARS:
        raise BadRequest(
            f"{field} too short: it must have at least {MIN_CHARS} characters", field=field
        )
    if len(password) > MAX_BYTES:
        raise BadRequest(f"{field} must have at most {MAX_BYTES} bytes", field=field)
    return WEAK if chars < GOOD_CHARS else ""


def recovery_key(draw: Draw) -> str:
    """A new recovery key, as it is printed: recovery-XXXX-XXXX- and so on."""
    text = base64.b32encode(draw(_RECOVERY_BYTES)).decode("ascii")
    groups = [text[at : at + _GROUP] for at in range(0, len(text), _GROUP)]
    return "-".join([_MARK.decode().lower(), *groups])


def plain(recovery: bytes | bytearray) -> bytes:
    """A recovery key without what does not count: case, dashes, spaces; empty where it is none."""
    text = bytes(recovery).upper().translate(None, b"- \t\r\n")
    return text if text.startswith(_MARK) and len(text) == len(_MARK) + 32 else b""
