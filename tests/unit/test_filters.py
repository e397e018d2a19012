import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.filters import (
    FIELDS,
    LEAST,
    MOST,
    Filter,
    FilterError,
    Numbers,
    Term,
    Text,
    equal,
    of_rows,
    parse,
)

PAGE = (Path(__file__).parents[2] / "docs/admin/logs.md").read_text(encoding="utf-8")
NOW = 1_763_640_000.0


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def table(heading):
    """The rows of a table of the page, by its first line."""
    lines = PAGE.partition(heading + "\n")[2].splitlines()[1:]
    return [cells(line) for line in lines[: next(i for i, x in enumerate(lines) if not x)]]


def rows():
    """The rows of the page as the API would show them."""
    for number, model, key, mode, status, error, ms, cost, tries in table(
        "| id | model | key | mode | status | error | ms | cost | tries |"
    ):
        yield (
            number,
            {
                "model_id": model,
                "api_key_name": key,
                "mode": mode,
                "status_code": int(status),
                "error_class": error,
                "latency_ms": float(ms),
                "estimated_cost_usd": float(cost) if cost else None,
                "attempts": [{}] * int(tries),
            },
        )


EXAMPLES = [(text.strip("`"), found) for text, found in table("| filter | finds |")]


@pytest.mark.parametrize(("text", "found"), EXAMPLES)
def test_an_example_of_the_page_finds_what_it_says(text, found):
    wanted = parse(text)

    assert found.split() == [number for number, row in rows() if wanted.matches(row)]


def test_the_page_has_examples():
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize(
    "text", re.findall(r"^\| `([^`]+)` \| (?:has|is|lies|4|was|be)", PAGE, re.MULTILINE)
)
def test_what_the_page_writes_can_be_read(text):
    assert parse(text, now=NOW).terms


def test_every_field_is_on_the_page():
    (fields,) = re.findall(r"\| field \| \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)

    named = {name for line in fields.splitlines() for name in re.findall("`([a-z]+)`", line[:60])}
    assert set(FIELDS) <= named


def test_the_line_of_the_issue_is_seven_terms():
    found = parse("model:gpt status:error ms>2000 cost>0.01 key:ci !mode:cheap text")

    assert (
        Term("model", Text(("gpt",), exact=False)),
        Term("status", Numbers(((400, MOST),))),
        Term("ms", Numbers(((2_000_001, MOST),))),
        Term("cost", Numbers(((10_000_001, MOST),))),
        Term("key", Text(("ci",), exact=False)),
        Term("mode", Text(("cheap",), exact=False), negated=True),
        Term("text", Text(("text",), exact=False)),
    ) == found.terms


def test_nothing_is_everything():
    assert Filter() == parse("  ")
    assert parse("").matches({})


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("in>2.5", ((3, MOST),)),
        ("in>=2.5", ((3, MOST),)),
        ("in<2.5", ((LEAST, 2),)),
        ("in<=2.5", ((LEAST, 2),)),
        ("in>2", ((3, MOST),)),
        ("in<2", ((LEAST, 1),)),
        ("in=2,4", ((2, 2), (4, 4))),
        ("in:2.5", ((3, 2),)),
        ("in:1..3,7..", ((1, 3), (7, MOST))),
        ("ms:2s", ((2_000_000, 2_000_000),)),
        ("cost:$0.5", ((500_000_000, 500_000_000),)),
        ("status:4xx,200", ((400, 499), (200, 200))),
        ("stream:YES", ((1, 1),)),
        ("LATENCY_MS>1", ((1001, MOST),)),
        ("since:2h30m", (((round(NOW) - 9000) * 1000, MOST),)),
        ("since:2025-11-20", ((1_763_596_800_000, MOST),)),
        ("until:2025-11-20T01:00:00+01:00", ((LEAST, 1_763_596_799_999),)),
        ("since:999999999w" + "999999999w" * 9, ((LEAST, MOST),)),
    ],
)
def test_numbers_are_ranges_of_the_servers_unit(text, ranges):
    (term,) = parse(text, now=NOW).terms

    assert Numbers(ranges) == term.test


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ('"a b"', Text(("a b",), exact=False)),
        (r'"say \"A\\B\""', Text((r'say "a\b"',), exact=False)),
        ('model="Org,1","b c"', Text(("Org,1", "b c"), exact=True)),
        ("model:a:b", Text(("a:b",), exact=False)),
        ("org/m:1", Text(("org/m:1",), exact=False)),
        ("model:ÄB", Text(("Äb",), exact=False)),
        ('error=""', Text(("",), exact=True)),
    ],
)
def test_texts_may_be_quoted(text, test):
    (term,) = parse(text).terms

    assert test == term.test


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("model:gpt modle:x", 10, "there is no field 'modle'; known: model, provider, key"),
        ("model:", 6, "a value for model is missing"),
        ("model:a, b", 8, "a value for model is missing"),
        ("!", 1, "a word to look for is missing"),
        ('model:"a', 6, "the closing quote is missing"),
        ('model:"a"b', 9, "a space must follow"),
        ("ms>fast", 3, "'fast' is not milliseconds such as 250, or 2s"),
        ("cost>1s", 5, "is not USD such as 0.01"),
        ("in>$1", 3, "is not a number"),
        ("status:6xx", 7, "is not a number such as 429, a class"),
        ("ms:..", 3, "a range needs a beginning or an end"),
        ("ms>1,2", 2, "one value can stand behind >"),
        ("model>a", 5, "model is a text, which takes : or ="),
        ('model:a,""', 5, 'model="" asks for none'),
        ("stream>1", 7, "stream takes yes or no"),
        ("since>2h", 5, "since takes a colon"),
        ("since:1h,2h", 9, "since takes one time"),
        ("since:soon", 6, "'soon' is no time; give one such as 2h"),
        ("until:2h", 6, "only dates such as"),
        ("cost>1" + "0" * 20, 5, "larger than anything"),
        ("a\x00b", 1, "no control characters"),
        ("a " * 51, 102, "50 terms"),
        ("in=" + "1," * 100 + "1", 3, "100 values"),
        ("a" * 2001, 2000, "2000 characters"),
    ],
)
def test_what_is_wrong_is_pointed_at(text, position, told):
    with pytest.raises(FilterError, match=re.escape(told)) as wrong:
        parse(text)

    assert position == wrong.value.position
    assert str(wrong.value).endswith(f"(at character {position + 1})")


