"""How providers are doing, as rows."""

from tokenhub.wire import health as wire
from tokenhub.wire.events import Event
from tokenhub.wire.health import Health, Probe, ProviderHealth, RouteHealth
from tokenhub.wire.observe import AttemptLog
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.feed import Line, unix
from tokenhub_tui.state.health import (
    Changes,
    Probes,
    Slot,
    answered,
    counted,
    effect_of_reset,
    facts,
    heard,
    known,
    provider_of,
    resting,
    rows,
    slots,
    strip,
)

NOW = unix("2026-01-31T12:00:00Z")


def well(name: str, **given: object) -> ProviderHealth:
    """A provider that is doing well, but for what is given."""
    return ProviderHealth(provider_id=name, **_standing(given))


def route(name: str, **given: object) -> RouteHealth:
    return RouteHealth(route=name, model_id=name.partition("/")[2], **_standing(given))


def _standing(given: dict[str, object]) -> dict[str, object]:
    usual: dict[str, object] = {
        "state": "healthy",
        "total_requests": 40,
        "total_errors": 0,
        "consec_errors": 0,
        "avg_latency_ms": 12.0,
        "last_error": "",
        "last_error_time": None,
        "last_success_at": "2026-01-31T11:59:58Z",
        "cooldown_until": None,
    }
    return usual | given


DOWN = {
    "state": "down",
    "consec_errors": 5,
    "total_errors": 10,
    "last_error": "unreachable",
    "last_error_time": "2026-01-31T11:59:50Z",
    "cooldown_until": "2026-01-31T12:00:30Z",
}
HEALTH = Health(
    providers=[
        well("good", probe=None, routes=[route("good/gpt"), route("good/a/b")]),
        well(
            "bad",
            **DOWN,
            probe=Probe(
                ok=False,
                error="unreachable",
                at="2026-01-31T11:59:55Z",
                latency_ms=3.0,
                next_at="2026-01-31T12:00:25Z",
            ),
            routes=[route("bad/llama", total_requests=0, last_success_at=None)],
        ),
    ]
)


def attempt(provider: str, model: str, *, ms: float = 5.0, error: str = "") -> AttemptLog:
    return AttemptLog(
        attempt=1,
        provider_id=provider,
        model_id=model,
        state="settled",
        status_code=200,
        error_class=error,
        latency_ms=ms,
        input_tokens=1,
        output_tokens=1,
        cost_usd=None,
        estimated=False,
    )


def test_calls_are_kept_for_route_and_provider_without_what_callers_did_wrong() -> None:
    lines = [
        Line(request_id="1", at=1.0, attempts=[attempt("a", "x"), attempt("b", "y")]),
        Line(request_id="2", at=2.0, attempts=[attempt("a", "z", error="timeout")]),
        Line(request_id="3", at=3.0, attempts=[attempt("a", "x", error="client")]),
        # That nobody is there is no fault of the route.
        Line(request_id="4", at=4.0, attempts=[attempt("a", "x", error="unreachable")]),
    ]

    found = slots(lines)

    assert [1.0, 2.0, 4.0] == [slot.at for slot in found["a"]]
    assert {"a": 3, "a/x": 1, "a/z": 1, "b": 1, "b/y": 1} == {
        name: len(kept) for name, kept in found.items()
    }


def test_failures_of_its_routes_are_in_the_numbers_of_a_provider_as_in_its_strip() -> None:
    lame = route("one/gpt", total_requests=10, total_errors=2)
    one = well("one", total_requests=9, total_errors=1, probe=None, routes=[lame])
    calls = slots([Line(request_id="1", at=1.0, attempts=[attempt("one", "gpt", error="timeout")])])

    table = rows(Health(providers=[one]), calls, Probes(), now=NOW, room=8)

    # 8 answers, 2 failures of the route, and its own.
    assert [("27%", "11", "✗"), ("20%", "10", "✗")] == [
        (row.cells[3], row.cells[7], str(row.cells[8].text)) for row in table
    ]


