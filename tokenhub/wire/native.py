"""TokenHub's own chat format: a request with its policy around it.

Both forms of the seeds are read: `{"request": {...}, "policy": {...}}`, and the request's fields
at the top.
"""

import msgspec

from tokenhub.wire.openai import Message


class PolicyIn(msgspec.Struct, forbid_unknown_fields=True):
    """Bounds as in the original: budget 0..100 USD, latency 0..300000 ms, weight 0..10.

    `weights` are `cost`, `latency`, `failure` and `weight` in any proportions; they stand in
    place of those of the mode. `worth` is `usd` and `second`, for mode `thompson`: the quality (0
    to 1) that a dollar and a second are worth. A null says nothing, as an absent field does, here
    and in `RequestIn`.
    """

    mode: str | None = None
    max_budget_usd: float | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    weights: dict[str, float] | None = None
    worth: dict[str, float] | None = None


class FormatIn(msgspec.Struct, forbid_unknown_fields=True):
    """What is made of the answer: `type` is "", `json`, `markdown`, `text` or `xml`.

    `xml` has never changed anything. `schema` says the same as the request's `output_schema`.
    """

    type: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    max_tokens: int | None = None
    strip_think: bool | None = None


class RequestIn(msgspec.Struct):
    """The request. `output_schema` is a JSON Schema, or a string that holds one."""

    messages: list[Message]
    id: str | None = None
    model_hint: str | None = None
    estimated_input_tokens: int | None = None
    stream: bool | None = None
    parameters: dict[str, msgspec.Raw] | None = None
    meta: msgspec.Raw = msgspec.Raw()
    output_schema: msgspec.Raw = msgspec.Raw()


class Envelope(msgspec.Struct):
    """The nested form. `capabilities` is read and has never meant anything."""

    request: msgspec.Raw = msgspec.Raw()
    policy: PolicyIn | None = None
    capabilities: msgspec.Raw = msgspec.Raw()
    output_format: FormatIn | None = None


class Routed(msgspec.Struct):
    """What `POST /v1/chat` answers: the provider's own JSON, and how it was chosen.

    `estimated_cost_usd` is the original's name for what the request cost; null where unknown.
    """

    negotiated_model: str
    estimated_cost_usd: float | None
    routing_reason: str
    response: msgspec.Raw


class OrchestrationIn(msgspec.Struct, forbid_unknown_fields=True):
    """How a plan is to be carried out; a null says nothing.

    `mode` is "", `planning`, `adversarial`, `vote` or `refine`; `iterations` 0 to 10, the weights
    too. `output_schema` is a JSON Schema, or a string that holds one.
    """

    mode: str | None = None
    iterations: int | None = None
    primary_min_weight: int | None = None
    review_min_weight: int | None = None
    primary_model_id: str | None = None
    review_model_id: str | None = None
    return_plan_only: bool | None = None
    output_schema: msgspec.Raw = msgspec.Raw()


class PlanEnvelope(msgspec.Struct):
    """What `POST /v1/plan` takes beside the fields of `POST /v1/chat`."""

    orchestration: OrchestrationIn | None = None


class PlanUsage(msgspec.Struct, kw_only=True):
    """Tokens of all attempts of all steps."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class PlanStep(msgspec.Struct, kw_only=True):
    """One request of a plan; `request_id` finds it in the log, empty where nobody was asked.

    `error_class` is empty for a success. `cost_usd` is null where a price is unknown.
    """

    name: str
    request_id: str
    model: str
    provider: str
    reason: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    latency_ms: float
    error_class: str


class PlanFailure(msgspec.Struct, kw_only=True):
    """Why a plan is partial: the class of what failed last, and its step."""

    code: str
    step: str
    message: str


class RevisedPlan(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The response of `adversarial`; a plan alone has the first field only."""

    initial_plan: str
    critique: str | None = None
    refined_plan: str | None = None


class VoteResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One answer. Without a judge, nothing is selected among several."""

    model: str
    content: str
    selected: bool | None = None


class Vote(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The response of `vote`. `selected` counts from 0."""

    responses: list[VoteResponse]
    selected: int | msgspec.UnsetType = msgspec.UNSET
    judge: str | None = None
    judge_error: str | None = None


class RefinedAnswer(msgspec.Struct, kw_only=True):
    """The response of `refine`. `iterations` are those that were wanted."""

    refined_response: str
    iterations: int
    model: str


class PlanAnswer(msgspec.Struct, kw_only=True):
    """What `POST /v1/plan` answers: the four fields of `POST /v1/chat`, and how it came about.

    `estimated_cost_usd` is what all steps have cost, `cost_estimate_usd` what was expected before
    the first; null where a price is unknown.
    """

    negotiated_model: str
    estimated_cost_usd: float | None
    routing_reason: str
    response: msgspec.Raw
    orchestration_id: str
    mode: str
    partial: bool
    error: PlanFailure | None
    cost_estimate_usd: float | None
    usage: PlanUsage
    steps: list[PlanStep]


class PlanStarted(msgspec.Struct, kw_only=True, tag_field="type", tag="plan_started"):
    orchestration_id: str
    mode: str
    steps: int
    cost_estimate_usd: float | None


class StepStarted(msgspec.Struct, kw_only=True, tag_field="type", tag="step_started"):
    name: str
    request_id: str


class StepFinished(msgspec.Struct, kw_only=True, tag_field="type", tag="step_finished"):
    step: PlanStep


class PlanFinished(msgspec.Struct, kw_only=True, tag_field="type", tag="plan_finished"):
    """The end of a stream, with the answer that would have come whole."""

    answer: PlanAnswer
