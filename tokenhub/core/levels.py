"""How finely the past is kept, and which of it answers a question about some time.

    10 s      a day     what is written as requests end
    1 min     a week    |
    10 min    30 days   | each made of the one above it, once its time is over
    1 h, 1 d  as long as is set (90 days)

What a level has is the sum of the level above, never an average of averages, so a question has
the same sums at every step. `marks` say of each level up to when it was made; later times are
answered from the finer ones.
"""

from collections.abc import Iterator, Mapping

import msgspec

from tokenhub.core.errors import BadRequest

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
# The original's retention was 7 days, while its pages offered 90.
RETENTION_DAYS = 90
MOST_DAYS = 3650
# More than a screen has columns, and few enough to be read at once.
MOST_POINTS = 11_000
# Of the levels themselves where it can be, since anything between is made of a finer one.
_USUAL_POINTS = 400
_STEPS = (10, 30, 60, 300, 600, HOUR_S, DAY_S)


class Level(msgspec.Struct, frozen=True):
    """Slots of `step_s`, kept for `keep_s`; None: as long as the retention."""

    step_s: int
    keep_s: int | None

    def kept_s(self, retention_s: int) -> int:
        """For how long it is kept under a retention."""
        return retention_s if self.keep_s is None else min(self.keep_s, retention_s)


LEVELS = (
    Level(10, DAY_S),
    Level(MINUTE_S, 7 * DAY_S),
    Level(600, 30 * DAY_S),
    Level(HOUR_S, None),
    Level(DAY_S, None),
)


class Span(msgspec.Struct, frozen=True):
    """The slots of one level that begin from `start` to before `end`, Unix seconds."""

    step_s: int
    start: int
    end: int


def cover(start: int, end: int, *, step_s: int, marks: Mapping[int, int]) -> list[Span]:
    """The fewest slots that make up a time, none of them reaching over a border of steps.

    `step_s` 0 has no borders. In the order of time.
    """
    fitting = [
        level.step_s
        for level in LEVELS
        if not step_s or (level.step_s <= step_s and step_s % level.step_s == 0)
    ]
    return list(_cover(start, end, fitting, marks))


def _cover(start: int, end: int, steps: list[int], marks: Mapping[int, int]) -> Iterator[Span]:
    if start >= end or not steps:
        return
    *finer, step = steps
    if not finer:
        yield Span(step, start, end)
        return
    first = -(-start // step) * step
    last = min(end, marks.get(step, 0)) // step * step
    if first >= last:
        yield from _cover(start, end, finer, marks)
        return
    yield from _cover(start, first, finer, marks)
    yield Span(step, first, last)
    yield from _cover(last, end, finer, marks)


def step_of(step_s: int, *, start: float, end: float, now: float) -> int:
    """The step of a chart, in seconds: what was asked for, or what is kept of that time.

    0 leaves the choice to us. Raises BadRequest where it would make too many points.
    """
    age_s = now - start
    kept = [level.step_s for level in LEVELS if level.keep_s is None or age_s <= level.keep_s]
    base = kept[0]
    if not step_s:
        fitting = (one for one in _STEPS if (end - start) / one <= _USUAL_POINTS)
        step_s = next(fitting, -(-int(end - start) // _USUAL_POINTS // DAY_S) * DAY_S)
    step_s = -(-step_s // base) * base
    if (end - start) / step_s > MOST_POINTS:
        least = -(-int(end - start) // MOST_POINTS // base) * base
        raise BadRequest(
            f"this is more than {MOST_POINTS} points; ask for a step of {least * 1000} ms or more, "
            "or for a shorter time",
            field="step",
        )
    return step_s
