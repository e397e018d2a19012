"""Shaping: a text comes out alike, whole or cut anywhere, and nothing but text is touched."""

import time
import tracemalloc
from collections import deque
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.ask import Shape
from tokenhub.core.outcome import Usage
from tokenhub.core.pieces import text_of
from tokenhub.core.shaping import MAX_HELD, Flow, Shaper, shaped
from tokenhub.core.talk import (
    Began,
    Call,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Finish,
    Part,
    Refusal,
    Said,
    Sealed,
    SealedPiece,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)

THINK = Shape(strip_think=True)
JSON = Shape(type="json")
PLAIN = Shape(type="text")
CALL = Call(id="c1", name="f", arguments='{"a":"```"}')
USAGE = Usage(3, 4)


def said(*parts: Part, finish: Finish | None = Finish.STOP, stop: str = "") -> Said:
    return Said(id="s1", model="m", parts=parts, finish=finish, stop=stop, usage=USAGE)


def whole(text: str, shape: Shape) -> str:
    return text_of(shaped(said(Text(text=text)), shape).parts)


def streamed(cuts: list[str], shape: Shape) -> list[str]:
    """What each piece brought, and the end."""
    shaper = Shaper(shape)
    deltas: list[list[Delta]] = [[TextPiece(cut)] for cut in cuts]
    return [
        "".join([delta.text for delta in shaper.feed(given) if isinstance(delta, TextPiece)])
        for given in [*deltas, [Ended()]]
    ]


# --- The law ----------------------------------------------------------------------------------

SNIPPETS = st.sampled_from([
    "<think>", "</think>", "<thinking>", "</thinking>", "<thi", "<", "think>", "```json", "```",
    "``", "`", "````", "```python", "json", "\n", " ", "\t", '{"a":', '"', "\\", "\\\\", "}", "[",
    "1", "**", "*", "#", "## a", "é", "𝄞", "a", "word", "> q", "\r\n", "\u00a0",
])  # fmt: skip
TEXTS = st.lists(SNIPPETS | st.text(max_size=2), max_size=14).map("".join)
SHAPES = st.builds(
    Shape,
    type=st.sampled_from(["", "json", "markdown", "text", "xml"]),
    strip_think=st.booleans(),
    max_tokens=st.none() | st.integers(1, 6),
)


@given(TEXTS, SHAPES, st.data())
def test_any_cut_of_a_text_is_shaped_like_the_whole(
    text: str, shape: Shape, data: st.DataObject
) -> None:
    marks = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    cuts = [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]

    expected = whole(text, shape)

    assert expected == "".join(streamed(cuts, shape)) == "".join(streamed(list(text), shape))


@given(TEXTS, SHAPES)
def test_calls_id_and_usage_stay_whatever_the_shape(text: str, shape: Shape) -> None:
    parts = (Text(text=text), CALL, Refusal(text="no"), Text(text=text))

    out = shaped(said(*parts, finish=Finish.TOOLS), shape)

    assert [CALL, Refusal(text="no")] == [p for p in out.parts if not isinstance(p, Text)]
    assert ("s1", "m", USAGE, Finish.TOOLS) == (out.id, out.model, out.usage, out.finish)


@given(TEXTS, st.sampled_from(["", "xml"]))
def test_no_shape_changes_nothing(text: str, kind: str) -> None:
    assert text == whole(text, Shape(type=kind))


# --- Thinking ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>hm</think>\n\nyes", "yes"),
        ("  <thinking>hm</thinking> yes ", "yes"),
        ("a <think>x\ny</think> b<think>z</think>\tc", "a bc"),
        ("<think>a</think> <think>b</think> c", "c"),
        ("yes <think>and then it broke", "yes"),
        ("<think>a<thinking>b</think>c", "c"),
        ("<think>a</thinking>b</think>c", "c"),
        ("1 <thin> 2 < 3 <think", "1 <thin> 2 < 3 <think"),
        ("a</think>b", "a</think>b"),
        ("<<think>x</think>>", "<>"),
        ("<think></think>", ""),
    ],
)
def test_thinking_in_the_text_is_taken_out(text: str, left: str) -> None:
    assert left == whole(text, THINK)


def test_thinking_parts_are_taken_out_and_calls_stay() -> None:
    parts = (Thinking(text="hm", signature="s"), Sealed(data="x"), Text(text="yes"), CALL)

    assert (Text(text="yes"), CALL) == shaped(said(*parts), THINK).parts
    assert (CALL,) == shaped(said(*parts[:2], CALL), THINK).parts
    assert parts == shaped(said(*parts), Shape(type="markdown")).parts


def test_thinking_pieces_are_taken_out_of_a_stream() -> None:
    began, call = Began(id="s1", model="m"), CallBegan(0, "c1", "f")
    thought: list[Delta] = [ThinkingPiece("hm"), SignaturePiece("s"), SealedPiece("x")]

    heard = Shaper(THINK).feed([began, *thought, TextPiece("<think>x</think>"), call])

    assert [began, call] == heard
    assert thought == Shaper(JSON).feed(thought)


def test_text_before_and_after_thinking_is_not_held_back() -> None:
    pieces = ["a ", "<think>x", "</thi", "nk>", "b", " <"]

    assert ["a", "", "", "", " b", "", " <"] == streamed(pieces, THINK)


# --- The limit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("12345678", "12345678"),
        ("123456789", "12345678..."),
        ("éééé", "éééé"),
        ("1234567é", "1234567..."),
        ("12345𝄞67", "12345..."),
        ("", ""),
    ],
)
def test_limit_counts_four_bytes_a_token_and_splits_no_character(text: str, cut: str) -> None:
    out = shaped(said(Text(text=text)), Shape(max_tokens=2))

    assert cut == text_of(out.parts)
    assert (Finish.STOP if cut == text else Finish.LENGTH) == out.finish


