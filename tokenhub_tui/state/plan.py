"""One orchestration in a line."""

from tokenhub.client.text import milliseconds, money, of_state
from tokenhub.wire.orchestrations import OrchestrationDetail
from tokenhub_tui.state.flows import MARKS
from tokenhub_tui.state.reasons import trouble


def title(one: OrchestrationDetail) -> tuple[str, str]:
    """`✓ planning · succeeded · 3 steps · 4.1s · $0.0120 (expected $0.0200)`, and its tone."""
    cost = "cost unknown" if one.cost_usd is None else money(one.cost_usd)
    if one.cost_estimate_usd is not None:
        cost += f" (expected {money(one.cost_estimate_usd)})"
    steps = f"{one.step_count} step{'' if one.step_count == 1 else 's'}"
    told = [one.mode, one.status, steps, milliseconds(one.latency_ms), cost]
    if one.error_class:
        told.append(trouble(one.error_class))
    mark = MARKS.get(one.status, "✗")
    return f"{mark} {' · '.join(told)}", of_state(one.status)
