"""Results of simulations, made up."""

from collections.abc import Sequence

from tokenhub.wire.observe import Candidate, Decision, Policy, Skipped, Terms
from tokenhub.wire.simulate import Result, Share


def candidate(
    route: str, score: float, *, usd: float | None = 0.001, ms: float | None = 100.0, **parts: float
) -> Candidate:
    """A candidate; `parts` are its terms, 0 where they are not given."""
    given = {"cost": 0.0, "latency": 0.0, "failure": 0.0, "weight": 0.0} | parts
    return Candidate(
        route=route, score=score, terms=Terms(**given), cost_usd=usd, latency_ms=ms,
        failure_rate=0.0, weight=5,
    )  # fmt: skip


def result(
    *candidates: Candidate,
    mode: str = "cheap",
    skipped: Sequence[Skipped] = (),
    shares: Sequence[tuple[str, float]] = (),
    weights: Terms | None = None,
    error: str = "",
) -> Result:
    """What a policy comes to; without candidates nobody would answer."""
    policy = Policy(
        mode=mode, max_budget_usd=0.05, max_latency_ms=5000.0, min_weight=0, origin={"mode": "body"}
    )
    decision = Decision(
        catalog_version=1, seed=0, hint="", substitute="any", policy=policy,
        weights=weights or Terms(cost=0.25, latency=0.25, failure=0.25, weight=0.25),
        input_tokens=500, output_tokens=300, reason="scored", propensity=1.0,
        candidates=list(candidates), skipped=list(skipped),
    )  # fmt: skip
    return Result(
        policy=policy, decision=None, explained=decision if candidates else None, error=error,
        code="", draws=1000 if shares else 0,
        shares=[Share(route=route, share=share) for route, share in shares],
    )  # fmt: skip
