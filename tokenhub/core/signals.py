"""What is known of the routes while a decision is taken, as plain values."""

from collections.abc import Mapping

import msgspec

# The weight of the newest sample, the original's (original-behaviour 4.1).
NEWEST = 0.1


class Signal(msgspec.Struct, frozen=True):
    """One route as it has behaved. `latency_s` is None until an answer has been timed."""

    latency_s: float | None = None
    failure_rate: float = 0.0


UNKNOWN = Signal()


class Closed(msgspec.Struct, frozen=True):
    """Why a provider or a route is not to be asked, and for how many seconds yet."""

    reason: str
    for_s: float


ALL_OPEN: Mapping[str, Closed] = {}


class Signals(msgspec.Struct, frozen=True):
    """Signals by route id, the providers whose credential is missing, and who is closed.

    `closed` is by the id of a provider or of a route.
    """

    routes: Mapping[str, Signal]
    without_credential: frozenset[str] = frozenset()
    closed: Mapping[str, Closed] = ALL_OPEN


def after_success(signal: Signal, latency_s: float) -> Signal:
    """The first sample sets the latency; later ones move it by a tenth."""
    known = signal.latency_s
    moved = latency_s if known is None else (1 - NEWEST) * known + NEWEST * latency_s
    return Signal(moved, (1 - NEWEST) * signal.failure_rate)


def after_failure(signal: Signal) -> Signal:
    return Signal(signal.latency_s, (1 - NEWEST) * signal.failure_rate + NEWEST)
