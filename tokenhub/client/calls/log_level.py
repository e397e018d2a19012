"""Calls about how much the server logs."""

from tokenhub.client.call import Call
from tokenhub.wire.log_level import LogLevel

_PATH = "/admin/v1/log-level"


def get_log_level() -> Call[LogLevel]:
    """The level in force."""
    return Call(method="GET", path=_PATH, returns=LogLevel)


def put_log_level(level: LogLevel) -> Call[LogLevel]:
    """Another level, until the server starts anew."""
    return Call(method="PUT", path=_PATH, body=level, returns=LogLevel)
