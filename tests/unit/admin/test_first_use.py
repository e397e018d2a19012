"""The first use of an imported key."""

import asyncio
import threading

import pytest

from tests.support.control import Control
from tests.support.original_db import hashed
from tokenhub.adapters.memory.imported import MemoryImported
from tokenhub.adapters.original.hashes import fits
from tokenhub.admin import first_use, original
from tokenhub.admin.changes import By
from tokenhub.admin.first_use import LINE, FirstUse
from tokenhub.core.errors import Unavailable
from tokenhub.core.keys import digest, mint
from tokenhub.core.old_keys import mark

pytestmark = pytest.mark.anyio

BY = By(actor="an operator")
ID = "0123456789abcdef"
KEY = f"tokenhub_{ID * 4}"
FORGED = f"tokenhub_{ID}{'0' * 48}"
SHORT = f"tokenhub_{ID[:8]}{'0' * 56}"


class House:
    """Keys that wait, and how often a hash was looked at."""

    def __init__(self, control, imported):
        self.control = control
        self.imported = imported
        self.looks = []
        self.together = 0
        self.most = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    async def take(self, key=KEY, **changes):
        row = {
            "id": key[9:25],
            "key_hash": hashed(key),
            "key_prefix": key[:17],
            "name": "loom",
            "scopes": '["chat"]',
            "created_at": "2026-02-01T10:00:00Z",
        }
        found, _ = original.key({**row, **changes}, now=0.0)
        await self.imported.keep(found.hash)
        return await self.control.keys.adopt(found.key, by=BY)

    async def opened(self):
        here = self.control
        entry = FirstUse(
            keys=here.keys,
            table=here.key_table,
            imported=self.imported,
            clock=here.clock,
            fits=self.fits,
        )
        await entry.load()
        return entry

    def fits(self, key, old_hash):
        self.together += 1
        self.most = max(self.most, self.together)
        self.entered.set()
        self.gate.wait(10)
        self.looks.append(key)
        found = fits(key, old_hash)
        self.together -= 1
        return found

    def known(self, key=KEY):
        return self.control.key_table.current.get(digest(key))


@pytest.fixture
async def house():
    return House(await Control().started(), MemoryImported())


async def test_a_good_key_is_known_by_its_digest_from_then_on(house):
    waiting = await house.take()
    entry = await house.opened()
    assert house.known() is None

    await entry(KEY)

    found = house.known()
    assert (waiting.id, ("chat",), "loom") == (found.id, found.scopes, found.name)
    assert "tokenhub_0123...cdef" == found.prefix
    assert 1 == len(house.control.key_table.current)
    assert [] == await house.imported.hashes()
    assert "apikey.recognise" == house.control.key_store.audit[-1].action


async def test_it_is_known_after_a_restart_without_another_look(house):
    await house.take()
    await (await house.opened())(KEY)

    again = House(await house.control.restarted(), house.imported)
    await again.opened()

    assert again.known() is not None
    assert [] == again.looks


async def test_a_key_that_was_never_used_waits_on(house):
    await house.take()

    again = House(await house.control.restarted(), house.imported)
    await (await again.opened())(KEY)

    assert again.known() is not None


async def test_forged_keys_cost_no_look_unless_they_begin_like_a_key_that_waits(house):
    await house.take()
    entry = await house.opened()

    for number in range(1000):
        await entry(mint(number))
        await entry(f"tokenhub_{number:064x}")
        await entry(f"sk-{number}")
    await entry(SHORT)  # its id was known, and goes beyond the prefix

    assert [] == house.looks
    assert house.known() is None


async def test_a_forged_key_with_the_right_beginning_costs_one_look_however_often_it_comes(house):
    await house.take()
    entry = await house.opened()

    for _ in range(50):
        await entry(FORGED)

    assert [FORGED] == house.looks
    assert house.known(FORGED) is None
    await entry(KEY)
    assert house.known() is not None


async def test_refused_keys_are_not_remembered_for_ever(house, monkeypatch):
    monkeypatch.setattr(first_use, "REMEMBERED", 2)
    await house.take()
    entry = await house.opened()

    for number in (0, 1, 2, 0):
        await entry(f"tokenhub_{ID}{number:048x}")

    assert 4 == len(house.looks)


