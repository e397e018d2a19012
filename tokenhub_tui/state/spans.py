"""Spans of time in few cells: `42s`, `27m`, `2h05m`, `12d`."""

from tokenhub_tui.state.feed import unix

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def short(span_s: float) -> str:
    """One unit, or hours with their minutes; what is begun does not count."""
    whole = int(span_s)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d"


def ago(timestamp: str | None, now: float) -> str:
    """How long ago a time of the API was; `-` where it never was."""
    then = unix(timestamp or "")
    return short(max(0.0, now - then)) if then else "-"


def ahead(timestamp: str | None, now: float) -> float | None:
    """Seconds until a time of the API, below zero where it is over; None where there is none."""
    then = unix(timestamp or "")
    return then - now if then else None
