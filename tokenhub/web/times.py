"""Times on the wire."""

from datetime import UTC, datetime


def utc(unix_s: float) -> str:
    """RFC 3339 in UTC with milliseconds: `2025-01-31T23:59:59.000Z`."""
    text = datetime.fromtimestamp(unix_s, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
