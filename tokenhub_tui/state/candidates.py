"""A decision as rows of a table: who could have answered, what each score is made of, who lost."""

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.observe import Candidate, Decision, Skipped
from tokenhub_tui.state.cells import Cell, Column, Row

BAR = 12
COLUMNS = (
    Column(id="mark", title="", width=1),
    Column(id="route", title="route", width=18, most=44),
    Column(id="cost", title="cost", width=5, right=True, rank=5),
    Column(id="latency", title="lat", width=5, right=True, rank=4),
    Column(id="failure", title="fail", width=5, right=True, rank=3),
    Column(id="weight", title="wt", width=5, right=True, rank=2),
    Column(id="score", title="score", width=7, right=True),
    Column(id="bar", title="", width=BAR, rank=6),
    Column(id="usd", title="est. $", width=8, right=True, rank=7),
    Column(id="ms", title="est. ms", width=7, right=True, rank=8),
    Column(id="note", title="", width=10, most=40, rank=1),
)
# Of what a route was left out for, in words.
WORDS = {
    "budget_exceeded": "over budget",
    "context_overflow": "context too small",
    "weight_below_minimum": "weight below minimum",
    "health_down": "down",
    "cooling_down": "cooling down",
    "credential_out": "key refused by the provider",
    "model_disabled": "model is off",
    "provider_disabled": "provider is off",
}


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


def caption(decision: Decision) -> str:
    """One line about the choice: how it was taken, and how to read the scores."""
    how = f"mode {decision.policy.mode}"
    if decision.candidates and decision.candidates[0].sample is not None:
        return f"{how} · highest draw wins"
    if decision.propensity < 1:
        return f"{how} · lower score wins · chance {decision.propensity:.0%}"
    return f"{how} · lower score wins"


def _candidate(one: Candidate, decision: Decision, *, here: bool, best: float, worst: float) -> Row:
    weights, terms = decision.weights, one.terms
    parts = (
        weights.cost * terms.cost,
        weights.latency * terms.latency,
        weights.failure * terms.failure,
        -weights.weight * terms.weight,
    )
    if one.sample is not None:
        return _drawn(one, here=here)
    # Lower is better, so the bar is drawn the other way round: the longest is the best.
    share = (worst - one.score) / (worst - best) if worst > best else 1.0
    return Row(
        id=one.route,
        cells=(
            Cell("▶", "good") if here else "",
            Cell(one.route, "good") if here else one.route,
            *(term(part) for part in parts),
            Cell(term(one.score), "head"),
            Cell(bar(share, BAR), "good" if here else "dim"),
            usd(one.cost_usd) if one.cost_usd is not None else "?",
            "?" if one.latency_ms is None else f"{one.latency_ms:,.0f}",
            Cell(_note(one), "warn"),
        ),
    )


def _drawn(one: Candidate, *, here: bool) -> Row:
    sample = one.sample
    assert sample is not None
    return Row(
        id=one.route,
        cells=(
            Cell("▶", "good") if here else "",
            Cell(one.route, "good") if here else one.route,
            f"α{sample.alpha:.0f}",
            f"β{sample.beta:.0f}",
            "" if sample.failing is None else f"{sample.failing:.0%}",
            "" if sample.quality is None else f"{sample.quality:.2f}",
            Cell(f"θ {sample.draw:.2f}", "head"),
            Cell(bar(sample.draw, BAR), "good" if here else "dim"),
            usd(one.cost_usd) if one.cost_usd is not None else "?",
            "?" if one.latency_ms is None else f"{one.latency_ms:,.0f}",
            Cell(_note(one), "warn"),
        ),
    )


def _note(one: Candidate) -> str:
    if one.last_resort:
        return f"last resort, closed {milliseconds(one.closed_ms)} yet"
    return "usually too slow" if one.too_slow else ""


def _skipped(one: Skipped) -> Row:
    return Row(
        id=f"-{one.route}",
        tone="dim",
        cells=(Cell("✗", "bad"), one.route, *([""] * 8), Cell(why(one), "warn")),
    )


def why(one: Skipped) -> str:
    """Why a route was left out, with its numbers."""
    said = WORDS.get(one.reason, one.reason.replace("_", " "))
    if one.value is None:
        return said
    if one.limit is None:
        return f"{said} {milliseconds(one.value)}"
    if one.reason == "budget_exceeded":
        return f"{said} {usd(one.value)} > {usd(one.limit)}"
    sign = "<" if one.reason == "weight_below_minimum" else ">"
    return f"{said} {one.value:,.0f} {sign} {one.limit:,.0f}"


def term(value: float) -> str:
    """A part of a score, in three decimals, without the zero that says nothing: `-.021`."""
    text = f"{value:.3f}"
    if abs(value) < 1:
        text = text.replace("0.", ".", 1)
    return ".000" if text == "-.000" else text


def bar(share: float, most: int) -> str:
    """A bar of eighths of a cell, of `share` (0 to 1) of `most` cells; never quite nothing."""
    eighths = max(1, round(max(0.0, min(1.0, share)) * most * 8))
    return "█" * (eighths // 8) + ("▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else "")
