"""What is an opinion, and what takes one back. Bounds and messages: tests/e2e/test_feedback.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.core.feedback import Opinion, opinion, taken_back
from tokenhub.core.rewards import Quality


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


def test_what_is_taken_back_weighs_as_much_the_other_way() -> None:
    said = Quality(request_id="r", provider_id="p", model_id="m", score=0.3, weight=0.5, at=1.0)

    undone = taken_back(said)

    assert (0.0, said.score, said.at) == (said.weight + undone.weight, undone.score, undone.at)
