"""Identifiers that sort by time, so that tables and their indexes grow at one end."""


def request_id(now_s: float, noise: int) -> str:
    """`req_` + 12 hex digits of Unix milliseconds + 16 hex digits of `noise` (64 bits)."""
    return f"req_{int(now_s * 1000):012x}{noise:016x}"
