"""The choice: intent x catalog x signals -> a ranking, explained.

Pure: the same arguments give the same decision for ever, which is how a stored record can be
verified later. Draws, where scores tie, where another than the best is to be tried and where the
order is drawn altogether, come from the given seed.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter

import msgspec

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.eligibility import Able, Skip, eligible
from tokenhub.core.errors import BadRequest, NoEligibleModel, NotAllowed, NotFound, VaultLocked
from tokenhub.core.exploring import chances, rank
from tokenhub.core.learning import (
    DEFAULT_WORTH,
    Sample,
    draw_of,
    drawn,
    hoped_tokens,
    probability,
)
from tokenhub.core.money import NANO
from tokenhub.core.policy import THOMPSON, Intent, Policy
from tokenhub.core.pricing import estimated_nusd
from tokenhub.core.rng import split, uniform
from tokenhub.core.scoring import BY_MODE, Terms, Weights, score, terms
from tokenhub.core.signals import CLOSED_FOR, UNKNOWN, Arms, Signals

# Streams of the seed. Ties take the seed itself, as they did before there were others.
_EXPLORING, _SAMPLING = 1, 2
_NO_TROUBLE = (False, False)
_CERTAIN = [1.0]
# As many reasons as a message has room for; all of them are in `skipped`.
_TOLD = 5
_score_of = attrgetter("score")
_trouble_of = attrgetter("last_resort", "too_slow")


class Candidate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A route that could have answered: its score, the terms of it and what they stand on.

    `last_resort` is a route that was down, for `closed_ms` milliseconds yet, and tried after all
    that were not. `output_tokens` is the estimate of its answer. `too_slow` is one that usually
    takes longer than the policy allows: it is tried after those that fit. `sample` is what was
    drawn of it, where the mode draws.
    """

    route: str
    score: float
    terms: Terms
    cost_nusd: int | None
    latency_s: float | None
    failure_rate: float
    weight: int
    last_resort: bool = False
    closed_ms: int = 0
    output_tokens: int = 0
    too_slow: bool = False
    sample: Sample | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why this route: everything the choice was made of. Stored, shown and verifiable.

    `candidates` are in the order in which they will be tried; where `substitute` is `never`, only
    the first of them is. `propensity` is the probability with which this policy chooses the
    first: below 1 where scores tie, where the policy explores, and where it draws. `explored` is
    the rank that the first had before it was moved to the front. `output_tokens` is the estimate
    for routes of which nobody knows what they write. Where the request was refused there are no
    candidates, and `error` is the code that the caller was given. `reserved_tokens` is None in
    records of before it was kept.
    """

    catalog_version: int
    seed: int
    hint: str
    substitute: str
    fallbacks: tuple[str, ...] = ()
    alias: str = ""
    policy: Policy
    weights: Weights
    input_tokens: int
    output_tokens: int
    reason: str
    propensity: float
    candidates: tuple[Candidate, ...]
    skipped: tuple[Skip, ...]
    reserved_tokens: int | None = None
    error: str = ""
    output_limit: int | None = None
    allowed_models: tuple[str, ...] = ()
    allowed_providers: tuple[str, ...] = ()
    temperature: float = 0.0
    explored: int = 0
    task: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Routes in the order in which they are to be tried, and the record of why."""

    ranked: tuple[Route, ...]
    record: Record


