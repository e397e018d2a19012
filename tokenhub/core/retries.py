"""The retry budget of a provider: how many attempts it may get beyond the first ones.

A token bucket that requests fill: a fifth of a token for each first attempt and three tokens a
second besides, so that a provider with little traffic has some too. An attempt that is not a
request's first takes a whole one. What time has brought stops at ten seconds' worth; what requests
have brought above that fades within ten seconds, so that a busy hour does not pay for a storm.

Over any time the extra attempts are at most a fifth of the first ones, three a second, and the ten
seconds' worth that was there before (reliability.md 2.5; the figures are those of Finagle's
RetryBudget, whose floor and window are ten a second and ten seconds).
"""

from math import exp

import msgspec

PER_REQUEST = 0.2
PER_SECOND = 3.0
WINDOW_S = 10.0
# What time alone brings together.
FLOOR = PER_SECOND * WINDOW_S
# A hundred requests' fifths are twenty tokens, and 19.999999999999996 in floats.
_ROUNDING = 1e-9


class RetryBudget(msgspec.Struct, frozen=True, gc=False):
    """The tokens at a time, in seconds of a monotonic clock. It begins with the floor."""

    tokens: float = FLOOR
    at: float = 0.0


def filled(budget: RetryBudget, now: float) -> RetryBudget:
    """After a request's first attempt."""
    return RetryBudget(tokens(budget, now) + PER_REQUEST, now)


def taken(budget: RetryBudget, now: float) -> RetryBudget | None:
    """After one more attempt; None where there is no token for it."""
    left = tokens(budget, now) - 1.0
    return None if left < -_ROUNDING else RetryBudget(max(0.0, left), now)


def tokens(budget: RetryBudget, now: float) -> float:
    """How many there are at a time. A clock that goes back stands still."""
    passed_s = now - budget.at
    if passed_s <= 0:
        return budget.tokens
    if budget.tokens > FLOOR:
        return FLOOR + (budget.tokens - FLOOR) * exp(-passed_s / WINDOW_S)
    return min(FLOOR, budget.tokens + PER_SECOND * passed_s)
