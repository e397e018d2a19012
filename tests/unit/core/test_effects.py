"""What is the route's and what the task's, and how sure that is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenhub.core.effects import Effects, effects
from tokenhub.core.judged import NOISE, Cell, Judged

TASKS = ("chat", "code", "maths")


def met(**cells: tuple[float, float]) -> Judged:
    kept = {task: Cell(n, mean) for task, (n, mean) in cells.items()}
    return Judged(kept, NOISE * sum(cell.n for cell in kept.values()))


def test_a_model_starts_from_all_others_and_a_route_from_its_model() -> None:
    good, bad = met(chat=(100, 0.95)), met(chat=(100, 0.6))

    among_good = effects({f"a/{number}": good for number in range(4)}, 0.0)
    among_bad = effects({f"a/{number}": bad for number in range(4)} | {"a/m": good}, 0.0)

    assert among_bad.of("code", "a/new").mean < among_good.of("code", "a/new").mean
    assert pytest.approx(0.92, abs=0.05) == among_bad.of("chat", "b/m").mean
    assert among_bad.of("chat", "b/m").variance < among_bad.of("chat", "b/new").variance


def test_a_route_of_its_own_evidence_leaves_its_parents() -> None:
    believed = effects({"a/m": met(chat=(200, 0.9)), "b/m": met(chat=(200, 0.55))}, 0.0)

    found = believed.of("chat", "b/m")

    assert pytest.approx(0.55, abs=0.05) == found.mean
    assert found.prior < 0.2


def test_routes_that_met_other_tasks_are_not_compared_as_if_they_had_met_the_same() -> None:
    """What nobody can tell apart is open; effects taken in turn would be sure of it."""
    apart = effects({"a/m": met(code=(200, 0.7)), "a/n": met(chat=(200, 0.9))}, 0.0)
    both = effects(
        {
            "a/m": met(code=(200, 0.7), chat=(200, 0.9)),
            "a/n": met(code=(200, 0.7), chat=(200, 0.9)),
        },
        0.0,
    )

    assert apart.of("chat", "a/m").variance > 4 * both.of("chat", "a/m").variance
    assert apart.of("chat", "a/m").variance > 2 * apart.of("code", "a/m").variance
    assert pytest.approx(both.of("chat", "a/n").mean, abs=1e-9) == both.of("chat", "a/m").mean


some_cells = st.dictionaries(
    st.sampled_from(TASKS), st.tuples(st.floats(0.1, 300.0), st.floats(0.0, 1.0)), min_size=1
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(("a/m", "b/m", "a/n", "c/x")), some_cells, min_size=1))
def test_beliefs_are_near_what_was_said_and_surer_than_nothing(
    given_: dict[str, dict[str, tuple[float, float]]],
) -> None:
    believed = effects({name: met(**cells) for name, cells in given_.items()}, 0.0)

    for route in given_:
        for task in TASKS:
            found = believed.of(task, route)
            nothing = believed.of(task, "z/unmet")
            assert -0.5 <= found.mean <= 1.5
            assert 0.0 < found.variance <= nothing.variance + 1e-9
            assert 0.0 < found.prior <= 1.0


@given(some_cells)
def test_names_and_their_order_are_nothing(cells: dict[str, tuple[float, float]]) -> None:
    one, other = met(**cells), met(chat=(7.0, 0.4))

    forward = effects({"a/m": one, "b/n": other}, 0.0)
    backward = effects({"q/y": other, "p/x": one}, 0.0)

    for task in TASKS:
        one_way, other_way = forward.of(task, "a/m"), backward.of(task, "p/x")
        assert pytest.approx(one_way.mean, abs=1e-2) == other_way.mean
        assert pytest.approx(one_way.variance, abs=2e-3) == other_way.variance


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from(("a/m", "b/m", "a/n", "c/x")), st.one_of(st.none(), some_cells)),
        max_size=12,
    )
)
def test_what_comes_a_route_at_a_time_is_as_if_it_had_come_at_once(
    happened: list[tuple[str, dict[str, tuple[float, float]] | None]],
) -> None:
    found = Effects()
    known: dict[str, Judged] = {}
    for route, cells in happened:
        if cells is None:
            known.pop(route, None)
            found.forget(route)
        else:
            known[route] = met(**cells)
            found.learn([(route, known[route])], 0.0)
    anew = effects(known, 0.0)
    # Starts and tasks depend on each other, and slowly where providers of one model disagree.
    for _ in range(60):
        found.learn(known.items(), 0.0)
        anew.learn(known.items(), 0.0)

    assert pytest.approx(anew.total) == found.total
    for task in TASKS:
        for route in ("a/m", "b/m", "a/n", "c/x", "d/m", "d/y"):
            expected, got = anew.of(task, route), found.of(task, route)
            assert pytest.approx(expected.mean, abs=3e-2) == got.mean
            assert pytest.approx(expected.variance, abs=2e-3) == got.variance


def test_a_copy_learns_no_more() -> None:
    believed = effects({"a/m": met(chat=(20, 0.9))}, 0.0)
    copy = believed.copied()
    before = copy.of("chat", "a/m")

    believed.learn([("a/m", met(chat=(200, 0.1), code=(100, 0.1)))], 0.0)

    assert before == copy.of("chat", "a/m") != believed.of("chat", "a/m")
