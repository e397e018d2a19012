"""The level of the log."""

import msgspec


class LogLevel(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`level` is debug, info, warn or error."""

    level: str
