"""TokenHub's own chat format to Ask: the OpenAI body is built once, the policy beside it."""

from typing import TypeVar

import msgspec
from msgspec import Raw

from tokenhub.core.ask import NO_WISH, Ask, Shape, Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, MAX_WEIGHT, MODES
from tokenhub.core.errors import BadRequest
from tokenhub.core.learning import worth
from tokenhub.core.money import NANO, nusd
from tokenhub.core.plans.steps import COMPOSED
from tokenhub.core.policy import THOMPSON
from tokenhub.core.schema import checked
from tokenhub.core.scoring import weights
from tokenhub.dialects.bulk import weighed
from tokenhub.dialects.decoding import (
    LARGE_BYTES,
    answers,
    check_counts,
    checked_limit,
    checked_name,
    decoded,
)
from tokenhub.dialects.fallbacks import with_fallbacks
from tokenhub.dialects.openai.ask import estimate, longest_of
from tokenhub.wire import native as wire
from tokenhub.wire.openai import ChatRequest

Number = TypeVar("Number", int, float)

_ENVELOPE = msgspec.json.Decoder(wire.Envelope)
_REQUEST = msgspec.json.Decoder(wire.RequestIn)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_OPTIONS = msgspec.json.Decoder(ChatRequest)
_STRING = msgspec.json.Decoder(str)
_ENCODE = msgspec.json.Encoder().encode
# Set by the request's own fields, whatever `parameters` says (original-behaviour 3.2).
_OURS = ("model", "messages", "stream")
_TYPES = ("json", "markdown", "text", "xml")


def to_ask(body: bytes, *, substitute: str = "any") -> Ask:
    """Read a native request, nested or flat. Raises BadRequest naming the field."""
    envelope = decoded(_ENVELOPE, body)
    inner = bytes(envelope.request) or body
    prefix = "" if inner is body else "request."
    request = _request(inner, prefix=prefix)
    payload, options = _payload(inner, request, prefix=prefix)
    if len(body) > LARGE_BYTES:
        check_counts([message.content for message in request.messages], options.tools)
    limit = longest_of(options)
    ask = Ask(
        payload=payload,
        dialect="native",
        model=options.model or "",
        stream=bool(request.stream),
        wants_usage=options.stream_options is not None
        and bool(options.stream_options.include_usage),
        input_tokens=max(
            request.estimated_input_tokens or 0, estimate(request.messages, options.tools)
        ),
        answers=answers(options.n),
        max_tokens=limit,
        wish=wish(envelope.policy),
        substitute=substitute,
        shape=_shape(envelope.output_format),
        schema=_schema(envelope.output_format, request, field=f"{prefix}output_schema"),
    )
    return with_fallbacks(weighed(ask), options.models)


