"""What is believed of the routes' answers: each a Beta, as a curve, as a row, and drawn from.

The density of Beta(a, b) at x is x^(a-1) (1-x)^(b-1) / B(a, b); the logarithm of B is had from
lgamma, so nothing overflows, and nothing but the standard library is needed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, lgamma, log, log1p
from random import Random

from tokenhub.wire.rewards import Arm, Reward
from tokenhub_tui.state.candidates import bar
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import unix
from tokenhub_tui.state.plot import RATE, Curve, Plot, Point
from tokenhub_tui.state.series import MOST, mark

POINTS = 120
DRAWS = 1000
# Where the curve is so much higher than any other, the rest of them would be a line at the bottom.
_HIGHEST = 3.0
STRIP = 21
ANY = "all work"

_FIRST = (
    Column(id="mark", title="", width=1),
    Column(id="route", title="route", width=24, most=44),
)
_TASK = (Column(id="task", title="work", width=10, most=14),)
_REST = (
    Column(id="mean", title="quality", width=7, right=True),
    Column(id="interval", title="95 %", width=11, right=True),
    Column(id="n", title="judged", width=7, right=True),
    Column(id="prior", title="unjudged", width=8, right=True, rank=4),
    Column(id="calls", title="calls", width=7, right=True, rank=1),
    Column(id="share", title="share", width=6, right=True, rank=2),
    Column(id="failing", title="failing", width=7, right=True, rank=3),
    Column(id="strip", title="0 ─ quality ─ 1", width=STRIP, rank=5),
    Column(id="alpha", title="α", width=7, right=True, rank=6),
    Column(id="beta", title="β", width=7, right=True, rank=7),
)
_BAD_FAILING = 0.1


def arm_id(arm: Arm) -> str:
    """What tells an arm from all others."""
    return f"{arm.route}@{arm.task}" if arm.task else arm.route


def tasks(arms: Iterable[Arm]) -> list[str]:
    """The kinds of work that were judged, all of them together first, which is empty."""
    return sorted({"", *(one.task for one in arms)})


def meant(arms: Iterable[Arm], task: str, *, every: bool) -> list[Arm]:
    """The arms of a kind of work, or of `every` kind, the best first."""
    found = [one for one in arms if (one.task if every else one.task == task)]
    return sorted(found, key=lambda one: (-one.mean, arm_id(one)))


def density(alpha: float, beta: float, count: int = POINTS) -> tuple[Point, ...]:
    """The density between 0 and 1; not at the ends, where it may be without bounds."""
    return tuple(((n + 0.5) / count, height(alpha, beta, (n + 0.5) / count)) for n in range(count))


def height(alpha: float, beta: float, x: float) -> float:
    """The density at one place, which is neither 0 nor 1."""
    whole = lgamma(alpha) + lgamma(beta) - lgamma(alpha + beta)
    return exp((alpha - 1) * log(x) + (beta - 1) * log1p(-x) - whole)


def plot(arms: Sequence[Arm], at: str, colours: Mapping[str, int]) -> Plot:
    """The densities, and upright the interval of the arm under the cursor."""
    drawn = {arm_id(one): one for one in arms if arm_id(one) in colours}
    heights = {name: density(one.alpha, one.beta) for name, one in drawn.items()}
    top = _top([max(y or 0.0 for _, y in points) for points in heights.values()])
    curves = []
    for name, points in heights.items():
        colour = colours[name]
        low = tuple((x, min(y or 0.0, top)) for x, y in points)
        peak = max(low, key=lambda point: point[1])
        curves.append(Curve(name=name, points=low, colour=colour))
        curves.append(Curve(name=name, points=(peak,), colour=colour, mark=mark(colour)))
    if at in drawn:
        curves += _interval(drawn[at], colours[at], top)
    return Plot(curves=tuple(curves), time=False, form=RATE)


def _top(heights: Sequence[float]) -> float:
    """Up to where it is drawn: all of it, but for one that stands far above the others."""
    *_, second, first = (0.0, *sorted(heights)) if heights else (1.0, 1.0)
    return min(first, second * _HIGHEST) if second else first


def _interval(arm: Arm, colour: int, top: float) -> list[Curve]:
    ends = []
    for x in (arm.low, arm.high):
        inside = min(1 - 0.5 / POINTS, max(0.5 / POINTS, x))
        high = min(top, height(arm.alpha, arm.beta, inside))
        ends.append(Curve(name=arm.route, points=((x, 0.0), (x, high)), colour=colour))
    return ends


def shown(arms: Sequence[Arm], at: str) -> list[str]:
    """The arms that are drawn: as many as can be told apart, and the one under the cursor."""
    names = [arm_id(one) for one in arms]
    first = names[:MOST]
    return first if at in first or at not in names else [*first[:-1], at]


def interval(arm: Arm) -> str:
    """Where the quality lies with 95 % probability."""
    return f"{arm.low:.2f}-{arm.high:.2f}"


def said(arm: Arm) -> str:
    """An arm in a few words."""
    return f"{arm.route}  {arm.mean:.2f}, 95 % in {interval(arm)}"


def columns(*, every: bool) -> tuple[Column, ...]:
    """The columns of the table of arms; of all arms, with the kind of work."""
    return (*_FIRST, *(_TASK if every else ()), *_REST)


def rows(arms: Sequence[Arm], colours: Mapping[str, int], *, every: bool) -> list[Row]:
    """A row for each arm."""
    calls = sum({one.route: one.calls for one in arms}.values())
    return [_row(one, colours, calls, every=every) for one in arms]


def _row(arm: Arm, colours: Mapping[str, int], calls: float, *, every: bool) -> Row:
    colour = colours.get(arm_id(arm))
    return Row(
        id=arm_id(arm),
        cells=(
            Cell("·", "dim") if colour is None else Cell(mark(colour), f"series-{colour}"),
            arm.route,
            *((arm.task,) if every else ()),
            Cell(f"{arm.mean:.3f}", "head"),
            interval(arm),
            f"{arm.n:,.1f}",
            f"{arm.prior:.0%}",
            f"{arm.calls:,.0f}",
            f"{arm.calls / calls:.0%}" if calls else "-",
            Cell(f"{arm.failing:.1%}", "warn" if arm.failing >= _BAD_FAILING else ""),
            strip(arm.low, arm.mean, arm.high),
            f"{arm.alpha:.2f}",
            f"{arm.beta:.2f}",
        ),
    )


def strip(low: float, mean: float, high: float, width: int = STRIP) -> str:
    """An interval and its middle between 0 and 1: `   ├───●────┤   `."""
    first, middle, last = (round(part * (width - 1)) for part in (low, mean, high))
    signs = [" "] * width
    signs[first : last + 1] = "─" * (last + 1 - first)
    signs[first], signs[last] = "├", "┤"
    signs[middle] = "●"
    return "".join(signs)


# --- Draws


def drawn(arms: Iterable[Arm], seed: int, count: int = DRAWS) -> dict[str, int]:
    """How often each arm drew the highest quality of all, in so many rounds."""
    dice = Random(seed)  # noqa: S311 - a picture of chance; it guards nothing
    known = [(arm_id(one), one.alpha, one.beta) for one in arms]
    wins = Counter(
        max((dice.betavariate(alpha, beta), name) for name, alpha, beta in known)[1]
        for _ in range(count if known else 0)
    )
    return {name: wins[name] for name, _, _ in known}


WINS = (
    Column(id="mark", title="", width=1),
    Column(id="name", title="arm", width=18, most=44),
    Column(id="wins", title="wins", width=6, right=True),
    Column(id="share", title="share", width=6, right=True),
    Column(id="bar", title="", width=10, most=120),
)


def winners(wins: Mapping[str, int], colours: Mapping[str, int], room: int) -> list[Row]:
    """A row for each arm with a bar, who wins most first; the longest bar takes `room` cells."""
    rounds, most = sum(wins.values()), max(wins.values(), default=0)
    rows = []
    for name in sorted(wins, key=lambda name: (-wins[name], name)):
        colour, count = colours.get(name), wins[name]
        tone = "dim" if colour is None else f"series-{colour}"
        cells = (
            Cell("·" if colour is None else mark(colour), tone),
            name,
            f"{count:,}",
            f"{count / rounds:.1%}" if rounds else "-",
            Cell(bar(count / most, max(1, room)), tone) if count else "",
        )
        rows.append(Row(id=name, cells=cells))
    return rows


# --- How it came to that


def course(
    rewards: Iterable[Reward], arms: Mapping[str, int], *, left: float, right: float
) -> Plot:
    """The mean of what each arm was judged by then. `arms` are their colours by id.

    It stays what it was until somebody judges anew: so it goes in steps.
    """
    sums: dict[str, tuple[float, float]] = {}
    points: dict[str, list[Point]] = {}
    for one in sorted(rewards, key=lambda one: one.id):
        route, at = f"{one.provider_id}/{one.model_id}", unix(one.timestamp)
        for name in {route, f"{route}@{one.task}"} & arms.keys():
            total, weight = sums.get(name, (0.0, 0.0))
            sums[name] = total, weight = (
                total + one.reward * one.weight, weight + one.weight,
            )  # fmt: skip
            line = points.setdefault(name, [])
            if line:
                line.append((at, line[-1][1]))
            line.append((at, total / weight if weight else 0.0))
    curves = tuple(
        Curve(
            name=name,
            points=(*line, (right, line[-1][1])),
            colour=arms[name],
            mark=mark(arms[name]),
        )
        for name, line in points.items()
    )
    return Plot(curves=curves, left=left, right=right, form=RATE)