def test_strip_shows_the_newest_by_how_slow_they_were_and_marks_failures() -> None:
    history = [Slot(at=0, ms=ms) for ms in (99, 1, 7, 3.5)] + [Slot(at=9, ms=70, error="lost")]

    assert "▂▇▄✗" == strip(history, 4)
    assert "" == strip(history, 0)
    assert "▁" == strip([Slot(at=0, ms=0)], 4)


def test_rest_is_counted_down_and_drawn() -> None:
    provider = HEALTH.providers[1]

    assert " 30s ▮▮▮▯" == resting(provider, NOW)
    assert "  1s ▮▯▯▯" == resting(provider, NOW + 29.5)
    assert "due" == resting(provider, NOW + 99)
    assert "" == resting(HEALTH.providers[0], NOW)


def test_routes_stand_below_their_provider_and_alone_under_a_filter() -> None:
    table = rows(HEALTH, {}, Probes(), now=NOW, room=8)
    ill = rows(HEALTH, {}, Probes(), now=NOW, room=8, wanted=lambda row: row["state"] == "down")
    models = rows(HEALTH, {}, Probes(), now=NOW, room=8, wanted=lambda row: "model_id" in row)

    assert ["good", "  gpt", "  a/b", "bad", "  llama"] == [natural(row.cells[0]) for row in table]
    assert "✗ down" == natural(table[3].cells[1])
    assert "25%" == natural(table[3].cells[3])
    assert ["bad"] == [row.id for row in ill]
    assert "good/a/b" == natural(models[1].cells[0])


def test_probes_are_kept_as_they_are_seen_each_once() -> None:
    probes = Probes()

    probes.saw(HEALTH)
    probes.saw(HEALTH)

    assert ["unreachable"] == [slot.error for slot in probes.of("bad")]
    assert () == probes.of("good")


def test_facts_say_what_is_wrong_what_it_means_and_when_it_is_asked_again() -> None:
    said = [text for text, _ in facts(HEALTH.providers[1], NOW)]

    assert "5 failures in a row" in said[0]
    assert "R ends it" in said[1]
    assert "10s ago" in said[2]
    assert "nobody answers there" in said[3]
    assert "Probed 5s ago: ✗ unreachable in 3ms · again in 25s" == said[4]


def test_changes_of_a_provider_are_those_of_its_routes_too() -> None:
    changes = Changes()
    changes.apply(
        [
            _change("bad", "", "healthy", "down"),
            _change("bad", "llama", "healthy", "degraded"),
            _change("badly", "x", "healthy", "down"),
            Event(type="decision", timestamp=""),
        ]
    )

    table = heard(changes.of("bad"), "bad", NOW)

    assert ["healthy → degraded", "healthy → down"] == [natural(row.cells[1]) for row in table]
    assert ["llama", ""] == [natural(row.cells[3]) for row in table]


def _change(provider: str, model: str, old: str, new: str) -> Event:
    return Event(
        type="health_change",
        timestamp="2026-01-31T12:00:00Z",
        provider_id=provider,
        model_id=model,
        old_state=old,
        new_state=new,
    )


def test_reset_says_what_is_forgotten_and_how_that_is_now() -> None:
    assert effect_of_reset(HEALTH, "good").startswith(
        "Forget what is known of good and its 2 routes?\nIt is healthy now"
    )
    assert effect_of_reset(HEALTH, "good/a/b").startswith("Forget what is known of good/a/b?")


def test_names_lead_to_their_provider_and_the_caption_counts() -> None:
    assert "good" == provider_of(HEALTH, "good/a/b")
    assert "" == provider_of(HEALTH, "nobody")
    assert "1 of 2 providers healthy · 3 of 3 routes" == counted(HEALTH)
    assert ["unreachable"] == known(HEALTH)["error"]


def test_test_is_told_with_what_it_found() -> None:
    good = wire.Tested(provider_id="a", ok=True, error="", message="", models=2, latency_ms=40.0)
    bad = wire.Tested(provider_id="a", ok=False, error="lost", message="", models=0, latency_ms=1.0)

    assert ("a answered in 40ms: it offers 2 models", "good") == answered(good)
    assert ("a: lost", "bad") == answered(bad)
