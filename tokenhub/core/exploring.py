"""Now and then another than the best: a rank drawn with P(rank i) ~ exp(-i / temperature).

So what is known of the others stays fresh, and every choice has a probability to weigh its
outcome with (original-behaviour 2.6). At 0 the best is always taken.
"""

from math import exp

# A rank less probable than this is never drawn: the sum of all such is nothing.
_NEVER = 1e-15


def chances(temperature: float, count: int) -> list[float]:
    """The probability of each rank, from the best; they sum to 1. `count` is at least 1."""
    if temperature <= 0:
        return [1.0]
    step = exp(-1 / temperature)
    parts = [1.0]
    while len(parts) < count and parts[-1] * step > _NEVER:
        parts.append(parts[-1] * step)
    total = sum(parts)
    return [part / total for part in parts]


def rank(chances: list[float], draw: float) -> int:
    """The rank that a draw in [0, 1) falls on."""
    for place, chance in enumerate(chances):
        draw -= chance
        if draw < 0:
            return place
    return 0  # rounding left a rest: it is the best's
