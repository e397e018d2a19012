"""Logged requests under other policies, as the lines of the same sheet as the simulation."""

from collections.abc import Callable, Sequence

from tokenhub.client.text import cells, milliseconds
from tokenhub.wire.replay import Estimate, Replayed, ReplayResult, RouteShare
from tokenhub_tui.state.candidates import bar, price
from tokenhub_tui.state.cells import Cell
from tokenhub_tui.state.compared import SAME, TIMES
from tokenhub_tui.state.policies import LETTERS, THOMPSON
from tokenhub_tui.state.sheet import Line, even, middle, pieces, spread

BAR = 10
# Fewer judgements say nothing (core.estimates), and one of them is no quality.
JUDGED = 50
Piece = tuple[Cell, ...]


def lines(found: ReplayResult, shown: Sequence[int], *, width: int, room: int) -> list[Line]:
    """Who would have answered, and what it would have come to, in at most so many lines."""
    if not found.requests:
        return []
    policies = [found.policies[at] for at in shown]
    ends = _sums(found, policies)
    columns = [_shares(one, width=width, room=max(1, room - len(ends) - 1)) for one in policies]
    return [
        Line(label="as it was", flows=True, cells=(pieces(caption(found)),)),
        *(Line(label="" if n else "was→would", cells=row) for n, row in enumerate(even(columns))),
        *ends,
    ]


def caption(found: ReplayResult) -> str:
    """How many requests they were, and what did come of them."""
    was, left = found.was, f" ({found.left_out} left out)" if found.left_out else ""
    told = [f"{found.requests} requests{left}"]
    if was.cost_usd is not None:
        told.append(f"{price(was.cost_usd)} each")
    if was.latency_ms is not None:
        told.append(milliseconds(was.latency_ms))
    if was.failures is not None:
        told.append(f"{was.failures:.1%} failed")
    if was.quality is not None and was.judged >= JUDGED:
        told.append(f"quality {was.quality:.2f}")
    return " · ".join(told)


def remark(found: ReplayResult, at: int) -> str:
    """How far the figures of a policy can be trusted, or why there are none."""
    if not found.requests:
        left = f"; too little is known of {found.left_out}" if found.left_out else ""
        return f"No logged request can be decided again{left}. Send some, then p."
    name, it = LETTERS[at], found.policies[at]
    if not it.decided and it.policy.mode == THOMPSON:
        return (
            f"{name}: only what was routed by thompson kept what it draws from; none of these did."
        )
    told = [one for one in (it.cost_usd, it.latency_ms, it.failures, it.quality) if one.refused]
    if told:
        return f"{name}: ? since {told[0].refused}"
    support = it.latency_ms.support
    return (
        f"{name}: the log could have tried {support:.0%} of its choices; "
        f"± holds the truth in 95 of 100 cases"
    )


def _shares(it: Replayed, *, width: int, room: int) -> list[Piece]:
    """Each route in a line; in two where its name needs one, and there is the room."""
    names = width - len(_MOVED) - 1 - (BAR + 1 if width >= LONG else 0)
    long = any(cells(one.route) > names for one in it.shares)
    height = 2 if long and 2 * len(it.shares) <= room else 1
    rows = it.shares[: room if height * len(it.shares) <= room else room - 1]
    made = [line for one in rows for line in _share(one, width, height)]
    if len(it.shares) > len(rows):
        made.append(pieces(Cell(f"+{len(it.shares) - len(rows)} more", "dim")))
    if made:
        return made
    unknown = it.policy.mode == THOMPSON
    return [pieces(Cell("cannot be told" if unknown else "refuses every one of them", "warn"))]


_MOVED = "100% → 100%"


def _share(it: RouteShare, width: int, height: int) -> list[Piece]:
    more, less = it.would > it.was + SAME, it.would < it.was - SAME
    tone = "good" if more else "dim" if less else ""
    told = f"{it.was:>4.0%} → {it.would:>4.0%}"
    drawn = bar(it.would, BAR).ljust(BAR) if width >= LONG or height > 1 else ""
    if height > 1:
        return [
            pieces(Cell(middle(it.route, width), tone)),
            pieces(Cell(f"  {told}", tone), Cell(f"  {drawn}", tone)),
        ]
    name = spread(it.route, told, width - (BAR + 1 if drawn else 0))
    return [pieces(Cell(name, tone), Cell(f" {drawn}" if drawn else "", tone))]


# Cells of a column from which there is room for bars.
LONG = 46


def _sums(found: ReplayResult, policies: Sequence[Replayed]) -> list[Line]:
    was = found.was

    def line(
        label: str, of: Callable[[Replayed], Estimate], before: float | None,
        show: Callable[[float], str], *, less: bool, absolute: bool = False,
    ) -> Line:  # fmt: skip
        cells = tuple(
            _estimated(of(it), before, show, absolute=absolute, less=less) for it in policies
        )
        return Line(label=label, cells=cells)

    return [
        Line(),
        line("$ each", lambda it: it.cost_usd, was.cost_usd, price, less=True),
        Line(label="$ in all", cells=tuple(_total(it, was.cost_usd) for it in policies)),
        line("time", lambda it: it.latency_ms, was.latency_ms, milliseconds, less=True),
        line("failures", lambda it: it.failures, was.failures, _percent, less=True, absolute=True),
        line("quality", lambda it: it.quality, was.quality, _quality, less=False, absolute=True),
        Line(label="refused", cells=tuple(_refusals(it) for it in policies)),
    ]


def _estimated(
    it: Estimate, before: float | None, show: Callable[[float], str], *, absolute: bool, less: bool
) -> Piece:
    if it.mean is None:
        return pieces(Cell("?", "dim"))
    ends = ""
    if it.low is not None and it.high is not None:
        half = max(it.high - it.mean, it.mean - it.low)
        ends = f"  ± {show(half)}" if absolute else f"  ± {half / it.mean:.0%}" if it.mean else ""
    return pieces(
        Cell(f"{show(it.mean)} ", "head"), _moved(it.mean, before, less=less), Cell(ends, "dim")
    )


def _moved(ours: float, theirs: float | None, *, less: bool) -> Cell:
    if not theirs or abs(ours / theirs - 1) < SAME:
        return Cell("")
    ratio = ours / theirs
    text = f"×{ratio:.3g}" if ratio >= TIMES else f"{ratio - 1:+.0%}"
    return Cell(text, "good" if (ratio < 1) is less else "warn")


def _total(it: Replayed, was: float | None) -> Piece:
    if it.cost_usd.mean is None:
        return pieces(Cell("?", "dim"))
    before = "" if was is None else f"  (was {price(was * it.decided)})"
    return pieces(price(it.cost_usd.mean * it.decided), Cell(before, "dim"))


def _refusals(it: Replayed) -> Piece:
    if not it.decided and it.policy.mode == THOMPSON:
        return pieces(Cell("?", "dim"))
    if not it.refused:
        return pieces(Cell("none", "dim"))
    return pieces(Cell(f"{it.refused} of {it.refused + it.decided}", "warn"))


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _quality(mean: float) -> str:
    return f"{mean:.2f}"
