"""Policies side by side: what each would choose, and what that is expected to cost."""

from collections.abc import Callable, Sequence
from textwrap import wrap

import msgspec

from tokenhub.client.text import cells, milliseconds, usd
from tokenhub.wire.observe import Candidate, Skipped
from tokenhub.wire.simulate import Result
from tokenhub_tui.state.candidates import bar, left_out, parts, price, term
from tokenhub_tui.state.cells import Cell
from tokenhub_tui.state.policies import LETTERS, TERMS, THOMPSON, Bench, short
from tokenhub_tui.state.sheet import Line, cut, even, middle, pieces, spread

# From here on a ratio says more than a percentage, and what is nearer than this is the same.
TIMES, SAME = 2.0, 0.005
# Cells of a column in which the terms of a score fit.
TERMS_FROM = 40
# Of so many draws something has to be known.
KNOWN = 0.9
Piece = tuple[Cell, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A rank of a policy: a candidate, with its part of the draws, or a route that was left out."""

    route: str
    candidate: Candidate | None = None
    share: float | None = None
    skipped: Skipped | None = None


def ranking(it: Result) -> list[Place]:
    """The places of a policy; of one that draws, by how often each comes first."""
    if it.explained is None:
        return []
    drawn = {one.route: one.share for one in it.shares}
    ranked = [
        Place(route=one.route, candidate=one, share=drawn.get(one.route, 0.0) if drawn else None)
        for one in it.explained.candidates
    ]
    if drawn:
        ranked.sort(key=lambda place: -(place.share or 0.0))
    return ranked + [Place(route=one.route, skipped=one) for one in it.explained.skipped]


def best(it: Result) -> Candidate | None:
    """Who comes first; of a policy that draws, most often."""
    first = next(iter(ranking(it)), None)
    return first.candidate if first else None


def expected(it: Result, of: Callable[[Candidate], float | None]) -> float | None:
    """The cost or the latency to be expected; of a policy that draws, over its draws."""
    if it.explained is None or not it.explained.candidates:
        return None
    if not it.shares:
        first = best(it)
        return of(first) if first else None
    known = {one.route: of(one) for one in it.explained.candidates}
    told = [(one.share, value) for one in it.shares if (value := known[one.route]) is not None]
    part = sum(share for share, _ in told)
    # What a few draws would come to may stay unknown.
    return sum(share * value for share, value in told) / part if part > KNOWN else None


def cost(one: Candidate) -> float | None:
    """In USD."""
    return one.cost_usd


def latency(one: Candidate) -> float | None:
    """In milliseconds, as it usually is."""
    return one.latency_ms


# --- Lines ---


def head(bench: Bench, results: Sequence[Result], shown: Sequence[int], room: int) -> list[Line]:
    """The request in a line, then the policies: what they say, or in dim what counts instead."""
    return [
        _asked(bench, room),
        Line(
            label=_hidden(len(bench.policies), shown),
            field="mode",
            cells=tuple(_mode(bench, results, at) for at in shown),
        ),
        *(
            Line(
                label=name,
                field=name,
                cells=tuple(_bound(bench, results, at, name) for at in shown),
            )
            for name in ("budget", "latency", "min weight", "weights")
        ),
        Line(),
    ]


def ranks(results: Sequence[Result], *, width: int, room: int) -> list[Line]:
    """The candidates of these results in at most so many lines, each as fully as there is room."""
    places = [ranking(it) for it in results]
    most = max((len(one) for one in places), default=0)
    base = 1 if all(_long(place) < width - 2 for one in places for place in one) else 2
    # Terms, and a bar; in a narrow column only the bar.
    extra = max(0, min(2 if width >= TERMS_FROM else 1, room // most - base)) if most else 0
    height = base + extra
    fitting = most if most * height <= room else max(1, (room - 1) // height)
    columns = [
        _column(it, ours[:fitting], width=width, height=(base, extra), more=len(ours) - fitting)
        for it, ours in zip(results, places, strict=True)
    ]
    labels = [
        str(rank + 1) if not line else "" for rank in range(fitting) for line in range(height)
    ]
    lines = even(columns)
    labels += [""] * (len(lines) - len(labels))
    return [Line(label=label, cells=row) for label, row in zip(labels, lines, strict=False)][:room]


def sums(results: Sequence[Result], shown: Sequence[int]) -> list[Line]:
    """What is to be expected, and how it stands against A."""
    first = results[0]
    ours = [results[at] for at in shown]
    return [
        Line(),
        Line(label="est. cost", cells=tuple(pieces(_usd(expected(it, cost))) for it in ours)),
        Line(label="est. time", cells=tuple(pieces(_ms(expected(it, latency))) for it in ours)),
        Line(label="vs A", cells=tuple(pieces(*against(it, first)) for it in ours)),
    ]


def against(it: Result, first: Result) -> list[Cell]:
    """How a policy's choice differs from that of the first, in cost and time."""
    if it is first:
        return [Cell("-", "dim")]
    if best(it) is None or best(first) is None:
        return [
            Cell("no choice" if best(it) is None else "-", "bad" if best(it) is None else "dim")
        ]
    told = [
        *_moved("$", expected(it, cost), expected(first, cost)),
        *_moved("time", expected(it, latency), expected(first, latency)),
    ]
    if told:
        return told
    ours, theirs = best(it), best(first)
    alike = ours is not None and theirs is not None and ours.route == theirs.route
    return [Cell("the same" if alike else "another, for the same", "dim")]


def _moved(what: str, ours: float | None, theirs: float | None) -> list[Cell]:
    if ours is None or not theirs:
        return []
    ratio = ours / theirs
    if abs(ratio - 1) < SAME:
        return []
    text = f"×{ratio:.3g}" if ratio >= TIMES else f"{ratio - 1:+.0%}"
    return [Cell(f"{text} {what}  ", "warn" if ratio > 1 else "good")]


# --- Cells ---


def _asked(bench: Bench, room: int) -> Line:
    asked = bench.question
    values = (
        ("tokens", f"{asked.token_count or 500:,}"),
        ("answer", f"{asked.output_tokens:,}" if asked.output_tokens else "usual"),
        ("hint", cut(asked.model_hint, max(12, room - 62)) if asked.model_hint else "any"),
        ("seed", str(asked.seed) if asked.seed < 10_000_000 else f"…{asked.seed % 1_000_000:06}"),  # noqa: PLR2004
        ("last", f"{bench.last:,}"),
    )
    parts = [pieces(Cell(f"{name} ", "dim"), Cell(value, "head")) for name, value in values]
    # A request that was made may use what its key may, which is no field here.
    parts += [pieces(Cell("as its key may", "dim"))] if asked.api_key_id else []
    return Line(label="request", field="asked", flows=True, cells=tuple(parts))


def _hidden(count: int, shown: Sequence[int]) -> str:
    return "policy" if len(shown) == count else f"{len(shown)} of {count} ←→"


def _mode(bench: Bench, results: Sequence[Result], at: int) -> Piece:
    letter, own = LETTERS[at], bench.policies[at].mode
    if own:
        return pieces(Cell(f"{letter} ", "key"), Cell(own, "head"))
    usual = f"default ({results[at].policy.mode})" if at < len(results) else "default"
    return pieces(Cell(f"{letter} ", "key"), Cell(usual, "head"))


def _bound(bench: Bench, results: Sequence[Result], at: int, name: str) -> Piece:
    own = bench.policies[at]
    said, counts = "", ""
    used = results[at] if at < len(results) else None
    if name == "budget":
        said = "" if own.max_budget_usd is None else usd(own.max_budget_usd)
        counts = "" if used is None else _limit(used.policy.max_budget_usd)
    elif name == "latency":
        said = "" if own.max_latency_ms is None else milliseconds(own.max_latency_ms)
        counts = "" if used is None else milliseconds(used.policy.max_latency_ms)
    elif name == "min weight":
        said = "" if own.min_weight is None else str(own.min_weight)
        counts = "" if used is None else str(used.policy.min_weight)
    else:
        said = "" if own.weights is None else short(own.weights)
        counts = _weighed(used)
    return pieces(said) if said else pieces(Cell(counts or "default", "dim"))


def _weighed(it: Result | None) -> str:
    if it is None or it.explained is None:
        return "the mode's"
    return "learned" if it.policy.mode == THOMPSON else short(it.explained.weights)


def _limit(amount: float | None) -> str:
    return "no limit" if amount is None else usd(amount)


def _column(
    it: Result, places: Sequence[Place], *, width: int, height: tuple[int, int], more: int
) -> list[Piece]:
    if not places:
        told = wrap(f"✗ {it.error or 'nobody could answer'}", width, subsequent_indent="  ")
        return [pieces(Cell(line, "bad")) for line in told]
    lines = []
    for number, place in enumerate(places):
        lines += _block(it, place, first=number == 0, width=width, height=height)
    if more > 0:
        lines.append(pieces(Cell(f"  +{more} more, ⏎ shows all", "dim")))
    return lines


def _block(
    it: Result, place: Place, *, first: bool, width: int, height: tuple[int, int]
) -> list[Piece]:
    """A route in so many lines: its name and figures, then what else there is room for."""
    base, extra = height
    mark, tone = (Cell("▶ ", "good"), "good") if first else (Cell("  "), "")
    if place.skipped is not None:
        mark, tone = Cell("✗ ", "bad"), "dim"
    figures, told = _figures(place)
    if base == 1:
        lines = [pieces(mark, Cell(spread(place.route, figures, width - 2), tone))]
    else:
        lines = [
            pieces(mark, Cell(middle(place.route, width - 2), tone)),
            pieces(Cell(f"  {cut(figures, width - 2)}", told)),
        ]
    if extra and width >= TERMS_FROM:
        lines.append(_terms(it, place))
    if extra > 1 or (extra and width < TERMS_FROM):
        lines.append(_bar(it, place, width, tone or "dim"))
    return lines


def _figures(place: Place) -> tuple[str, str]:
    """What stands beside the name of a route, and its tone."""
    one = place.candidate
    if place.skipped is not None:
        return left_out(place.skipped), "warn"
    if one is None:
        return "", ""
    score = term(one.score) if place.share is None else f"{place.share:.0%} of draws"
    return f"{score}  {_usd(one.cost_usd)}  {_ms(one.latency_ms)}", "dim"


def _long(place: Place) -> int:
    return cells(place.route) + cells(_figures(place)[0]) + 1


def _terms(it: Result, place: Place) -> Piece:
    if place.candidate is None or it.explained is None:
        return ()
    sample = place.candidate.sample
    if sample is not None:
        quality = "" if sample.quality is None else f"quality {sample.quality:.2f} "
        spread_ = "" if sample.spread is None else f"± {sample.spread:.2f} "
        return pieces(Cell(f"  {quality}{spread_}α {sample.alpha:.0f} β {sample.beta:.0f}", "dim"))
    told = parts(place.candidate, it.explained.weights)
    names = {"cost": "cost", "latency": "lat", "failure": "fail", "weight": "wt"}
    said = " ".join(f"{names[name]} {term(told[name])}" for name in TERMS)
    return pieces(Cell(f"  {said}", "dim"))


def _bar(it: Result, place: Place, width: int, tone: str) -> Piece:
    """The longest is the best: the share of the draws, or how far below the worst score it is."""
    if place.candidate is None or it.explained is None:
        return ()
    scores = [one.score for one in it.explained.candidates]
    low, high = min(scores), max(scores)
    part = place.share
    if part is None:
        part = (high - place.candidate.score) / (high - low) if high > low else 1.0
    return pieces(Cell("  " + bar(part, max(4, width - 4)), tone))


def _usd(amount: float | None) -> str:
    return "$ ?" if amount is None else price(amount)


def _ms(duration_ms: float | None) -> str:
    return "? ms" if duration_ms is None else milliseconds(duration_ms)
