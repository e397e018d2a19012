import asyncio

import pytest

from tests.support.clock import FakeClock
from tests.support.control import TOKEN
from tokenhub.admin.access import DELAY_S, MAX_WAITING, Access, Peer
from tokenhub.admin.changes import By
from tokenhub.core.errors import RateLimited, TooManyFailures, Unauthenticated

pytestmark = pytest.mark.anyio
HERE = Peer(address="192.0.2.1", bucket="192.0.2.1")
THERE = Peer(address="192.0.2.2", bucket="192.0.2.2")
RANDOM = "tha_" + "0" * 64
CHOSEN = "the-chosen-token"
BY = By(actor="admin")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def access(control, clock):
    return Access(tokens=control.tokens, sessions=control.sessions, clock=clock)


async def guess(access, peer=HERE, secret="a-guess-of-some-length"):
    """What trying came to: the code of the refusal, or the name."""
    try:
        return (await access.bearer(secret, peer)).name
    except (Unauthenticated, RateLimited) as error:
        return error.code


async def test_ten_failures_a_minute_are_looked_at(access, clock):
    found = [await guess(access) for _ in range(1000)]

    assert ["invalid_admin_token"] * 10 + ["too_many_failures"] * 990 == found
    clock.tick(6)
    assert ["invalid_admin_token", "too_many_failures"] == [await guess(access) for _ in "12"]


async def test_the_right_guess_is_not_looked_at_either_after_too_many_failures(access, control):
    control.token.current = CHOSEN
    for _ in range(10):
        await guess(access)

    refused = await guess(access, secret=CHOSEN)

    assert "too_many_failures" == refused
    assert "admin" == await guess(access, THERE, CHOSEN)


async def test_nobody_locks_out_who_has_a_token_of_ours(access, control):
    issued = await control.tokens.create(name="alice", role="viewer", by=BY)
    for _ in range(20):
        await guess(access)

    assert "alice" == await guess(access, secret=issued.secret)


async def test_random_tokens_are_counted_too(access):
    found = [await guess(access, secret=RANDOM) for _ in range(11)]

    assert ["invalid_admin_token"] * 10 + ["too_many_failures"] == found


async def test_successes_are_not_counted(access):
    assert {"admin"} == {await guess(access, secret=TOKEN) for _ in range(100)}


async def test_a_refusal_says_when_to_come_again(access):
    for _ in range(10):
        await guess(access)

    with pytest.raises(TooManyFailures) as refused:
        await access.bearer("a-guess-of-some-length", HERE)

    assert pytest.approx(6.0) == refused.value.retry_after_s


async def test_after_sixty_failures_of_all_a_guess_waits(access, control, clock):
    control.token.current = CHOSEN
    for number in range(60):
        await guess(access, Peer(address="", bucket=f"10.0.0.{number}"))

    waiting = asyncio.ensure_future(guess(access, THERE, CHOSEN))
    await clock.advance(DELAY_S / 2)
    assert not waiting.done()
    await clock.advance(DELAY_S / 2)

    assert "admin" == await waiting


async def test_who_was_here_before_does_not_wait(access, control):
    control.token.current = CHOSEN
    assert "admin" == await guess(access, THERE, CHOSEN)
    for number in range(60):
        await guess(access, Peer(address="", bucket=f"10.0.0.{number}"))

    assert "admin" == await guess(access, THERE, CHOSEN)


async def test_nobody_locks_out_who_has_chosen_a_long_token(access):
    for _ in range(20):
        await guess(access)
    for number in range(50):
        await guess(access, Peer(address="", bucket=f"10.0.0.{number}"))

    assert ["admin", "admin"] == [await guess(access, peer, TOKEN) for peer in (HERE, THERE)]


async def test_only_so_many_wait(access, clock):
    for number in range(60):
        await guess(access, Peer(address="", bucket=f"10.0.0.{number}"))
    peers = [Peer(address="", bucket=f"10.0.1.{n}") for n in range(MAX_WAITING + 1)]

    waiting = [asyncio.ensure_future(guess(access, peer)) for peer in peers]
    await clock.advance(DELAY_S)

    found = [await one for one in waiting]
    assert ["invalid_admin_token"] * MAX_WAITING + ["too_many_failures"] == found
    assert 0 == access._waiting


async def test_the_guesses_of_one_peer_that_wait_are_counted_too(access, clock):
    for number in range(60):
        await guess(access, Peer(address="", bucket=f"10.0.0.{number}"))

    waiting = [asyncio.ensure_future(guess(access)) for _ in range(MAX_WAITING)]
    await clock.advance(DELAY_S)

    found = [await one for one in waiting]
    assert ["invalid_admin_token"] * 10 + ["too_many_failures"] * (MAX_WAITING - 10) == found


async def test_a_rotated_token_begins_no_session(access, control):
    old = await control.tokens.create(name="alice", role="viewer", by=BY)
    new = await control.tokens.rotate("alice", by=BY)

    assert "alice" == await guess(access, secret=old.secret)
    with pytest.raises(Unauthenticated, match="was rotated"):
        await access.sign_in(old.secret, HERE)
    assert "alice" == (await access.sign_in(new.secret, HERE)).token.name


async def test_a_session_is_no_token_and_a_token_no_session(access):
    started = await access.sign_in(TOKEN, HERE)

    assert "invalid_admin_token" == await guess(access, secret=started.session_id)
    assert access.session(TOKEN) is None
    assert "admin" == access.session(started.session_id).name
