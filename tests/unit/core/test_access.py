import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core import access
from tokenhub.core.access import (
    IDLE_S,
    ROLES,
    SESSION_S,
    AdminSession,
    AdminToken,
    allows,
    binding,
    digest,
    guessable,
    mint,
    mint_session,
    minted,
    session_digest,
    shown_prefix,
)

TOKEN = AdminToken(
    id="tok_1",
    name="alice",
    role="viewer",
    digest=b"new",
    prefix="",
    created_at=0.0,
    expires_at=100.0,
    previous=b"old",
    previous_until=50.0,
)
SESSION = AdminSession(digest=b"", token_id="tok_1", binding=b"", created_at=0.0, seen_at=0.0)


def test_a_role_may_do_what_those_below_it_may() -> None:
    found = {(role, needed): allows(role, needed) for role in ROLES for needed in ROLES}

    assert {
        (role, needed): ROLES.index(role) >= ROLES.index(needed)
        for role in ROLES
        for needed in ROLES
    } == found
    assert 6 == sum(found.values())


@pytest.mark.parametrize(("role", "needed"), [("root", "viewer"), ("owner", ""), ("", "")])
def test_a_role_that_there_is_not_may_do_nothing(role: str, needed: str) -> None:
    assert not allows(role, needed)


@given(st.integers(0, (1 << 256) - 1))
def test_what_we_mint_is_known_as_minted(secret: int) -> None:
    token = mint(secret)

    assert minted(token)
    assert 68 == len(token)
    assert not minted(mint_session(secret))


@pytest.mark.parametrize("chosen", ["", "tha_", "tha_" + "0" * 63, "x" * 68, "tha_" + "G" * 64])
def test_what_an_operator_chose_is_not(chosen: str) -> None:
    assert not minted(chosen)


@pytest.mark.parametrize(
    ("expected", "token"),
    [
        (False, "tha_" + "0" * 64),
        (False, "0123456789abcdef0123456789abcdef"),
        (False, "correct-horse-battery-staple-and-more"),
        (True, "0123456789abcdef0123456789abcde"),
        (True, "changeme-changeme-changeme-changeme"),
        (True, "x" * 64),
        (True, ""),
    ],
)
def test_what_is_short_or_monotonous_could_be_guessed(expected: bool, token: str) -> None:  # noqa: FBT001 - what the test expects
    assert expected == guessable(token)


def test_tokens_and_sessions_are_hashed_apart() -> None:
    hashes = {digest("same"), session_digest("same"), binding("same", b""), access.digest("other")}

    assert 4 == len(hashes)


def test_a_session_is_bound_to_one_secret_of_its_token() -> None:
    assert binding("ths_1", digest("a")) != binding("ths_1", digest("b"))
    assert binding("ths_1", digest("a")) != binding("ths_2", digest("a"))


def test_text_that_is_no_text_can_be_hashed() -> None:
    assert 32 == len(digest("\udc80")) == len(session_digest("\udc80"))


@pytest.mark.parametrize(
    ("expected", "given_", "now"),
    [
        (True, b"new", 0.0),
        (True, b"new", 99.9),
        (False, b"new", 100.0),
        (True, b"old", 49.9),
        (False, b"old", 50.0),
        (False, b"else", 0.0),
        (False, b"", 0.0),
    ],
)
def test_a_token_opens_until_it_expires_and_its_forerunner_until_the_overlap_ends(
    expected: bool,  # noqa: FBT001 - what the test expects
    given_: bytes,
    now: float,
) -> None:
    assert expected == TOKEN.opens(given_, now)


def test_a_session_ends_when_it_is_idle_and_at_the_latest_when_it_is_old() -> None:
    assert SESSION.alive(IDLE_S - 1)
    assert not SESSION.alive(IDLE_S)

    busy = AdminSession(digest=b"", token_id="", binding=b"", created_at=0.0, seen_at=SESSION_S - 1)

    assert busy.alive(SESSION_S - 1)
    assert not busy.alive(SESSION_S)


def test_a_prefix_shows_eight_characters() -> None:
    assert "tha_0000...00ff" == shown_prefix(mint(255))
