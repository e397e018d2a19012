"""Passwords, recovery keys, and what wrong ones cost."""

import pytest

from tests.support.vaults import draws
from tokenhub.core.errors import BadRequest
from tokenhub.core.vault.passwords import Tries, checked_password, plain, recovery_key, wait_s

NOW = 1_700_000_000.0


@pytest.mark.parametrize("text", ["", "   ", "          ", "seven77", "x" * 1025])
def test_a_password_that_is_none_is_refused(text):
    with pytest.raises(BadRequest) as refused:
        checked_password(text.encode(), field="new_password")

    assert "new_password" == refused.value.field
    assert not text.strip() or text not in str(refused.value)


def test_a_short_one_is_warned_of_and_a_long_one_is_not():
    assert "fewer than 12" in checked_password(b"eight888", field="f")
    assert "" == checked_password(b"twelve-12-12", field="f")


def test_characters_count_and_not_bytes():
    with pytest.raises(BadRequest):
        checked_password("äöüß".encode(), field="f")


@pytest.mark.parametrize(
    ("failures", "waits"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (40, 60), (10**9, 60)],
)
def test_after_five_free_tries_each_waits_twice_as_long_up_to_a_minute(failures, waits):
    assert waits == wait_s(Tries(failures=failures, last_at=NOW), NOW)
    assert 0 == wait_s(Tries(failures=failures, last_at=NOW), NOW + waits)


def test_a_clock_that_was_set_back_waits_no_longer_and_no_shorter():
    assert 1 == wait_s(Tries(failures=5, last_at=NOW), NOW - 86_400)


def test_a_recovery_key_is_told_from_a_password_however_it_is_typed():
    text = recovery_key(draws())

    assert 160 / 5 + len("recovery") == len(plain(text.encode()))
    assert plain(text.encode()) == plain(text.lower().replace("-", " ").encode() + b"\r\n")
    assert b"" == plain(b"recovery of my password")
    assert b"" == plain(b"a password")
