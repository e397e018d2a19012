"""Times and spans of time as they are written on a line: `30s`, `1h30m`, `2026-01-31T23:59:59Z`."""

import re
from datetime import UTC, datetime

import typer

_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_BARE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_PART = re.compile(rf"({_BARE.pattern})([dhms])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def span_s(text: str, *, flag: str) -> float:
    """Seconds of a span; a bare number is seconds. Raises a usage error."""
    if _BARE.fullmatch(text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no span such as 30s or 1h30m", param_hint=flag)
    return sum(float(amount) * _UNIT_S[unit] for amount, unit in _PART.findall(text))


def moment(text: str, *, flag: str, also: str = "") -> datetime:
    """A time with its zone, or so long ago. Raises a usage error; `also` is what it may be too."""
    if not (text[:4].isdigit() and "-" in text):
        if not (_BARE.fullmatch(text) or _WHOLE.fullmatch(text)):
            raise typer.BadParameter(
                f"{text!r} is no time such as 2026-01-31T23:59:59Z, no span such as 30s or 1h30m"
                + (f", and not {also}" if also else ""),
                param_hint=flag,
            )
        ago_s = span_s(text, flag=flag)
        now = datetime.now(UTC).timestamp()  # noqa: TID251 - the reader's now
        return datetime.fromtimestamp(now - ago_s, UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time", param_hint=flag) from error
    if found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone; add Z for UTC", param_hint=flag)
    return found
