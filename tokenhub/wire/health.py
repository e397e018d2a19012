"""How providers and their routes are doing.

Times are RFC 3339 in UTC with milliseconds, null where it never happened; `last_error` is the class
of a failure, never a provider's words.
"""

import msgspec


class Standing(msgspec.Struct, kw_only=True):
    """`state` is `healthy`, `degraded`, `down`, `half-open` or `credential`.

    `consec_errors` are the failures in a row; `avg_latency_ms` is null until an answer was timed.
    `cooldown_until` is when it may be asked again, null where it may be now or nobody knows.
    """

    state: str
    total_requests: int
    total_errors: int
    consec_errors: int
    avg_latency_ms: float | None
    last_error: str
    last_error_time: str | None
    last_success_at: str | None
    cooldown_until: str | None

    @property
    def calls(self) -> int:
        """All calls to it."""
        return self.total_requests

    @property
    def failures(self) -> int:
        """Those of them that failed."""
        return self.total_errors

    @property
    def failed(self) -> float:
        """The part of its calls that failed, 0 to 1; 0 without one."""
        return self.failures / self.calls if self.calls else 0.0


class RouteHealth(Standing, kw_only=True):
    """A model at a provider; `route` is `provider/model`."""

    route: str
    model_id: str


class Probe(msgspec.Struct, kw_only=True):
    """The last probe of a provider: a call for its list of models, with its key.

    `ok` is null until there was one; `error` is the class of its failure. `next_at` is when the
    next is due, null where there is none.
    """

    ok: bool | None
    error: str
    at: str | None
    latency_ms: float | None
    next_at: str | None


class ProviderHealth(Standing, kw_only=True):
    """A provider, and the routes through it. Its own failures are those of connection and key.

    A call that failed for a fault of its route is counted there alone; `calls` and `failures` have
    those as well. `probe` is null where it was never probed and is not going to be.
    """

    provider_id: str
    probe: Probe | None
    routes: list[RouteHealth]

    @property
    def calls(self) -> int:
        """All calls to it, whatever they failed of."""
        return self.total_requests + sum(one.total_errors for one in self.routes)

    @property
    def failures(self) -> int:
        """Its own, and those of its routes."""
        return self.total_errors + sum(one.total_errors for one in self.routes)


class Health(msgspec.Struct, kw_only=True):
    """All providers, by their ids."""

    providers: list[ProviderHealth]


class Reset(msgspec.Struct, kw_only=True):
    """What was forgotten, by the ids of providers and routes."""

    reset: list[str]


class Tested(msgspec.Struct, kw_only=True):
    """How a provider answered a test: a call for its list of models, with its key.

    `error` is the class of the failure and `message` what to do about it; both are empty where
    `ok`. `models` is how many it offers.
    """

    provider_id: str
    ok: bool
    error: str
    message: str
    models: int
    latency_ms: float
