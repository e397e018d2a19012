"""Curves and their axes, without a terminal: what is drawn where, and what is written beside it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10

import msgspec

Point = tuple[float, float | None]
# What values are, and so how they are written.
MS, USD, SHARE, RATE = "ms", "usd", "share", "rate"
_STEPS_S = (
    10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800,
)  # fmt: skip
_DAY_S = 86_400
# A label of the time axis and the air beside it, in cells; a label of the other one, in lines.
_TICK_WIDE, _TICK_HIGH = 12, 3
LABEL = 5
_LITTLE = 0.05


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Points from left to right; a value of None is a gap.

    `colour` is a place among the colours of series, `mark` what is written at its end.
    """

    name: str
    points: tuple[Point, ...]
    colour: int
    mark: str = ""
    dotted: bool = False


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Curves from `left` to `right`: Unix seconds where it is over `time`, else parts of 1.

    `at` is where the cross-hair stands. `form` is what the values are.
    """

    curves: tuple[Curve, ...] = ()
    left: float = 0.0
    right: float = 1.0
    time: bool = True
    form: str = RATE
    log: bool = False
    at: float | None = None


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where an axis goes, and what is written at which places of it.

    Of a logarithmic axis all of them are powers of ten already.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def across(plot: Plot, width: int) -> Axis:
    """The axis below a picture of so many cells."""
    most = max(2, width // _TICK_WIDE)
    ticks = _times(plot.left, plot.right, most) if plot.time else _parts(most)
    return Axis(low=plot.left, high=plot.right, ticks=tuple(ticks))


def upwards(plot: Plot, height: int) -> Axis:
    """The axis beside a picture of so many lines."""
    values = [value for curve in plot.curves for _, value in curve.points if value is not None]
    most = max(2, height // _TICK_HIGH)
    if plot.log:
        return _decades([value for value in values if value > 0], most, plot.form)
    # No error is no reason to leave room for a hundred of a hundred.
    high = max(values, default=0.0) or (_LITTLE if plot.form == SHARE else 1.0)
    step = nice(high / most)
    top = ceil(high / step - 1e-9)
    ticks = [(step * n, written(step * n, plot.form).rjust(LABEL)) for n in range(top + 1)]
    return Axis(low=0.0, high=step * top, ticks=tuple(ticks))


def placed(curve: Curve, *, log: bool) -> Curve:
    """The same on the axis that is drawn: what a logarithmic one cannot show is a gap."""
    if not log:
        return curve
    points = tuple((x, log10(y) if y is not None and y > 0 else None) for x, y in curve.points)
    return msgspec.structs.replace(curve, points=points)


def runs(points: Iterable[Point]) -> Iterator[tuple[list[float], list[float]]]:
    """The stretches between gaps."""
    xs: list[float] = []
    ys: list[float] = []
    for x, y in (*points, (0.0, None)):
        if y is not None:
            xs.append(x)
            ys.append(y)
        elif xs:
            yield xs, ys
            xs, ys = [], []


def dots(xs: Sequence[float], ys: Sequence[float], apart: float) -> tuple[list[float], list[float]]:
    """Points on the same line, so far apart from each other."""
    if len(xs) < 2:  # noqa: PLR2004 - no line yet
        return list(xs), list(ys)
    out_x, out_y = [xs[0]], [ys[0]]
    for (x, nx), (y, ny) in zip(pairwise(xs), pairwise(ys), strict=True):
        while out_x[-1] + apart <= nx:
            here = out_x[-1] + apart
            out_x.append(here)
            out_y.append(y + (ny - y) * (here - x) / (nx - x))
    return out_x, out_y


def nice(value: float) -> float:
    """The next number above of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    return next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= value * (1 - 1e-9))


def written(value: float, form: str) -> str:
    """A value in few characters, for an axis."""
    if form == SHARE:
        return f"{value * 100:.3g}%"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * (1 - 1e-9):
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def exact(value: float | None, form: str) -> str:
    """A value as a table says it; `-` where there is none."""
    if value is None:
        return "-"
    if form == SHARE:
        return f"{value:.1%}"
    if form == USD:
        return f"{value:,.2f}" if value >= 1 or not value else f"{value:.3g}"
    if form == MS or value >= 100 or value == int(value):  # noqa: PLR2004 - three digits are enough
        return f"{value:,.0f}"
    return f"{value:.3g}"


def moment(unix_s: float, *, day: bool = False, second: bool = False) -> str:
    """A time on this machine's clock."""
    return f"{_local(unix_s):{'%a ' if day else ''}%H:%M{':%S' if second else ''}}"


def _times(left: float, right: float, most: int) -> Iterator[tuple[float, str]]:
    long_s = max(1.0, right - left)
    step_s = next((one for one in _STEPS_S if long_s / one <= most), _STEPS_S[-1])
    # Midnight and full hours are those of the reader.
    ahead_s = (_local(right).utcoffset() or timedelta()).total_seconds()
    at = ceil((left + ahead_s) / step_s) * step_s - ahead_s
    while at < right:
        if step_s >= _DAY_S:
            yield at, f"{_local(at):%a %d}"
        else:
            yield at, moment(at, second=step_s < 60)  # noqa: PLR2004 - a minute
        at += step_s


def _parts(most: int) -> Iterator[tuple[float, str]]:
    count = next(n for n in (10, 5, 4, 2, 1) if n <= max(1, most))
    for n in range(count + 1):
        yield n / count, f"{n / count:.3g}"


def _decades(values: Sequence[float], most: int, form: str) -> Axis:
    """From the 1, 2 or 5 of a decade below all values to that above them."""
    low, high = min(values, default=1.0), max(values, default=10.0)
    marks = [
        base * 10.0**power
        for power in range(floor(log10(low)) - 1, ceil(log10(high)) + 2)
        for base in (1, 2, 5)
    ]
    first = max(n for n, mark in enumerate(marks) if mark <= low * (1 + 1e-9))
    last = min(n for n, mark in enumerate(marks) if mark >= high * (1 - 1e-9))
    first = min(first, last - 1)
    every = ceil((last - first + 1) / (most + 1))
    ticks = tuple(
        (log10(mark), written(mark, form).rjust(LABEL)) for mark in marks[first : last + 1 : every]
    )
    return Axis(low=log10(marks[first]), high=log10(marks[last]), ticks=ticks)


def _local(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC).astimezone()
