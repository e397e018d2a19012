"""A decision as rows of a table: who could have answered, what each score is made of, who lost."""

import math

from tokenhub.client.text import milliseconds
from tokenhub.wire.observe import Candidate, Decision, Skipped, Terms
from tokenhub_tui.state.cells import Cell, Column, Row

BAR, PART = 8, 10
_ESTIMATES = (
    Column(id="usd", title="est. $", width=9, most=11, right=True, rank=7),
    Column(id="ms", title="est. ms", width=7, right=True, rank=8),
    Column(id="note", title="", width=0, most=11, rank=1),
)
_WHO = (Column(id="mark", title="", width=1), Column(id="route", title="route", width=22, most=44))
COLUMNS = (
    *_WHO,
    Column(id="cost", title="cost", width=5, right=True, rank=5),
    Column(id="latency", title="lat", width=5, right=True, rank=4),
    Column(id="failure", title="fail", width=5, right=True, rank=3),
    Column(id="weight", title="wt", width=5, right=True, rank=2),
    Column(id="score", title="score", width=7, right=True),
    Column(id="bar", title="", width=BAR, rank=6),
    *_ESTIMATES,
)
# Where a draw decides: what is believed of each route, what cost and time take off, the draw.
DRAWN_COLUMNS = (
    *_WHO,
    Column(id="alpha", title="α", width=5, right=True, rank=5),
    Column(id="beta", title="β", width=5, right=True, rank=4),
    Column(id="failing", title="fails", width=5, right=True, rank=3),
    Column(id="price", title="price", width=5, right=True, rank=2),
    Column(id="draw", title="drawn θ", width=7, right=True),
    Column(id="bar", title="", width=BAR, rank=6),
    *_ESTIMATES,
)
PART_COLUMNS = (
    Column(id="route", title="route", width=22, most=34),
    Column(id="cost", title="cost", width=PART),
    Column(id="latency", title="latency", width=PART),
    Column(id="failure", title="failure", width=PART),
    Column(id="weight", title="weight off", width=PART),
)
# Of a draw: what is believed, what is expected to fail, what cost and time take off.
DRAWN_PART_COLUMNS = (
    PART_COLUMNS[0],
    Column(id="quality", title="believed", width=PART),
    Column(id="failing", title="fails", width=PART),
    Column(id="price", title="price off", width=PART),
    Column(id="draw", title="drawn θ", width=PART),
)
# Of what a route was left out for, in words.
WORDS = {
    "budget_exceeded": "over budget",
    "context_overflow": "context too small",
    "weight_below_minimum": "weight too low",
    "health_down": "down",
    "cooling_down": "cooling down",
    "credential_out": "key refused by the provider",
    "not_allowed": "not allowed to the key",
    "disabled": "switched off",
    "vault_locked": "its key is in the locked vault",
    "no_credential": "has no key",
}


def drawn(decision: Decision) -> bool:
    """Whether a draw decided, and not the scores."""
    return bool(decision.candidates) and decision.candidates[0].sample is not None


def columns(decision: Decision) -> tuple[Column, ...]:
    """The columns of its candidates."""
    return DRAWN_COLUMNS if drawn(decision) else COLUMNS


def rows(decision: Decision, asked: str = "") -> list[Row]:
    """The candidates in their order, then those left out. `asked` is the route that answered."""
    best = min((one.score for one in decision.candidates), default=0.0)
    worst = max((one.score for one in decision.candidates), default=0.0)
    chosen = asked or (decision.candidates[0].route if decision.candidates else "")
    return [
        *(
            _candidate(one, decision, here=one.route == chosen, best=best, worst=worst)
            for one in decision.candidates
        ),
        *(_skipped(one) for one in decision.skipped),
    ]


def part_columns(decision: Decision) -> tuple[Column, ...]:
    """The columns of what its scores, or its draws, are made of."""
    return DRAWN_PART_COLUMNS if drawn(decision) else PART_COLUMNS


def part_rows(decision: Decision, asked: str = "") -> list[Row]:
    """What each score, or draw, is made of, as bars to one scale. `asked` is who answered."""
    found = [(one.route, _parts(one, decision.weights)) for one in decision.candidates]
    longest = max((abs(value) for _, values in found for value in values.values()), default=0.0)
    return [
        Row(
            id=route,
            tone="" if route == asked else "dim",
            cells=(
                Cell(route, "good" if route == asked else ""),
                *(
                    Cell(bar(abs(value) / longest, PART) if value and longest else "", _TONE[name])
                    for name, value in values.items()
                ),
            ),
        )
        for route, values in found
    ]


