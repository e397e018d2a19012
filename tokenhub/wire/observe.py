"""What happened: the request log and the audit trail.

Times are RFC 3339 in UTC with milliseconds; money is USD; null where a price was unknown.
"""

import msgspec


class AttemptLog(msgspec.Struct, kw_only=True):
    """One upstream call of a request, a row of the ledger.

    `state` is `settled` (charged), `voided` (nothing was processed) or `unknown` (it may be
    billed). `estimated` says that the provider gave no usage. Of the input, `cached_tokens` were
    read from a cache and `cache_write_tokens` written to one, of these `cache_write_1h_tokens` for
    an hour; of the output, `reasoning_tokens` were reasoning. Null where the provider did not say.
    """

    attempt: int
    provider_id: str
    model_id: str
    state: str
    status_code: int
    error_class: str
    latency_ms: float
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    estimated: bool
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None


class RequestLog(msgspec.Struct, kw_only=True):
    """One request. `estimated_cost_usd` is the original's name for what it cost.

    `model_id` and `provider_id` are who answered, or was asked last where nobody did.
    `parent_id` is the orchestration that it is a step of, empty for most. `api_key_name` is what
    the key is called now, empty where it is gone. `task` is the kind of work that was asked for:
    `code`, `maths`, `choice`, `extraction`, `chat` or `long_context`; empty where the request was
    refused before anybody looked, or is of before it was noted.
    """

    request_id: str
    timestamp: str
    model_id: str
    provider_id: str
    mode: str
    requested_model: str
    reason: str
    estimated_cost_usd: float | None
    latency_ms: float
    overhead_ms: float
    status_code: int
    error_class: str
    api_key_id: str
    input_tokens: int
    output_tokens: int
    total_tokens: int
    stream: bool
    estimated: bool
    attempts: list[AttemptLog]
    parent_id: str = ""
    api_key_name: str = ""
    task: str = ""

    @property
    def answered(self) -> bool:
        """Whether its model has answered, if only in part; else it is the one asked last."""
        ended = not self.error_class or any(one.state == "settled" for one in self.attempts)
        return ended and bool(self.provider_id)


class LogPage(msgspec.Struct, kw_only=True):
    """Newest first. `next` is the `before` of the following page, null at the end.

    `cursor` says the same to the parameter of that name. A page can be short, or empty, and not be
    the last: only so many rows are looked at for one answer. Then there are at least `total`,
    where that is not `total_exact`.
    """

    logs: list[RequestLog]
    total: int
    limit: int
    offset: int
    next: str | None
    total_exact: bool = True
    cursor: str | None = None


class Terms(msgspec.Struct, kw_only=True):
    """One number for each thing that a score is made of.

    As the `weights` of a decision they sum to 1; as the `terms` of a candidate each is a part, 0
    to 1, of the largest among the candidates.
    """

    cost: float
    latency: float
    failure: float
    weight: float


class Sample(msgspec.Struct, kw_only=True):
    """How well a route was believed to answer at that kind of work, and the utility drawn of it.

    `quality` is the mean of the belief and `spread` its deviation; `alpha` and `beta` say the
    same as a Beta. `failing` is the part of its calls that fails; `price` what its cost and its
    time took from the utility. In records of before the router learned by feedback, `alpha` and
    `beta` are what cost, time and success together had earned, and the rest is null.
    """

    alpha: float
    beta: float
    draw: float
    quality: float | None = None
    spread: float | None = None
    failing: float | None = None
    price: float | None = None


class Candidate(msgspec.Struct, kw_only=True):
    """A route (`provider/model`) that could have answered, as it was known at that moment.

    `score` is the sum of its terms by the weights of the decision, that of `weight` taken off;
    lower is better. Null: a price that was unknown, a latency that nobody had measured yet.
    `last_resort` is a route that was down, for `closed_ms` yet, and tried only after all that
    were not; `too_slow` one that usually takes longer than the policy allows, and was tried after
    those that do not. `output_tokens` is the estimate of its answer. `sample` is what was drawn
    of it in mode `thompson`, null elsewhere.
    """

    route: str
    score: float
    terms: Terms
    cost_usd: float | None
    latency_ms: float | None
    failure_rate: float
    weight: int
    last_resort: bool = False
    closed_ms: int = 0
    output_tokens: int = 0
    too_slow: bool = False
    sample: Sample | None = None


class Skipped(msgspec.Struct, kw_only=True):
    """A route that could not answer, and why.

    `value` went past `limit`: USD for `budget_exceeded`, tokens for `context_overflow`, weights
    for `weight_below_minimum`. For `health_down`, `cooling_down` and `credential_out` it is the
    milliseconds until the route opens. Null for reasons without numbers. `output_tokens` is the
    estimate of its answer, null where it was not looked at.
    """

    route: str
    reason: str
    value: float | int | None
    limit: float | int | None
    output_tokens: int | None = None


class Worth(msgspec.Struct, kw_only=True):
    """What is given for money and time: quality, 0 to 1, for a dollar, and for a second."""

    usd: float
    second: float


class Policy(msgspec.Struct, kw_only=True):
    """What the request was routed by.

    `origin` tells of each field whether it came from a `default`, the `key`, a `header`, the
    `body` or a `directive`. `weights` are the request's own, null where those of the mode count;
    `worth` is what it gives for money and time in mode `thompson`, null for what is usual.
    `notes` say where a directive asked for more than it may.
    """

    mode: str
    max_budget_usd: float | None
    max_latency_ms: float
    min_weight: int
    origin: dict[str, str]
    notes: list[str] = []
    weights: Terms | None = None
    worth: Worth | None = None


class Decision(msgspec.Struct, kw_only=True):
    """Why this route: everything that the choice was made of.

    `candidates` are in the order in which they were to be tried. `propensity` is the probability
    of the first: below 1 only where `seed` decided, since scores tied, the policy explores or its
    order is drawn. `explored` is the rank that the first had before a draw took it. `output_tokens`
    is the estimate for routes of which nobody knows what they write; no route may write more than
    `output_limit`. `allowed_models` and `allowed_providers` are those of the key, empty for all.
    Where nobody could answer there are no candidates, and `error` is the code that the caller was
    given. `reserved_tokens` is the part of the context that was kept for the answer; null in
    records of before it was noted.
    """

    catalog_version: int
    seed: int
    hint: str
    substitute: str
    fallbacks: list[str] = []
    alias: str = ""
    policy: Policy
    weights: Terms
    input_tokens: int
    output_tokens: int
    reason: str
    propensity: float
    candidates: list[Candidate]
    skipped: list[Skipped]
    reserved_tokens: int | None = None
    error: str = ""
    output_limit: int | None = None
    allowed_models: list[str] = []
    allowed_providers: list[str] = []
    temperature: float = 0.0
    explored: int = 0
    task: str = ""


class RequestDetail(RequestLog, kw_only=True):
    """One request with its decision; null where none was taken, or its record has been lost."""

    decision: Decision | None
