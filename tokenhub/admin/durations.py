"""Spans of time as operators write them."""

import re

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
