"""Names and ids as OpenAI takes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.talk import Call, CallBegan, CallPiece, Said, Text, Tool
from tokenhub.dialects.openai.names import (
    long_names,
    pieces_with_long_names,
    short_id,
    short_name,
    short_user,
    with_long_names,
)

LONG = "mcp__a-server-with-a-rather-long-name__and_a_tool_that_says_what_it_does"


@given(st.text(max_size=100) | st.from_regex(r"[a-z_-]{1,90}", fullmatch=True))
def test_every_name_becomes_one_that_the_vendor_takes(name: str) -> None:
    short = short_name(name)

    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", short)
    assert short == short_name(short)
    assert (short == name) is bool(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name))


def test_names_that_begin_alike_stay_apart() -> None:
    names = [LONG + "1", LONG + "2", "a.b", "a/b", "a_b"]

    assert len(names) == len({short_name(name) for name in names})


def test_calls_get_the_caller_s_own_names_back() -> None:
    names = long_names([Tool(name=LONG), Tool(name="plain")])
    calls = tuple(Call(id="c", name=short_name(name), arguments="") for name in (LONG, "plain"))
    said = Said(id="i", model="m", parts=(Text(text="a"), *calls))

    told = with_long_names(said, names)

    assert [LONG, "plain"] == [part.name for part in told.parts if isinstance(part, Call)]
    assert said is with_long_names(said, {})
    piece = CallPiece(0, "{}")
    assert [CallBegan(0, "c", LONG), piece] == pieces_with_long_names(
        [CallBegan(0, "c", short_name(LONG)), piece], names
    )


@pytest.mark.parametrize(
    ("id_", "same"), [("toolu_" + "a" * 24, True), ("call_" + "a" * 36, False)]
)
def test_ids_are_short_and_stay_apart(id_: str, same: bool) -> None:  # noqa: FBT001 - a table's column
    assert same is (id_ == short_id(id_))
    assert len(short_id(id_)) <= 40
    assert short_id(id_) != short_id(id_ + "b")


def test_long_user_is_sent_as_the_same_hash_each_time() -> None:
    user = "user_" + "a" * 64 + "_session_1"

    assert "u" * 64 == short_user("u" * 64)
    assert 64 == len(short_user(user))
    assert short_user(user) == short_user(user)
    assert short_user(user) != short_user(user + "2")