def decide(intent: Intent, catalog: Catalog, signals: Signals, seed: int) -> Decision:
    """Rank the routes that may answer.

    Raises NotFound for an unknown model where the caller forbids substitution, BadRequest where
    the prompt fits no model, NotAllowed where the key may use none, VaultLocked where all who could
    answer have their keys locked away, and NoEligibleModel with every reason where nobody may.
    """
    wanted = _wanted(intent, catalog)
    able, skipped = _able(intent, catalog, signals, wanted)
    scored = _in_order(_candidates(able, intent), intent, catalog, signals, seed)
    count = _in_tiers(scored, wanted)
    explored, propensity = _chosen(scored, count, _odds(intent, wanted, count), intent, seed)
    best = scored[0]
    alone = intent.substitute == "never" and intent.hint and not intent.fallbacks
    tried = scored[:1] if alone else scored
    return Decision(
        ranked=tuple([catalog.by_route[candidate.route] for candidate in tried]),
        record=Record(
            catalog_version=catalog.version,
            seed=seed,
            hint=intent.hint,
            substitute=intent.substitute,
            fallbacks=intent.fallbacks,
            alias=intent.alias,
            policy=intent.policy,
            weights=_weights(intent.policy),
            input_tokens=intent.input_tokens,
            output_tokens=intent.output_tokens,
            reason=_reason(best, wanted.get(best.route), intent),
            propensity=propensity,
            candidates=tuple(scored),
            skipped=tuple(skipped),
            reserved_tokens=intent.reserved_tokens,
            output_limit=intent.output_limit,
            allowed_models=intent.allowed_models,
            allowed_providers=intent.allowed_providers,
            temperature=intent.temperature,
            explored=explored,
            task=intent.task,
        ),
    )


def firsts(intent: Intent, catalog: Catalog, signals: Signals, seeds: Sequence[int]) -> list[str]:
    """The route that `decide` would put first, for each seed. Raises as it does.

    Only draws differ between them, and only these are taken again.
    """
    wanted = _wanted(intent, catalog)
    able, _ = _able(intent, catalog, signals, wanted)
    scored = _candidates(able, intent)
    found = []
    for seed in seeds:
        ranked = _in_order(list(scored), intent, catalog, signals, seed)
        count = _in_tiers(ranked, wanted)
        _explored(ranked, _odds(intent, wanted, count), seed)
        found.append(ranked[0].route)
    return found


def _able(
    intent: Intent, catalog: Catalog, signals: Signals, wanted: Mapping[str, int]
) -> tuple[list[Able], list[Skip]]:
    """Who may answer, one at least, and who may not."""
    routes: Sequence[Route] = catalog.routes
    if intent.fallbacks or (intent.substitute != "any" and intent.hint):
        if not wanted:
            raise _unknown(intent)
        routes = [route for route in routes if route.id in wanted]
    other: list[Skip] = []
    if catalog.embedding:
        unasked = catalog.embedding - wanted.keys()
        other = [Skip(route.id, "embeddings_only") for route in routes if route.id in unasked]
        routes = [route for route in routes if route.id not in unasked]
    able, skipped = eligible(intent, routes, signals)
    skipped += other
    if not able:
        raise _nobody(skipped)
    return able, skipped


def _candidates(able: list[Able], intent: Intent) -> list[Candidate]:
    """The candidates with their scores, in the order of the catalog."""
    latencies = [one.signal.latency_s for one in able]
    weights, most = _weights(intent.policy), intent.policy.max_latency_s
    every = terms(
        [one.cost_nusd for one in able],
        latencies,
        [one.signal.failure_rate for one in able],
        [one.route.model.weight for one in able],
    )
    return [
        Candidate(
            one.route.id,
            score(term, weights),
            term,
            one.cost_nusd,
            latency_s,
            one.signal.failure_rate,
            one.route.model.weight,
            one.last_resort,
            one.closed_ms,
            one.output_tokens,
            latency_s is not None and latency_s > most,
        )
        for one, term, latency_s in zip(able, every, latencies, strict=True)
    ]


def _in_order(
    candidates: list[Candidate], intent: Intent, catalog: Catalog, signals: Signals, seed: int
) -> list[Candidate]:
    """The candidates as the mode ranks them; the given list may be changed."""
    if intent.policy.mode == THOMPSON:
        written = [signals.routes.get(one.route, UNKNOWN).written for one in candidates]
        costs = _hoped_costs(candidates, written, intent, catalog)
        known = list(zip(written, _prices(candidates, costs, intent), strict=True))
        return _sampled(candidates, known, signals.arms, intent, seed)
    _by_score(candidates, seed)
    return candidates


