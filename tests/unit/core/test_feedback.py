"""What is an opinion. Bounds and messages: tests/e2e/test_feedback.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.core.feedback import Opinion, opinion


@given(st.floats(0, 1))
def test_a_score_is_kept_as_it_is(score: float) -> None:
    assert Opinion(request_id="r", score=score) == opinion("r", score=score)


@given(st.floats(allow_nan=True).filter(lambda score: not 0 <= score <= 1))
def test_no_other_number_is_a_score(score: float) -> None:
    with pytest.raises(BadRequest, match="from 0 to 1"):
        opinion("r", score=score)


@pytest.mark.parametrize(
    ("thumbs", "score"), [("up", 1.0), (True, 1.0), ("down", 0.0), (False, 0.0)]
)
def test_thumbs_are_the_ends_of_the_scale(thumbs, score):
    assert score == opinion("r", thumbs=thumbs).score
