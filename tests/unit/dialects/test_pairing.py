"""Every call is answered right after it, and no result stands without its call."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.talks import talks
from tokenhub.core.talk import Call, Part, Result, Talk, Text, Turn
from tokenhub.dialects.pairing import INTERRUPTED, paired

A, B, HI = (Text(text=text) for text in ("a", "b", "hi"))


def call(id_: str) -> Call:
    return Call(id=id_, name="f", arguments="{}")


def result(id_: str, *parts: Text) -> Result:
    return Result(id=id_, parts=parts)


def missing(id_: str) -> Result:
    return Result(id=id_, parts=(Text(text=INTERRUPTED),), error=True)


def asked(*parts: Part) -> Turn:
    return Turn(role="user", parts=parts)


def said(*parts: Part) -> Turn:
    return Turn(role="assistant", parts=parts)


def told(*parts: Part) -> Turn:
    return Turn(role="system", parts=parts)


@pytest.mark.parametrize(
    ("turns", "matched"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([asked(HI), asked(HI)], [asked(HI), asked(HI)], id="no calls"),
        pytest.param(
            [said(call("a")), asked(result("a", A))],
            [said(call("a")), asked(result("a", A))],
            id="answered",
        ),
        pytest.param(
            [said(call("a")), asked(HI)],
            [said(call("a")), asked(missing("a"), HI)],
            id="unanswered",
        ),
        pytest.param(
            [said(call("a"), call("b")), asked(HI, result("b", B))],
            [said(call("a"), call("b")), asked(result("b", B), missing("a"), HI)],
            id="one of two answered",
        ),
        pytest.param([said(call("a"))], [said(call("a")), asked(missing("a"))], id="at the end"),
        pytest.param(
            [said(call("a")), told(A), asked(result("a"))],
            [said(call("a")), asked(result("a")), told(A)],
            id="orders between",
        ),
        pytest.param(
            [said(call("a"), call("b")), asked(result("a")), asked(result("b"), HI)],
            [said(call("a"), call("b")), asked(result("a"), result("b"), HI)],
            id="results in two turns",
        ),
        pytest.param(
            [said(call("a")), asked(result("a")), asked(HI)],
            [said(call("a")), asked(result("a"), HI)],
            id="two turns of the user",
        ),
        pytest.param(
            [said(call("a")), said(B), asked(result("a"))],
            [said(call("a"), B), asked(result("a"))],
            id="two turns of the assistant",
        ),
        pytest.param(
            [said(A), said(B), asked(HI)],
            [said(A), said(B), asked(HI)],
            id="two turns without a call",
        ),
        pytest.param(
            [said(call("a")), asked(result("a", A), result("a", B))],
            [said(call("a")), asked(result("a", A), B)],
            id="a second result",
        ),
        pytest.param([asked(result("x", A), HI)], [asked(A, HI)], id="a result without its call"),
        pytest.param(
            [asked(result("x"))], [asked(Text(text="(an empty result)"))], id="an empty one"
        ),
        pytest.param(
            [said(call("a")), asked(result("a")), said(call("a")), asked(result("a"))],
            [said(call("a")), asked(result("a")), said(call("a")), asked(result("a"))],
            id="one id in two turns",
        ),
        pytest.param(
            [said(call("a"), call("a")), asked(result("a", A), result("a", B))],
            [said(call("a"), call("a_2")), asked(result("a", A), result("a_2", B))],
            id="one id for two calls",
        ),
    ],
)
def test_calls_and_results_are_matched(turns: list[Turn], matched: list[Turn]) -> None:
    assert matched == paired(turns, named=str)


def test_calls_and_results_are_named_anew_together() -> None:
    turns = [said(call("a")), asked(result("a", A))]

    assert [said(call("A")), asked(result("A", A))] == paired(turns, named=str.upper)


@given(talks(thinking=True))
def test_what_is_matched_stays_as_it_is(talk: Talk) -> None:
    assert list(talk.turns) == paired(talk.turns, named=str)


PARTS: st.SearchStrategy[Part] = st.sampled_from([A, B, call("a"), call("b"), call("a_2")])
ANSWERS: st.SearchStrategy[Part] = st.sampled_from(
    [A, result("a", A), result("b"), result("x", B), result("a_2")]
)


@given(
    st.lists(
        st.lists(PARTS, max_size=4).map(lambda parts: said(*parts))
        | st.lists(ANSWERS, max_size=4).map(lambda parts: asked(*parts))
        | st.just(told(A)),
        max_size=6,
    )
)
def test_any_turns_become_such_that_both_vendors_take(turns: list[Turn]) -> None:
    matched = paired(turns, named=str)

    for before, turn in pairwise([told(), *matched, told()]):
        calls = sorted(calls_of(before))
        assert len(calls) == len(set(calls))
        assert calls == sorted(part.id for part in turn.parts if isinstance(part, Result))


def calls_of(turn: Turn) -> Iterator[str]:
    return (part.id for part in turn.parts if isinstance(part, Call))


def test_as_many_calls_as_come_are_matched_in_the_time_that_they_take() -> None:
    """With a search from the beginning for each of them this would not end."""
    calls = said(*([call("a")] * 50_000))

    matched = paired([calls, asked(*([result("a")] * 50_000))], named=str)

    assert 50_000 == len(set(calls_of(matched[0])))
