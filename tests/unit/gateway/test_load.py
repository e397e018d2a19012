"""Who gets in at once, who waits, and who is refused."""

import asyncio

import pytest

from tokenhub.core.errors import Unavailable
from tokenhub.core.overload import OVERLOADED
from tokenhub.gateway import load as module
from tokenhub.gateway.load import WAITING, Load

pytestmark = pytest.mark.anyio


async def inside(load, done, order, name):
    if not load.enter():
        await load.turn()
    order.append(name)
    try:
        await done.wait()
    finally:
        load.leave()


async def settled():
    """Let all that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_limits_everybody_gets_in():
    load = Load()

    assert all(load.enter() for _ in range(10_000))
    assert 10_000 == load.under_way


async def test_who_is_one_too_many_waits_and_comes_in_turn():
    load, done, order = Load(most=1), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(inside(load, done, order, name))
        await settled()
        assert (["a"], 2) == (order, load.waiting)
        done.set()

    assert ["a", "b", "c"] == order
    assert (0, 0) == (load.under_way, load.waiting)


async def test_nobody_overtakes_those_who_wait():
    load, done, order = Load(most=2), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(inside(load, done, order, name))
        await settled()
        load.leave()  # b's place, as if it were through: it goes to c, and not to who comes now

        assert not load.enter()
        await settled()
        assert ["a", "b", "c"] == order
        load._under_way += 1
        done.set()


async def test_who_finds_too_many_waiting_is_refused_at_once():
    load = Load(most=1)
    assert load.enter()
    waiting = [asyncio.ensure_future(load.turn()) for _ in range(WAITING)]
    await settled()

    with pytest.raises(Unavailable) as refused:
        await load.turn()

    assert OVERLOADED == refused.value.code
    assert 1 == load.refused
    for one in waiting:
        one.cancel()
    await settled()
    assert (1, 0) == (load.under_way, load.waiting)


async def test_who_has_waited_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    load = Load(most=1)
    assert load.enter()

    with pytest.raises(Unavailable) as refused:
        await load.turn()

    assert OVERLOADED == refused.value.code
    assert (1, 0) == (load.under_way, load.waiting)


async def test_who_leaves_at_the_moment_of_their_turn_gives_it_to_the_next():
    load, done, order = Load(most=1), asyncio.Event(), []
    assert load.enter()
    gone = asyncio.ensure_future(load.turn())
    next_one = asyncio.ensure_future(inside(load, done, order, "next"))
    await settled()

    load.leave()
    gone.cancel()
    await settled()

    assert ["next"] == order
    assert (1, 0) == (load.under_way, load.waiting)
    done.set()
    await next_one
    assert 0 == load.under_way


async def test_who_gives_up_holds_nobody_up():
    load, done, order = Load(most=1), asyncio.Event(), []
    assert load.enter()
    gone = asyncio.ensure_future(load.turn())
    next_one = asyncio.ensure_future(inside(load, done, order, "next"))
    await settled()

    gone.cancel()
    load.leave()
    await settled()

    assert ["next"] == order
    done.set()
    await next_one


async def test_nobody_looks_at_the_loop_while_few_are_under_way(monkeypatch):
    looks = []
    load = Load(late_s=0.01)
    monkeypatch.setattr(load, "_look", lambda: looks.append(1))
    for _ in range(module.FEW):
        assert load.enter()

    assert not load._looking
    assert load.enter()
    assert load._looking
