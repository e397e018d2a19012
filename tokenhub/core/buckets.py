"""Token buckets: so many requests a second, and so many at once.

A bucket is one number, the time at which it will be full again: each request moves it on by what
one request takes to refill, and a request that would move it further than the whole bucket takes
is refused (the generic cell rate algorithm, ITU-T I.371). So refill is exact, fractions included,
and a bucket that is full needs not be kept at all.
"""

from math import ceil, floor

import msgspec

# A burst of 1,000 sums is rounded by less than this after 100 days of the clock; a caller who waits
# exactly as long as they were told is not refused for the last bit of a float.
ROUNDING_S = 1e-6
# For a bucket that is not there: it was full before the clock began.
FULL = float("-inf")


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Requests per second, above 0, and how many may come at once, at least 1.

    Of a bucket that holds tokens, both count tokens.
    """

    rps: float
    burst: int


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What a bucket says to one request. A `limit` of 0 is no limit at all.

    `remaining` are whole requests that would pass now, `retry_after_s` the seconds until the
    next one would (0 where one would now), `reset_s` those until the bucket is full.
    """

    allowed: bool = True
    limit: int = 0
    remaining: int = 0
    retry_after_s: float = 0.0
    reset_s: float = 0.0


UNLIMITED = Allowance()


def take(limit: Limit, full_at: float, now: float, amount: int = 1) -> tuple[Allowance, float]:
    """What the bucket says to a request at `now`, and when it will be full after that.

    `full_at` is what the last request left, FULL for the first. `amount` is what the request
    takes, at most the burst. A refused request costs nothing. Times are seconds of one clock that
    does not go back.
    """
    each_s = 1.0 / limit.rps
    whole_s = limit.burst * each_s
    missing_s = full_at - now if full_at > now else 0.0
    taken_s = missing_s + amount * each_s
    if taken_s > whole_s + ROUNDING_S:
        refused = Allowance(
            allowed=False,
            limit=limit.burst,
            remaining=max(0, floor((whole_s - missing_s + ROUNDING_S) * limit.rps)),
            retry_after_s=taken_s - whole_s,
            reset_s=missing_s,
        )
        return refused, full_at
    remaining = floor((whole_s - taken_s + ROUNDING_S) * limit.rps)
    passed = Allowance(
        limit=limit.burst,
        remaining=remaining,
        retry_after_s=0.0 if remaining else max(0.0, taken_s + each_s - whole_s),
        reset_s=taken_s,
    )
    return passed, now + taken_s


def corrected(limit: Limit, full_at: float, now: float, more: int) -> float:
    """When the bucket will be full, where a request took so much more than it was counted with.

    A negative number is given back. A bucket may owe: what comes next waits until it has refilled.
    """
    missing_s = max(0.0, full_at - now) + more / limit.rps
    return now + missing_s if missing_s > 0 else FULL


def tighter(one: Allowance, other: Allowance) -> Allowance:
    """The allowance that ends sooner: fewer requests left, or the same for a longer time."""
    if not other.limit:
        return one
    if not one.limit:
        return other
    if one.remaining == other.remaining:
        return one if one.reset_s >= other.reset_s else other
    return one if one.remaining < other.remaining else other


def lasting(seconds: float) -> str:
    """A duration as OpenAI's headers have it: `17ms`, `1.5s`, `6m0s`. Never shorter than it is."""
    millis = ceil(seconds * 1000 - ROUNDING_S)
    if 0 < millis < 1000:  # noqa: PLR2004 - a second
        return f"{millis}ms"
    minutes, millis = divmod(millis, 60_000)
    rest = f"{millis / 1000:g}s"
    if not minutes:
        return rest
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}" if hours else f"{minutes}m{rest}"