def _by_score(candidates: list[Candidate], seed: int) -> None:
    """Best first; equal scores in an order drawn from the seed."""
    if len({one.score for one in candidates}) < len(candidates):
        draws = {one.route: uniform(seed, place) for place, one in enumerate(candidates)}
        candidates.sort(key=lambda one: (one.score, draws[one.route]))
    else:
        candidates.sort(key=_score_of)


def _sampled(
    candidates: list[Candidate],
    known: list[tuple[int, float]],
    arms: Arms,
    intent: Intent,
    seed: int,
) -> list[Candidate]:
    """The candidates by the utility that was drawn of each, the largest first."""
    stream = split(seed, _SAMPLING)
    found = []
    for place, (one, (written, price)) in enumerate(zip(candidates, known, strict=True)):
        arm = arms.of(intent.task, one.route)
        value = drawn(draw_of(arm, weight=one.weight, price=price), split(stream, place))
        sample = Sample(
            arm.quality,
            arm.spread,
            arm.prior,
            arm.failing,
            value,
            price,
            arm.hope,
            arm.doubt,
            written,
        )
        found.append((-value, place, msgspec.structs.replace(one, sample=sample)))
    found.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in found]


def _hoped_costs(
    candidates: list[Candidate], written: list[int], intent: Intent, catalog: Catalog
) -> list[int | None]:
    """What each may cost, of whose answers so many are known; None where no price is."""
    return [
        one.cost_nusd
        if one.cost_nusd is None or not answers
        else estimated_nusd(
            catalog.by_route[one.route].model,
            intent.input_tokens,
            hoped_tokens(one.output_tokens, answers),
        )
        for one, answers in zip(candidates, written, strict=True)
    ]


def _prices(candidates: list[Candidate], costs: list[int | None], intent: Intent) -> list[float]:
    """What the cost and the time of each take from its utility.

    An unknown cost counts as the dearest of the others, an unknown latency as their mean.
    """
    worth = intent.policy.worth or DEFAULT_WORTH
    dearest = max([cost for cost in costs if cost is not None], default=0)
    known = [one.latency_s for one in candidates if one.latency_s is not None]
    mean_s = sum(known) / len(known) if known else 0.0
    usd, second = worth.usd / NANO, worth.second
    return [
        usd * (dearest if cost is None else cost)
        + second * (mean_s if one.latency_s is None else one.latency_s)
        for one, cost in zip(candidates, costs, strict=True)
    ]


def _in_tiers(candidates: list[Candidate], wanted: Mapping[str, int]) -> int:
    """Whoever is down comes last; the caller's list holds; who is too slow comes after the rest.

    Gives how many are in the first tier: only among them the order is of our making.
    """
    if not wanted:
        trouble = list(map(_trouble_of, candidates))
        if trouble.count(_NO_TROUBLE) == len(candidates):
            return len(candidates)
        candidates.sort(key=_trouble_of)
        return trouble.count(_trouble_of(candidates[0]))
    names = len(wanted)
    tiers = {
        one.route: (one.last_resort, wanted.get(one.route, names), one.too_slow)
        for one in candidates
    }
    candidates.sort(key=lambda one: tiers[one.route])
    return list(tiers.values()).count(tiers[candidates[0].route])


def _chosen(
    candidates: list[Candidate], count: int, odds: list[float], intent: Intent, seed: int
) -> tuple[int, float]:
    """Put the choice in front: the rank that it had, and how probable it was."""
    if intent.policy.mode == THOMPSON:
        draws = [
            draw_of(one.sample, weight=one.weight, price=one.sample.price)
            for one in candidates[:count]
            if one.sample is not None
        ]
        return 0, probability(draws, 0)
    scores = [one.score for one in candidates[:count]]
    place = _explored(candidates, odds, seed)
    # Equal scores have drawn for their ranks: each of them was as probable as any.
    first, alike = scores.index(scores[place]), scores.count(scores[place])
    return place, min(1.0, sum(odds[first : first + alike]) / alike)


