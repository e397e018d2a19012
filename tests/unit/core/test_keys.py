"""The form of a key, and what a key may do."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_key
from tokenhub.core.keys import (
    ALPHABET,
    PREFIX,
    SCOPES,
    SECRET_BITS,
    digest,
    mint,
    shown_prefix,
    well_formed,
)

secrets = st.integers(0, 2**SECRET_BITS - 1)


@given(secrets)
def test_minted_key_has_the_fixed_pattern(secret: int) -> None:
    key = mint(secret)

    assert re.fullmatch(r"tokenhub_[0-9A-Za-z]{39}", key)
    assert well_formed(key)


@given(secrets, secrets)
def test_two_secrets_give_two_keys(one: int, other: int) -> None:
    assert (one == other) == (mint(one) == mint(other))


@given(secrets, st.integers(0, 47), st.sampled_from([*ALPHABET, "_", "-", " ", "é"]))
def test_every_change_of_one_character_breaks_the_checksum(
    secret: int, place: int, letter: str
) -> None:
    key = mint(secret)
    changed = key[:place] + letter + key[place + 1 :]

    assert (changed == key) == well_formed(changed)


@given(secrets, st.integers(len(PREFIX), 46))
def test_two_neighbours_that_change_places_break_the_checksum(secret: int, place: int) -> None:
    key = mint(secret)
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]

    assert (swapped == key) == well_formed(swapped)


@pytest.mark.parametrize(
    "key",
    ["", PREFIX, mint(1)[:-1], mint(1) + "0", f" {mint(1)}", "sk-abc"],
)
def test_cut_or_foreign_text_is_not_well_formed(key: str) -> None:
    assert not well_formed(key)


def test_broken_text_of_the_right_length_is_not_well_formed() -> None:
    assert not well_formed(PREFIX + "\ud800" * 39)


def test_key_and_digest_are_the_same_for_ever() -> None:
    key = mint(0x0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF)

    assert "tokenhub_00lBcKUCcfcQwiP5o8gk3nAfLmS9Zf5fb0w5b5A" == key
    assert "1a7f684bed4e7b0459c19ed254a55837507a869e1b4704dd0d052541cafb39ae" == digest(key).hex()


@given(secrets, secrets)
def test_digest_tells_keys_apart_and_is_32_bytes(one: int, other: int) -> None:
    assert 32 == len(digest(mint(one)))
    assert (one == other) == (digest(mint(one)) == digest(mint(other)))


@given(st.text(alphabet=st.characters(), max_size=80))
def test_digest_takes_any_text(text: str) -> None:
    assert digest(text) == digest(text)


@given(secrets)
def test_what_is_shown_of_a_key_does_not_give_it_away(secret: int) -> None:
    key = mint(secret)

    shown = shown_prefix(key)

    assert f"{key[:13]}...{key[-4:]}" == shown


def test_key_is_usable_while_enabled_and_not_expired() -> None:
    _, key = a_key(expires_at=100.0)

    assert key.usable(99.9)
    assert not key.usable(100.0)
    assert not msgspec.structs.replace(key, enabled=False).usable(0.0)
    assert msgspec.structs.replace(key, expires_at=None).usable(1e18)


@pytest.mark.parametrize("scope", SCOPES)
def test_scope_opens_itself_and_the_star_opens_all(scope: str) -> None:
    _, own = a_key(scopes=(scope,))
    _, star = a_key(scopes=("*",))
    _, none = a_key(scopes=())

    assert own.may(scope)
    assert star.may(scope)
    assert not none.may(scope)
    assert (scope == "*") == own.may("something else")
