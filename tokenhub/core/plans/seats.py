"""Who sits where, when the caller has not said it."""

from msgspec.structs import replace

from tokenhub.core.plans.steps import Seat


def seated(seat: Seat, mode: str) -> Seat:
    """The seat, with a mode of routing where the caller chose none."""
    return seat if seat.mode else replace(seat, mode=mode)
