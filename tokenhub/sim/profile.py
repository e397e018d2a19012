"""How a simulated provider behaves: its models, speed, answers and faults, as one JSON file."""

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
UsdPer1k = Annotated[float, msgspec.Meta(ge=0)]


class Constant(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="constant"
):
    """Always the same value."""

    value: Annotated[float, msgspec.Meta(ge=0)]


class Lognormal(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="lognormal"
):
    """Half are below the median; with `sigma` 0.5, one in a hundred is over 3.2 times it."""

    median: Annotated[float, msgspec.Meta(ge=0)]
    sigma: Annotated[float, msgspec.Meta(ge=0, le=4)]


Distribution = Constant | Lognormal


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an answer takes. Rate 0 is no pacing at all: the benchmark's provider.

    A streamed token is one event, so 50 tokens a second and 64 tokens of answer are 64 events
    with 20 ms between them, each due at its own time: a late one does not delay the next.
    """

    first_token_s: Distribution = Constant(value=0.0)
    tokens_per_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of requests that meet each fault; the rest is answered.

    `rate_limited` carries Retry-After, `rate_limited_silent` does not. `overloaded` is 529 at
    Anthropic's routes and 503 at the others, as their vendors have it. A cut answer stops at its
    middle: `cut_reset` with a TCP reset, `cut_closed` by a closed connection, `cut_ended` with a
    correct end of the HTTP body but without the vendor's last event.
    """

    rate_limited: Rate = 0.0
    rate_limited_silent: Rate = 0.0
    server_error: Rate = 0.0
    overloaded: Rate = 0.0
    context_overflow: Rate = 0.0
    invalid_json: Rate = 0.0
    hang: Rate = 0.0
    reset: Rate = 0.0
    cut_reset: Rate = 0.0
    cut_closed: Rate = 0.0
    cut_ended: Rate = 0.0
    slow_drip: Rate = 0.0

    def __post_init__(self) -> None:
        total = sum(msgspec.structs.astuple(self))
        if total > 1:
            raise ValueError(f"the rates of all faults add up to {total:g}; at most 1 is possible")


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model on offer. Prices are USD per 1,000 tokens, as in the admin API.

    `latency` and `answer_tokens`, where given, stand instead of the profile's.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    context_tokens: Count = 128_000
    input_per_1k: UsdPer1k = 0.0
    output_per_1k: UsdPer1k = 0.0
    embedding_dimensions: Count = 256
    latency: Latency | msgspec.UnsetType = msgspec.UNSET
    answer_tokens: Distribution | msgspec.UnsetType = msgspec.UNSET


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider's whole behaviour.

    The dialect names the vendor whose error texts and model list are spoken; every route is
    served whatever it is. `tools` says when an offered tool is called: "offered" calls one
    whenever there is any, "asked" when the last message names it, "never" only where the request
    itself demands a call. An empty `api_key` lets everybody in. `system_turns` lets messages of
    the role system stand at Anthropic's route, which refuses them as a rule.
    """

    name: str
    dialect: Literal["openai", "anthropic", "vllm"]
    models: Annotated[tuple[Model, ...], msgspec.Meta(min_length=1)]
    seed: int = 0
    latency: Latency = Latency()
    answer_tokens: Distribution = Constant(value=20)
    faults: Faults = Faults()
    retry_after_s: Annotated[int, msgspec.Meta(ge=0)] = 2
    drip_s: Seconds = 0.25
    tools: Literal["offered", "asked", "never"] = "offered"
    api_key: str = ""
    system_turns: bool = False

    def __post_init__(self) -> None:
        ids = [model.id for model in self.models]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"each model needs an id of its own; given twice: {', '.join(twice)}")


def decode(raw: bytes) -> Profile:
    """The profile in a JSON file.

    Raises `msgspec.DecodeError`, whose message names the wrong or unknown field.
    """
    try:
        return msgspec.json.decode(raw, type=Profile)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"the profile is not UTF-8 text: {error.reason}") from error
