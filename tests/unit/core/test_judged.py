"""What is kept of judgements, forgotten of them, and taken for a change."""

from math import sqrt

import pytest

from tokenhub.core.judged import (
    HALF_S,
    MEMORY,
    UNJUDGED,
    Judged,
    after,
    corrected,
    counted,
    noise_of,
)
from tokenhub.core.rng import uniform


def judged(scores: list[float], known: Judged = UNJUDGED, task: str = "chat") -> Judged:
    for score in scores:
        mean = known.cells[task].mean if task in known.cells else score
        known = after(known, task, score, expected=mean, weight=1.0, at=0.0)
    return known


def test_a_mean_and_its_noise_are_those_of_the_scores() -> None:
    known = judged([0.4, 0.8] * 10)

    assert pytest.approx(0.6, abs=0.01) == known.cells["chat"].mean
    assert 0.2 < sqrt(noise_of(known, known.cells)) < 0.25


def test_memory_is_of_about_three_hundred() -> None:
    known = judged([0.9, 0.7] * 2000)

    assert pytest.approx(MEMORY, rel=0.01) == known.cells["chat"].n


def test_what_is_new_of_one_task_forgets_the_others_of_the_route() -> None:
    known = judged([0.9] * 50, judged([0.5] * 50, task="code"))

    assert pytest.approx(50 * (1 - 1 / MEMORY) ** 50, rel=0.2) == known.cells["code"].n
    assert pytest.approx(0.5) == known.cells["code"].mean


def test_weights_count_as_so_many_judgements() -> None:
    known = judged([0.5] * 4)

    light, heavy = (
        after(known, "chat", 1.0, expected=0.5, weight=weight, at=0.0).cells["chat"]
        for weight in (0.5, 2.0)
    )

    assert 0.5 < light.mean < heavy.mean < 1.0


@pytest.mark.parametrize("scores", [[0.6, 0.65], [0.99, 1.0]])
def test_a_sudden_change_is_believed_within_a_dozen(scores: list[float]) -> None:
    known = judged([0.85, 0.8, 0.75] * 60)

    known = judged(scores * 6, known)

    assert known.cells["chat"].n < 20
    assert pytest.approx(sum(scores) / 2, abs=0.06) == known.cells["chat"].mean


@pytest.mark.parametrize("part", [0.7, 0.8, 0.9])
def test_chance_is_not_taken_for_a_change(part: float) -> None:
    scores = [float(uniform(7, number) < part) for number in range(3000)]

    known = judged(scores)

    assert known.cells["chat"].n > 0.9 * MEMORY


def test_what_is_old_counts_half_after_a_fortnight() -> None:
    known = judged([0.9] * 10)

    assert pytest.approx(known.cells["chat"].n / 2) == counted(known, HALF_S)["chat"].n


def test_a_judgement_that_was_thought_better_of_stands_in_place_of_the_first() -> None:
    known = judged([0.5, 0.7, 0.0])

    mended = corrected(known, "chat", 0.6, 0.0, weight=1.0)

    assert pytest.approx(judged([0.5, 0.7, 0.6]).cells["chat"].mean, abs=0.01) == (
        mended.cells["chat"].mean
    )
    assert known.cells["chat"].n == mended.cells["chat"].n


def test_a_word_that_is_taken_back_counts_for_no_change_any_more() -> None:
    known = judged([0.0] * 6, judged([0.85, 0.8, 0.75] * 60))

    for _ in range(6):
        known = corrected(known, "chat", 0.8, 0.0, weight=1.0)
    later = judged([0.0] * 3, known)

    assert 0.0 == known.fell.sum
    assert later.cells["chat"].n > 100


@pytest.mark.parametrize(("first", "then"), [(0.0, 1.0), (1.0, 0.0)])
def test_words_taken_back_stay_within_what_can_be_said(first: float, then: float) -> None:
    known = judged([0.5, 0.6] * 5)

    for _ in range(300):
        known = corrected(known, "chat", then, first, weight=1.0)

    assert 0.0 <= known.cells["chat"].mean <= 1.0
    assert 0.0 <= known.squares <= 2.5
    assert known.rose == known.fell