def place_of_error(text):
    """Where a text goes wrong as a filter; 0 where it does not, once it was held against a row."""
    try:
        parse(text, now=NOW).matches({"model_id": "m", "timestamp": "2026-01-31T10:00:00.000Z"})
    except FilterError as error:
        return error.position
    return 0


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_an_error_with_its_place(text):
    assert 0 <= place_of_error(text) <= len(text)


PIECES = st.sampled_from([*FIELDS, ":", "=", ">", "<=", "!", ",", '"', "..", "1", "2h", " ", "a"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_pieces_of_the_grammar_in_any_order_do_no_harm(text):
    assert 0 <= place_of_error(text) <= len(text)


def test_a_field_that_a_row_has_not_is_empty():
    assert not parse("model:gpt").matches({})
    assert parse('model="" !ms>1').matches({})
    assert not parse("since:2025-11-20").matches({"timestamp": "no time"})


def test_a_key_is_found_by_its_name_without_the_row_having_it():
    wanted = parse("key:ci").naming({"key_1": "CI-bot", "key_2": "web"})

    assert wanted.matches({"api_key_id": "key_1"})
    assert not wanted.matches({"api_key_id": "key_2"})
    assert parse("ci").naming({"key_1": "CI-bot"}).matches({"api_key_id": "key_1"})


def test_the_window_is_what_times_leave():
    wanted = parse("since:2025-11-20 until:2025-11-22 until:2025-11-21 !since:2025-11-20 model:m")

    assert (1_763_596_800_000, 1_763_683_199_999) == wanted.window
    assert ["at", "model"] == [term.field for term in wanted.timeless.terms]
    assert (LEAST, MOST) == Filter().window


def test_values_are_equal_as_a_whole():
    both = equal("model", "gpt") & equal("status", 200)

    assert both.matches({"model_id": "gpt", "status": 200})
    assert not both.matches({"model_id": "gpt-4o", "status": 200})


ROWS: list[dict[str, Any]] = [
    {"id": "gpt-4o", "weight": 8, "enabled": True, "per_1k": None, "scopes": ["chat"]},
    {"id": "haiku", "weight": 3, "enabled": False, "per_1k": 0.0025, "scopes": []},
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt", ["gpt-4o"]),
        ("weight>3", ["gpt-4o"]),
        ("enabled:no", ["haiku"]),
        ("per_1k<0.003", ["haiku"]),
        ("scopes:chat", ["gpt-4o"]),
        ("!id=haiku", ["gpt-4o"]),
    ],
)
def test_rows_of_any_kind_are_filtered_by_their_own_fields(text: str, expected: list[str]) -> None:
    meant = of_rows(text, ROWS)

    assert expected == [row["id"] for row in ROWS if meant(row)]


def test_a_field_that_no_row_has_is_told_with_those_there_are() -> None:
    with pytest.raises(FilterError, match="known: id, weight, enabled, per_1k, scopes"):
        of_rows("model:x", ROWS)


def test_a_model_name_with_a_colon_is_a_word() -> None:
    row = {"model_id": "llama3:8b"}

    assert parse("llama3:8b").matches(row)
    assert not parse("llama3:70b").matches(row)
