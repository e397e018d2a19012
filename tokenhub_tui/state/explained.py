"""One simulated policy, candidate by candidate."""

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.simulate import Result, Simulation
from tokenhub_tui.state import candidates
from tokenhub_tui.state.cells import Row
from tokenhub_tui.state.compared import best, ranking
from tokenhub_tui.state.policies import THOMPSON, shares


def title(letter: str, it: Result) -> str:
    """`B cheap · lower score wins`."""
    if it.explained is None:
        return f"{letter} {it.policy.mode}"
    how = candidates.caption(it.explained).removeprefix(f"mode {it.policy.mode} · ")
    drawn = f" · {it.draws:,} draws" if it.draws else ""
    return f"{letter} {it.policy.mode} · {how}{drawn}"


def told(it: Result, question: Simulation) -> str:
    """What was asked, and where each bound of the policy comes from."""
    policy, origin = it.policy, it.policy.origin
    budget = (
        "no limit" if policy.max_budget_usd is None else f"at most {usd(policy.max_budget_usd)}"
    )
    bounds = (
        f"mode {policy.mode}{_from(origin, 'mode')} · {budget}{_from(origin, 'max_budget_usd')} · "
        f"{milliseconds(policy.max_latency_ms)}{_from(origin, 'max_latency_ms')} · "
        f"weight at least {policy.min_weight}{_from(origin, 'min_weight')}"
    )
    asked = f"{question.token_count or 500:,} tokens"
    decision = it.explained
    if decision is None:
        return f"{asked}\n{bounds}\n✗ {it.error}"
    answer = f"{question.output_tokens or decision.output_tokens:,} tokens of answer"
    hint = f" · asked for {question.model_hint}" if question.model_hint else ""
    weights = shares(
        {name: getattr(decision.weights, name) for name in decision.weights.__struct_fields__}
    )
    counts = "what was learned counts" if it.policy.mode == THOMPSON else weights
    return f"{asked}, {answer}{hint} · seed {question.seed}\n{bounds}\n{counts}"


def rows(it: Result) -> list[Row]:
    """The candidates in the order of the policy, then those left out."""
    if it.explained is None:
        return []
    chosen = best(it)
    made = candidates.rows(it.explained, chosen.route if chosen else "")
    order = {place.route: number for number, place in enumerate(ranking(it))}
    return sorted(made, key=lambda row: order.get(row.id.removeprefix("-"), len(order)))


def _from(origin: dict[str, str], name: str) -> str:
    said = origin.get(name, "")
    return f" ({said})" if said and said != "body" else ""