def _odds(intent: Intent, wanted: Mapping[str, int], count: int) -> list[float]:
    """The probability of each rank. Where the caller chose, or draws did, the first is taken."""
    if not intent.temperature or wanted or intent.policy.mode == THOMPSON:
        return _CERTAIN
    return chances(intent.temperature, count)


def _explored(candidates: list[Candidate], odds: list[float], seed: int) -> int:
    """Move the drawn rank to the front; the others keep their order."""
    if len(odds) == 1:
        return 0
    place = rank(odds, uniform(split(seed, _EXPLORING), 0))
    candidates.insert(0, candidates.pop(place))
    return place


def _weights(policy: Policy) -> Weights:
    return policy.weights or BY_MODE[policy.mode]


def _wanted(intent: Intent, catalog: Catalog) -> dict[str, int]:
    """The routes that the caller named, with the place of their name in the caller's list.

    The model of a route that was named has the next place wherever else it is.
    """
    wanted: dict[str, int] = {}
    if not intent.fallbacks:
        named = catalog.routes_of(intent.hint)
        if intent.substitute == "never" and _elsewhere(intent.hint, named, catalog):
            return wanted
        wanted = dict.fromkeys([route.id for route in named], 0)
        if named and intent.substitute != "never":
            for route in catalog.by_model[named[0].model.id]:
                wanted.setdefault(route.id, 1)
        return wanted
    for place, name in enumerate(_names(intent)):
        for route in catalog.routes_of(name):
            wanted.setdefault(route.id, place)
    return wanted


def _elsewhere(hint: str, named: Sequence[Route], catalog: Catalog) -> bool:
    """Whether the hint names a provider of ours, and the model is at others only.

    Before a slash there may as well be the vendor's name, of which the model is never elsewhere.
    """
    if not named or hint in {named[0].id, named[0].model.id}:
        return False
    return hint.partition("/")[0] in catalog.providers


def _names(intent: Intent) -> list[str]:
    return [name for name in (intent.hint, *intent.fallbacks) if name]


def _unknown(intent: Intent) -> NotFound:
    names = _names(intent)
    told = f"model {names[0]!r} does not exist"
    if len(names) > 1:
        told = f"none of the models {', '.join(map(repr, names))} exists"
    return NotFound(told, code="model_not_found")


def _reason(best: Candidate, place: int | None, intent: Intent) -> str:
    if place == 0:
        return "routed-hint-exact"
    if place is not None and intent.fallbacks:
        return "routed-fallback"
    return "last-resort-fallback" if best.last_resort else f"routed-weight-{best.weight}"


def _nobody(skipped: list[Skip]) -> Exception:
    """The error that fits the reasons: a prompt too long for all is the caller's to mend."""
    reasons = {skip.reason for skip in skipped} - {"embeddings_only"}
    if reasons == {"not_allowed"}:
        return NotAllowed(
            "this API key may use none of the models that could answer; name another one, or ask "
            "for a key that may",
            skipped=skipped,
        )
    if reasons - {"not_allowed", "disabled"} == {"context_overflow"}:
        largest = max(skip.limit or 0 for skip in skipped if skip.reason == "context_overflow")
        return BadRequest(
            f"the request needs more context than any model here has; the largest has {largest} "
            "tokens; shorten the messages or lower max_tokens",
            code="context_length_exceeded",
            field="messages",
            skipped=skipped,
        )
    if reasons - {"not_allowed", "disabled"} == {"vault_locked"}:
        return VaultLocked(skipped=skipped)
    if not skipped:
        return NoEligibleModel(
            'no eligible models registered; add one with "tokenhubctl model add"'
        )
    told = ", ".join(f"{skip.route}: {skip.reason}" for skip in skipped[:_TOLD])
    if len(skipped) > _TOLD:
        told += f" and {len(skipped) - _TOLD} more"
    waits = [skip.value / 1000 for skip in skipped if skip.reason in CLOSED_FOR and skip.value]
    return NoEligibleModel(
        f"no eligible models registered ({told})",
        skipped=skipped,
        retry_after_s=min(waits, default=None),
    )