def _parts(one: Candidate, weights: Terms) -> dict[str, float]:
    it = one.sample
    if it is None:
        return parts(one, weights)
    quality = it.alpha / (it.alpha + it.beta) if it.quality is None else it.quality
    return {
        "quality": quality,
        "failing": it.failing or 0.0,
        "price": it.price or 0.0,
        "draw": it.draw,
    }


def parts(one: Candidate, weights: Terms) -> dict[str, float]:
    """What each term adds to a score; that of the weight is taken off."""
    terms = one.terms
    return {
        "cost": weights.cost * terms.cost,
        "latency": weights.latency * terms.latency,
        "failure": weights.failure * terms.failure,
        "weight": -weights.weight * terms.weight,
    }


_TONE = {
    "cost": "warn", "latency": "key", "failure": "bad", "weight": "good",
    "quality": "key", "failing": "bad", "price": "warn", "draw": "good",
}  # fmt: skip


def caption(decision: Decision) -> str:
    """One line about the choice: how it was taken, and how to read the scores."""
    how = f"mode {decision.policy.mode}"
    if not decision.candidates:
        return f"{how} · nobody could answer"
    if drawn(decision):
        return f"{how} · highest draw wins"
    if decision.propensity < 1:
        return f"{how} · lower score wins · chance {decision.propensity:.0%}"
    return f"{how} · lower score wins"


def _candidate(one: Candidate, decision: Decision, *, here: bool, best: float, worst: float) -> Row:
    # Lower is better, so the bar is drawn the other way round: the longest is the best.
    share = (worst - one.score) / (worst - best) if worst > best else 1.0
    numbers = tuple(term(part) for part in parts(one, decision.weights).values())
    score = term(one.score)
    if one.sample is not None:
        share, score = one.sample.draw, term(one.sample.draw)
        numbers = (
            f"{one.sample.alpha:.1f}",
            f"{one.sample.beta:.1f}",
            "" if one.sample.failing is None else f"{one.sample.failing:.0%}",
            "" if one.sample.price is None else term(one.sample.price),
        )
    return Row(
        id=one.route,
        cells=(
            Cell("▶", "good") if here else "",
            Cell(one.route, "good") if here else one.route,
            *numbers,
            Cell(score, "head"),
            Cell(bar(share, BAR), "good" if here else "dim"),
            "?" if one.cost_usd is None else price(one.cost_usd),
            "?" if one.latency_ms is None else f"{one.latency_ms:,.0f}",
            Cell("last resort" if one.last_resort else "too slow" if one.too_slow else "", "warn"),
        ),
    )


def _skipped(one: Skipped) -> Row:
    mark, route = Cell("✗", "bad"), one.route
    return Row(
        id=f"-{one.route}", tone="dim", cells=(mark, route), tail=Cell(left_out(one), "warn")
    )


def left_out(one: Skipped) -> str:
    """Why a route was left out, with its numbers."""
    said = WORDS.get(one.reason, one.reason.replace("_", " "))
    if one.value is None:
        return said
    if one.limit is None:
        return f"{said} {milliseconds(one.value)}"
    if one.reason == "budget_exceeded":
        return f"{said} {price(one.value)} > {price(one.limit)}"
    sign = "<" if one.reason == "weight_below_minimum" else ">"
    return f"{said} {one.value:,.0f} {sign} {one.limit:,.0f}"


def price(amount: float) -> str:
    """What one request costs: in four decimals, or as many as show two digits."""
    if not amount or amount >= _CENT:
        return f"${amount:.4f}" if amount else "$0"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"


_CENT = 0.01


def term(value: float, *, places: int = 3) -> str:
    """A part of a score, without the zero that says nothing: `-.021`."""
    text = f"{value:.{places}f}"
    if abs(value) < 1:
        text = text.replace("0.", ".", 1)
    nothing = "." + "0" * places
    return nothing if text == f"-{nothing}" else text


def bar(share: float, most: int) -> str:
    """A bar of eighths of a cell, of `share` (0 to 1) of `most` cells; never quite nothing."""
    eighths = max(1, round(max(0.0, min(1.0, share)) * most * 8))
    return "█" * (eighths // 8) + ("▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else "")