async def test_a_rotated_key_is_found_by_its_prefix(house):
    await house.take(id="f" * 16)
    entry = await house.opened()

    await entry(KEY)

    assert house.known() is not None


async def test_keys_that_begin_alike_are_told_apart(house):
    other = f"tokenhub_{ID[:8]}{'1' * 56}"
    await house.take(id="e" * 16)
    mine = await house.take(other, id="d" * 16)
    entry = await house.opened()

    await entry(other)
    await entry(KEY)

    assert mine.id == house.known(other).id
    assert mine.id != house.known().id


@pytest.mark.parametrize("changes", [{"enabled": 0}, {"expires_at": "1970-01-02T00:00:00Z"}])
async def test_a_key_that_may_not_be_used_is_not_looked_at(house, changes):
    key = await house.take(**changes)
    entry = await house.opened()

    await entry(KEY)

    assert [] == house.looks
    assert house.known() is None
    if "enabled" in changes:  # and once it may, it is
        await house.control.keys.update(key.id, {"enabled": True}, by=BY)
        await entry(KEY)
        assert house.known() is not None


async def test_a_key_that_is_revoked_while_it_is_looked_at_stays_so(house):
    key = await house.take()
    entry = await house.opened()
    house.gate.clear()
    using = asyncio.ensure_future(entry(KEY))
    await asyncio.to_thread(house.entered.wait, 10)

    await house.control.keys.delete(key.id, by=BY)
    house.gate.set()
    await using

    assert {} == house.control.key_table.current


async def test_the_hash_of_a_key_that_was_deleted_goes_at_the_next_start(house):
    key = await house.take()
    await house.control.keys.delete(key.id, by=BY)

    await house.opened()

    assert [] == await house.imported.hashes()


async def test_many_first_uses_of_one_key_are_one_look(house):
    await house.take()
    entry = await house.opened()

    await asyncio.gather(*(entry(KEY) for _ in range(LINE * 3)))

    assert [KEY] == house.looks


async def test_one_is_looked_at_at_a_time_and_the_line_is_short(house):
    await house.take()
    entry = await house.opened()
    house.gate.clear()
    tries = [asyncio.ensure_future(entry(f"tokenhub_{ID}{number:048x}")) for number in range(LINE)]
    await asyncio.to_thread(house.entered.wait, 10)

    with pytest.raises(Unavailable, match="try again"):
        await entry(KEY)
    house.gate.set()
    await asyncio.gather(*tries)
    await entry(KEY)

    assert 1 == house.most
    assert LINE + 1 == len(house.looks)
    assert house.known() is not None


async def test_who_hangs_up_leaves_no_second_look_beside_his(house):
    await house.take()
    entry = await house.opened()
    house.gate.clear()
    left = asyncio.ensure_future(entry(FORGED))
    await asyncio.to_thread(house.entered.wait, 10)
    left.cancel()
    using = asyncio.ensure_future(entry(KEY))
    for _ in range(5):
        await asyncio.sleep(0)

    house.gate.set()
    await using

    assert 1 == house.most
    assert house.known() is not None


async def test_the_loop_goes_on_while_a_hash_is_looked_at(house):
    await house.take()
    entry = await house.opened()
    house.gate.clear()
    using = asyncio.ensure_future(entry(KEY))

    await asyncio.to_thread(house.entered.wait, 10)
    house.gate.set()  # only a loop that is free comes here
    await using

    assert house.known() is not None


async def test_without_imported_keys_there_is_nothing_to_look_at(house):
    entry = await house.opened()

    await entry(KEY)

    assert [] == house.looks
    assert mark(hashed(KEY)) not in house.control.key_table.current


async def test_a_key_that_was_rotated_here_is_let_in_for_its_overlap(house):
    waiting = await house.take()
    entry = await house.opened()
    issued = await house.control.keys.rotate(waiting.id, overlap="1h", by=BY)

    await entry(KEY)

    assert waiting.id == house.known().id == house.known(issued.secret).id
    house.control.clock.unix_s += 3600
    assert not house.known().usable(house.control.clock.now())
    assert 2 == len(house.control.key_table.current)
