"""Exit codes: the same for every command, so that scripts can tell failures apart."""

from enum import IntEnum

from tokenhub.client.errors import (
    BadCall,
    BadProfile,
    ClientError,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)


class Code(IntEnum):
    """What a command ends with."""

    DONE = 0
    REFUSED = 1  # the server said no in any other way, or failed
    USAGE = 2  # flags, JSON, a confirmation that was not given
    UNREACHABLE = 3  # connection, TLS, timeout
    UNAUTHORIZED = 4  # no token, or not the right one
    NOT_FOUND = 5
    CONFLICT = 6  # something else is there, or it has changed since it was read
    VAULT_LOCKED = 7  # and the request needs it
    NOT_SO = 8  # what was to be verified does not hold, or nobody can tell
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    BROKEN_PIPE = 141  # 128 + SIGPIPE


_CODES: tuple[tuple[type[ClientError], Code], ...] = (
    (BadCall, Code.USAGE),
    (BadProfile, Code.USAGE),
    (Unreachable, Code.UNREACHABLE),
    (Unauthorized, Code.UNAUTHORIZED),
    (NotFound, Code.NOT_FOUND),
    (Conflict, Code.CONFLICT),
)


def code_of(error: ClientError) -> Code:
    """The exit code of what a call came to."""
    if isinstance(error, Refused) and error.code == "vault_locked":
        return Code.VAULT_LOCKED
    return next((code for kind, code in _CODES if isinstance(error, kind)), Code.REFUSED)
