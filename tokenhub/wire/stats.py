"""What the last minute to the last day came to."""

import msgspec


class Aggregate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One window, of all or of one model, provider, key or mode.

    Quantiles are within 2 % of the value; null where nothing was timed. `rps` is requests a
    second. A cost leaves out attempts whose price was unknown, and `unpriced` counts them.
    """

    window: str
    model_id: str | None = None
    provider_id: str | None = None
    api_key_id: str | None = None
    api_key_name: str | None = None
    mode: str | None = None
    request_count: int
    error_count: int
    error_rate: float
    avg_latency_ms: float
    p50_latency_ms: float | None
    p95_latency_ms: float | None
    p99_latency_ms: float | None
    first_token_count: int
    avg_first_token_ms: float | None
    p50_first_token_ms: float | None
    p95_first_token_ms: float | None
    p99_first_token_ms: float | None
    total_cost_usd: float
    unpriced: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    rps: float
    errors_by_class: dict[str, int]


class Stats(msgspec.Struct, kw_only=True, rename={"total": "global"}):
    """`global` has a row for each window, null where there was none; the others by window."""

    total: list[Aggregate] | None
    by_model: dict[str, list[Aggregate]]
    by_provider: dict[str, list[Aggregate]]
    by_api_key: dict[str, list[Aggregate]]
    by_mode: dict[str, list[Aggregate]]
