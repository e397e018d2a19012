"""A simulated policy as the server's default: what that changes, and what cannot be one."""

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.observe import Policy
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut
from tokenhub.wire.simulate import Result


def wanted(policy: Policy) -> RoutingConfigPut:
    """The defaults that this policy comes to."""
    return RoutingConfigPut(
        default_mode=policy.mode,
        default_max_budget_usd=policy.max_budget_usd,
        default_max_latency_ms=round(policy.max_latency_ms),
    )


def again(config: RoutingConfig) -> RoutingConfigPut:
    """What sets the defaults as they were."""
    return RoutingConfigPut(
        default_mode=config.default_mode,
        default_max_budget_usd=config.default_max_budget_usd,
        default_max_latency_ms=config.default_max_latency_ms,
    )


def impossible(policy: Policy) -> str:
    """Why a policy cannot be the default; empty where it can."""
    if policy.max_budget_usd == 0:
        return "A budget of $0 cannot be the default: every priced model would be refused"
    return ""


def effect(now: RoutingConfig, policy: Policy, own: PolicyIn) -> str:
    """What it comes to, in sentences."""
    before = _told(now.default_mode, now.default_max_budget_usd, now.default_max_latency_ms)
    after = _told(policy.mode, policy.max_budget_usd, policy.max_latency_ms)
    said = (
        f"Every request that brings no policy of its own is then routed by\n  {after}\n"
        f"instead of\n  {before}"
    )
    if after == before:
        said = f"The defaults are already\n  {after}"
    if own.weights or own.min_weight:
        said += "\nIts weights and least weight stay behind: the defaults have none."
    return said


def in_force(result: Result | None, field: str) -> float | None:
    """The bound of a policy that counts, of a field where it says nothing itself."""
    if result is None:
        return None
    return {
        "budget": result.policy.max_budget_usd,
        "latency": result.policy.max_latency_ms,
        "min weight": float(result.policy.min_weight),
    }.get(field)


def _told(mode: str, budget: float | None, latency_ms: float) -> str:
    most = "no limit of cost" if budget is None else f"at most {usd(budget)}"
    return f"{mode}, {most}, {milliseconds(latency_ms)}"
