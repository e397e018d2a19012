"""TokenHub's own chat format: a request with its policy around it.

Both forms of the seeds are read: `{"request": {...}, "policy": {...}}`, and the request's fields
at the top.
"""

import msgspec

from tokenhub.wire.openai import Message


class PolicyIn(msgspec.Struct, forbid_unknown_fields=True):
    """Bounds as in the original: budget 0..100 USD, latency 0..300000 ms, weight 0..10.

    `weights` are `cost`, `latency`, `failure` and `weight` in any proportions; they stand in
    place of those of the mode. A null says nothing, as an absent field does, here and in
    `RequestIn`.
    """

    mode: str | None = None
    max_budget_usd: float | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    weights: dict[str, float] | None = None


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
