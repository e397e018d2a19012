"""What was judged of one route: counts and means by task, and whether it has changed.

Evidence is forgotten by new evidence of the same route, in a memory of about 300 judgements, and
by time. A route that became better or worse is noticed by two cumulative sums of how far each score
is from what was expected of it (Page, Continuous Inspection Schemes, Biometrika 1954): one grows
where scores are lower, one where they are higher, and chance takes both back to nothing. Where
one goes too far, what was before it began is forgotten at once.
"""

from math import exp2, sqrt

import msgspec

# About 300 judgements are remembered: a model changes by the month, its posterior within a day.
MEMORY = 300.0
# What was judged a fortnight ago counts half.
HALF_S = 14 * 86_400.0
# Deviations from one answer to the next are .1 to .25, more where judges say only right or wrong.
NOISE, _NOISE_COUNTS = 0.25**2, 6.0
_LEAST_NOISE = 0.02**2
# In deviations: what a score may miss without a word, how much one may say, as scores have one
# long tail, and the sum that is no chance: seven in a row that could not be worse, or as much
# in more of them. At 8 one right-or-wrong judge in two thousand scores is believed wrongly.
_ALLOWED, _LOUDEST, _CHANGED = 0.5, 2.0, 10.0
# Of a route that has fewer than these nothing is expected yet, and nothing can have changed that
# is the most of what is known.
_EXPECTED_FROM, _MOST = 6.0, 0.7


class Cell(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How many judgements count yet, and their mean."""

    n: float = 0.0
    mean: float = 0.0


EMPTY = Cell()


class Drift(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A cumulative sum: how many scores it has gone on for, and how far they were off."""

    sum: float = 0.0
    n: float = 0.0
    off: float = 0.0


STEADY = Drift()


class Judged(msgspec.Struct, frozen=True, array_like=True):
    """The judgements of a route, by task; `squares` is of their deviations from these means.

    `at` is Unix seconds.
    """

    cells: dict[str, Cell] = {}
    squares: float = 0.0
    at: float = 0.0
    fell: Drift = STEADY
    rose: Drift = STEADY


UNJUDGED = Judged()


def after(
    known: Judged, task: str, score: float, *, expected: float, weight: float, at: float
) -> Judged:
    """What is known after one more judgement that counts `weight`."""
    deviation = sqrt(noise_of(known, known.cells))
    kept = (1 - 1 / MEMORY) ** weight * faded(at - known.at)
    cells = {name: Cell(cell.n * kept, cell.mean) for name, cell in known.cells.items()}
    before = sum([cell.n for cell in cells.values()])
    own = cells.get(task, EMPTY)
    n = own.n + weight
    mean = own.mean + (score - own.mean) * weight / n
    cells[task] = Cell(n, mean)
    squares = known.squares * kept + weight * (score - own.mean) * (score - mean)
    if before < _EXPECTED_FROM:
        return Judged(cells, squares, at)
    off = score - expected
    fell = _drifted(known.fell, -off / deviation, off, weight)
    rose = _drifted(known.rose, off / deviation, off, weight)
    for drift in (fell, rose):
        if drift.sum > _CHANGED and drift.n < _MOST * (before + weight):
            return _turned(cells, squares, at, drift)
    return Judged(cells, squares, at, fell, rose)


def _drifted(drift: Drift, deviations: float, off: float, weight: float) -> Drift:
    said = weight * (max(-_LOUDEST, min(_LOUDEST, deviations)) - _ALLOWED)
    if drift.sum + said <= 0:
        return STEADY
    n = drift.n + weight
    return Drift(drift.sum + said, n, drift.off + (off - drift.off) * weight / n)


def _turned(cells: dict[str, Cell], squares: float, at: float, drift: Drift) -> Judged:
    """Only what was judged since it began to drift: about as far apart, at another level."""
    part = drift.n / sum([cell.n for cell in cells.values()])
    # A part of the means are the new scores already.
    moved = drift.off * (1 - part)
    return Judged(
        {name: Cell(cell.n * part, cell.mean + moved) for name, cell in cells.items()},
        squares * part,
        at,
    )


def corrected(known: Judged, task: str, score: float, was: float, *, weight: float) -> Judged:
    """As if a judgement that counted `weight` and said `was` had said `score`.

    About: how long ago it was is not known, and it may have been forgotten since. So no number of
    them takes a mean beyond what can be said. Nor do they count for a change, as somebody has
    thought better of it and no model has changed; what the first word said for one is taken back.
    """
    cell = known.cells[task]
    n = max(cell.n, weight)
    by = score - was
    step = by * weight / n
    mean = min(max(cell.mean + step, min(cell.mean, 0.0)), max(cell.mean, 1.0))
    squares = known.squares + step * n * (2 * (score - cell.mean) - by - step)
    # Of what lies within 1 the variance is a quarter at most.
    count = sum([one.n for one in known.cells.values()])
    squares = min(max(squares, 0.0), max(known.squares, count / 4))
    deviations = by / sqrt(noise_of(known, known.cells))
    return Judged(
        {**known.cells, task: Cell(cell.n, mean)},
        squares,
        known.at,
        _taken_back(known.fell, deviations, by, weight),
        _taken_back(known.rose, -deviations, by, weight),
    )


def _taken_back(drift: Drift, deviations: float, by: float, weight: float) -> Drift:
    said = weight * min(_LOUDEST, deviations)
    if said <= 0:
        return drift
    if drift.sum <= said:
        return STEADY
    return Drift(drift.sum - said, drift.n, drift.off + by * weight / max(drift.n, weight))


def faded(passed_s: float) -> float:
    """What is left of a judgement after so many seconds."""
    return exp2(-passed_s / HALF_S) if passed_s > 0 else 1.0


def counted(known: Judged, now: float) -> dict[str, Cell]:
    """The cells as they count now."""
    part = faded(now - known.at)
    return {name: Cell(cell.n * part, cell.mean) for name, cell in known.cells.items()}


def noise_of(known: Judged, cells: dict[str, Cell]) -> float:
    """The variance from one answer to the next."""
    # Each mean takes one deviation with it.
    free = max(0.0, sum([cell.n for cell in cells.values()]) - len(cells))
    return max(_LEAST_NOISE, (known.squares + NOISE * _NOISE_COUNTS) / (free + _NOISE_COUNTS))
