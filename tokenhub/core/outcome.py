"""What one request came to: the value that is logged, charged, counted and shown."""

from collections.abc import Iterable

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the provider counted them; None where it did not say.

    `input_tokens` is the whole prompt: of it `cached_tokens` were read from a cache and
    `cache_write_tokens` written to one (OpenAI counts so; Anthropic's three counts are summed), of
    these `cache_write_1h_tokens` to stay for an hour. `output_tokens` is all that was generated,
    the `reasoning_tokens` among it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_1h_tokens: int | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream call, a row of the ledger.

    `state` is `settled` (charged), `voided` (nothing was processed) or `unknown` (it may be
    billed; charged at the estimate). `cost_nusd` is None where a price is unknown. `estimated`
    says that tokens were counted by us, for want of the provider's word. `cached_tokens`,
    `cache_write_tokens`, `cache_write_1h_tokens` and `reasoning_tokens` are as in Usage, None
    where nobody told.
    """

    number: int
    provider_id: str
    model_id: str
    state: str
    kind: str = ""
    status: int = 0
    latency_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    cost_nusd: int | None = 0
    estimated: bool = False


class Expected(msgspec.Struct, frozen=True):
    """The size and the haste of a request, as it was routed; nothing where it never was.

    `output_limit` is the most that each of its `answers` may come to, None for no limit.
    """

    input_tokens: int = 0
    output_limit: int | None = None
    answers: int = 1
    max_latency_s: float = 0.0


NOTHING_EXPECTED = Expected()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One request from its admission to its end. Times are Unix seconds, durations seconds.

    `error_class` is empty for a success, else the kind of the failure that ended it: always one
    of our own words, never a provider's. `model_id` and `provider_id` are who answered, or was
    asked last where nobody did; empty where nobody was asked. `parent_id` is the orchestration
    that it is a step of.
    `task` is the kind of work that was asked for, one of core.tasks.
    `first_token_s` is when a stream's first events were at hand, 0 where there was none.
    `skipped` are the routes that were left out or passed over, each with the
    reason. `hedges` are the second calls beside slow ones.
    """

    request_id: str
    at: float
    key_id: str
    dialect: str
    requested_model: str
    mode: str
    reason: str
    model_id: str = ""
    provider_id: str = ""
    status: int = 200
    error_class: str = ""
    stream: bool = False
    latency_s: float = 0.0
    upstream_s: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    parent_id: str = ""
    expected: Expected = NOTHING_EXPECTED
    task: str = ""
    first_token_s: float = 0.0
    skipped: tuple[tuple[str, str], ...] = ()
    hedges: int = 0

    @property
    def overhead_s(self) -> float:
        """The part of the latency that was ours: all but waiting for providers."""
        return max(0.0, self.latency_s - self.upstream_s)

    @property
    def input_tokens(self) -> int:
        return sum(a.input_tokens for a in self.attempts)

    @property
    def output_tokens(self) -> int:
        return sum(a.output_tokens for a in self.attempts)

    @property
    def cost_nusd(self) -> int | None:
        """The sum over all attempts; None where the price of one is unknown."""
        return cost_of(self.attempts)


def cost_of(attempts: Iterable[Attempt]) -> int | None:
    """What they cost together; None where the price of one is unknown."""
    costs = [attempt.cost_nusd for attempt in attempts]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
