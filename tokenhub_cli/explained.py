"""One request in words: who was tried, who was considered, and why the others were left out."""

from collections.abc import Callable, Iterator, Sequence

from tokenhub.client.text import local, milliseconds, plain, usd
from tokenhub.wire.observe import (
    AttemptLog,
    Candidate,
    Decision,
    Policy,
    RequestDetail,
    Skipped,
    Terms,
)
from tokenhub_cli.output import Column, View, table


def _known(show: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda value: "unknown" if value is None else show(value)


_TRIED: View[AttemptLog] = View(
    kind="attempt",
    name=lambda it: str(it.attempt),
    columns=(
        Column("attempt", lambda it: it.attempt, head="#"),
        Column("route", lambda it: f"{it.provider_id}/{it.model_id}"),
        Column("state", lambda it: it.state),
        Column("status_code", lambda it: it.status_code, right=True, head="STATUS"),
        Column("error_class", lambda it: it.error_class, head="ERROR"),
        Column("latency_ms", lambda it: it.latency_ms, milliseconds, right=True, head="LATENCY"),
        Column("tokens", lambda it: it.input_tokens + it.output_tokens, right=True),
        Column("cost_usd", lambda it: it.cost_usd, usd, right=True, head="COST"),
    ),
)
CONSIDERED: View[Candidate] = View(
    kind="route",
    name=lambda it: it.route,
    columns=(
        Column("route", lambda it: it.route),
        Column("score", lambda it: it.score, "{:.4f}".format, right=True),
        Column("cost_usd", lambda it: it.cost_usd, usd, right=True, head="COST"),
        Column(
            "latency_ms", lambda it: it.latency_ms, _known(milliseconds), right=True, head="LATENCY"
        ),
        Column(
            "failure_rate", lambda it: it.failure_rate, "{:.1%}".format, right=True, head="FAILURES"
        ),
        Column("weight", lambda it: it.weight, right=True),
    ),
)


# Reasons without numbers, and those whose number is the time until the route opens.
_PLAIN = {
    "disabled": "it is disabled",
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


def _why(it: Skipped) -> str:
    value, limit = it.value, it.limit
    if value is None:
        return _PLAIN.get(it.reason, plain(it.reason))
    if it.reason in _CLOSED:
        return f"{_CLOSED[it.reason]}, and opens in {milliseconds(value)}"
    if limit is None:
        return plain(it.reason)
    told = {
        "budget_exceeded": f"it would cost {usd(value)}, and the budget is {usd(limit)}",
        "context_overflow": f"it needs {value} tokens of context, and has {limit}",
        "weight_below_minimum": f"its weight is {value}, and at least {limit} was asked for",
    }
    return told.get(it.reason, f"{it.reason} ({value:g}, limit {limit:g})")


LEFT_OUT: View[Skipped] = View(
    kind="route",
    name=lambda it: it.route,
    columns=(Column("route", lambda it: it.route), Column("why", _why)),
)


def explained(it: RequestDetail) -> list[str]:
    """The lines for a person at a terminal."""
    return [
        *_summary(it),
        "",
        "Tried",
        *(table(_TRIED, it.attempts) if it.attempts else ["nobody"]),
        "",
        *(told_of(it.decision) if it.decision else ["There is no decision on record for it."]),
    ]


def _summary(it: RequestDetail) -> Iterator[str]:
    who = f"{it.provider_id}/{it.model_id}" if it.answered else "nobody"
    yield f"Request:   {it.request_id}"
    if it.parent_id:
        yield f"Step of:   {it.parent_id}"
    yield f"Time:      {local(it.timestamp)}"
    yield f"Asked:     {it.requested_model or 'any model'}, by {it.api_key_id}"
    yield f"Answered:  {who}, status {it.status_code}, {it.error_class or it.reason or '-'}"
    yield f"Took:      {milliseconds(it.latency_ms)}, {milliseconds(it.overhead_ms)} of it here"
    into, out = f"{it.input_tokens} in{_cached(it)}", f"{it.output_tokens} out{_reasoned(it)}"
    yield f"Tokens:    {into}, {out}"
    yield f"Cost:      {usd(it.estimated_cost_usd)}"


def _cached(it: RequestDetail) -> str:
    cached = sum(one.cached_tokens or 0 for one in it.attempts)
    written = sum(one.cache_write_tokens or 0 for one in it.attempts)
    told = [f"{cached} of them cached"] if cached else []
    told += [f"{written} written to a cache"] if written else []
    return f" ({', '.join(told)})" if told else ""


def _reasoned(it: RequestDetail) -> str:
    reasoned = sum(one.reasoning_tokens or 0 for one in it.attempts)
    return f" ({reasoned} of them reasoning)" if reasoned else ""


def told_of(it: Decision) -> Iterator[str]:
    """The lines of a decision: everything that the choice was made of."""
    yield from _considered(it) if it.candidates else [f"Nobody could answer: {it.error}"]
    yield ""
    if it.skipped:
        yield "Left out"
        yield from table(LEFT_OUT, it.skipped)
        yield ""
    if it.alias:
        yield f"Alias: {it.alias} stood for {it.hint or 'any model'}"
    yield f"Policy: {', '.join(_policy(it.policy))}"
    yield f"Catalog: version {it.catalog_version}"


def _considered(it: Decision) -> Iterator[str]:
    yield "Considered, best first"
    yield from table(CONSIDERED, it.candidates)
    yield f"Score: {_formula(it.weights)}, each as a part of the largest"
    if it.propensity < 1:
        chance = f"{100 * it.propensity:.3g} %"
        yield f"Draw:  {_drawn(it)}; the seed {it.seed} decided, with a chance of {chance}"


def _drawn(it: Decision) -> str:
    """Why the first was left to a draw."""
    if it.candidates[0].sample is not None:
        return "what each may be worth is drawn in this mode, whatever its score"
    if it.explored:
        return f"number {it.explored + 1} by score is tried now and then, to learn of it"
    best = it.candidates[0].score
    if any(one.score == best for one in it.candidates[1:]):
        return "the best scores are equal"
    return "others than the best are tried now and then, though not here"


def _formula(weights: Terms) -> str:
    return (
        f"{weights.cost:g} cost + {weights.latency:g} latency + {weights.failure:g} failures "
        f"- {weights.weight:g} weight"
    )


def _policy(it: Policy) -> Sequence[str]:
    """Its fields, with where those are from that are no defaults."""
    budget = "no limit" if it.max_budget_usd is None else usd(it.max_budget_usd)
    told = {
        "mode": f"mode {it.mode}",
        "max_budget_usd": f"budget {budget}",
        "max_latency_ms": f"latency {milliseconds(it.max_latency_ms)}",
        "min_weight": f"weight at least {it.min_weight}" if it.min_weight else "",
        "weights": "weights of its own" if it.weights else "",
    }
    return [text + _from(it.origin.get(field, "default")) for field, text in told.items() if text]


def _from(origin: str) -> str:
    return "" if origin == "default" else f" ({origin})"
