"""The choice: intent x catalog x signals -> a ranking, explained.

Pure: the same arguments give the same decision for ever, which is how a stored record can be
verified later. Draws, needed only to break ties, come from the given seed.
"""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.eligibility import Able, Skip, eligible
from tokenhub.core.errors import BadRequest, NoEligibleModel, NotFound
from tokenhub.core.policy import Intent, Policy
from tokenhub.core.rng import uniform
from tokenhub.core.scoring import BY_MODE, Terms, Weights, score, terms
from tokenhub.core.signals import UNKNOWN, Signals


class Candidate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A route that could have answered: its score, the terms of it and what they stand on.

    `last_resort` is a route that was down, for `closed_ms` milliseconds yet, and tried after all
    that were not.
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


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Why this route: everything the choice was made of. Stored, shown and verifiable.

    `candidates` are in the order in which they will be tried; where `substitute` is `never`, only
    the first of them is. `propensity` is the probability with which this policy chooses the
    first: below 1 only where scores tie. Where the request was refused there are no candidates,
    and `error` is the code that the caller was given. `reserved_tokens` is None in records of
    before it was kept.
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


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Routes in the order in which they are to be tried, and the record of why."""

    ranked: tuple[Route, ...]
    record: Record


def decide(intent: Intent, catalog: Catalog, signals: Signals, seed: int) -> Decision:
    """Rank the routes that may answer.

    Raises NotFound for an unknown model where the caller forbids substitution, BadRequest where
    the prompt fits no model, and NoEligibleModel with every reason where nobody may answer.
    """
    wanted = _wanted(intent, catalog)
    routes: Sequence[Route] = catalog.routes
    if intent.fallbacks or (intent.substitute != "any" and intent.hint):
        if not wanted:
            raise _unknown(intent)
        routes = [route for route in routes if route.id in wanted]
    able, skipped = eligible(intent, routes, signals)
    if not able:
        raise _nobody(skipped)
    scored = _ranked(able, intent, signals, seed)
    if wanted or signals.closed:
        scored.sort(key=lambda one: (one.last_resort, wanted.get(one.route, len(wanted))))
    best = scored[0]
    place = wanted.get(best.route)
    peers = [
        one.score
        for one in scored
        if one.last_resort == best.last_resort and wanted.get(one.route) == place
    ]
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
            weights=BY_MODE[intent.policy.mode],
            input_tokens=intent.input_tokens,
            output_tokens=intent.output_tokens,
            reason=_reason(best, place),
            propensity=1 / peers.count(best.score),
            candidates=tuple(scored),
            skipped=tuple(skipped),
            reserved_tokens=intent.reserved_tokens,
        ),
    )


def _ranked(able: list[Able], intent: Intent, signals: Signals, seed: int) -> list[Candidate]:
    """The candidates, best first; equal scores in an order drawn from the seed."""
    known = signals.routes
    costs = [one.cost_nusd for one in able]
    seen = [known.get(one.route.id, UNKNOWN) for one in able]
    every = terms(
        costs,
        [signal.latency_s for signal in seen],
        [signal.failure_rate for signal in seen],
        [one.route.model.weight for one in able],
    )
    scores = [score(term, BY_MODE[intent.policy.mode]) for term in every]
    candidates = [
        Candidate(
            one.route.id,
            value,
            term,
            one.cost_nusd,
            signal.latency_s,
            signal.failure_rate,
            one.route.model.weight,
            one.last_resort,
            one.closed_ms,
        )
        for one, value, term, signal in zip(able, scores, every, seen, strict=True)
    ]
    if len(set(scores)) < len(scores):
        draws = {c.route: uniform(seed, place) for place, c in enumerate(candidates)}
        candidates.sort(key=lambda c: (c.score, draws[c.route]))
    else:
        candidates.sort(key=_score_of)
    return candidates


def _wanted(intent: Intent, catalog: Catalog) -> dict[str, int]:
    """The routes that the caller named, with the place of their name in the caller's list."""
    if not intent.fallbacks:
        return dict.fromkeys([route.id for route in catalog.routes_of(intent.hint)], 0)
    wanted: dict[str, int] = {}
    for place, name in enumerate(_names(intent)):
        for route in catalog.routes_of(name):
            wanted.setdefault(route.id, place)
    return wanted


def _names(intent: Intent) -> list[str]:
    return [name for name in (intent.hint, *intent.fallbacks) if name]


def _unknown(intent: Intent) -> NotFound:
    names = _names(intent)
    told = f"model {names[0]!r} does not exist"
    if len(names) > 1:
        told = f"none of the models {', '.join(map(repr, names))} exists"
    return NotFound(told, code="model_not_found")


def _reason(best: Candidate, place: int | None) -> str:
    if place == 0:
        return "routed-hint-exact"
    if place is not None:
        return "routed-fallback"
    return "last-resort-fallback" if best.last_resort else f"routed-weight-{best.weight}"


_score_of = attrgetter("score")


def _nobody(skipped: list[Skip]) -> Exception:
    """The error that fits the reasons: a prompt too long for all is the caller's to mend."""
    reasons = {skip.reason for skip in skipped} - {"disabled"}
    if reasons == {"context_overflow"}:
        largest = max(skip.limit or 0 for skip in skipped if skip.reason == "context_overflow")
        return BadRequest(
            f"the request needs more context than any model here has; the largest has {largest} "
            "tokens; shorten the messages or lower max_tokens",
            code="context_length_exceeded",
            field="messages",
            skipped=skipped,
        )
    if not skipped:
        return NoEligibleModel(
            'no eligible models registered; add one with "tokenhubctl model add"'
        )
    told = ", ".join(f"{skip.route}: {skip.reason}" for skip in skipped[:5])
    waits = [skip.value / 1000 for skip in skipped if skip.reason in _CLOSED and skip.value]
    return NoEligibleModel(
        f"no eligible models registered ({told})",
        skipped=skipped,
        retry_after_s=min(waits, default=None),
    )


_CLOSED = frozenset({"health_down", "cooling_down", "credential_out"})
