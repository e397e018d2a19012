"""How long a credential opens its API key, and what is left of one that was rotated away.

A credential is one of the texts that open a key. The key keeps its id, its limits and its history
when it is given a new one. For a while, the overlap, the former one opens it too, so that its users
need not all change at one instant.

    issued ──────── 80 % of rotation_days ──────── 100 %
            fresh          (warned)          due         overdue: it opens nothing
"""

from typing import Literal

import msgspec

DAY_S = 86_400.0
MAX_ROTATION_DAYS = 3650
# From here on it is to be changed (reliability.md 4.4).
WARNED_AT = 0.8
# What a rotation leaves to the former credential where nothing else is said.
OVERLAP_S = DAY_S
# More of one key at a time are a rotation that runs wild.
MAX_FORMER = 8

Rotation = Literal["none", "fresh", "due", "overdue"]


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One that was rotated away. It opens its key until `expires_at`, in Unix seconds."""

    digest: bytes
    prefix: str
    issued_at: float
    expires_at: float


def due_at(issued_at: float, rotation_days: int) -> float | None:
    """When a credential is too old; None where it may be of any age."""
    return issued_at + rotation_days * DAY_S if rotation_days else None


def rotation(issued_at: float, rotation_days: int, now: float) -> Rotation:
    """How a credential stands to the age that it may have."""
    if not rotation_days:
        return "none"
    age = (now - issued_at) / (rotation_days * DAY_S)
    if age >= 1:
        return "overdue"
    return "due" if age >= WARNED_AT else "fresh"


def earliest(*times: float | None) -> float | None:
    """The first of these times; None is never."""
    return min((time for time in times if time is not None), default=None)
