"""A decision in words: why each route stood where it stood, and what came of it.

From the wire's own values, so that every front end tells the same.
"""

from collections.abc import Iterator

from msgspec.structs import asdict

from tokenhub.wire.explain import Explanation, Place, Reason, Setting
from tokenhub.wire.observe import (
    AttemptLog,
    Candidate,
    Decision,
    Policy,
    RequestLog,
    Sample,
    Skipped,
    Terms,
)

# A score that is not the sum of its parts to this precision is made of something else.
_EXACT = 1e-9
_SHOWN_ROUTES = 5
_SUBSTITUTES = {
    "any": "any other model may take its place",
    "same-model": "only other providers of the same model may take its place",
    "never": "nothing may take its place",
}
_ORIGINS = {
    "default": "the routing defaults",
    "key": "the API key",
    "header": "a header of the request",
    "body": "the body of the request",
    "request": "the request",
    "directive": "a directive in its text",
}


def explanation(row: RequestLog, decision: Decision | None) -> Explanation:
    """What an operator wants to be told about one request."""
    if decision is None:
        return Explanation(
            summary=_undecided(row),
            asked=_asked(row, None),
            policy=[],
            candidates=[],
            skipped=[],
            happened=list(_happened(row, None)),
            notes=[],
        )
    return Explanation(
        summary=_summary(row, decision),
        asked=_asked(row, decision),
        policy=_policy(decision.policy),
        candidates=_places(decision),
        skipped=[Reason(route=skip.route, why=left_out(skip)) for skip in decision.skipped],
        happened=list(_happened(row, decision)),
        notes=list(_notes(decision)),
    )


def _undecided(row: RequestLog) -> str:
    if row.attempts:
        return "Its decision is not on record: it was lost, or is of a version that kept none."
    return (
        f"It was refused before a route was looked for ({row.error_class or row.status_code}), "
        "or its decision record has been lost."
    )


def _summary(row: RequestLog, decision: Decision) -> str:
    if not decision.candidates:
        return (
            f"Nobody was asked: of {len(decision.skipped)} routes none could answer, and the "
            f"caller was told {decision.error or row.error_class} ({row.status_code})."
        )
    first = decision.candidates[0].route
    chosen = f"{first} was chosen out of {len(decision.candidates)}: {_because(decision)}."
    if not row.answered:
        return f"{chosen} Nobody answered, and the caller was told {row.error_class}."
    route = _route(row)
    broken = f", and broke off ({row.error_class})" if row.error_class else ""
    if route == first:
        return f"{chosen} It answered{broken}."
    return f"{chosen} {route} answered in its place{broken}."


def _because(decision: Decision) -> str:
    first = decision.candidates[0]
    if first.last_resort:
        return "all that could answer were down"
    places = _named(decision)
    place = places.get(first.route)
    rivals = [one for one in decision.candidates if places.get(one.route) == place]
    if place is None:
        return _won(decision, rivals)
    best = f", and {_won(decision, rivals)}" if len(rivals) > 1 else ""
    return f"{_is_named(decision, place)}{best}"


def _won(decision: Decision, rivals: list[Candidate]) -> str:
    """What the first has before its rivals, those whom the caller has named no earlier."""
    first = rivals[0]
    apart = {
        "well": any(one.last_resort for one in rivals),
        "quick enough": not first.too_slow and any(one.too_slow for one in rivals),
    }
    whom = " and ".join([name for name, some_are_not in apart.items() if some_are_not])
    whom = f" of those that are {whom}" if whom else ""
    if first.sample is not None:
        return f"its draw was the largest{whom}"
    if decision.explored:
        return (
            f"a draw took number {decision.explored + 1} by score, so that others than the best "
            "are tried"
        )
    return f"it had the best score{whom}"


def _is_named(decision: Decision, place: int) -> str:
    if place == 0:
        return "it is what was asked for"
    if decision.fallbacks:
        return f"it is number {place + 1} of the caller's list"
    return "it is the model that was asked for, at another provider"


def _asked(row: RequestLog, decision: Decision | None) -> str:
    """The model that was asked for, what that name stood for, and who else might answer."""
    name = row.requested_model.strip()
    told = [f"The caller asked for {name}" if name else "The caller named no model"]
    if decision is None:
        return f"{told[0]}."
    if decision.alias:
        told.append(f"{decision.alias} is an alias, and stood for {decision.hint or 'any model'}")
    if decision.fallbacks:
        told.append(f"after it may come, in this order and no others: {_list(decision.fallbacks)}")
    elif decision.hint:
        told.append(_SUBSTITUTES.get(decision.substitute, decision.substitute))
    return "; ".join(told) + "."


