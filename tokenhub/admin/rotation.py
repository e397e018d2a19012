"""A new credential for a key: what the former ones keep, and what is refused."""

import re

from msgspec.structs import replace

from tokenhub.admin.durations import seconds
from tokenhub.core.credentials import DAY_S, MAX_FORMER, OVERLAP_S, Credential, due_at, earliest
from tokenhub.core.errors import BadRequest, Conflict
from tokenhub.core.keys import ApiKey

_NO_TIME = re.compile(r"0+[dhms]?")


def rotatable(old: ApiKey, days: int, now: float) -> None:
    """Raise BadRequest for an age that the credential has passed: the key would be dead at once."""
    due = due_at(old.issued_at, days)
    if due is not None and now >= due and days != old.rotation_days:
        age = int((now - old.issued_at) // DAY_S)
        raise BadRequest(
            f"the credential of this key is {age} days old; rotate it first, or give more days",
            field="rotation_days",
        )


def overlap_s(text: str) -> float:
    """For how long the former ones live on; a day where nothing is said, and `0` not at all."""
    trimmed = text.strip()
    if not trimmed:
        return OVERLAP_S
    # A duration is above 0 everywhere else.
    return 0.0 if _NO_TIME.fullmatch(trimmed) else seconds(trimmed, field="overlap")


def outlived(old: ApiKey, now: float, until: float) -> tuple[Credential, ...]:
    """The credentials that the key has had up to now, as far as they open it yet; newest first.

    Raises Conflict where they are too many.
    """
    current = Credential(
        digest=old.digest, prefix=old.prefix, issued_at=old.issued_at, expires_at=until
    )
    living = []
    for one in (current, *old.former):
        due = due_at(one.issued_at, old.rotation_days)
        ends = earliest(one.expires_at, until, due)
        assert ends is not None
        if ends > now:
            living.append(replace(one, expires_at=ends))
    if len(living) > MAX_FORMER:
        raise Conflict(
            f"{MAX_FORMER} former credentials of this key are in force; wait for their end, or "
            'rotate it with an overlap of "0", which ends all of them at once'
        )
    return tuple(living)
