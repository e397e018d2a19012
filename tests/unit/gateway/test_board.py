"""Who is closed, why and for how long; and that it is never a secret."""

import pytest

from tests.support.builders import a_catalog, a_model, a_provider
from tests.support.clock import FakeClock
from tokenhub.core.failures import Kind
from tokenhub.core.health import COOLING_S, DOWN_AFTER, FIRST_DOWN_S, PROBE_S
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
