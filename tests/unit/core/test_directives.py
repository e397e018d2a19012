"""What a text orders of the router, and the text without it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import an_ask
from tokenhub.core.ask import Directed, Wish
from tokenhub.core.directives import MARKER, Orders, cut, obeyed, orders
from tokenhub.core.errors import BadRequest

PIECES = st.lists(
    st.sampled_from(
        [
            MARKER,
            "@@",
            "tokenhub",
            "@@end",
            " ",
            "\n",
            "\r\n",
            "\u2028",
            "x",
            "=",
            "mode=cheap",
            "budget=",
            "é",
        ]
    ),
    max_size=40,
)
TEXTS = PIECES.map("".join)


def read(text: str) -> Orders:
    first = cut(text).first
    assert first is not None
    return orders(first)


# --- Cutting


@pytest.mark.parametrize(
    ("text", "left"),
    [
        # original-behaviour 16
        ("@@tokenhub mode=cheap budget=0.01 latency=5000\nHi", "Hi"),
        ("Hello\n@@tokenhub mode=cheap", "Hello"),
        ("Hello @@tokenhub mode=cheap", "Hello"),
        ("A\n@@tokenhub\nmode=planning\n@@end\nB", "A\nB"),
        # our own
        ("Hello @@tokenhub mode=cheap\nworld", "Hello world"),
        ("Hello\n@@tokenhub mode=cheap\n", "Hello\n"),
        ("A @@tokenhub\nmode=planning\n@@end\nB", "A B"),
        ("A\n@@tokenhub\nmode=planning\n@@end", "A"),
        ("A\n@@tokenhub\nmode=planning\n@@end\n", "A\n"),
        ("A\n@@tokenhub  \n\n mode=planning \n\n  @@end \nB", "A\nB"),
        ("A\r\n@@tokenhub\r\nmode=planning\r\n@@end\r\nB\r\n", "A\r\nB\r\n"),
        ("A\r\n@@tokenhub mode=cheap\r\nB", "A\r\nB"),
        ("  A\n\n@@tokenhub mode=cheap\n@@tokenhub mode=normal", "  A"),
        ("@@tokenhub mode=cheap\nA\n@@tokenhub\nx=1\n@@end\nB @@tokenhub y\nC", "A\nB C"),
        ("@@tokenhub mode=cheap @@tokenhub mode=normal\nA", "A"),
        ("A\n@@tokenhub\nB\n@@end\nC", "A\nB\n@@end\nC"),
        ("A\n@@tokenhub\nmode=cheap\n@@tokenhub\nmode=cheap\n@@end\nB", "A\nmode=cheap\nB"),
        ("A\n@@tokenhub\nmode=cheap\nB", "A\nmode=cheap\nB"),
        ("A @@tokenhub", "A"),
        ("A\n@@tokenhub\n", "A\n"),
        ("@@tokenhub", ""),
        ("x @@tok@@tokenhub mode=cheap\nenhub y", "x @@tok@@tokenhub mode=cheap\nenhub y"),
    ],
)
def test_every_directive_is_cut(text: str, left: str) -> None:
    assert left == cut(text).text


@pytest.mark.parametrize(
    "text",
    ["", "Hi", "@@tokenhubby x=1", "x@@tokenhub mode=cheap", "`@@tokenhub`", '"@@tokenhub x"',
     "@@TokenHub mode=cheap", "@ @tokenhub mode=cheap", "@@@tokenhub mode=cheap", "a \n\r\n "],
)  # fmt: skip
def test_what_is_no_marker_stays(text: str) -> None:
    found = cut(text)

    assert text == found.text
    assert found.first is None


@given(TEXTS)
def test_a_second_cut_finds_nothing_and_no_marker_is_left(text: str) -> None:
    once = cut(text)

    assert once.text == cut(once.text).text
    assert cut(once.text).first is None
    assert all(MARKER != word for word in once.text.split())


@given(TEXTS | st.text())
def test_a_text_without_a_marker_is_untouched(text: str) -> None:
    found = cut(text)

    assert (MARKER in text.split()) == (found.first is not None)
    assert found.first is not None or text == found.text


@given(TEXTS)
def test_reading_gives_orders_or_says_what_is_wrong(text: str) -> None:
    first = cut(text).first

    error = None
    try:
        found = Orders() if first is None else orders(first)
    except BadRequest as refused:
        error, found = refused, Orders()

    assert (first is None or error is not None) == (Orders() == found)
    assert error is None or "invalid_directive" == error.code


@pytest.mark.parametrize(
    "unit",
    [
        "@@tokenhub\n",
        "@@tokenhub ",
        "x@@tokenhub ",
        "@@tokenhub\nmode=cheap\n@@end\n",
        "@@tokenhub\nx=1\n",
        "a= @@tokenhub\n",
        "@@tokenhub\n@@end\n",
        "@@tokenhub x=1 ",
        "x=1 ",
        "@@tokenhub output_schema=",
    ],
)
def test_a_megabyte_of_it_takes_linear_time(unit: str) -> None:
    text = "@@tokenhub\n" + unit * (1_000_000 // len(unit))
    line = "@@tokenhub " + unit * (1_000_000 // len(unit))
    began = time.process_time()  # the processor's time, whatever else runs

    for whole in (text, line):
        with pytest.raises(BadRequest):
            read(whole)

    # A square would take minutes.
    assert time.process_time() - began < 1


def test_more_directives_than_anybody_writes_are_refused() -> None:
    line = "@@tokenhub mode=cheap\n"

    with pytest.raises(BadRequest, match="more than 1000") as caught:
        cut(line * 1_001)

    assert ("invalid_directive", "directive") == (caught.value.code, caught.value.field)
    assert ("", 1_000) == (cut(line * 1_000).text, cut(line * 1_000).count)


def test_a_block_is_as_long_as_its_longest_schema_and_no_longer() -> None:
    schema = json.dumps({"type": "object", "description": "x" * 65_000})
    block = f"@@tokenhub\nmode=cheap\noutput_schema={schema}\n@@end\nHi"

    assert schema == read(block).schema
    assert "Hi" == cut(block).text
    for long in ("\n" * 65, "\n" * 64 + "mode=cheap\n", f"output_schema={'y' * 80_000}\n"):
        with pytest.raises(BadRequest, match="has no end"):
            read(f"@@tokenhub\n{long}@@end\nHi")


@pytest.mark.parametrize("blanks", [0, 62])
def test_a_block_of_few_lines_ends(blanks: int) -> None:
    text = "@@tokenhub\n" + "\n" * blanks + "mode=cheap\n@@end\nHi"

    assert Wish(mode="cheap") == read(text).wish
    assert "Hi" == cut(text).text


# --- Reading


def test_everything_on_one_line() -> None:
    text = (
        '@@tokenhub mode=cheap budget=0.01  latency=5000\tmin_weight=3 output_schema={"a": [1, 2]}'
    )

    found = read(text)

    wish = Wish(mode="cheap", max_budget_nusd=10_000_000, max_latency_s=5.0, min_weight=3)
    assert Orders(wish=wish, schema='{"a": [1, 2]}') == found


def test_everything_in_a_block() -> None:
    text = (
        "@@tokenhub\r\n output_schema = true \r\nmode=high_confidence\r\n\r\n"
        "latency=1\r\nbudget=1e2\r\nmin_weight=0\r\n@@end"
    )

    found = read(text)

    wish = Wish(
        mode="high_confidence", max_budget_nusd=100 * 10**9, max_latency_s=0.001, min_weight=0
    )
    assert Orders(wish=wish, schema="true") == found


def test_weight_of_the_seeds_example_is_clamped_and_noted() -> None:
    text = (
        "@@tokenhub\nmode=high_confidence\nmin_weight=80\n"
        'output_schema={"type":"object","required":["answer"]}\n@@end\n'
    )

    found = read(text)

    assert 10 == found.wish.min_weight
    assert ("min_weight: the directive asked for 80, and 10 is the highest",) == found.notes


def test_a_budget_too_small_to_count_is_a_budget() -> None:
    assert 1 == read("@@tokenhub budget=1e-300").wish.max_budget_nusd


def test_only_the_first_of_a_text_is_read() -> None:
    found = read("@@tokenhub mode=cheap\n@@tokenhub budget=wrong\n@@tokenhub mode=normal")

    assert Orders(wish=Wish(mode="cheap")) == found


@pytest.mark.parametrize(
    ("line", "key", "allowed"),
    [
        ("budget=0", "budget", "USD above 0 and at most 100"),
        ("budget=101", "budget", "at most 100"),
        ("budget=1e9", "budget", "at most 100"),
        ("budget=-1", "budget", "above 0"),
        ("budget=nan", "budget", "above 0"),
        ("budget=inf", "budget", "above 0"),
        ("budget=1_0", "budget", "above 0"),
        ("budget=٣", "budget", "above 0"),
        ("budget=$1", "budget", "above 0"),
        ("budget=1e-400", "budget", "above 0"),
        ("latency=0", "latency", "from 1 to 300000"),
        ("latency=300001", "latency", "from 1 to 300000"),
        ("latency=1.5", "latency", "whole milliseconds"),
        ("latency=" + "9" * 5000, "latency", "from 1 to 300000"),
        ("mode=turbo", "mode", "cheap, normal, high_confidence, planning, adversarial"),
        ("mode=Cheap", "mode", "cheap"),
        ("min_weight=-1", "min_weight", "from 0 to 1000"),
        ("min_weight=1001", "min_weight", "from 0 to 1000"),
        ("min_weight=x", "min_weight", "from 0 to 1000"),
        ("output_schema=", "output_schema", "has no value"),
        ("output_schema={", "output_schema", "a JSON object"),
        ("output_schema=[]", "output_schema", "a JSON object"),
        ("output_schema=NaN", "output_schema", "a JSON object"),
        ('output_schema={"a":"\ud800"}', "output_schema", "a JSON object"),
        ("output_schema=" + '{"a":' * 100_000, "output_schema", "a JSON object"),
        ("output_schema={} mode=cheap", "output_schema", "last key"),
        ("mode", "mode", "has no value"),
        ("mode=", "mode", "has no value"),
        ("mode=cheap mode=cheap", "mode", "twice"),
        ("model=gpt", "model", "the keys are mode, budget, latency, min_weight, output_schema"),
        ("Mode=cheap", "Mode", "is not known"),
        ("provider=x mode=cheap", "provider", "is not known"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(line: str, key: str, allowed: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(f"@@tokenhub {line}\nHi")

    assert ("invalid_directive", f"directive.{key}") == (caught.value.code, caught.value.field)
    assert str(caught.value).startswith(f"directive.{key} ")
    assert allowed in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi @@tokenhub", "is empty"),
        ("Hi @@tokenhub  ", "is empty"),
        ("@@tokenhub\n@@end", "is empty"),
        ("@@tokenhub\n", "has no end"),
        ("@@tokenhub\nmode=cheap\n", "has no end"),
        ("@@tokenhub\nmode=cheap\n@@tokenhub\nmode=cheap\n@@end", "has no end"),
        ("@@tokenhub\nmode=cheap\nPlease, dear model\n@@end", "made of key=value"),
        ("@@tokenhub =cheap", "made of key=value"),
        ("@@tokenhub " + "secret" * 10, "made of key=value"),
    ],
)
def test_a_directive_wrong_as_a_whole_repeats_nothing_of_the_text(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        read(text)

    assert ("invalid_directive", "directive") == (caught.value.code, caught.value.field)
    assert "dear" not in str(caught.value)
    assert "secret" not in str(caught.value)


# --- Obeying


def test_an_ask_without_directives_is_itself() -> None:
    ask = an_ask()

    assert ask is obeyed(ask)


def test_an_ask_is_changed_as_directed_once() -> None:
    directed = Directed(payload=b"{}", input_tokens=3, wish=Wish(mode="cheap"), schema="true")

    ask = obeyed(an_ask(directed=directed, schema="false", input_tokens=9))

    assert (b"{}", 3, "true") == (ask.payload, ask.input_tokens, ask.schema)
    assert directed is ask.orders
    assert ask is obeyed(ask)


def test_the_requests_own_schema_stays_where_none_is_ordered() -> None:
    ask = obeyed(an_ask(directed=Directed(payload=b"{}", input_tokens=3), schema="false"))

    assert "false" == ask.schema


def test_what_is_wrong_is_raised_when_it_is_to_be_obeyed() -> None:
    error = BadRequest("no", code="invalid_directive", field="directive.mode")
    ask = an_ask(directed=Directed(payload=b"{}", input_tokens=3, error=error))

    with pytest.raises(BadRequest) as caught:
        obeyed(ask)

    assert error is caught.value
