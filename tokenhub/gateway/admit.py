"""Stage 1: who asks, and whether they may."""

from tokenhub.core.errors import OutOfScope, Unauthenticated
from tokenhub.core.keys import PREFIX, ApiKey, KeyTable, digest


def admitted(key: str | None, table: KeyTable, *, scope: str, now: float) -> ApiKey:
    """The caller. The look-up is by digest, in memory: a revoked key fails at once.

    Raises Unauthenticated, in one text for unknown, disabled and expired, and OutOfScope.
    """
    if not key:
        raise Unauthenticated(
            'authorization required: send "Authorization: Bearer <api key>" or "x-api-key"'
        )
    if not key.startswith(PREFIX):
        raise Unauthenticated("invalid api key format: a key of this server begins with tokenhub_")
    caller = table.get(digest(key))
    if caller is None or not caller.usable(now):
        raise Unauthenticated("invalid api key")
    if not caller.may(scope):
        raise OutOfScope(f"insufficient scope: this key may not use {scope!r}")
    return caller
