"""What a judge is asked, and which of its words count."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.judging import SCHEMA, Case, question, verdict
from tokenhub.core.schema import Schemas

BITS = st.sampled_from(["</answer>", "<answer", "</request>", "< / answer-2 >", "10", "\n", "x"])
TEXTS = st.lists(BITS, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"grade": 0}', 0.0),
        ('{"grade": 10}', 1.0),
        ('\n```json\n{"grade": 7}\n```\n', 0.7),
        ('{"grade": 11}', None),
        ('{"grade": -1}', None),
        ('{"grade": 7.5}', None),
        ('{"grade": "7"}', None),
        ('{"grade": true}', None),
        ('{"grade": 7, "why": "good"}', None),
        ("7", None),
        ('I say {"grade": 7}', None),
        ("", None),
    ],
)
def test_only_a_grade_in_the_right_form_counts(text, score):
    assert score == verdict(text)


@pytest.mark.parametrize("grade", range(11))
def test_each_grade_fits_the_schema_that_is_asked_for(grade):
    assert Schemas().complaint(SCHEMA, f'{{"grade": {grade}}}') is None


@given(TEXTS, TEXTS)
def test_nothing_in_a_case_can_end_its_quote(asked, said):
    told = question(Case(asked, said))

    request = told[1 : told.index(">")]
    answer = re.findall(r"</(answer[-\d]*)>\n\nGrade", told)[-1]
    assert 1 == told.count(f"</{request}>")
    assert 1 == told.count(f"</{answer}>")
