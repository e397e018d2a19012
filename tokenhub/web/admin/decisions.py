"""Decision records as operators see them: each number under its name, in the wire's units."""

from tokenhub.core.decide import Candidate, Record
from tokenhub.core.eligibility import Skip
from tokenhub.core.learning import as_beta
from tokenhub.core.policy import Policy
from tokenhub.core.scoring import Terms, Weights
from tokenhub.core.stored import Earner
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.wire import observe as wire


def shown(record: Record) -> wire.Decision:
    return wire.Decision(
        catalog_version=record.catalog_version,
        seed=record.seed,
        hint=record.hint,
        substitute=record.substitute,
        fallbacks=list(record.fallbacks),
        alias=record.alias,
        policy=shown_policy(record.policy),
        weights=_terms(record.weights),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        reason=record.reason,
        propensity=record.propensity,
        candidates=[_candidate(candidate) for candidate in record.candidates],
        skipped=[_skipped(skip) for skip in record.skipped],
        reserved_tokens=record.reserved_tokens,
        error=record.error,
        output_limit=record.output_limit,
        allowed_models=list(record.allowed_models),
        allowed_providers=list(record.allowed_providers),
        temperature=record.temperature,
        explored=record.explored,
        task=record.task,
    )


def shown_policy(policy: Policy) -> wire.Policy:
    return wire.Policy(
        mode=policy.mode,
        max_budget_usd=dollars(policy.max_budget_nusd),
        max_latency_ms=milliseconds(policy.max_latency_s),
        min_weight=policy.min_weight,
        origin=policy.origin,
        notes=list(policy.notes),
        weights=None if policy.weights is None else _terms(policy.weights),
        worth=None
        if policy.worth is None
        else wire.Worth(usd=policy.worth.usd, second=policy.worth.second),
    )


def _terms(terms: Terms | Weights) -> wire.Terms:
    return wire.Terms(
        cost=terms.cost, latency=terms.latency, failure=terms.failure, weight=terms.weight
    )


def _candidate(candidate: Candidate) -> wire.Candidate:
    latency_s = candidate.latency_s
    return wire.Candidate(
        route=candidate.route,
        score=candidate.score,
        terms=_terms(candidate.terms),
        cost_usd=dollars(candidate.cost_nusd),
        latency_ms=None if latency_s is None else milliseconds(latency_s),
        failure_rate=candidate.failure_rate,
        weight=candidate.weight,
        last_resort=candidate.last_resort,
        closed_ms=candidate.closed_ms,
        output_tokens=candidate.output_tokens,
        too_slow=candidate.too_slow,
        sample=_sample(candidate),
    )


def _sample(candidate: Candidate) -> wire.Sample | None:
    if isinstance(candidate, Earner):
        earned = candidate.earned
        return wire.Sample(alpha=earned.alpha, beta=earned.beta, draw=earned.draw)
    sample = candidate.sample
    if sample is None:
        return None
    alpha, beta = as_beta(sample.quality, sample.spread)
    return wire.Sample(
        alpha=alpha,
        beta=beta,
        draw=sample.draw,
        quality=sample.quality,
        spread=sample.spread,
        failing=sample.failing,
        price=sample.price,
    )


def _skipped(skip: Skip) -> wire.Skipped:
    money = skip.reason == "budget_exceeded"
    return wire.Skipped(
        route=skip.route,
        reason=skip.reason,
        value=dollars(skip.value) if money else skip.value,
        limit=dollars(skip.limit) if money else skip.limit,
        output_tokens=skip.output_tokens,
    )
