"""The original's keys: their form, what a table knows of them, and what their hashes cost."""

import pytest

from tests.support.original_db import hashed
from tokenhub.core.keys import PREFIX, digest, mint
from tokenhub.core.old_keys import checkable, imported_id, mark, old_form, start_of, starts

ID = "0123456789abcdef"
KEY = f"{PREFIX}{ID * 4}"


def test_only_64_lower_case_hex_digits_are_the_form():
    assert old_form(KEY)
    for other in (KEY[:-1], f"{KEY}0", KEY.upper(), KEY.replace("0", "g"), f"{KEY}\n", mint(1), ""):
        assert not old_form(other)


def test_an_id_here_is_the_same_each_time_and_no_part_of_the_key():
    assert imported_id(ID) == imported_id(ID)
    assert imported_id(ID) != imported_id("f" * 16)
    assert not any(ID[i : i + 6] in imported_id(ID) for i in range(10))


def test_a_mark_is_no_key_s_digest():
    assert mark(KEY) != digest(KEY)
    assert 32 == len(mark("x"))


def test_a_key_is_found_by_all_that_is_known_of_its_beginning():
    assert ID == start_of(ID, KEY[:17])
    assert ID[:8] == start_of("f" * 16, KEY[:17])
    assert (ID, ID[:8]) == starts(KEY)


@pytest.mark.parametrize("prefix", ["", "tokenhub_", "tokenhub_0123456", "sk-01234567", KEY])
def test_a_prefix_of_another_form_is_refused(prefix):
    with pytest.raises(ValueError, match="prefix"):
        start_of(ID, prefix)


def test_a_hash_that_would_take_hours_is_not_checked():
    good = hashed(KEY)

    assert checkable(good)
    assert checkable(good.replace("$2a$04$", "$2b$14$"))
    for bad in (
        good.replace("$04$", "$15$"),
        good.replace("$04$", "$31$"),
        good.replace("$04$", "$00$"),
        good.replace("$2a$", "$5$"),
        good[:-1],
        f"{good}\n",
        "",
    ):
        assert not checkable(bad)
