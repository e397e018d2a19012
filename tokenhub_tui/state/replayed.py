"""Logged requests under other policies, as the lines of the same sheet as the simulation."""

from collections.abc import Callable, Sequence

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.replay import Estimate, Replayed, ReplayResult
from tokenhub_tui.state.candidates import bar
from tokenhub_tui.state.cells import Cell
from tokenhub_tui.state.compared import SAME, TIMES
from tokenhub_tui.state.policies import LETTERS, THOMPSON
from tokenhub_tui.state.sheet import Line, cut, even, pieces, spread

BAR = 10
Piece = tuple[Cell, ...]


def lines(found: ReplayResult, shown: Sequence[int], *, width: int, room: int) -> list[Line]:
    """Who would have answered, and what it would have come to, in at most so many lines."""
    policies = [found.policies[at] for at in shown]
    ends = _sums(found, policies, width)
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
        told.append(f"{_usd(was.cost_usd)} each")
    if was.latency_ms is not None:
        told.append(milliseconds(was.latency_ms))
    if was.failures is not None:
        told.append(f"{was.failures:.1%} failed")
    if was.quality is not None:
        told.append(f"quality {was.quality:.2f} ({was.judged})")
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
        f"brackets hold the truth in 95 of 100 cases"
    )


def _shares(it: Replayed, *, width: int, room: int) -> list[Piece]:
    rows = it.shares[: room if len(it.shares) <= room else room - 1]
    made = [_share(one.route, one.was, one.would, width) for one in rows]
    if len(it.shares) > len(rows):
        made.append(pieces(Cell(f"+{len(it.shares) - len(rows)} more", "dim")))
    if made:
        return made
    unknown = it.policy.mode == THOMPSON
    return [pieces(Cell("cannot be told" if unknown else "refuses every one of them", "warn"))]


def _share(route: str, was: float, would: float, width: int) -> Piece:
    tone = "good" if would > was + SAME else "dim" if would < was - SAME else ""
    drawn = bar(would, BAR).ljust(BAR) if width >= LONG else ""
    return pieces(
        Cell(
            spread(route, f"{was:>4.0%} → {would:>4.0%}", width - (BAR + 1 if drawn else 0)), tone
        ),
        Cell(f" {drawn}" if drawn else "", tone),
    )


# Cells of a column from which there is room for bars.
LONG = 46


def _sums(found: ReplayResult, policies: Sequence[Replayed], width: int) -> list[Line]:
    was = found.was

    def line(
        label: str, of: Callable[[Replayed], Estimate], before: float | None,
        show: Callable[[float], str], *, less: bool,
    ) -> Line:  # fmt: skip
        cells = tuple(_estimated(of(it), before, show, width=width, less=less) for it in policies)
        return Line(label=label, cells=cells)

    return [
        Line(),
        line("$ each", lambda it: it.cost_usd, was.cost_usd, _usd, less=True),
        Line(label="$ in all", cells=tuple(_total(it, was.cost_usd) for it in policies)),
        line("time", lambda it: it.latency_ms, was.latency_ms, milliseconds, less=True),
        line("failures", lambda it: it.failures, was.failures, _percent, less=True),
        line("quality", lambda it: it.quality, was.quality, _quality, less=False),
        Line(label="refused", cells=tuple(_refusals(it) for it in policies)),
    ]


def _estimated(
    it: Estimate, before: float | None, show: Callable[[float], str], *, width: int, less: bool
) -> Piece:
    if it.mean is None:
        return pieces(Cell("?", "dim"))
    ends = "" if it.low is None or it.high is None else f"[{show(it.low)} {show(it.high)}]"
    moved = _moved(it.mean, before, less=less)
    said = f"{show(it.mean)} {moved.text}".strip()
    return pieces(
        Cell(f"{show(it.mean)} ", "head"),
        moved,
        Cell(f" {cut(ends, width - len(said) - 2)}", "dim"),
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
    before = "" if was is None else f"  (was {_usd(was * it.decided)})"
    return pieces(_usd(it.cost_usd.mean * it.decided), Cell(before, "dim"))


def _refusals(it: Replayed) -> Piece:
    if not it.decided and it.policy.mode == THOMPSON:
        return pieces(Cell("?", "dim"))
    if not it.refused:
        return pieces(Cell("none", "dim"))
    return pieces(Cell(f"{it.refused} of {it.refused + it.decided}", "warn"))


def _usd(amount: float) -> str:
    """A mean has more digits than it means."""
    return usd(float(f"{amount:.3g}")) if amount else "$0"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _quality(mean: float) -> str:
    return f"{mean:.2f}"
