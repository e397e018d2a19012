"""Questions to the router: what it would choose, under one policy or several."""

import msgspec

from tokenhub.wire.catalog import Model
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.observe import Decision, Policy


class Simulation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request that is not made.

    The policy stands at the top, as in the original, or several in `policies`, which are compared
    over the same signals and the same seed. `token_count` is the prompt, 500 where it is 0 or
    less; `max_tokens` the answer that is asked for, and `output_tokens` what every model would
    write, null for what each usually does. `model_hint`, `models` and `substitute` are as in a
    request. `api_key_id` brings a key's lists and its policy along; `temperature` stands in place
    of TOKENHUB_EXPLORATION_TEMP.
    """

    mode: str | None = None
    max_budget_usd: float | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    weights: dict[str, float] | None = None
    policies: list[PolicyIn] | None = None
    token_count: int = 0
    max_tokens: int | None = None
    output_tokens: int | None = None
    model_hint: str = ""
    models: list[str] = []
    substitute: str = "any"
    seed: int = 0
    api_key_id: str = ""
    temperature: float | None = None


class Choice(msgspec.Struct, kw_only=True):
    """The original's summary of a decision."""

    model_id: str
    provider_id: str
    estimated_cost_usd: float | None
    reason: str


class EligibleModel(Model, kw_only=True):
    """A model that could answer, in the order in which it would be asked."""

    selected: bool


class Share(msgspec.Struct, kw_only=True):
    """The part of the draws in which a route was the first."""

    route: str
    share: float


class Result(msgspec.Struct, kw_only=True):
    """What one policy comes to. `error` is what a caller would get; `explained` tells why.

    `shares` are of so many `draws`, from seeds that follow from the given one, the largest first;
    empty where nothing is drawn.
    """

    policy: Policy
    decision: Choice | None
    explained: Decision | None
    error: str
    code: str
    draws: int = 0
    shares: list[Share] = []


class SkippedRoute(msgspec.Struct, kw_only=True):
    route: str
    reason: str


class SimulationResult(msgspec.Struct, kw_only=True):
    """`decision`, `eligible`, `total` and `error` are of the first policy, as in the original."""

    decision: Choice | None
    eligible: list[EligibleModel]
    total: int
    error: str
    results: list[Result]
    catalog_version: int
    seed: int
