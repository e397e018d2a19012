"""The page on health says what the code does: every arrow, no others, and the same figures."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenhub.core import health as code
from tokenhub.core.failures import Kind
from tokenhub.core.health import (
    DEGRADED_AFTER,
    DOWN_AFTER,
    ENOUGH_CALLS,
    FIRST_DOWN_S,
    FRESH,
    REFUSED_S,
    Health,
    failed,
    let_go,
    probed,
    probing,
    reached,
    state,
    succeeded,
)

PAGE = (Path(__file__).parents[3] / "docs/developer/health.md").read_text(encoding="utf-8")
NOW = 10_000.0
# Late enough in the time that a key is out for a time down to outlast it.
LATE = NOW + REFUSED_S - 1.0


def ill(times: int, health: Health = FRESH, now: float = NOW) -> Health:
    for _ in range(times):
        health = failed(health, Kind.UNREACHABLE, now, draw=0.0)
    return health


def mixed() -> Health:
    health = FRESH
    for _ in range(ENOUGH_CALLS // 2 - 1):
        health = succeeded(failed(health, Kind.LOST, NOW, draw=0.0), NOW)
    return succeeded(health, NOW)


def refused(health: Health, now: float = NOW) -> Health:
    return failed(health, Kind.CREDENTIAL, now, draw=0.0)


def well(health: Health) -> Health:
    return probed(health, None, NOW, draw=0.0)


def missed(health: Health = FRESH, times: int = 1) -> Health:
    for _ in range(times):
        health = probed(health, Kind.UNREACHABLE, NOW, draw=0.0)
    return health


DOWN = ill(DOWN_AFTER)
HALF_OPEN = well(DOWN)
OUT = refused(FRESH)
OUT_AND_DOWN = ill(DOWN_AFTER, OUT, LATE)

# For each arrow the ways along it: the value before with its time, and the value after with its.
Way = tuple[Health, float, Health, float]
WAYS: dict[tuple[str, str], list[Way]] = {
    ("healthy", "degraded"): [
        (ill(DEGRADED_AFTER - 1), NOW, ill(DEGRADED_AFTER), NOW),
        (missed(), NOW, missed(times=DEGRADED_AFTER), NOW),
    ],
    ("healthy", "down"): [(mixed(), NOW, failed(mixed(), Kind.LOST, NOW, draw=0.0), NOW)],
    ("degraded", "healthy"): [
        (ill(2), NOW, succeeded(ill(2), NOW), NOW),
        (missed(times=2), NOW, well(missed(times=2)), NOW),
    ],
    ("degraded", "down"): [
        (ill(DOWN_AFTER - 1), NOW, DOWN, NOW),
        (missed(times=DOWN_AFTER - 1), NOW, missed(times=DOWN_AFTER), NOW),
    ],
    ("down", "half_open"): [(DOWN, NOW, DOWN, NOW + FIRST_DOWN_S), (DOWN, NOW, well(DOWN), NOW)],
    ("down", "healthy"): [(DOWN, NOW, succeeded(DOWN, NOW), NOW)],
    ("half_open", "healthy"): [(HALF_OPEN, NOW, succeeded(probing(HALF_OPEN, NOW), NOW), NOW)],
    ("half_open", "down"): [
        (HALF_OPEN, NOW, ill(1, probing(HALF_OPEN, NOW)), NOW),
        (HALF_OPEN, NOW, missed(HALF_OPEN), NOW),
    ],
    ("healthy", "credential"): [(FRESH, NOW, OUT, NOW)],
    ("degraded", "credential"): [(ill(2), NOW, refused(ill(2)), NOW)],
    ("down", "credential"): [(DOWN, NOW, refused(DOWN), NOW)],
    ("half_open", "credential"): [(HALF_OPEN, NOW, refused(HALF_OPEN), NOW)],
    ("credential", "half_open"): [
        (OUT, NOW, OUT, NOW + REFUSED_S),
        (OUT, NOW, well(OUT), NOW),
    ],
    ("credential", "down"): [(OUT_AND_DOWN, LATE, OUT_AND_DOWN, NOW + REFUSED_S)],
    ("credential", "healthy"): [(OUT, NOW, succeeded(OUT, NOW), NOW)],
}


def named(health: Health, now: float) -> str:
    return str(state(health, now)).replace("-", "_")


def arrows() -> set[tuple[str, str]]:
    found = re.findall(r"^ +(\w+) --> (\w+): ", PAGE, re.MULTILINE)
    assert len(found) == len(set(found))
    return set(found)


def test_the_page_has_the_arrows_that_are_driven_below() -> None:
    assert set(WAYS) == arrows()


@pytest.mark.parametrize("arrow", WAYS, ids=" to ".join)
def test_the_code_goes_along_every_arrow(arrow: tuple[str, str]) -> None:
    ways = [(named(before, then), named(after, now)) for before, then, after, now in WAYS[arrow]]

    assert [arrow] * len(ways) == ways


EVENTS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 400)),
    st.tuples(st.just("succeed"), st.none()),
    st.tuples(st.just("fail"), st.sampled_from(Kind)),
    st.tuples(st.just("probe"), st.none() | st.sampled_from(Kind)),
    st.tuples(st.just("reach"), st.none()),
    st.tuples(st.just("let in"), st.none()),
    st.tuples(st.just("let go"), st.none()),
)


EFFECTS = {
    "wait": lambda health, kind, now: health,
    "succeed": lambda health, kind, now: succeeded(health, now),
    "fail": lambda health, kind, now: failed(health, kind, now, draw=0.5),
    "probe": lambda health, kind, now: probed(health, kind, now, draw=0.5),
    "reach": lambda health, kind, now: reached(health),
    "let in": lambda health, kind, now: (
        probing(health, now) if named(health, now) == "half_open" else health
    ),
    "let go": lambda health, kind, now: let_go(health),
}


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(EVENTS, max_size=30))
def test_a_walk_at_random_meets_no_other_arrow(events) -> None:
    known, health, now = arrows(), FRESH, NOW
    for event, value in events:
        before = named(health, now)
        now += value if event == "wait" else 0.0
        health = EFFECTS[event](health, value, now)
        step = (before, named(health, now))
        assert step[0] == step[1] or step in known


def test_the_page_has_the_figures_of_the_code() -> None:
    told = re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    figures = {
        name: float(value)
        for name, value in vars(code).items()
        if name.isupper() and isinstance(value, int | float)
    }

    assert figures == {name: float(value) for name, value in told}
