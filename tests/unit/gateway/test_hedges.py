"""hedges: what each route has taught, one cap for all, and nothing of routes that are gone."""

import pytest

from tests.support.builders import a_catalog, a_model, a_provider
from tokenhub.app.data_plane import hedging as _hedging
from tokenhub.gateway.hedges import Hedges
from tokenhub.ports.hedging import NoHedges
from tokenhub.ports.snapshot import Snapshot
from tokenhub.settings import load

CATALOG = a_catalog(a_model("slow", "a"), a_model("slow", "b"), a_model("quick", "a"))
QUICK, SLOW, OTHER = CATALOG.routes


def feed(hedges, route, *, stream=True, count=2000, slow=0.08):
    """Requests of a route of whose calls some are slow; how many second ones went out."""
    fired = 0
    for number in range(count):
        took_s = 30.0 if number % 100 < 100 * slow else 1.0 + number % 7 / 10
        hedges.sent(route, 1000)
        after_s = hedges.after_s(route, stream=stream)
        if after_s is None or took_s <= after_s or not hedges.fire(OTHER, 1000):
            hedges.heard(route, stream=stream, took_s=took_s)
            continue
        fired += 1
        hedges.heard(OTHER, stream=stream, took_s=1.0)
        hedges.lost(route, stream=stream, after_s=after_s + 1.0)
    return fired


def test_a_slow_route_gets_second_requests_and_its_neighbour_none():
    hedges = Hedges(Snapshot(CATALOG), percent=15)

    assert feed(hedges, SLOW) > 100
    assert 0 == feed(hedges, QUICK, slow=0)


def test_streams_and_whole_answers_are_learned_apart():
    hedges = Hedges(Snapshot(CATALOG), percent=15)
    feed(hedges, SLOW, stream=True)

    assert hedges.after_s(SLOW, stream=True) is not None
    assert hedges.after_s(SLOW, stream=False) is None


def test_all_routes_share_one_cap():
    hedges = Hedges(Snapshot(CATALOG), percent=10)
    for _ in range(100):
        hedges.sent(SLOW, 1000)

    taken = [hedges.fire(route, 1000) for route in (SLOW, OTHER, QUICK) * 10]

    assert 10 == sum(taken)


def test_a_route_that_never_was_a_first_one_can_be_a_second():
    hedges = Hedges(Snapshot(CATALOG), percent=100)
    hedges.sent(SLOW, 1000)

    assert hedges.fire(OTHER, 1000)


def test_the_least_delay_holds():
    hedges = Hedges(Snapshot(CATALOG), percent=15, least_s=5.0)
    feed(hedges, SLOW)

    assert 5.0 == hedges.after_s(SLOW, stream=True)


def test_a_changed_provider_is_learned_anew_and_old_requests_do_not_undo_it():
    changed = a_catalog(
        a_model("slow", "a"), providers=[a_provider("a", version=7, base_url="http://new.test")]
    )
    catalog = Snapshot(CATALOG)
    hedges = Hedges(catalog, percent=15)
    feed(hedges, SLOW)
    catalog.current = changed
    new = changed.routes[0]

    assert hedges.after_s(new, stream=True) is None
    feed(hedges, new)
    assert hedges.after_s(SLOW, stream=True) is not None


def test_routes_that_left_the_catalog_are_forgotten():
    catalog = Snapshot(CATALOG)
    hedges = Hedges(catalog, percent=15)
    for number in range(50):
        catalog.current = a_catalog(a_model(f"m{number}", "a"))
        hedges.heard(catalog.current.routes[0], stream=True, took_s=1.0)

    assert ["a/m49"] == list(hedges._routes)


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({}, NoHedges),
        ({"TOKENHUB_HEDGE_AFTER_MS": "auto"}, Hedges),
        ({"TOKENHUB_HEDGE_AFTER_MS": "auto", "TOKENHUB_MAX_HEDGED_PROVIDERS": "1"}, NoHedges),
    ],
)
def test_it_is_off_unless_it_is_asked_for(env, kind, tmp_path):
    settings = load(env, home=tmp_path, data_writable=False)

    assert kind is type(_hedging(settings, Snapshot(CATALOG)))


def test_off_it_knows_and_does_nothing():
    off = NoHedges()

    assert 0 == feed(off, SLOW)
    assert off.after_s(SLOW, stream=True) is None
    assert not off.fire(OTHER, 0)
