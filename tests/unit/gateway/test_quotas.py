"""Tokens in a minute and requests at once: what is taken, given back, refused and told."""

import pytest

from tests.support.builders import a_catalog, a_key, an_ask
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.core.buckets import Allowance
from tokenhub.core.errors import RateLimited
from tokenhub.core.outcome import Attempt
from tokenhub.gateway.quotas import Quotas, expected
from tokenhub.gateway.run import Arrival, Caller, Run

OF_ADDRESS = Allowance(limit=120, remaining=7)


def a_run(clock, ask, *, secret=1, **key):
    _, row = a_key(secret, **key)
    arrival = Arrival("req_1", clock.now(), clock.monotonic(), OF_ADDRESS)
    return Run(ask, caller=Caller(row, arrival), catalog=a_catalog())


def came_to(run, *tokens):
    for number, (used_in, used_out, state) in enumerate(tokens, 1):
        attempt = Attempt(
            number=number,
            provider_id="p",
            model_id="m",
            state=state,
            input_tokens=used_in,
            output_tokens=used_out,
        )
        run.attempts.append(attempt)


def test_a_request_takes_its_prompt_and_its_longest_answer():
    clock = FakeClock()
    run = a_run(clock, an_ask(input_tokens=100, max_tokens=50, answers=2), tokens_per_minute=1000)

    taken = Quotas(MemoryRates()).take(run, clock.monotonic())

    assert (200, 1000, 800) == (taken.tokens, taken.left.limit, taken.left.remaining)


@pytest.mark.parametrize(
    ("tokens", "ask"),
    [
        (512, an_ask()),
        (1024, an_ask(answers=2)),
        (9, an_ask(max_tokens=9)),
        (0, an_ask(task="embeddings")),
    ],
)
def test_what_an_answer_may_come_to(tokens, ask):
    assert tokens == expected(ask)


def test_what_was_not_used_is_given_back_and_what_was_beyond_is_owed():
    clock, quotas = FakeClock(), Quotas(MemoryRates())
    ask = an_ask(input_tokens=100, max_tokens=900)
    short = a_run(clock, ask, tokens_per_minute=1000)
    came_to(short, (100, 0, "voided"), (100, 100, "settled"))

    quotas.settle(short, quotas.take(short, clock.monotonic()), clock.monotonic())
    small = an_ask(input_tokens=100, max_tokens=500)
    long = a_run(clock, small, tokens_per_minute=1000)
    taken = quotas.take(long, clock.monotonic())
    came_to(long, (100, 1600, "settled"))
    quotas.settle(long, taken, clock.monotonic())

    assert 100 == taken.left.remaining
    with pytest.raises(RateLimited) as refused:
        quotas.take(a_run(clock, an_ask(max_tokens=1), tokens_per_minute=1000), clock.monotonic())
    # 300 and 1,700 of 1,000 are used: 1,000 are owed, and one is asked for.
    assert pytest.approx(60.06) == refused.value.retry_after_s


def test_a_refused_request_is_told_both_limits():
    clock, quotas = FakeClock(), Quotas(MemoryRates())
    ask = an_ask(input_tokens=300, max_tokens=300)
    quotas.take(a_run(clock, ask, tokens_per_minute=1000), clock.monotonic())

    with pytest.raises(
        RateLimited, match=r"1000 tokens a minute, and this .* may come to 600"
    ) as e:
        quotas.take(a_run(clock, ask, tokens_per_minute=1000), clock.monotonic())

    assert pytest.approx(12.0) == e.value.retry_after_s
    assert (False, 1000, 400) == (
        e.value.tokens.allowed,
        e.value.tokens.limit,
        e.value.tokens.remaining,
    )
    assert (OF_ADDRESS, clock.now(), 1) == (e.value.allowance, e.value.at, quotas.refused)


def test_a_prompt_beyond_the_limit_is_refused_for_good():
    clock, quotas = FakeClock(), Quotas(MemoryRates())

    with pytest.raises(
        RateLimited, match=r"about 1001 tokens, .* may use 1000 a minute"
    ) as refused:
        quotas.take(a_run(clock, an_ask(input_tokens=1001), tokens_per_minute=1000), 0.0)

    assert refused.value.retry_after_s is None


def test_a_long_answer_needs_the_whole_bucket_and_no_more():
    clock, quotas = FakeClock(), Quotas(MemoryRates())
    ask = an_ask(input_tokens=10, max_tokens=100_000)

    taken = quotas.take(a_run(clock, ask, tokens_per_minute=1000), clock.monotonic())

    assert (1000, 0) == (taken.tokens, taken.left.remaining)


def test_keys_do_not_share_their_tokens_nor_their_places():
    clock, quotas = FakeClock(), Quotas(MemoryRates())
    ask = an_ask(max_tokens=1000)

    for secret in (1, 2):
        run = a_run(clock, ask, secret=secret, tokens_per_minute=1000, concurrency=1)
        quotas.take(run, clock.monotonic())
        quotas.enter(run.key, Arrival("r", 0.0, 0.0))

    assert 0 == quotas.refused


def test_a_key_has_so_many_requests_under_way_and_no_more():
    _, key = a_key(concurrency=2)
    quotas = Quotas(MemoryRates())
    arrival = Arrival("req_1", 5.0, 0.0, OF_ADDRESS)
    for _ in range(2):
        quotas.enter(key, arrival)

    with pytest.raises(RateLimited, match="2 requests under way at once") as refused:
        quotas.enter(key, arrival)
    quotas.leave(key)
    quotas.enter(key, arrival)

    assert (1.0, 5.0, 1) == (refused.value.retry_after_s, refused.value.at, quotas.refused)
    assert OF_ADDRESS == refused.value.allowance


def test_a_limit_that_is_lowered_holds_for_those_that_come():
    _, key = a_key(concurrency=3)
    _, lower = a_key(concurrency=1)
    quotas = Quotas(MemoryRates())
    for _ in range(3):
        quotas.enter(key, Arrival("r", 0.0, 0.0))

    quotas.leave(key)
    with pytest.raises(RateLimited):
        quotas.enter(lower, Arrival("r", 0.0, 0.0))
    for _ in range(2):
        quotas.leave(key)

    quotas.enter(lower, Arrival("r", 0.0, 0.0))
