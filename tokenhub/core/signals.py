"""What is known of the routes while a decision is taken, as plain values.

A new sample counts a tenth. What is not confirmed fades: a failure rate halves every ten minutes,
and of a usual latency as much is left after an hour of silence as half of what it counts for.
"""

from collections.abc import Mapping
from math import ceil, exp2
from typing import Protocol

import msgspec

from tokenhub.core.learning import UNTRIED, Arm

# The weight of the newest sample, the original's (original-behaviour 4.1).
NEWEST = 0.1
# An outage is forgiven to a 64th within the hour, and one failure in ten is still remembered
# between two requests of a quiet route. Who fails now is kept away by its health, not by this.
FAILURE_HALF_S = 600.0
# Providers are slower by day than by night; an hour is well within either.
LATENCY_HALF_S = 3600.0
# Answers differ in length by more than their mean: the mean of ten is a third off, and of two
# hundred, as many as are remembered, a fourteenth.
LENGTHS = 200
# A rate below is none: one failure in two hours or more.
LEAST_RATE = 1e-4


class Signal(msgspec.Struct, frozen=True):
    """One route as it has behaved.

    `latency_s` is None until an answer has been timed, and `output_tokens`, what it usually
    writes, until one has been counted; `written` is how many have.
    """

    latency_s: float | None = None
    failure_rate: float = 0.0
    output_tokens: int | None = None
    written: int = 0


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


class Arms(Protocol):
    """What is known of how well routes answer."""

    def of(self, task: str, route: str) -> Arm:
        """A route, by its id, at a kind of work."""
        ...

    def still(self) -> "Arms":
        """The same for ever, whatever is learned meanwhile; safe in another thread."""
        ...


class Kept(msgspec.Struct, frozen=True):
    """The arms of one task, by the ids of routes."""

    arms: Mapping[str, Arm]

    def of(self, task: str, route: str) -> Arm:  # noqa: ARG002 - they are of one task
        return self.arms.get(route, UNTRIED)

    def still(self) -> Arms:
        return self


NO_ARMS: Arms = Kept({})


class Signals(msgspec.Struct, frozen=True):
    """Signals by route id, the providers whose credential is missing, and who is closed.

    `locked_away` are those of the former whose credential is in the locked vault.

    `closed` is by the id of a provider or of a route.
    """

    routes: Mapping[str, Signal]
    without_credential: frozenset[str] = frozenset()
    closed: Mapping[str, Closed] = ALL_OPEN
    arms: Arms = NO_ARMS
    locked_away: frozenset[str] = frozenset()


class Learned(msgspec.Struct, frozen=True):
    """What a route's past came to; `timed_at` and `rated_at` are the seconds of its last word."""

    latency_s: float | None = None
    timed_at: float = 0.0
    failure_rate: float = 0.0
    rated_at: float = 0.0
    output_tokens: float | None = None
    written: int = 0


UNMET = Learned()


def after_success(known: Learned, latency_s: float, now: float) -> Learned:
    """The first sample sets the latency; later ones move it, by more after a long silence."""
    moved, usual = latency_s, known.latency_s
    if usual is not None:
        kept = (1 - NEWEST) * _half(now - known.timed_at, LATENCY_HALF_S)
        moved = kept * usual + (1 - kept) * latency_s
    rate = (1 - NEWEST) * failing(known, now)
    return Learned(moved, now, rate, now, known.output_tokens, known.written)


def after_failure(known: Learned, now: float) -> Learned:
    """A failure is timed by nobody: it leaves the latency."""
    rate = (1 - NEWEST) * failing(known, now) + NEWEST
    return Learned(known.latency_s, known.timed_at, rate, now, known.output_tokens, known.written)


def after_writing(known: Learned, output_tokens: float, *, cut: bool) -> Learned:
    """What one answer came to. One that was `cut` at its limit would have been longer.

    So it tells nothing where it is shorter than what the route usually writes.
    """
    usual = known.output_tokens
    if usual is not None and cut and output_tokens < usual:
        return known
    written = min(known.written + 1, LENGTHS)
    if usual is not None:
        output_tokens = usual + (output_tokens - usual) / written
    timed_at, rated_at = known.timed_at, known.rated_at
    return Learned(known.latency_s, timed_at, known.failure_rate, rated_at, output_tokens, written)


def failing(known: Learned, now: float) -> float:
    """The failure rate as it counts now; 0 where it is all but forgotten."""
    if not known.failure_rate:
        return 0.0
    rate = known.failure_rate * _half(now - known.rated_at, FAILURE_HALF_S)
    return rate if rate >= LEAST_RATE else 0.0


def signal(known: Learned, now: float) -> Signal:
    """What a decision may know of it."""
    usual = known.output_tokens
    output_tokens = None if usual is None else ceil(usual)
    return Signal(known.latency_s, failing(known, now), output_tokens, known.written)


def _half(passed_s: float, half_s: float) -> float:
    """What is left after so long: half of it after each `half_s`."""
    return exp2(-passed_s / half_s) if passed_s > 0 else 1.0
