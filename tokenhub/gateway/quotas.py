"""What a key may use at a time: tokens in a minute, and requests under way at once.

Tokens are taken by an estimate before anybody is asked, prompt and longest answer together as the
vendors count them, and corrected when it is known what the request came to: a key may owe for a
while, and does not pass on average what it was given. A request that could not even with its
prompt alone is told so once and for all.

A key without such a limit never comes here.
"""

from typing import NamedTuple

from tokenhub.core.ask import DEFAULT_OUTPUT_TOKENS, Ask
from tokenhub.core.buckets import Allowance, Limit
from tokenhub.core.errors import RateLimited
from tokenhub.core.keys import ApiKey
from tokenhub.gateway.run import Arrival, Run
from tokenhub.ports.shared import RateLimits

MINUTE_S = 60.0
# Nobody knows when one of the others ends: most answers take a few seconds.
PLACE_RETRY_S = 1.0


class Taken(NamedTuple):
    """The tokens that a request was counted with. `left` is what the key has after it."""

    bucket: str
    limit: Limit
    tokens: int
    left: Allowance


class Quotas:
    """Counts by key. `refused` are the requests that were told to wait."""

    def __init__(self, rates: RateLimits) -> None:
        self.refused = 0
        self._rates = rates
        self._under_way: dict[str, int] = {}

    def enter(self, caller: ApiKey, arrival: Arrival) -> None:
        """Count a request under way; whoever calls this calls `leave`. Raises RateLimited."""
        there = self._under_way.get(caller.id, 0)
        if there >= caller.concurrency:
            self.refused += 1
            raise RateLimited(
                f"this API key may have {caller.concurrency} requests under way at once; "
                "wait for the end of one",
                retry_after_s=PLACE_RETRY_S,
                allowance=arrival.allowance,
                at=arrival.at,
            )
        self._under_way[caller.id] = there + 1

    def leave(self, caller: ApiKey) -> None:
        there = self._under_way[caller.id] - 1
        if there:
            self._under_way[caller.id] = there
        else:
            del self._under_way[caller.id]

    def take(self, run: Run, now: float) -> Taken:
        """Count a request with what it may come to, at `now` of the monotonic clock.

        Raises RateLimited, with the time after which there will be enough, None for never.
        """
        most = run.key.tokens_per_minute
        limit = Limit(rps=most / MINUTE_S, burst=most)
        prompt = run.ask.input_tokens
        if prompt > most:
            self.refused += 1
            raise RateLimited(
                f"this prompt has about {prompt} tokens, and this API key may use {most} a "
                "minute; send a shorter one",
                retry_after_s=None,
                allowance=run.allowance,
                tokens=Allowance(allowed=False, limit=most),
                at=run.at,
            )
        # One that asks for an answer longer than that has to find the bucket full.
        tokens = min(most, prompt + expected(run.ask))
        bucket = f"tokens:{run.key.id}"
        left = self._rates.take(bucket, limit, now, tokens)
        if left.allowed:
            return Taken(bucket, limit, tokens, left)
        self.refused += 1
        raise RateLimited(
            f"this API key may use {most} tokens a minute, and this request may come to {tokens}; "
            f"there will be enough in {left.retry_after_s:.3f} s",
            retry_after_s=left.retry_after_s,
            allowance=run.allowance,
            tokens=left,
            at=run.at,
        )

    def settle(self, run: Run, taken: Taken, now: float) -> None:
        """Count what it came to in all its attempts, in place of the estimate."""
        used = sum(attempt.input_tokens + attempt.output_tokens for attempt in run.attempts)
        if used != taken.tokens:
            self._rates.correct(taken.bucket, taken.limit, now, used - taken.tokens)


def expected(ask: Ask) -> int:
    """The most tokens that all answers may have; where nobody says, what is usual."""
    if ask.task != "chat":
        return 0
    return ask.answers * (DEFAULT_OUTPUT_TOKENS if ask.max_tokens is None else ask.max_tokens)
