"""Simulated policies as the columns of one table."""

from collections.abc import Callable, Sequence
from string import ascii_uppercase

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.observe import Candidate
from tokenhub.wire.simulate import Result
from tokenhub_cli.output import Column, View, table

LETTERS = ascii_uppercase
# From here on a ratio says more than a percentage.
_TIMES = 2
# A line: what it is of, and a cell for each policy.
_Line = tuple[str, ...]


def side_by_side(results: Sequence[Result], *, most: int | None) -> list[str]:
    """What each policy would choose, in at most so many places, and how they differ."""
    places = max(1, *(len(_ranking(it)) for it in results))
    lines = [
        _line("budget", results, lambda it: _budget(it.policy.max_budget_usd)),
        _line("within", results, lambda it: milliseconds(it.policy.max_latency_ms)),
        *(_line(str(at + 1), results, _place(at)) for at in range(min(places, most or places))),
        _line("cost", results, lambda it: _of_best(it, lambda best: usd(best.cost_usd))),
        _line("latency", results, lambda it: _of_best(it, _latency)),
        _line(
            "left out", results, lambda it: str(len(it.explained.skipped) if it.explained else "-")
        ),
        _line("against A", results, lambda it: _against(it, results[0])),
    ]
    heads = [
        "",
        *(f"{letter} {it.policy.mode}" for letter, it in zip(LETTERS, results, strict=False)),
    ]
    columns = tuple(_column(at, head) for at, head in enumerate(heads))
    return table(View(kind="line", name=lambda line: line[0], columns=columns), lines)


def _line(name: str, results: Sequence[Result], cell: Callable[[Result], str]) -> _Line:
    return (name, *map(cell, results))


def _column(at: int, head: str) -> Column[_Line]:
    return Column(head or " ", lambda line: line[at], head=head or " ")


def _budget(amount: float | None) -> str:
    return "no limit" if amount is None else usd(amount)


def _ranking(it: Result) -> Sequence[str]:
    """The routes in their order; of a policy that draws, with their part of the draws."""
    if it.shares:
        return [f"{one.route} {one.share:.0%}" for one in it.shares]
    if it.explained is None:
        return []
    return [f"{one.route} {usd(one.cost_usd)}" for one in it.explained.candidates]


def _place(at: int) -> Callable[[Result], str]:
    def cell(it: Result) -> str:
        ranking = _ranking(it)
        if at < len(ranking):
            return ranking[at]
        return (it.error or "-") if at == 0 else ""

    return cell


def _best(it: Result) -> Candidate | None:
    return it.explained.candidates[0] if it.explained and it.explained.candidates else None


def _of_best(it: Result, show: Callable[[Candidate], str]) -> str:
    best = _best(it)
    return "-" if best is None else show(best)


def _latency(it: Candidate) -> str:
    return "unknown" if it.latency_ms is None else milliseconds(it.latency_ms)


def _against(it: Result, first: Result) -> str:
    """How the choice differs from that of the first policy."""
    ours, theirs = _best(it), _best(first)
    if it is first or ours is None or theirs is None:
        return "-"
    if ours.route == theirs.route:
        return "the same route"
    told = [
        _change("cost", ours.cost_usd, theirs.cost_usd),
        _change("latency", ours.latency_ms, theirs.latency_ms),
    ]
    return ", ".join(filter(None, told)) or "another, for the same"


def _change(what: str, ours: float | None, theirs: float | None) -> str:
    if ours is None or not theirs or ours == theirs:
        return ""
    ratio = ours / theirs
    return f"{what} x{ratio:.3g}" if ratio >= _TIMES else f"{what} {ratio - 1:+.0%}"
