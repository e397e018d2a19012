"""The ring of events and its readers: order, losses that are counted, ends, and limits."""

import asyncio
import json

import pytest

from tests.support.clock import FakeClock
from tokenhub.adapters.memory import bus as module
from tokenhub.adapters.memory.bus import MOST_FILTERS, Bus
from tokenhub.core.errors import RateLimited, Unavailable
from tokenhub.core.events import ATTEMPT, DECISION, HEARTBEAT, ROUTE_ERROR, Event

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Rounds and turns follow one another without a pause."""
    monkeypatch.setattr(module, "PAUSE_S", 0)
    monkeypatch.setattr(module, "TURN_S", 0)


class Told:
    """Puts events into words, and counts how often."""

    def __init__(self):
        self.count = 0

    def __call__(self, at, event):
        self.count += 1
        fields = {"type": event.type, "reason": event.reason, "dropped": event.dropped}
        return json.dumps({**fields, "after_id": event.after_id, "next_id": event.next_id}).encode()


def a_bus(size=8, told=None, **limits):
    return Bus(told or Told(), now=FakeClock().now, size=size, **limits)


def opened(bus, *, after=None, types=(), text="", matches=None, mark="m", still=lambda: True):
    return bus.open(after=after, types=types, text=text, matches=matches, mark=mark, still=still)


def said(data):
    """Type, reason and last id of each event in the bytes of one write."""
    found, last = [], ""
    for frame in data.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if line[0] != ":")
        last = lines.get("id", last)
        if "event" in lines:
            fields = json.loads(lines["data"])
            found.append((lines["event"], fields.get("reason") or fields.get("dropped", 0), last))
    return found


async def heard(reader, count):
    """So many events, without their ids."""
    found = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += [one[:2] for one in said(await reader.next())]
    assert count == len(found)
    return found


def emit(bus, *reasons, kind=ATTEMPT):
    for reason in reasons:
        bus.emit(Event(type=kind, reason=str(reason)))


async def test_a_reader_hears_what_comes_after_it_came_in_order():
    bus = a_bus()
    emit(bus, "before")
    reader = opened(bus)

    greeting = await reader.next()
    emit(bus, "one", "two")

    assert [("connected", 0, str(bus.last - 2))] == said(greeting)
    data = await reader.next()
    assert [
        (ATTEMPT, "one", str(bus.last - 1)),
        (ATTEMPT, "two", str(bus.last)),
    ] == said(data)


async def test_an_event_is_put_into_words_once_and_only_for_readers():
    told = Told()
    bus = a_bus(told=told)
    emit(bus, *range(5))
    unread = told.count
    readers = [opened(bus) for _ in range(20)]
    for reader in readers:
        await reader.next()

    emit(bus, "one", "two")
    batches = {id(data): data for data in [await reader.next() for reader in readers]}

    assert (0, 2) == (unread, told.count)
    assert 1 == len(batches)


async def test_who_was_away_goes_on_behind_their_last_id():
    bus = a_bus(size=8)
    emit(bus, *range(6))

    reader = opened(bus, after=bus.last - 2)

    assert [("connected", 0)] == await heard(reader, 1)
    assert [(ATTEMPT, "4"), (ATTEMPT, "5")] == await heard(reader, 2)


@pytest.mark.parametrize("away", [3, 1_000_000, -1], ids=["overwritten", "of before", "never was"])
async def test_what_is_not_kept_any_more_is_a_gap(away):
    bus = a_bus(size=4)
    emit(bus, *range(9))
    after = bus.last - (9 - 1) + away if away == 3 else bus.last - away

    reader = opened(bus, after=after)

    assert ["connected", "gap"] == [kind for kind, _ in await heard(reader, 2)]
    assert [str(n) for n in range(5, 9)] == [reason for _, reason in await heard(reader, 4)]


@pytest.mark.parametrize(("away", "lost"), [(7, 2), (9, 4), (1_000_000, 0), (-1, 0)])
async def test_a_gap_says_how_many_are_lost_where_that_is_known(away, lost):
    bus = a_bus(size=5)
    emit(bus, *range(9))

    reader = opened(bus, after=bus.last - away)

    assert [("connected", 0), ("gap", lost)] == await heard(reader, 2)


async def test_who_was_told_of_a_loss_and_comes_back_is_not_told_again():
    bus = a_bus(size=4)
    slow = opened(bus, types={DECISION})
    await slow.next()
    emit(bus, *range(6), kind=ATTEMPT)
    emit(bus, *range(6), kind=DECISION)
    emit(bus, *range(3), kind=ATTEMPT)

    told = said(await slow.next())[0]
    again = opened(bus, types={DECISION}, after=int(told[2]))

    assert ("dropped", 11, str(bus.last - 4)) == told
    assert [("connected", 0), (DECISION, "5")] == await heard(again, 2)


async def test_the_id_of_the_greeting_is_one_to_go_on_from():
    bus = a_bus()
    (_, _, first), *_ = said(await opened(bus).next())
    emit(bus, "one")

    reader = opened(bus, after=int(first))

    assert [("connected", 0), (ATTEMPT, "one")] == await heard(reader, 2)


async def test_who_is_too_slow_loses_the_oldest_and_is_told_how_many():
    bus = a_bus(size=8)
    slow, quick = opened(bus), opened(bus)
    await slow.next()
    await quick.next()
    for number in range(20):
        emit(bus, number)
        await heard(quick, 1)

    found = await heard(slow, 9)

    assert [("dropped", 12), *[(ATTEMPT, str(number)) for number in range(12, 20)]] == found
    emit(bus, "next")
    assert [(ATTEMPT, "next")] == await heard(slow, 1)


async def test_only_events_that_were_wanted_are_counted_as_lost():
    bus = a_bus(size=4)
    slow, quick = opened(bus, types={DECISION}), opened(bus)
    await slow.next()
    await quick.next()
    for number in range(12):
        emit(bus, number, kind=ATTEMPT if number % 3 else DECISION)
        await heard(quick, 1)

    assert [("dropped", 3), (DECISION, "9")] == await heard(slow, 2)


async def test_who_wants_none_of_what_was_overwritten_has_lost_nothing():
    bus = a_bus(size=4)
    rare, quick = opened(bus, types={ROUTE_ERROR}), opened(bus)
    await rare.next()
    await quick.next()
    for number in range(12):
        emit(bus, number)
        await heard(quick, 1)

    emit(bus, "at last", kind=ROUTE_ERROR)

    assert [(ROUTE_ERROR, "at last")] == await heard(rare, 1)


async def test_a_filter_is_asked_of_the_fields():
    bus = a_bus()
    reader = opened(bus, text="odd", matches=lambda fields: int(fields["reason"]) % 2 == 1)
    await reader.next()

    emit(bus, *range(6))

    assert [(ATTEMPT, "1"), (ATTEMPT, "3"), (ATTEMPT, "5")] == await heard(reader, 3)


async def test_a_filter_is_asked_of_what_is_kept_a_little_at_a_time(monkeypatch):
    """Else whoever comes back with a filter would hold up every request meanwhile."""
    monkeypatch.setattr(module, "MOST_LOOKS", 10)
    bus = a_bus(size=100)
    emit(bus, *range(100))
    asked = []

    def matches(fields):
        asked.append(fields["reason"])
        return int(fields["reason"]) % 25 == 0

    reader = opened(bus, after=bus.last - 100, text="n:25", matches=matches)
    await reader.next()
    at_once = len(asked)
    first = said(await reader.next())

    assert (0, 10) == (at_once, len(asked))
    assert [(ATTEMPT, "0", str(bus.last - 99))] == first
    assert [(ATTEMPT, str(number)) for number in (25, 50, 75)] == await heard(reader, 3)
    emit(bus, 100)
    assert [(ATTEMPT, "100")] == await heard(reader, 1)
    assert len(asked) == len(set(asked))


async def test_who_comes_back_with_a_filter_hears_what_came_meanwhile_once(monkeypatch):
    monkeypatch.setattr(module, "MOST_LOOKS", 2)
    bus = a_bus(size=8)
    here = opened(bus, text="all", matches=lambda _: True)
    await here.next()
    emit(bus, *range(6))

    back = opened(bus, after=bus.last - 6, text="all", matches=lambda _: True)
    await back.next()
    first = await heard(back, 2)
    emit(bus, *range(6, 9))

    assert [(ATTEMPT, str(number)) for number in range(9)] == first + await heard(back, 7)
    assert [(ATTEMPT, str(number)) for number in range(1, 9)] == (await heard(here, 9))[1:]


async def test_what_is_overwritten_before_a_filter_was_asked_of_it_is_dropped(monkeypatch):
    monkeypatch.setattr(module, "MOST_LOOKS", 2)
    bus = a_bus(size=4)
    emit(bus, *range(4))
    reader = opened(bus, after=bus.last - 4, text="all", matches=lambda _: True)
    await reader.next()
    first = await heard(reader, 2)

    emit(bus, *range(4, 8))

    assert [(ATTEMPT, "0"), (ATTEMPT, "1")] == first
    assert [("dropped", 2), *[(ATTEMPT, str(n)) for n in range(4, 8)]] == await heard(reader, 5)


async def test_much_at_once_comes_in_several_writes(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    bus = a_bus(size=50)
    reader = opened(bus)
    await reader.next()
    emit(bus, *range(40))

    first = said(await reader.next())
    rest = await heard(reader, 40 - len(first))

    assert len(first) < 5
    assert [str(n) for n in range(40)] == [r for _, r, *_ in (*first, *rest)]


async def test_a_heartbeat_is_heard_by_all_and_kept_for_nobody():
    bus = a_bus()
    every, chosen = opened(bus), opened(bus, types={DECISION})
    waiting = [asyncio.ensure_future(reader.next()) for reader in (every, chosen)]
    await asyncio.gather(*waiting)
    emit(bus, "one")
    assert [(ATTEMPT, "one")] == await heard(every, 1)
    waiting = [asyncio.ensure_future(reader.next()) for reader in (every, chosen)]
    await asyncio.sleep(0)

    bus.beat("providers=1 models=2")
    beat, comment = await asyncio.gather(*waiting)

    assert [(HEARTBEAT, "providers=1 models=2", str(bus.last))] == said(beat)
    assert f": heartbeat\nid: {bus.last}\n\n" == comment.decode()


async def test_a_reader_whose_credential_opens_nothing_ends_without_another_event():
    bus = a_bus()
    good = {"a": True, "b": True}
    one, other = (opened(bus, mark=name, still=lambda name=name: good[name]) for name in "ab")
    await one.next()
    await other.next()
    good["a"] = False
    emit(bus, "secret")

    assert [("end", "credential_over")] == await heard(one, 1)
    assert b"" == await one.next()
    assert [(ATTEMPT, "secret")] == await heard(other, 1)


async def test_it_ends_also_while_nothing_happens():
    bus = a_bus()
    good = [True]
    asked = []

    def still():
        asked.append(1)
        return good[0]

    readers = [opened(bus, still=still) for _ in range(3)]
    for reader in readers:
        await reader.next()
    bus.look()
    good[0] = False
    bus.look()

    assert [[("end", "credential_over")]] * 3 == [await heard(reader, 1) for reader in readers]
    assert (2, 0) == (len(asked), bus.readers)


async def test_at_the_end_all_are_told_and_nobody_gets_in():
    bus = a_bus()
    reader = opened(bus)
    await reader.next()
    waiting = asyncio.ensure_future(reader.next())
    await asyncio.sleep(0)

    bus.close()

    assert [("end", "draining", "")] == said(await waiting)
    with pytest.raises(Unavailable):
        opened(bus)
    emit(bus, "unheard")


async def test_whoever_leaves_makes_room():
    bus = a_bus(most_readers=2)
    first, _ = opened(bus), opened(bus)
    with pytest.raises(RateLimited):
        opened(bus)

    first.leave()
    opened(bus)

    assert 2 == bus.readers
    await first.next()
    assert b"" == await first.next()


async def test_only_so_many_different_filters_are_asked():
    bus = a_bus()
    readers = [
        opened(bus, text=f"n:{number}", matches=lambda _: True) for number in range(MOST_FILTERS)
    ]

    opened(bus, text="n:0", matches=lambda _: True)
    opened(bus)
    with pytest.raises(RateLimited):
        opened(bus, text="another", matches=lambda _: True)
    readers[1].leave()
    opened(bus, text="another", matches=lambda _: True)


async def test_ids_go_on_counting_up_after_a_restart():
    clock = FakeClock()
    before = Bus(Told(), now=clock.now)
    emit(before, *range(1_000))
    clock.tick(1.0)

    after = Bus(Told(), now=clock.now)

    assert after.last > before.last
    assert after.last < 2**53
