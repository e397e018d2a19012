"""The routing defaults."""

import msgspec


class RoutingConfig(msgspec.Struct, kw_only=True):
    """The policy of a request that brings none, as it is in force. A null budget is no limit."""

    default_mode: str
    default_max_budget_usd: float | None
    default_max_latency_ms: int
    version: int


class RoutingConfigPut(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Fields left out, and the original's "" and 0, mean the value of the environment.

    `default_max_budget_usd: null` takes the limit away, which the original could not say.
    """

    default_mode: str = ""
    default_max_budget_usd: float | None = 0
    default_max_latency_ms: int = 0
