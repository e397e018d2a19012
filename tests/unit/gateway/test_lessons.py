"""What judgements teach of routes and tasks, and what survives."""

from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.judged import HALF_S
from tokenhub.core.learning import UNTRIED, Taught
from tokenhub.core.rewards import Quality
from tokenhub.gateway.lessons import Lessons


def judgement(route: str, score: float, task: str = "chat", **changes: Any) -> Quality:
    provider_id, _, model_id = route.partition("/")
    given: dict[str, Any] = {
        "request_id": "r",
        "provider_id": provider_id,
        "model_id": model_id,
        "score": score,
        "task": task,
        "at": 0.0,
    }
    return Quality(**given | changes)


def taught(*lessons: tuple[str, float, str], times: int = 1) -> Lessons:
    found = Lessons(lambda: 0.0)
    for _ in range(times):
        for route, score, task in lessons:
            found.judged(judgement(route, score, task))
    return found


def test_nothing_is_known_at_first() -> None:
    assert UNTRIED == Lessons(lambda: 0.0).of("chat", "a/m")


def test_judgements_move_their_own_route_most() -> None:
    lessons = taught(("a/m", 0.2, "chat"), ("a/n", 0.9, "chat"), times=30)

    bad, good = lessons.of("chat", "a/m"), lessons.of("chat", "a/n")
    assert pytest.approx(0.2, abs=0.08) == bad.quality
    assert pytest.approx(0.9, abs=0.08) == good.quality
    assert good.spread < UNTRIED.spread


def test_another_provider_of_a_model_starts_from_it() -> None:
    lessons = taught(("a/m", 0.3, "chat"), ("a/n", 0.9, "chat"), times=50)

    assert pytest.approx(0.3, abs=0.1) == lessons.of("chat", "b/m").quality
    assert lessons.of("chat", "b/m").spread < lessons.of("chat", "b/new").spread


def test_a_hard_task_is_not_the_fault_of_who_was_asked() -> None:
    lessons = Lessons(lambda: 0.0)
    for _ in range(150):
        for task, score in (("chat", 0.9), ("maths", 0.5)):
            lessons.judged(judgement("a/m", score, task))
        lessons.judged(judgement("a/n", 0.5, "maths"))

    assert pytest.approx(0.5, abs=0.1) == lessons.of("maths", "a/m").quality
    assert lessons.of("chat", "a/n").quality > lessons.of("maths", "a/n").quality + 0.1


def test_a_strength_is_learned_where_it_shows() -> None:
    lessons = Lessons(lambda: 0.0)
    for _ in range(200):
        for route, task, score in (
            ("a/m", "code", 0.9), ("a/m", "chat", 0.5),
            ("a/n", "code", 0.5), ("a/n", "chat", 0.9),
        ):  # fmt: skip
            lessons.judged(judgement(route, score, task))

    assert lessons.of("code", "a/m").quality > lessons.of("code", "a/n").quality + 0.2
    assert lessons.of("chat", "a/n").quality > lessons.of("chat", "a/m").quality + 0.2


def test_what_was_taught_survives_as_json() -> None:
    lessons = taught(("a/m", 0.4, "chat"), ("b/m", 0.7, "code"), times=7)
    lessons.called("a/m", failed=True)

    kept = msgspec.json.decode(msgspec.json.encode(lessons.taught), type=Taught)
    again = Lessons(lambda: 0.0, kept)

    for task in ("chat", "code", "maths"):
        for route in ("a/m", "b/m", "c/m", "c/x"):
            assert alike(seen(lessons, task, route)) == seen(again, task, route)


def test_what_stands_still_learns_no_more() -> None:
    lessons = taught(("a/m", 0.4, "chat"), times=3)
    still = lessons.still()
    before = still.of("chat", "a/m")

    lessons.judged(judgement("a/m", 1.0))

    assert before == still.of("chat", "a/m") != lessons.of("chat", "a/m")


def test_forgotten_is_as_never_met() -> None:
    lessons = taught(("a/m", 0.4, "chat"), times=3)

    lessons.forget("a/m")

    assert set() == lessons.known()
    assert UNTRIED.spread == lessons.of("maths", "a/m").spread
    lessons.forget_all()
    assert UNTRIED == lessons.of("chat", "a/m")


def test_words_that_are_taken_back_are_no_change_of_the_model() -> None:
    lessons = taught(("a/m", 0.9, "chat"), times=300)

    for _ in range(40):
        lessons.judged(judgement("a/m", 0.0, replaces=0.9))
    taken_back = lessons.of("chat", "a/m").quality
    for _ in range(10):
        lessons.judged(judgement("a/m", 0.9))

    assert pytest.approx(0.71, abs=0.03) == taken_back
    assert pytest.approx(0.72, abs=0.03) == lessons.of("chat", "a/m").quality


