"""Who gets in, and who is refused."""

import asyncio

import pytest

from tokenhub.core.overload import FEW, OVERLOADED
from tokenhub.gateway.load import Load

pytestmark = pytest.mark.anyio
LATE_S = 0.01


@pytest.fixture
async def crowded():
    """A server that bears no more than what is under way."""
    load = Load(late_s=LATE_S)
    load._window.crowded = True
    load._window.limit = 10
    return load


async def test_without_limits_everybody_gets_in():
    load = Load()

    assert all(load.enter() for _ in range(10_000))
    assert (10_000, 0) == load.counts()


async def test_who_is_one_too_many_is_refused_until_somebody_leaves():
    load = Load(most=2)

    assert [True, True, False] == [load.enter() for _ in range(3)]
    assert not load.room()
    assert OVERLOADED == load.refusal().code
    assert (2, 1) == load.counts()
    load.leave()

    assert load.room()
    assert load.enter()


async def test_those_who_are_told_at_one_turn_that_there_is_room_are_no_more_than_it_holds(crowded):
    """All who have come are read before the first of them enters."""
    assert [True] * 10 + [False] * 5 == [crowded.room() for _ in range(15)]
    await asyncio.sleep(0)
    for _ in range(4):
        crowded.enter()

    assert [True] * 6 + [False] * 4 == [crowded.room() for _ in range(10)]


async def test_on_calm_days_nobody_counts_who_is_coming():
    load = Load(most=5)

    assert all(load.room() for _ in range(20))


async def test_nobody_looks_at_the_loop_while_few_are_under_way(monkeypatch):
    looks = []
    load = Load(late_s=LATE_S)
    monkeypatch.setattr(load, "_look", lambda: looks.append(1))
    for _ in range(FEW):
        assert load.enter()

    assert not load._looking
    assert load.enter()
    assert load._looking
