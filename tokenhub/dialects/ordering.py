"""A native request with its orchestration to Ask."""

import msgspec
from msgspec.structs import replace

from tokenhub.core.ask import Ask
from tokenhub.core.catalog import MAX_WEIGHT
from tokenhub.core.errors import BadRequest
from tokenhub.core.plans.steps import MAX_ITERATIONS, MODES, Order, Seat
from tokenhub.dialects import native
from tokenhub.dialects.decoding import checked_name, decoded
from tokenhub.wire import native as wire

_ENVELOPE = msgspec.json.Decoder(wire.PlanEnvelope)


def to_plan(body: bytes, *, substitute: str = "any") -> Ask:
    """Read a request for a plan, nested or flat. Raises BadRequest naming the field."""
    ask = native.to_ask(body, substitute=substitute)
    given = decoded(_ENVELOPE, body).orchestration or wire.OrchestrationIn()
    field = "orchestration.output_schema"
    schema = native.schema_of(given.output_schema, field=field)
    return replace(
        ask,
        dialect="plan",
        schema=native.one_schema(ask.schema, schema, fields=("output_schema", field)),
        order=_order(given),
    )


def _order(given: wire.OrchestrationIn) -> Order:
    if given.mode and given.mode not in MODES:
        raise BadRequest(
            f"unknown orchestration mode; use one of {', '.join(MODES)}", field="orchestration.mode"
        )
    iterations = given.iterations or 0
    if not 0 <= iterations <= MAX_ITERATIONS:
        raise BadRequest(
            f"iterations must be between 0 and {MAX_ITERATIONS}", field="orchestration.iterations"
        )
    return Order(
        mode=given.mode or "",
        iterations=iterations,
        primary=_seat("primary", given.primary_model_id, given.primary_min_weight),
        review=_seat("review", given.review_model_id, given.review_min_weight),
        plan_only=bool(given.return_plan_only),
    )


def _seat(name: str, model: str | None, weight: int | None) -> Seat:
    if not 0 <= (weight or 0) <= MAX_WEIGHT:
        raise BadRequest(
            f"{name}_min_weight must be between 0 and {MAX_WEIGHT}",
            field=f"orchestration.{name}_min_weight",
        )
    named = checked_name(model or "", field=f"orchestration.{name}_model_id")
    return Seat(model=named.strip(), min_weight=weight or 0)
