"""What happened: the request log and the audit trail.

Times are RFC 3339 in UTC with milliseconds; money is USD; null where a price was unknown.
"""

import msgspec


class AttemptLog(msgspec.Struct, kw_only=True):
    """One upstream call of a request, a row of the ledger.

    `state` is `settled` (charged), `voided` (nothing was processed) or `unknown` (it may be
    billed). `estimated` says that the provider gave no usage.
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


class RequestLog(msgspec.Struct, kw_only=True):
    """One request. `estimated_cost_usd` is the original's name for what it cost."""

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


class LogPage(msgspec.Struct, kw_only=True):
    """Newest first. `next` is the cursor of the following page, null at the end."""

    logs: list[RequestLog]
    total: int
    limit: int
    offset: int
    next: str | None
