"""What outcomes teach of the routes, and how it is forgotten."""

from typing import Any

import pytest

from tests.support.builders import a_catalog, a_model
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.core.catalog import Catalog, Provider
from tokenhub.core.failures import Kind
from tokenhub.core.learning import UNTRIED
from tokenhub.core.outcome import Attempt, Expected, Outcome
from tokenhub.core.rewards import Quality
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

    def failing(self, route: str) -> float:
        return self.observed.read(CATALOG).arms.of("", route).failing

    def judge(self, provider: str, score: float) -> None:
        self.observed.judged(
            Quality(
                request_id="r",
                provider_id=provider,
                model_id="m",
                score=score,
                task="chat",
                at=self.clock.now(),
            )
        )

    def quality(self, route: str) -> float:
        return self.observed.read(CATALOG).arms.of("chat", route).quality


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

    assert school.failing("a/m") > UNTRIED.failing > school.failing("b/m")


def test_success_speed_and_price_say_nothing_of_quality() -> None:
    """Else the cheap and fast would be taken for the good, the more the longer it runs."""
    school = School()

    for _ in range(100):
        school.hear(an_attempt("a", latency_s=0.01, cost_nusd=1))
        school.hear(an_attempt("b", latency_s=9.0, cost_nusd=10**8))

    assert {UNTRIED.quality} == {school.quality("a/m"), school.quality("b/m")}


def test_a_judgement_moves_its_route_and_is_told() -> None:
    heard: list[Quality] = []
    school = School()
    board = Board(school.clock, patience_s=30.0, draw=lambda: 0.0)
    school.observed = Observed(MemorySecrets(), board=board, patience_s=30.0, told=heard.append)

    school.judge("a", 0.1)

    assert school.quality("a/m") < UNTRIED.quality
    assert [0.1] == [one.score for one in heard]


def test_a_health_reset_keeps_what_was_judged() -> None:
    school = School()
    school.judge("a", 0.1)
    judged = school.quality("a/m")

    school.observed.forget("a/m")

    assert judged == school.quality("a/m")


@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.CONTEXT, GONE, Kind.TIMEOUT])
def test_faults_that_are_not_its_own_teach_nothing_of_a_route(kind: str) -> None:
    school = School()

    school.hear(an_attempt(kind=kind))

    assert {} == school.observed.read(CATALOG).routes
    assert UNTRIED.failing == school.failing("a/m")


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

    assert {} == school.observed.read(CATALOG).routes


def test_what_has_left_the_catalog_is_forgotten_and_the_rest_is_not() -> None:
    """A model under an old name is another model; and servers whose models change grow no more."""
    school = School()
    school.hear(an_attempt("a", Kind.OVERLOADED), an_attempt("b"))
    school.observed.read(CATALOG)

    left = a_catalog(a_model("m", "b"), version=CATALOG.version + 1)
    seen = school.observed.read(left)
    again = school.observed.read(a_catalog(a_model("m", "a"), a_model("m", "b"), version=3))

    assert ({"b/m"}, {"b/m"}) == (set(seen.routes), school.observed.lessons.known())
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
