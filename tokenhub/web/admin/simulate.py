"""`/admin/v1/routing/simulate`: the router asked without a request."""

import asyncio

from litestar import Response, post
from litestar.di import NamedDependency
from msgspec.structs import asdict

from tokenhub.admin.simulate import Question, Simulated, Simulator
from tokenhub.core.ask import MAX_TOKENS, Ask
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.decoding import check_count, checked_limit, checked_name
from tokenhub.dialects.fallbacks import checked_names
from tokenhub.dialects.native import wish
from tokenhub.web.admin import decisions
from tokenhub.web.admin.models import shown as shown_model
from tokenhub.web.amounts import dollars
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import simulate as wire
from tokenhub.wire.native import PolicyIn

# The original's prompt where nobody says how long it is (original-behaviour 1.13).
TOKENS = 500
MAX_POLICIES = 16
# As in TOKENHUB_EXPLORATION_TEMP.
MAX_TEMPERATURE = 10.0
MAX_SEED = 2**53 - 1
_SUBSTITUTE = ("any", "same-model", "never")


@post("/routing/simulate", status_code=200, opt=needs("viewer"))
async def simulate(request: Http, simulator: NamedDependency[Simulator]) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.Simulation)
    question = Question(
        seed=sent.seed,
        key_id=sent.api_key_id,
        output_tokens=checked_limit(sent.output_tokens, field="output_tokens"),
        temperature=checked_temperature(sent.temperature),
    )
    # A thousand draws take their time, and requests have none to spare.
    found = await asyncio.to_thread(simulator.prepared(_asks(sent), question))
    first = found[0]
    result = wire.SimulationResult(
        decision=_choice(first),
        eligible=_eligible(first),
        total=len(first.decision.record.candidates) if first.decision else 0,
        error=_error(first),
        results=[_result(one) for one in found],
        catalog_version=first.catalog.version,
        seed=sent.seed,
    )
    return answer(result)


def _asks(sent: wire.Simulation) -> list[Ask]:
    """A request for each policy. Raises BadRequest naming the field."""
    if sent.substitute not in _SUBSTITUTE:
        raise BadRequest("substitute must be any, same-model or never", field="substitute")
    if not 0 <= sent.seed <= MAX_SEED:
        raise BadRequest(f"seed must be between 0 and {MAX_SEED}", field="seed")
    if sent.token_count > MAX_TOKENS:
        raise BadRequest(f"token_count must be at most {MAX_TOKENS}", field="token_count")
    models = checked_names(sent.models)
    policies = sent.policies
    if policies is None:
        policies = [
            PolicyIn(
                sent.mode, sent.max_budget_usd, sent.max_latency_ms, sent.min_weight, sent.weights
            )
        ]
    if not policies:
        raise BadRequest("policies must hold at least one", field="policies")
    check_count(len(policies), MAX_POLICIES, field="policies")
    return [
        Ask(
            payload=b"",
            model=checked_name(sent.model_hint, field="model_hint"),
            fallbacks=models,
            input_tokens=sent.token_count if sent.token_count > 0 else TOKENS,
            max_tokens=checked_limit(sent.max_tokens),
            substitute=sent.substitute,
            wish=wish(policy),
        )
        for policy in policies
    ]


def _choice(found: Simulated) -> wire.Choice | None:
    if found.decision is None:
        return None
    route, best = found.decision.ranked[0], found.decision.record.candidates[0]
    return wire.Choice(
        model_id=route.model.id,
        provider_id=route.provider.id,
        estimated_cost_usd=dollars(best.cost_nusd),
        reason=found.decision.record.reason,
    )


def _eligible(found: Simulated) -> list[wire.EligibleModel]:
    if found.decision is None:
        return []
    rows = [found.catalog.by_route[one.route].model for one in found.decision.record.candidates]
    return [
        wire.EligibleModel(**asdict(shown_model(row)), selected=not place)
        for place, row in enumerate(rows)
    ]


def _result(found: Simulated) -> wire.Result:
    record = found.decision.record if found.decision else None
    return wire.Result(
        policy=decisions.shown_policy(found.intent.policy),
        decision=_choice(found),
        explained=None if record is None else decisions.shown(record),
        error=_error(found),
        code=found.refusal.code if found.refusal else "",
        draws=found.draws,
        shares=[wire.Share(route=route, share=share) for route, share in found.shares],
    )


def checked_temperature(temperature: float | None) -> float | None:
    """The temperature, if it is one. Raises BadRequest."""
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        raise BadRequest(
            f"temperature must be between 0 and {MAX_TEMPERATURE:.0f}", field="temperature"
        )
    return temperature


def _error(found: Simulated) -> str:
    return str(found.refusal) if found.refusal else ""
