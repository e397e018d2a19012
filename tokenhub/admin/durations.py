"""Spans of time as operators write them."""

import re
from datetime import datetime

from tokenhub.core.errors import BadRequest

# The original takes Go's durations (h, m, s); people think of keys in days.
_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)([dhms])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
# A hundred years: later dates are typing errors, and some calendars cannot hold them.
MAX_S = 36_500 * 86_400.0


def seconds(text: str, *, field: str) -> float:
    """The length of `720h`, `1h30m`, `30d`. Raises BadRequest naming the field."""
    trimmed = text.strip()
    if not _WHOLE.fullmatch(trimmed):
        raise BadRequest(f"{field} must be a duration such as 720h, 1h30m or 30d", field=field)
    total = sum(float(amount) * _UNIT_S[unit] for amount, unit in _PART.findall(trimmed))
    if not 0 < total <= MAX_S:
        raise BadRequest(f"{field} must be above 0 and at most 36500d", field=field)
    return total


def moment(text: str, *, now: float, field: str) -> float | None:
    """The Unix time that a text names: RFC 3339, or so long before now, as `24h`. Empty is None.

    Raises BadRequest naming the field.
    """
    if not text:
        return None
    if text[:4].isdigit() and "-" in text:
        return _time(text, field=field)
    return now - seconds(text, field=field)


def _time(text: str, *, field: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_time(field) from error
    if time.tzinfo is None:
        raise _no_time(field)
    return time.timestamp()


def _no_time(field: str) -> BadRequest:
    return BadRequest(
        f"{field} must be a time with its zone such as 2026-01-31T23:59:59Z, or how long ago, "
        "such as 24h",
        field=field,
    )
