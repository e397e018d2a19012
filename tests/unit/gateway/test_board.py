"""Who is closed, why and for how long; and that it is never a secret."""

import logging

import pytest

from tests.support.builders import a_catalog, a_model, a_provider
from tests.support.clock import FakeClock
from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    COOLING_S,
    DOWN_AFTER,
    FIRST_DOWN_S,
    PROBE_S,
    REFUSED_S,
    Probe,
    State,
    state,
)
from tokenhub.core.signals import Closed
from tokenhub.gateway.board import Board

PATIENCE_S = 30.0
CATALOG = a_catalog(a_model("m", "a"), a_model("n", "a"), a_model("m", "b"))
M, N = CATALOG.by_route["a/m"], CATALOG.by_route["a/n"]


class Watched:
    """A board and the clock that it goes by."""

    def __init__(self):
        self.clock = FakeClock()
        self.board = Board(self.clock, patience_s=PATIENCE_S, draw=lambda: 0.0)

    def fail(self, kind, *, times=1, route=M, **more):
        for _ in range(times):
            self.board.failed(route, kind, **({"latency_s": 1.0} | more))

    def probe(self, kind=None, *, status=0, times=1):
        for _ in range(times):
            self.board.probed(M.provider, kind, status=status, latency_s=0.5)

    def state(self, name="a"):
        return state(self.board.known()[name].health, self.clock.monotonic())

    def closed(self):
        return dict(self.board.closed(CATALOG))


def test_a_route_that_fails_is_closed_and_its_neighbours_are_not():
    watched = Watched()

    watched.fail(Kind.BROKEN, times=DOWN_AFTER)

    assert {"a/m": Closed("health_down", 1000 * FIRST_DOWN_S)} == watched.closed()
    assert watched.board.let_in(N, last=False)


@pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.CREDENTIAL, Kind.EXHAUSTED])
def test_what_is_wrong_with_connection_or_key_closes_the_provider(kind):
    watched = Watched()

    watched.fail(kind, times=DOWN_AFTER)

    assert ["a"] == list(watched.closed())
    assert not watched.board.let_in(N, last=False)


def test_one_place_is_given_after_the_time_and_then_all():
    watched = Watched()
    watched.fail(Kind.LOST, times=DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S)

    assert {} == watched.closed()
    assert [True, False] == [watched.board.let_in(M, last=False) for _ in range(2)]
    assert {"a/m": Closed("health_down", 1000 * PROBE_S)} == watched.closed()

    watched.board.succeeded(M)

    assert {} == watched.closed()
    assert [True, True] == [watched.board.let_in(M, last=False) for _ in range(2)]


def test_the_last_that_is_left_is_asked_even_when_it_is_down():
    watched = Watched()
    watched.fail(Kind.LOST, times=DOWN_AFTER)

    assert watched.board.let_in(M, last=True)
    assert not watched.board.let_in(M, last=False)


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.CREDENTIAL])
def test_who_throttles_or_refuses_the_key_is_not_asked_at_all(kind):
    watched = Watched()
    watched.fail(kind)

    assert not watched.board.let_in(M, last=True)


def test_throttling_ends_by_itself():
    watched = Watched()
    watched.fail(Kind.THROTTLED)
    assert {"a/m": Closed("cooling_down", 1000 * COOLING_S)} == watched.closed()

    watched.clock.tick(COOLING_S)

    assert {} == watched.closed()
    assert watched.board.let_in(M, last=False)


def test_a_caller_in_a_hurry_says_nothing_of_a_provider():
    watched = Watched()

    watched.fail(Kind.TIMEOUT, times=9, latency_s=PATIENCE_S - 1)
    assert {} == watched.board.known()

    watched.fail(Kind.TIMEOUT, times=DOWN_AFTER, latency_s=PATIENCE_S)
    assert ["a/m"] == list(watched.closed())


def test_a_provider_that_was_changed_is_thought_of_anew():
    watched = Watched()
    watched.fail(Kind.CREDENTIAL)
    changed = a_catalog(a_model("m", "a"), providers=[a_provider("a", version=7)])

    assert {} == watched.board.closed(changed)
    assert {} == watched.board.known()


def test_what_was_met_is_counted():
    watched = Watched()
    watched.board.succeeded(M)
    watched.fail(Kind.LOST)
    watched.fail(Kind.CLIENT)

    known = watched.board.known()["a/m"]

    assert (2, 1, "lost") == (known.calls, known.errors, known.last_failure)


# --- places


def test_caller_who_leaves_gives_the_place_back_that_was_taken_for_it():
    watched = Watched()
    watched.fail(Kind.LOST, times=DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S)
    assert watched.board.let_in(M, last=False)

    watched.board.left(M)

    assert watched.board.let_in(M, last=False)


@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.TIMEOUT])
def test_request_that_says_nothing_of_health_gives_its_place_back(kind):
    watched = Watched()
    watched.fail(Kind.LOST, times=DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S)
    assert watched.board.let_in(M, last=False)

    watched.fail(kind, latency_s=1.0)

    assert watched.board.let_in(M, last=False)


