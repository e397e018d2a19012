"""Past requests under other policies."""

import msgspec

from tokenhub.wire.native import PolicyIn


class ReplayIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which requests, and the policies to put them under, one at least.

    What a policy does not say is as it was for each request. `since` and `until` are durations
    ago (`7d`) or times (RFC 3339); empty is a week ago, and now. The newest `limit` count.
    `temperature` stands in place of TOKENHUB_EXPLORATION_TEMP, 0 for no exploration; null is as
    it was.
    """

    policies: list[PolicyIn]
    since: str = ""
    until: str = ""
    limit: int = 5000
    temperature: float | None = None


class Estimate(msgspec.Struct, kw_only=True):
    """A mean with the ends of its 95 % interval, null where `refused` says why there is none.

    `mean` is doubly robust, `snips` the self-normalised estimate beside it (null for costs).
    `requests` is how many it stands on, and `effective` how many equally telling ones say as
    much. `support` is the part of the policy's choices that the log could have tried.
    """

    requests: int
    effective: float
    support: float
    mean: float | None
    low: float | None
    high: float | None
    snips: float | None
    refused: str


class RouteShare(msgspec.Struct, kw_only=True):
    """Of all requests, the part for which a route was chosen, and would be; 0 to 1."""

    route: str
    was: float
    would: float


class Replayed(msgspec.Struct, kw_only=True):
    """What one policy would have come to. It would have refused `refused` of the requests."""

    policy: PolicyIn
    decided: int
    refused: int
    quality: Estimate
    failures: Estimate
    latency_ms: Estimate
    cost_usd: Estimate
    shares: list[RouteShare]


class Was(msgspec.Struct, kw_only=True):
    """What did come of them, a request. `quality` is the mean of the `judged` ones."""

    judged: int
    quality: float | None
    failures: float | None
    latency_ms: float | None
    cost_usd: float | None


class ReplayResult(msgspec.Struct, kw_only=True):
    """`requests` were decided again; of `left_out` more too little is known any more.

    `since` and `until` are what was read (RFC 3339).
    """

    requests: int
    left_out: int
    since: str
    until: str
    was: Was
    policies: list[Replayed]
