"""What is known of the routes while a decision is taken, as plain values.

A new sample counts a tenth. What is not confirmed fades: a failure rate halves every ten minutes,
and of a usual latency as much is left after an hour of silence as half of what it counts for.
"""

from collections.abc import Mapping
from math import ceil, exp2

import msgspec

from tokenhub.core.bandit import Arm

# The weight of the newest sample, the original's (original-behaviour 4.1).
NEWEST = 0.1
# An outage is forgiven to a 64th within the hour, and one failure in ten is still remembered
# between two requests of a quiet route. Who fails now is kept away by its health, not by this.
FAILURE_HALF_S = 600.0
# Providers are slower by day than by night; an hour is well within either.
LATENCY_HALF_S = 3600.0
# A rate below is none: one failure in two hours or more.
LEAST_RATE = 1e-4


class Signal(msgspec.Struct, frozen=True):
    """One route as it has behaved.

    `latency_s` is None until an answer has been timed, and `output_tokens`, what it usually
    writes, until one has been counted.
    """

    latency_s: float | None = None
    failure_rate: float = 0.0
    output_tokens: int | None = None


UNKNOWN = Signal()


# Why something is closed for a time, in the words of a skip.
CLOSED_FOR = frozenset({"health_down", "cooling_down", "credential_out"})


class Closed(msgspec.Struct, frozen=True):
    """Why a provider or a route is not to be asked, and for how many milliseconds yet.

    `reason` is one of CLOSED_FOR.
    """

    reason: str
    for_ms: int


ALL_OPEN: Mapping[str, Closed] = {}
NO_ARMS: Mapping[str, Mapping[str, Arm]] = {}


class Signals(msgspec.Struct, frozen=True):
    """Signals by route id, the providers whose credential is missing, and who is closed.

    `locked_away` are those of the former whose credential is in the locked vault.

    `closed` is by the id of a provider or of a route; `arms` by the size of the prompt, and then
    by the id of the route.
    """

    routes: Mapping[str, Signal]
    without_credential: frozenset[str] = frozenset()
    closed: Mapping[str, Closed] = ALL_OPEN
    arms: Mapping[str, Mapping[str, Arm]] = NO_ARMS
    locked_away: frozenset[str] = frozenset()


class Learned(msgspec.Struct, frozen=True):
    """What a route's past came to; `timed_at` and `rated_at` are the seconds of its last word."""

    latency_s: float | None = None
    timed_at: float = 0.0
    failure_rate: float = 0.0
    rated_at: float = 0.0
    output_tokens: float | None = None


UNMET = Learned()


def after_success(known: Learned, latency_s: float, now: float) -> Learned:
    """The first sample sets the latency; later ones move it, by more after a long silence."""
    moved, usual = latency_s, known.latency_s
    if usual is not None:
        kept = (1 - NEWEST) * _half(now - known.timed_at, LATENCY_HALF_S)
        moved = kept * usual + (1 - kept) * latency_s
    rate = (1 - NEWEST) * failing(known, now)
    return Learned(moved, now, rate, now, known.output_tokens)


def after_failure(known: Learned, now: float) -> Learned:
    """A failure is timed by nobody: it leaves the latency."""
    rate = (1 - NEWEST) * failing(known, now) + NEWEST
    return Learned(known.latency_s, known.timed_at, rate, now, known.output_tokens)


def after_writing(known: Learned, output_tokens: float, *, cut: bool) -> Learned:
    """What one answer came to. One that was `cut` at its limit would have been longer.

    So it tells nothing where it is shorter than what the route usually writes.
    """
    usual = known.output_tokens
    if usual == output_tokens or (usual is not None and cut and output_tokens < usual):
        return known
    if usual is not None:
        output_tokens = (1 - NEWEST) * usual + NEWEST * output_tokens
    timed_at, rated_at = known.timed_at, known.rated_at
    return Learned(known.latency_s, timed_at, known.failure_rate, rated_at, output_tokens)


def failing(known: Learned, now: float) -> float:
    """The failure rate as it counts now; 0 where it is all but forgotten."""
    if not known.failure_rate:
        return 0.0
    rate = known.failure_rate * _half(now - known.rated_at, FAILURE_HALF_S)
    return rate if rate >= LEAST_RATE else 0.0


def signal(known: Learned, now: float) -> Signal:
    """What a decision may know of it."""
    usual = known.output_tokens
    return Signal(known.latency_s, failing(known, now), None if usual is None else ceil(usual))


def _half(passed_s: float, half_s: float) -> float:
    """What is left after so long: half of it after each `half_s`."""
    return exp2(-passed_s / half_s) if passed_s > 0 else 1.0
