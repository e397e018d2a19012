"""Identifiers that sort by time, so that tables and their indexes grow at one end."""

from collections.abc import Callable

_NOISE_BITS = 64
# Between two ids of one millisecond: few ids of it can be guessed from one, and 2**31 have room.
_STEP_BITS = 32
_DIGITS = 12 + 16


def request_id(now_s: float, noise: int) -> str:
    """`req_` + 12 hex digits of Unix milliseconds + 16 hex digits of `noise` (64 bits)."""
    return _written(int(now_s * 1000), noise)


class RequestIds:
    """Makes ids, each of which sorts after all before it.

    `now` gives Unix seconds, and `draw` as many random bits as it is asked for. Within one
    millisecond, and while the clock is behind, an id is a random step beyond the one before it.
    """

    def __init__(self, now: Callable[[], float], draw: Callable[[int], int]) -> None:
        self._now = now
        self._draw = draw
        self._at_ms = -1
        self._noise = 0

    def __call__(self) -> str:
        now_ms = int(self._now() * 1000)
        if now_ms > self._at_ms:
            self._begin(now_ms)
        else:
            self._noise += 1 + self._draw(_STEP_BITS)
            if self._noise >> _NOISE_BITS:
                self._begin(self._at_ms + 1)
        return _written(self._at_ms, self._noise)

    def _begin(self, at_ms: int) -> None:
        """The first id of a millisecond leaves the upper half for those after it."""
        self._at_ms = at_ms
        self._noise = self._draw(_NOISE_BITS - 1)


def _written(at_ms: int, noise: int) -> str:
    return f"req_{at_ms:012x}{noise:016x}"


def made_at(written: str) -> float | None:
    """When an id was made, in Unix seconds; None for what is none of these ids."""
    digits = written.removeprefix("req_")
    if len(digits) != _DIGITS or len(written) == len(digits):
        return None
    try:
        return int(digits[:12], 16) / 1000
    except ValueError:
        return None
