"""What one orchestration came to: the row that its steps are found under."""

import msgspec

# How it may stand: `lost` was under way when the server died.
STATUSES = ("running", "succeeded", "partial", "failed", "cancelled", "lost")


class Orchestration(msgspec.Struct, frozen=True, kw_only=True):
    """A plan from its beginning to its end. Times are Unix seconds, durations seconds.

    `id` is the request that ordered it, and the parent of its steps. `dialect` is the route that
    it came by. `cost_nusd` is the sum over all attempts of all steps, `estimate_nusd` what was
    expected before the first; None where a price is unknown. `error_class` is what failed last.
    """

    id: str
    at: float
    key_id: str
    dialect: str
    mode: str
    status: str
    iterations: int = 0
    steps: int = 0
    stream: bool = False
    estimate_nusd: int | None = None
    cost_nusd: int | None = 0
    error_class: str = ""
    latency_s: float = 0.0
