"""What outcomes teach of the routes, and how it is forgotten."""

from typing import Any

import pytest

from tests.support.builders import a_catalog, a_model
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.core.bandit import Arm
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Attempt, Expected, Outcome
from tokenhub.core.signals import FAILURE_HALF_S
from tokenhub.gateway.board import Board
from tokenhub.gateway.run import GONE
from tokenhub.gateway.signals import COUNT, Observed

CATALOG = a_catalog(a_model("m", "a"), a_model("m", "b"))


class School:
    def __init__(self) -> None:
        self.clock = FakeClock()
        board = Board(self.clock, patience_s=30.0, draw=lambda: 0.0)
        self.observed = Observed(MemorySecrets(), board=board, patience_s=30.0)

    def hear(self, *attempts: Attempt, dialect: str = "openai", **expected: Any) -> None:
        told: dict[str, Any] = {"input_tokens": 10, "max_latency_s": 10.0}
        self.observed.record(
            Outcome(
                request_id="r",
                at=0.0,
                key_id="k",
                dialect=dialect,
                requested_model="m",
                mode="normal",
                reason="",
                attempts=attempts,
                expected=Expected(**told | expected),
            )
        )

    def arms(self, size: str = "small") -> dict[str, Arm]:
        return dict(self.observed.read(CATALOG).arms.get(size, {}))


def an_attempt(provider: str = "a", kind: str = "", **changes: Any) -> Attempt:
    given: dict[str, Any] = {
        "number": 1,
        "provider_id": provider,
        "model_id": "m",
        "state": "settled",
        "kind": kind,
        "latency_s": 5.0,
        "output_tokens": 100,
        "cost_nusd": 0,
    }
    return Attempt(**given | changes)


def test_failure_is_charged_to_the_route_that_failed() -> None:
    school = School()

    school.hear(an_attempt("a", Kind.OVERLOADED), an_attempt("b"))

    assert {"a/m": Arm(1.0, 2.0), "b/m": Arm(1.85, 1.15)} == school.arms()


def test_sizes_are_learned_apart() -> None:
    school = School()

    school.hear(an_attempt(), input_tokens=999)
    school.hear(an_attempt(), input_tokens=10_001)

    assert ({"a/m"}, set(), {"a/m"}) == tuple(
        set(school.arms(size)) for size in ("small", "medium", "large")
    )


@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.CONTEXT, GONE, Kind.TIMEOUT])
def test_faults_that_are_not_its_own_teach_nothing_of_a_route(kind: str) -> None:
    school = School()

    school.hear(an_attempt(kind=kind))

    seen = school.observed.read(CATALOG)
    assert ({}, {}) == (seen.routes, seen.arms)


def test_a_count_teaches_nothing() -> None:
    school = School()

    school.hear(an_attempt(), dialect=COUNT)

    assert {} == school.observed.read(CATALOG).routes


def test_failures_fade_while_nobody_asks() -> None:
    school = School()
    school.hear(an_attempt(kind=Kind.OVERLOADED))
    first = school.observed.read(CATALOG).routes["a/m"].failure_rate

    school.clock.tick(FAILURE_HALF_S)
    later = school.observed.read(CATALOG).routes["a/m"].failure_rate
    school.clock.tick(20 * FAILURE_HALF_S)

    last = school.observed.read(CATALOG).routes["a/m"].failure_rate
    assert pytest.approx([0.1, 0.05, 0.0]) == [first, later, last]


def test_usual_output_is_of_one_answer_and_of_answers_that_were_not_cut() -> None:
    school = School()

    school.hear(an_attempt(output_tokens=300), answers=3, output_limit=200)
    school.hear(an_attempt(output_tokens=10), output_limit=10)
    school.hear(an_attempt(output_tokens=0))

    assert 100 == school.observed.read(CATALOG).routes["a/m"].output_tokens


def test_forgotten_is_as_never_met() -> None:
    school = School()
    school.hear(an_attempt(kind=Kind.OVERLOADED))

    school.observed.forget("a/m")

    seen = school.observed.read(CATALOG)
    assert ({}, {"small": {}}) == (seen.routes, seen.arms)


def test_what_has_left_the_catalog_is_forgotten_and_the_rest_is_not() -> None:
    """A model under an old name is another model; and servers whose models change grow no more."""
    school = School()
    school.hear(an_attempt("a", Kind.OVERLOADED), an_attempt("b"))
    school.observed.read(CATALOG)

    left = a_catalog(a_model("m", "b"), version=CATALOG.version + 1)
    seen = school.observed.read(left)
    again = school.observed.read(a_catalog(a_model("m", "a"), a_model("m", "b"), version=3))

    assert ({"b/m"}, {"b/m"}) == (set(seen.routes), set(seen.arms["small"]))
    assert {"b/m"} == set(again.routes)


def test_a_request_with_an_older_catalog_forgets_nothing() -> None:
    school = School()
    school.observed.read(a_catalog(a_model("m", "a"), a_model("m", "b"), version=5))
    school.hear(an_attempt("a"), an_attempt("b"))

    seen = school.observed.read(a_catalog(a_model("m", "b"), version=4))

    assert {"a/m", "b/m"} == set(seen.routes)


def test_who_lost_a_key_and_whose_is_locked_away_are_told_apart() -> None:
    class Partly(MemorySecrets):
        def away(self, provider: Provider) -> bool:
            return provider.id == "b"

    rows = [Provider(id=name, base_url="http://h", cred_store="vault") for name in "abc"]
    secrets = Partly()
    secrets.hold("c", b"sk")
    board = Board(FakeClock(), patience_s=30.0, draw=lambda: 0.0)

    seen = Observed(secrets, board=board, patience_s=30.0).read(Catalog.build(providers=rows))

    assert ({"a", "b"}, {"b"}) == (seen.without_credential, seen.locked_away)
