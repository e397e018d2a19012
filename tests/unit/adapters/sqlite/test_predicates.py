"""A filter as SQL: how many rows may be looked at for it."""

import pytest

from tokenhub.adapters.sqlite.predicates import plan_of
from tokenhub.filters import parse

WORDS = " ".join(f"!zq{number}" for number in range(49))
VALUES = " ".join("!asked:" + ",".join(f"{number}z" for number in range(90)) for _ in range(5))


@pytest.mark.parametrize("text", [WORDS, VALUES])
def test_the_dearest_filter_looks_at_few_rows_and_goes_on_from_there(text):
    """All searches share a thread: at 10,000 rows such a filter held it for seconds."""
    assert 1_000 >= plan_of(parse(text)).rows_at_once


@pytest.mark.parametrize(("text", "least"), [("ms>2000", 100_000), ("two words", 10_000)])
def test_a_usual_filter_looks_at_many(text, least):
    assert least <= plan_of(parse(text)).rows_at_once