def _policy(policy: Policy) -> list[Setting]:
    """Each field with its value and where it came from."""
    budget = policy.max_budget_usd
    values = {
        "mode": policy.mode,
        "max_budget_usd": "no limit" if budget is None else _usd(budget),
        "max_latency_ms": f"{policy.max_latency_ms:g} ms",
        "min_weight": str(policy.min_weight),
    }
    if policy.weights is not None:
        own = asdict(policy.weights)
        values["weights"] = ", ".join(f"{name} {part:g}" for name, part in own.items())
    if policy.worth is not None:
        values["worth"] = f"usd {policy.worth.usd:g}, second {policy.worth.second:g}"
    return [
        Setting(field=field, value=value, origin=_origin(policy.origin.get(field, "default")))
        for field, value in values.items()
    ]


def _origin(origin: str) -> str:
    return _ORIGINS.get(origin, origin)


def _places(decision: Decision) -> list[Place]:
    places = _named(decision)
    found = []
    for rank, one in enumerate(decision.candidates, start=1):
        parts = _parts(one.terms, decision.weights)
        found.append(
            Place(
                rank=rank,
                route=one.route,
                score=one.score,
                parts=parts,
                why="; ".join(_why(one, decision, parts, places.get(one.route))),
            )
        )
    return found


def _parts(terms: Terms, weights: Terms) -> Terms:
    return Terms(
        cost=weights.cost * terms.cost,
        latency=weights.latency * terms.latency,
        failure=weights.failure * terms.failure,
        weight=weights.weight * terms.weight,
    )


def _why(one: Candidate, decision: Decision, parts: Terms, place: int | None) -> Iterator[str]:
    """What put a candidate before or behind others, and the sum of its score."""
    if one.last_resort:
        yield f"it was down for {one.closed_ms} ms yet, and comes after all that were not"
    if place == 0:
        yield "it is what was asked for, and comes before what was not"
    elif place is not None:
        yield _is_named(decision, place)
    if one.too_slow:
        limit_ms = decision.policy.max_latency_ms
        yield f"it usually takes longer than {limit_ms:g} ms, and comes after those that do not"
    if decision.explored and one is decision.candidates[0]:
        yield f"its place was {decision.explored + 1}, and a draw has put it first"
    if one.sample is not None:
        drawn = one.sample
        yield f"its draw is {drawn.draw:.4f}, of Beta({drawn.alpha:.4g}, {drawn.beta:.4g})"
        yield _worth(drawn)
        yield f"for comparison, {_sum(one, decision.weights, parts)}"
    else:
        yield _sum(one, decision.weights, parts)
    if one.cost_usd is None:
        yield "its price is unknown and counts as the dearest"
    if one.latency_ms is None:
        yield "nobody has timed it, so it counts with the mean of the others"
    if one.output_tokens:
        cost = "" if one.cost_usd is None else f", for {_usd(one.cost_usd)}"
        yield f"estimated at {one.output_tokens} tokens out{cost}"


def _worth(drawn: Sample) -> str:
    """What a draw stood for; in records of before the router learned by feedback, one number."""
    quality, spread, failing, price = drawn.quality, drawn.spread, drawn.failing, drawn.price
    if quality is None or spread is None or failing is None or price is None:
        return "that is what its cost, its time and its successes had earned it together"
    return (
        f"that is a quality of {quality:.3f} give or take {spread:.3f}, "
        f"{failing:.1%} failures, and {price:.4f} off for money and time"
    )


def _sum(one: Candidate, weights: Terms, parts: Terms) -> str:
    terms = one.terms
    if abs(parts.cost + parts.latency + parts.failure - parts.weight - one.score) > _EXACT:
        return f"score {one.score:.4f}"
    return (
        f"score {one.score:.4f} = {weights.cost:g} x cost {terms.cost:.3f} "
        f"+ {weights.latency:g} x latency {terms.latency:.3f} "
        f"+ {weights.failure:g} x failures {terms.failure:.3f} "
        f"- {weights.weight:g} x weight {terms.weight:.3f}"
    )


def left_out(skip: Skipped) -> str:
    """Why a route could not answer, with its numbers."""
    value, limit = skip.value, skip.limit
    if value is None:
        return _PLAIN.get(skip.reason, skip.reason)
    if skip.reason in _CLOSED:
        return f"{_CLOSED[skip.reason]}, and opens in {value:g} ms"
    if limit is None:
        return f"{skip.reason} ({value:g})"
    told = {
        "budget_exceeded": f"it would cost {_usd(value)}, and the budget is {_usd(limit)}",
        "context_overflow": f"it would need {value:g} tokens of context, and has {limit:g}",
        "weight_below_minimum": f"its weight is {value:g}, and at least {limit:g} was asked for",
    }
    return told.get(skip.reason, f"{skip.reason} ({value:g}, limit {limit:g})")


