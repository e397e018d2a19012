"""Bodies as they come in, and headers as they go out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import TooLarge, Unavailable
from tokenhub.web.v1.exchange import MAX_BODY_BYTES, Incoming, body_of, chosen, text, told
from tokenhub.web.v1.room import STEP_BYTES, Room

JSON = (b"content-type", b"application/json")


def coming(*pieces):
    """A request's body, a piece a message."""
    waiting = list(pieces)

    async def receive():
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return receive


def dropped(*names):
    return dict(told(0.0, names))[b"x-tokenhub-dropped-params"]


@given(st.text())
def test_no_text_can_break_a_header(said):
    value = text(said)

    assert all(0x20 <= byte <= 0x7E for byte in value)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (b"gpt-4o", "gpt-4o"),
        (b"a b", "a b"),
        (rb"a\x00\r\nb\x7f", "a\0\r\nb\x7f"),
        (rb"\xe9\u4e2d\U0001f469\ud800", "\xe9\u4e2d\U0001f469\ud800"),
    ],
)
def test_what_a_header_cannot_say_is_escaped(shown, said):
    assert shown == text(said)


def test_names_of_dropped_parameters_are_told():
    assert b"seed, top_k" == dropped("seed", "top_k")
    assert rb"a\nb" == dropped("a\nb")
    assert b"x-tokenhub-dropped-params" not in dict(told(0.0, ()))


@pytest.mark.parametrize("letter", ["x", "\0", "\U0001f469"])
@pytest.mark.parametrize("count", [1, 21, 5_000])
def test_no_names_make_a_header_too_long(letter, count):
    told_of = dropped(*[letter * 20_000] * count)

    assert len(told_of) <= 1_050
    assert told_of.endswith(b" more") == (count > 20 or (letter == "\U0001f469" and count > 1))


def test_an_answer_of_no_model_names_none():
    names = [name for name, _ in chosen("", "", "", 0)]

    assert [b"x-tokenhub-attempts"] == names


@pytest.mark.anyio
@pytest.mark.parametrize("said", [True, False])
async def test_a_large_body_takes_room_and_a_small_one_none(said):
    pieces = [b" " * 700_000] * 5
    length = [(b"content-length", b"3500000")] if said else []
    large, small = Incoming([JSON, *length]), Incoming([JSON])
    room = Room(4 * STEP_BYTES)

    body = await body_of(large, coming(*pieces), room)
    await body_of(small, coming(b" " * 500_000, b" " * 500_000), room)

    assert 3_500_000 == len(body) <= large.held_bytes <= 4 * STEP_BYTES
    assert 0 == small.held_bytes


@pytest.mark.anyio
@pytest.mark.parametrize("said", [True, False])
async def test_where_no_room_is_left_a_large_body_is_refused_until_there_is(said):
    pieces = [b" " * 700_000] * 3
    length = [(b"content-length", b"2100000")] if said else []
    room = Room(3 * STEP_BYTES)
    room.take(2 * STEP_BYTES)

    refused = Incoming([JSON, *length])
    with pytest.raises(Unavailable, match="in a moment"):
        await body_of(refused, coming(*pieces), room)
    room.give_back(2 * STEP_BYTES + refused.held_bytes)
    passed = Incoming([JSON, *length])

    assert 2_100_000 == len(await body_of(passed, coming(*pieces), room))


@pytest.mark.anyio
async def test_what_is_too_large_takes_no_room():
    incoming = Incoming([JSON, (b"content-length", b"%d" % (MAX_BODY_BYTES + 1))])

    with pytest.raises(TooLarge):
        await body_of(incoming, coming(b""), Room(0))

    assert 0 == incoming.held_bytes
