"""traffic: what the demo sends."""

from itertools import islice

from tokenhub.commands.traffic import questions
from tokenhub.core.catalog import MODES

MODELS = ("large", "small")


def test_the_same_seed_asks_the_same_questions():
    first = list(islice(questions(MODELS, seed=7), 50))

    assert list(islice(questions(MODELS, seed=7), 50)) == first
    assert list(islice(questions(MODELS, seed=8), 50)) != first


def test_every_mode_and_model_is_asked_for_whole_and_streamed():
    asked = {question.asked for question in islice(questions(MODELS), 1000)}

    assert {
        f"{what}, {how}" for what in (*MODES, *MODELS, "auto") for how in ("whole", "streamed")
    } == asked