@pytest.mark.parametrize(("first", "then"), [(0.0, 1.0), (1.0, 0.0)])
def test_no_number_of_words_taken_back_says_more_than_can_be_said(
    first: float, then: float
) -> None:
    lessons = taught(("a/m", 0.5, "chat"), ("a/n", 0.6, "maths"))

    for _ in range(300):
        lessons.judged(judgement("a/m", then, replaces=first))
    for _ in range(60):
        lessons.judged(judgement("a/m", 0.5))

    assert pytest.approx(0.5, abs=0.1) == lessons.of("chat", "a/m").quality


def test_hope_is_for_what_will_be_judged() -> None:
    """Before anybody judges there is none, and a route that waits for its judge loses it."""
    unjudged = Lessons(lambda: 0.0)
    unjudged.called("a/m", failed=False)
    lessons = taught(("a/m", 0.9, "chat"))
    at_once = lessons.of("chat", "a/m").hope

    for _ in range(60):
        lessons.called("a/m", failed=False)

    assert (0.0, 1.0, 0.25) == (
        unjudged.of("chat", "a/m").hope,
        at_once,
        lessons.of("chat", "a/m").hope,
    )
    assert 1.0 == lessons.of("chat", "b/new").hope


def test_a_call_leaves_what_is_believed_of_others_as_it_is() -> None:
    lessons = taught(("a/m", 0.3, "chat"), ("a/n", 0.9, "chat"))
    called, other = lessons.of("chat", "a/m"), lessons.of("chat", "a/n")

    lessons.called("a/m", failed=True)

    assert other is lessons.of("chat", "a/n")
    assert called.failing < lessons.of("chat", "a/m").failing


def test_what_was_judged_long_ago_counts_less_though_nothing_happens() -> None:
    now = [0.0]
    lessons = Lessons(lambda: now[0])
    for _ in range(30):
        lessons.judged(judgement("a/m", 0.2))
    fresh = lessons.of("chat", "a/m")

    now[0] = 2 * HALF_S

    assert fresh.spread < lessons.of("chat", "a/m").spread


ROUTES = ("a/m", "b/m", "a/n", "a/o")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ROUTES),
            st.sampled_from(["chat", "code"]),
            st.one_of(st.none(), st.booleans(), st.floats(0.4, 0.9)),
        ),
        max_size=30,
    )
)
def test_what_is_kept_is_what_would_be_worked_out_anew(
    happened: list[tuple[str, str, float | bool | None]],
) -> None:
    lessons = Lessons(lambda: 0.0)
    for route, task, what in happened:
        if what is None:
            lessons.forget(route)
        elif isinstance(what, bool):
            lessons.called(route, failed=what)
        else:
            lessons.judged(judgement(route, what, task))

        anew = Lessons(lambda: 0.0, lessons.taught)
        for name in ROUTES:
            for kind in ("chat", "code"):
                assert alike(seen(anew, kind, name)) == seen(lessons, kind, name)


# What depends on each other is worked out in turn.
alike = partial(pytest.approx, abs=0.03)


def seen(lessons: Lessons, task: str, route: str) -> tuple[float, ...]:
    return msgspec.structs.astuple(lessons.of(task, route))


def test_a_judgement_says_at_once_what_it_says_of_its_own_route_and_of_others_soon() -> None:
    """With hundreds of routes each request has a few worked out, and after a second all were."""
    now = [0.0]
    lessons = Lessons(lambda: now[0])
    lessons.judged(judgement("a/m", 0.9))
    names = [f"a/{number}" for number in range(100)]
    for _ in range(100):
        now[0] += 0.1
        own = lessons.of("chat", "a/m")
        others = [lessons.of("chat", name) for name in names]

    lessons.judged(judgement("a/m", 0.0))
    at_once = lessons.of("chat", "a/m")
    few = [lessons.of("chat", name) for name in names]
    for _ in range(20):
        now[0] += 0.1
        all_ = [lessons.of("chat", name) for name in names]

    assert own.quality > at_once.quality
    assert 50 < sum(before is after for before, after in zip(others, few, strict=True))
    assert all(before.quality > after.quality for before, after in zip(others, all_, strict=True))


def test_who_asks_for_all_that_was_learned_gets_all_of_it() -> None:
    lessons = taught(("a/m", 0.5, "chat"), ("b/m", 0.5, "chat"))
    before = {(one.route, one.task): one.arm.quality for one in lessons.standings()}

    lessons.judged(judgement("a/m", 0.0))

    after = {(one.route, one.task): one.arm.quality for one in lessons.standings()}
    assert all(after[name] < quality for name, quality in before.items())