_PLAIN = {
    "disabled": "it, or its provider, is disabled",
    "no_credential": "its provider's key is missing",
    "vault_locked": "its provider's key is in the vault, which is locked",
    "not_allowed": "the API key may not use it",
    "embeddings_only": "it makes embeddings, and is asked only by its name",
}
_CLOSED = {
    "health_down": "it has failed too often",
    "cooling_down": "it has throttled us",
    "credential_out": "it refused our key, or its account is empty",
}


def _happened(row: RequestLog, decision: Decision | None) -> Iterator[str]:
    """One line for each call; then who was passed over, and the end."""
    for attempt in row.attempts:
        yield _call(attempt)
    called = {_route(attempt) for attempt in row.attempts}
    if decision is not None and row.answered:
        ranked = [one.route for one in decision.candidates]
        before = ranked[: ranked.index(_route(row))] if _route(row) in ranked else []
        if passed := [route for route in before if route not in called]:
            yield (
                f"Ranked higher and not called: {_list(passed)}. Each was found at fault "
                "meanwhile, or had no retry left, or was too dear for what was left of the "
                "budget, or too small."
            )
    if row.error_class:
        yield f"The end was {row.error_class}, status {row.status_code}."
    else:
        yield f"The caller was answered with status {row.status_code}."


def _call(it: AttemptLog) -> str:
    head = f"{it.attempt}. {_route(it)}"
    took = f"after {it.latency_ms:g} ms"
    cost = "at an unknown price" if it.cost_usd is None else f"for {_usd(it.cost_usd)}"
    if it.state == "settled" and not it.error_class:
        guess = ", counted by us" if it.estimated else ""
        return (
            f"{head} answered {took}: {it.input_tokens} tokens in, "
            f"{it.output_tokens} out{guess}, {cost}."
        )
    if it.state == "settled":
        return f"{head} broke off {took} ({it.error_class}); what had come is charged, {cost}."
    status = f", status {it.status_code}" if it.status_code else ""
    end = (
        f"it may be billed, and is charged at the estimate, {cost}"
        if it.state == "unknown"
        else "nothing is charged"
    )
    if it.error_class in _GIVEN_UP:
        return f"{head} was given up {took}, since {_GIVEN_UP[it.error_class]}; {end}."
    return f"{head} brought no answer {took} ({it.error_class}{status}); {end}."


_GIVEN_UP = {
    "hedge_lost": "another call had answered",
    "client_gone": "the caller had left",
    "internal_error": "something in TokenHub is broken",
}


def _notes(decision: Decision) -> Iterator[str]:
    if decision.candidates and decision.propensity < 1:
        yield (
            f"The first came first with a probability of {decision.propensity:.4g}; the draw "
            f"followed from the seed {decision.seed}."
        )
    yield (
        f"Estimated at {decision.input_tokens} tokens in and {decision.output_tokens} out, over "
        f"the catalog of version {decision.catalog_version}."
    )
    if decision.allowed_models:
        yield f"The API key may use these models alone: {_list(decision.allowed_models)}."
    if decision.allowed_providers:
        yield f"The API key may use these providers alone: {_list(decision.allowed_providers)}."
    yield from decision.policy.notes


def _named(decision: Decision) -> dict[str, int]:
    """The routes that the caller named, with the place of their name: as the catalog finds them."""
    routes = [one.route for one in decision.candidates] + [one.route for one in decision.skipped]
    named: dict[str, int] = {}
    for place, name in enumerate([n for n in (decision.hint, *decision.fallbacks) if n]):
        for route in _routes_of(name, routes):
            named.setdefault(route, place)
    if len(named) == 1 and not decision.fallbacks and decision.substitute != "never":
        model_id = next(iter(named)).partition("/")[2]
        for route in _routes_of(model_id, routes):
            named.setdefault(route, 1)
    return named


def _routes_of(name: str, routes: list[str]) -> list[str]:
    """A model's id, or a route's, or a model's after a prefix; the first of them that is there."""
    models = {route: route.partition("/")[2] for route in routes}
    if found := [route for route in routes if models[route] == name]:
        return found
    if name in models:
        return [name]
    rest = name.partition("/")[2]
    return [route for route in routes if rest and models[route] == rest]


def _route(it: RequestLog | AttemptLog) -> str:
    return f"{it.provider_id}/{it.model_id}"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_ROUTES} more" if len(names) > _SHOWN_ROUTES else ""
    return ", ".join(names[:_SHOWN_ROUTES]) + more


def _usd(amount: float) -> str:
    """With all its digits, to the nano-USD."""
    return f"USD {amount:.9f}".rstrip("0").rstrip(".")
