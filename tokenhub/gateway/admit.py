"""Stage 1: who asks, and whether they may."""

from hmac import compare_digest

from tokenhub.core.buckets import Allowance, Limit, tighter
from tokenhub.core.errors import OutOfScope, RateLimited, Unauthenticated
from tokenhub.core.keys import PREFIX, ApiKey, KeyTable, digest
from tokenhub.gateway.quotas import Quotas
from tokenhub.gateway.run import Arrival
from tokenhub.ports.shared import RateLimits

# A key may send at once what it may send in two seconds (original-behaviour 1.3).
BURST_S = 2


# Whom a key belongs to that nobody has: so a stranger's takes the same steps as one that is off.
NOBODY = ApiKey(
    id="", name="", digest=bytes(32), prefix="", scopes=(), created_at=0.0, enabled=False
)


def admitted(key: str | None, table: KeyTable, *, scope: str, now: float) -> ApiKey:
    """The caller. Raises Unauthenticated, and OutOfScope where the key may not do this."""
    caller = identified(key, table, now=now)
    if not caller.may(scope):
        raise OutOfScope(f"insufficient scope: this key may not use {scope!r}")
    return caller


def identified(key: str | None, table: KeyTable, *, now: float) -> ApiKey:
    """Whose key it is. The look-up is by digest, in memory: a revoked key fails at once.

    Raises Unauthenticated, in one text and after the same steps for a key that is unknown,
    malformed, disabled or expired. The checksum is not looked at: who guesses shall not learn by
    the time it takes which guesses were well formed.
    """
    if not key:
        raise Unauthenticated(
            'authorization required: send "Authorization: Bearer <api key>" or "x-api-key"'
        )
    mark = digest(key)
    caller = table.get(mark, NOBODY)
    if not compare_digest(mark, caller.digest) or not caller.usable(now):
        raise Unauthenticated(
            "invalid api key: it is unknown, disabled or expired; a key of this server begins "
            f"with {PREFIX}"
        )
    return caller


class KeyLimits:
    """What each key may send. `rps` holds for a key without a rate of its own; 0 is no limit."""

    def __init__(self, rates: RateLimits, *, rps: int) -> None:
        self.quotas = Quotas(rates)
        self.refused = 0
        self._rates = rates
        self.rps = rps

    def take(self, caller: ApiKey, arrival: Arrival) -> Allowance:
        """What the caller may still send, by the tighter of key and address.

        Raises RateLimited where the key has had its share.
        """
        rps = caller.rate_limit_rps or self.rps
        if rps <= 0:
            return arrival.allowance
        limit = Limit(rps=rps, burst=BURST_S * rps)
        allowance = self._rates.take(caller.id, limit, arrival.started)
        if allowance.allowed:
            return tighter(arrival.allowance, allowance)
        self.refused += 1
        raise RateLimited(
            f"this API key may send {rps} requests a second, and {limit.burst} at once; "
            f"the next one may come in {allowance.retry_after_s:.3f} s",
            retry_after_s=allowance.retry_after_s,
            allowance=allowance,
            at=arrival.at,
        )