@pytest.mark.parametrize("kind", [Kind.OVERLOADED, Kind.CLIENT, Kind.THROTTLED, Kind.MISSING])
def test_an_answer_of_any_kind_shows_that_the_connection_is_back(kind):
    watched = Watched()
    watched.fail(Kind.UNREACHABLE, times=DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S)
    assert watched.board.let_in(M, last=False)

    watched.fail(kind)

    assert State.HEALTHY is watched.state()
    assert watched.board.let_in(N, last=False)


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.TIMEOUT])
def test_the_one_that_was_let_in_and_got_no_answer_keeps_its_provider_down(kind):
    watched = Watched()
    watched.fail(Kind.UNREACHABLE, times=DOWN_AFTER)
    watched.clock.tick(FIRST_DOWN_S)
    assert watched.board.let_in(M, last=False)

    watched.fail(kind, latency_s=PATIENCE_S)

    assert {"a": Closed("health_down", 2000 * FIRST_DOWN_S)} == watched.closed()


# --- refused


def test_a_route_that_the_key_may_not_use_is_out_and_its_neighbours_are_not():
    watched = Watched()

    watched.fail(Kind.FORBIDDEN)

    assert {"a/m": Closed("credential_out", 1000 * REFUSED_S)} == watched.closed()
    assert watched.board.let_in(N, last=False)


def test_two_refused_routes_without_an_answer_between_are_the_key():
    watched = Watched()
    watched.fail(Kind.FORBIDDEN)
    watched.clock.tick(1)

    watched.fail(Kind.FORBIDDEN, route=N)

    assert State.CREDENTIAL is watched.state("a")


def test_two_refused_routes_with_an_answer_between_are_two_routes():
    watched = Watched()
    watched.fail(Kind.FORBIDDEN)
    watched.clock.tick(1)
    watched.board.succeeded(N)
    watched.clock.tick(1)

    watched.fail(Kind.FORBIDDEN, route=N)

    assert ["a/m", "a/n"] == sorted(watched.closed())


def test_the_same_route_refused_twice_is_one_route():
    watched = Watched()

    watched.fail(Kind.FORBIDDEN, times=2)

    assert ["a/m"] == list(watched.closed())


@pytest.mark.parametrize("kind", [Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.FORBIDDEN])
def test_who_is_out_until_an_operator_acts_is_told_of_once_and_when_it_is_back(kind, caplog):
    caplog.set_level(logging.INFO)
    watched = Watched()

    watched.fail(kind, times=3)
    watched.clock.tick(REFUSED_S)
    watched.fail(kind)
    watched.board.succeeded(M)

    alert, back = caplog.records
    assert (logging.ERROR, "credential_out") == (alert.levelno, alert.getMessage())
    assert ("a", str(kind)) == (alert.provider_id, alert.last_error)
    assert alert.advice
    assert (logging.INFO, "health_recovered") == (back.levelno, back.getMessage())


# --- probes


def test_a_probe_is_no_call_and_no_answer():
    watched = Watched()

    watched.probe()
    watched.probe(Kind.UNREACHABLE)

    known = watched.board.known()["a"]
    assert (0, 0, 0.0, "") == (known.calls, known.errors, known.succeeded_at, known.last_failure)
    assert 1 == known.health.missed


def test_probes_are_kept_with_when_the_next_is_due():
    watched = Watched()
    now = watched.clock.monotonic()

    watched.board.plan("a", now + 30)
    watched.probe(Kind.UNREACHABLE)

    seen = Probe(at=now, kind="unreachable", latency_s=0.5, next_at=now + 30)
    assert {"a": seen} == watched.board.probes()

    watched.board.plan("a", None)

    assert {} == watched.board.probes()


def test_a_provider_that_probes_do_not_find_is_down_and_told_of(caplog):
    watched = Watched()

    watched.probe(Kind.UNREACHABLE, times=DOWN_AFTER)

    assert {"a": Closed("health_down", 1000 * FIRST_DOWN_S)} == watched.closed()
    (told,) = caplog.records
    assert ("health_lost", "unreachable") == (told.getMessage(), told.last_error)


def test_a_probe_does_not_let_in_a_route_that_failed():
    watched = Watched()
    watched.fail(Kind.LOST, times=DOWN_AFTER)

    watched.probe()

    assert {"a/m": Closed("health_down", 1000 * FIRST_DOWN_S)} == watched.closed()


def test_a_good_probe_lets_one_request_in_at_once():
    watched = Watched()
    watched.fail(Kind.UNREACHABLE, times=DOWN_AFTER)

    watched.probe()

    assert State.HALF_OPEN is watched.state()
    assert [True, False] == [watched.board.let_in(M, last=False) for _ in range(2)]


def test_only_those_in_the_catalog_are_kept():
    watched = Watched()
    watched.fail(Kind.UNREACHABLE, times=DOWN_AFTER)
    watched.fail(Kind.BROKEN, times=DOWN_AFTER, route=N)
    watched.fail(Kind.BROKEN, times=DOWN_AFTER, route=CATALOG.by_route["b/m"])

    watched.board.keep(a_catalog(a_model("m", "b")))

    assert {"b/m"} == set(watched.board.known())
    assert {"b/m"} == set(watched.closed())


def test_requests_from_before_a_change_say_nothing_of_what_is_there_now():
    """They keep the catalog that they began with, and may end long after the change."""
    watched = Watched()
    changed = a_catalog(a_model("m", "a"), providers=[a_provider("a", version=7)])
    now = changed.by_route["a/m"]
    watched.fail(Kind.UNREACHABLE, times=DOWN_AFTER, route=now)

    watched.board.succeeded(M)
    watched.fail(Kind.CREDENTIAL)
    before = watched.closed()

    assert {} == before
    assert watched.board.let_in(M, last=False)
    assert not watched.board.let_in(now, last=False)
    assert {"a": Closed("health_down", 1000 * FIRST_DOWN_S)} == watched.board.closed(changed)