@given(st.text(), st.integers(1, 20))
def test_limit_holds(text: str, tokens: int) -> None:
    cut = whole(text, Shape(max_tokens=tokens))

    assert len(cut.removesuffix("...").encode()) <= 4 * tokens or cut == text


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        (None, Finish.LENGTH),
        (Finish.STOP, Finish.LENGTH),
        (Finish.STOP_SEQUENCE, Finish.LENGTH),
        (Finish.TOOLS, Finish.TOOLS),
        (Finish.REFUSAL, Finish.REFUSAL),
        (Finish.FILTERED, Finish.FILTERED),
    ],
)
def test_cut_answer_ended_for_its_length(finish: Finish | None, told: Finish) -> None:
    given = said(Text(text="a" * 5), finish=finish, stop="x" if finish == "stop_sequence" else "")

    out = shaped(given, Shape(max_tokens=1))

    assert (told, "") == (out.finish, out.stop)


def test_calls_pass_after_the_cut() -> None:
    shaper = Shaper(Shape(max_tokens=1))
    calls: list[Delta] = [CallBegan(0, "c1", "f"), CallPiece(0, "{}")]

    heard = shaper.feed([TextPiece("abcde"), *calls, TextPiece("f"), Ended(usage=USAGE)])

    assert [TextPiece("abcd..."), *calls, Ended(finish=Finish.LENGTH, usage=USAGE)] == heard


def test_thinking_does_not_count() -> None:
    shape = Shape(strip_think=True, max_tokens=1)

    assert "abcd" == whole("<think>long, long thought</think> abcd", shape)


# --- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('```json\n{"a":1}\n```', '{"a":1}'),
        ('Here:\n```json\n{"a":1}\n```\nDone. ```json\n2\n```', '{"a":1}'),
        ("```\n[1]\n```", "[1]"),
        ("so ```json [1]``` ok", "[1]"),
        ("```json\n[1]", "[1]"),
        ("````json\n[1]\n````", "[1]"),
        (' {"a":"```json\\n1\\n```"} ', '{"a":"```json\\n1\\n```"}'),
        ('```json\n{"a":"```","b":"\\"```"}\n``` x', '{"a":"```","b":"\\"```"}'),
        ('```json\n{"a": "\n```\nrest', '{"a": "'),
        ("```python\nx = 1\n```\nand\n```json\n[1]\n```", "[1]"),
        ("```python\nx = 1\n```\nbye", "```python\nx = 1\n```\nbye"),
        (" no json `at` all `` ", "no json `at` all ``"),
        ("42\n", "42"),
        ("x ```", "x ```"),
        ("x ```json", "x ```json"),
        ("", ""),
    ],
)
def test_json_is_the_inside_of_the_first_block_or_the_text(text: str, inside: str) -> None:
    assert inside == whole(text, JSON)


def test_json_streams_as_soon_as_it_is_decided() -> None:
    bare = streamed(["\n", '{"a"', ": ", "1}", "\n"], JSON)
    fenced = streamed(["Sure: `", "``js", "on\n", '{"a"', ":1}", "\n``", "` bye"], JSON)

    assert ["", '{"a"', ":", " 1}", "", ""] == bare
    assert ["", "", "", '{"a"', ":1}", "", "", ""] == fenced


# --- Markdown and text ------------------------------------------------------------------------


def test_markdown_is_trimmed_outside_only() -> None:
    assert "# A\n\n  - b" == whole("\n # A\n\n  - b \n", Shape(type="markdown"))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("# Title\n\n## Next", "Title\n\nNext"),
        ("**bold** and *thin* and `code`", "bold and thin and code"),
        ("* one\n  * two\n- three", "one\ntwo\n- three"),
        ("***both***, `**x**`", "both, x"),
        ("2 * 3 = 6, a*b", "2 * 3 = 6, a*b"),
        ("```python\nx = 1\n```\n", "x = 1"),
        ("  a  \r\n  b  ", "a\nb"),
        ("C# and #1", "C# and #1"),
        ("*", "*"),
    ],
)
def test_text_loses_the_marks_of_markdown(text: str, plain: str) -> None:
    assert plain == whole(text, PLAIN)


def test_text_streams_line_by_line() -> None:
    assert ["", "A b", "", "\nc"] == streamed(["# A *b", "*\n", "**c**"], PLAIN)


# --- Costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "markdown", "text"])
@pytest.mark.parametrize("piece", [" ", "`", "<", "a", "*", "<think>", "```a"])
def test_pieces_without_end_cost_no_more_the_longer_it_takes(kind: str, piece: str) -> None:
    """Held text is not copied for each piece: 50,000 of them would take half a minute."""
    shaper = Shaper(Shape(type=kind, strip_think=True))
    began = time.process_time()

    for _ in range(50_000):
        shaper.feed([TextPiece(piece)])
    shaper.feed([Ended()])

    assert time.process_time() - began < 3


# --- Bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "text"),
    [(JSON, "word "), (PLAIN, "word "), (Shape(type="markdown"), " ")],
    ids=["no fence", "no end of a line", "no end of the blanks"],
)
def test_what_is_held_back_is_bounded(shape: Shape, text: str) -> None:
    flow = Flow(shape)
    pieces = repeat(text * (1 << 14), MAX_HELD // (1 << 14) + 1)
    flow.feed("x")

    with pytest.raises(ValueError, match="too much text"):
        deque(map(flow.feed, pieces), maxlen=0)


def test_many_small_pieces_take_no_more_than_their_text() -> None:
    flow = Flow(JSON)
    tracemalloc.start()

    for _ in range(200_000):
        flow.feed("\u4e2d")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4_000_000
    assert "\u4e2d" * 200_000 == flow.end()
