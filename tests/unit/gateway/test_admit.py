"""Stage 1: one answer for all bad keys, and none that gets in by a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_key
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.core.buckets import UNLIMITED, Allowance
from tokenhub.core.errors import OutOfScope, RateLimited, Unauthenticated
from tokenhub.core.keys import PREFIX, ApiKey
from tokenhub.gateway.admit import KeyLimits, admitted
from tokenhub.gateway.run import Arrival

NOW = FakeClock().now()


def table(*keys: ApiKey) -> dict[bytes, ApiKey]:
    return {key.digest: key for key in keys}


def test_good_key_is_admitted() -> None:
    text, key = a_key()

    caller = admitted(text, table(key), scope="chat", now=NOW)

    assert key is caller


@pytest.mark.parametrize("nothing", [None, ""])
def test_missing_key_is_told_how_to_send_one(nothing: str | None) -> None:
    with pytest.raises(Unauthenticated, match=r"Bearer <api key>.*x-api-key") as caught:
        admitted(nothing, {}, scope="chat", now=NOW)

    assert "invalid_api_key" == caught.value.code


def test_unknown_malformed_disabled_and_expired_keys_get_one_answer() -> None:
    unknown, _ = a_key(1)
    off_text, off = a_key(2, enabled=False)
    old_text, old = a_key(3, expires_at=NOW)
    keys = table(off, old)

    answers = set()
    for text in (unknown, unknown[:-1], "sk-abc", "tokenhub_", off_text, old_text):
        with pytest.raises(Unauthenticated) as caught:
            admitted(text, keys, scope="chat", now=NOW)
        answers.add((str(caught.value), caught.value.code))

    ((said, code),) = answers
    assert "invalid_api_key" == code
    assert said.startswith("invalid api key: it is unknown, disabled or expired; a key of this")
    assert said.endswith("begins with tokenhub_")


def test_key_holds_until_the_second_of_its_expiry() -> None:
    text, key = a_key(expires_at=NOW + 1)

    assert key is admitted(text, table(key), scope="chat", now=NOW + 0.999)

    with pytest.raises(Unauthenticated):
        admitted(text, table(key), scope="chat", now=NOW + 1)


def test_removed_key_fails_at_once() -> None:
    text, key = a_key()
    keys = table(key)
    admitted(text, keys, scope="chat", now=NOW)

    keys.clear()

    with pytest.raises(Unauthenticated):
        admitted(text, keys, scope="chat", now=NOW)


@pytest.mark.parametrize("scopes", [(), ("plan",), ("plan", "embeddings")])
def test_key_without_the_scope_is_told_which_one_it_lacks(scopes: tuple[str, ...]) -> None:
    text, key = a_key(scopes=scopes)

    with pytest.raises(OutOfScope, match="'chat'"):
        admitted(text, table(key), scope="chat", now=NOW)


@pytest.mark.parametrize("scopes", [("chat",), ("*",), ("plan", "chat")])
def test_key_with_the_scope_or_the_star_may_pass(scopes: tuple[str, ...]) -> None:
    text, key = a_key(scopes=scopes)

    assert key is admitted(text, table(key), scope="chat", now=NOW)


def test_a_bad_key_does_not_learn_of_scopes() -> None:
    text, key = a_key(scopes=(), enabled=False)

    with pytest.raises(Unauthenticated):
        admitted(text, table(key), scope="chat", now=NOW)


@given(st.text(alphabet=st.characters(), max_size=60))
def test_no_text_but_the_key_itself_is_admitted(rest: str) -> None:
    text, key = a_key()

    for guess in (rest, PREFIX + rest, text + rest, rest + text):
        if guess != text:
            with pytest.raises(Unauthenticated):
                admitted(guess, table(key), scope="chat", now=NOW)


def test_half_a_surrogate_pair_is_a_bad_key_and_no_crash() -> None:
    with pytest.raises(Unauthenticated):
        admitted(f"{PREFIX}\ud800", {}, scope="chat", now=NOW)


def test_no_error_repeats_the_key() -> None:
    text, key = a_key(scopes=())

    for keys in ({}, table(key)):
        with pytest.raises((Unauthenticated, OutOfScope)) as caught:
            admitted(text, keys, scope="chat", now=NOW)

        assert text not in str(caught.value)


def arrival(clock: FakeClock, allowance: Allowance = UNLIMITED) -> Arrival:
    return Arrival("req_1", clock.now(), clock.monotonic(), allowance)


def test_key_sends_two_seconds_worth_at_once_and_then_at_its_rate() -> None:
    clock, (_, key) = FakeClock(), a_key(rate_limit_rps=2)
    limits = KeyLimits(MemoryRates(), rps=60)

    left = [limits.take(key, arrival(clock)).remaining for _ in range(4)]
    with pytest.raises(RateLimited, match="2 requests a second, and 4 at once") as caught:
        limits.take(key, arrival(clock))
    clock.tick(0.5)

    assert [3, 2, 1, 0] == left
    assert 0.5 == pytest.approx(caught.value.retry_after_s)
    assert (4, 0) == (caught.value.allowance.limit, caught.value.allowance.remaining)
    assert clock.now() - 0.5 == caught.value.at
    assert 1 == limits.refused
    assert limits.take(key, arrival(clock)).allowed


def test_key_without_a_rate_has_that_of_an_address() -> None:
    clock, (_, key) = FakeClock(), a_key()

    allowance = KeyLimits(MemoryRates(), rps=3).take(key, arrival(clock))

    assert (6, 5) == (allowance.limit, allowance.remaining)


@pytest.mark.parametrize(("rps", "own"), [(60, -1), (0, 0)])
def test_key_without_a_limit_is_not_counted(rps: int, own: int) -> None:
    clock, (_, key) = FakeClock(), a_key(rate_limit_rps=own)
    rates = MemoryRates()
    limits = KeyLimits(rates, rps=rps)

    assert [UNLIMITED] * 500 == [limits.take(key, arrival(clock)) for _ in range(500)]
    assert 0 == len(rates)


def test_keys_do_not_share_a_bucket() -> None:
    clock = FakeClock()
    limits = KeyLimits(MemoryRates(), rps=1)

    for secret in (1, 2):
        _, key = a_key(secret)
        assert 1 == limits.take(key, arrival(clock)).remaining


@pytest.mark.parametrize(("expected", "address"), [(1, 1), (3, 100), (3, None)])
def test_the_tighter_of_key_and_address_is_told(expected: int, address: int | None) -> None:
    clock, (_, key) = FakeClock(), a_key(rate_limit_rps=2)
    of_address = UNLIMITED if address is None else Allowance(limit=120, remaining=address)

    told = KeyLimits(MemoryRates(), rps=60).take(key, arrival(clock, of_address))

    assert expected == told.remaining