def wish(policy: wire.PolicyIn | None) -> Wish:
    """The policy's fields; "" and 0 say nothing, as in the original."""
    if policy is None:
        return NO_WISH
    if policy.mode and policy.mode not in MODES and policy.mode not in COMPOSED:
        known = ", ".join((*MODES, *COMPOSED))
        raise BadRequest(f"mode must be one of {known}", field="policy.mode")
    budget = _within("max_budget_usd", policy.max_budget_usd, MAX_BUDGET_NUSD // NANO)
    latency_ms = _within("max_latency_ms", policy.max_latency_ms, int(MAX_LATENCY_S * 1000))
    given = policy.weights
    found = Wish(
        mode=policy.mode or None,
        # A budget below what we can count is a budget all the same.
        max_budget_nusd=max(1, nusd(budget)) if budget else None,
        max_latency_s=latency_ms / 1000 if latency_ms else None,
        min_weight=_within("min_weight", policy.min_weight, MAX_WEIGHT) or None,
        weights=None if given is None else weights(given, field="policy.weights"),
        worth=None if policy.worth is None else worth(policy.worth, field="policy.worth"),
    )
    return NO_WISH if found == NO_WISH else unmixed(found, field="policy.weights")


def unmixed(wish: Wish, *, field: str) -> Wish:
    """The wish, if it does not want its candidates drawn and weighed at once."""
    if wish.weights is not None and wish.mode == THOMPSON:
        raise BadRequest(
            f"{field} have no meaning in mode {THOMPSON}, which draws; leave out one of the two",
            field=field,
        )
    return wish


def answer(body: bytes, *, model_id: str, reason: str, cost_usd: float | None) -> bytes:
    """The provider's JSON in the native envelope, its bytes untouched."""
    return _ENCODE(
        wire.Routed(
            negotiated_model=model_id,
            estimated_cost_usd=cost_usd,
            routing_reason=reason,
            response=Raw(body),
        )
    )


def _request(inner: bytes, *, prefix: str) -> wire.RequestIn:
    messages = f"{prefix}messages"
    try:
        request = decoded(_REQUEST, inner)
    except BadRequest as error:
        field, said = error.field, str(error)
        if field == "messages" and said == "messages is required":
            raise BadRequest("messages required", field=messages) from error
        if field is not None:
            raise BadRequest(prefix + said, code=error.code, field=prefix + field) from error
        raise BadRequest(f"request: {said}", code=error.code, field="request") from error
    if not request.messages:
        raise BadRequest("messages required", field=messages)
    checked_limit(request.estimated_input_tokens, field=f"{prefix}estimated_input_tokens")
    checked_name(request.model_hint or "", field=f"{prefix}model_hint")
    return request


def _payload(inner: bytes, request: wire.RequestIn, *, prefix: str) -> tuple[bytes, ChatRequest]:
    """The OpenAI body, and what is read of it: messages byte for byte, parameters beside them."""
    parameters = request.parameters or {}
    fields = {name: raw for name, raw in parameters.items() if name not in _OURS}
    fields["messages"] = _FIELDS.decode(inner)["messages"]
    if request.model_hint:
        fields["model"] = Raw(_ENCODE(request.model_hint))
    if request.stream:
        fields["stream"] = Raw(b"true")
    body = _ENCODE(fields)
    try:
        options = decoded(_OPTIONS, body)
        longest_of(options)
    except BadRequest as error:
        above = f"{prefix}parameters."
        raise BadRequest(
            above + str(error), code=error.code, field=above + str(error.field)
        ) from error
    return body, options


def _shape(given: wire.FormatIn | None) -> Shape | None:
    """What is to be made of the answer; "" and 0 say nothing, as in the original."""
    if given is None:
        return None
    if given.type and given.type not in _TYPES:
        raise BadRequest(
            f"output_format.type must be one of {', '.join(_TYPES)}", field="output_format.type"
        )
    limit = checked_limit(given.max_tokens, field="output_format.max_tokens")
    shape = Shape(
        type=given.type if given.type and given.type != "xml" else "",
        strip_think=bool(given.strip_think),
        max_tokens=limit or None,
    )
    return None if shape == Shape() else shape


def _schema(given: wire.FormatIn | None, request: wire.RequestIn, *, field: str) -> str:
    """The schema of either place, checked; empty where there is none."""
    first = schema_of(request.output_schema, field=field)
    if given is None:
        return first
    second = schema_of(given.schema, field="output_format.schema")
    return one_schema(first, second, fields=(field, "output_format.schema"))


def one_schema(first: str, second: str, *, fields: tuple[str, str]) -> str:
    """The schema of either place. Raises BadRequest where they differ."""
    if first and second and _sorted(first) != _sorted(second):
        raise BadRequest(f"{fields[0]} and {fields[1]} differ; send one of them", field=fields[1])
    return first or second


def schema_of(raw: Raw, *, field: str) -> str:
    """A schema, or a string that holds one, checked; empty where there is none."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        text = decoded(_STRING, raw)
    if text in {"", "null"}:
        return ""
    try:
        return checked(text)
    except BadRequest as error:
        raise BadRequest(f"{field}: {error}", code=error.code, field=field) from error


def _sorted(schema: str) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(schema), order="sorted")


def _within(name: str, value: Number | None, limit: int) -> Number | None:
    if value is not None and not 0 <= value <= limit:
        raise BadRequest(f"{name} must be between 0 and {limit}", field=f"policy.{name}")
    return value
