"""Last uses: noted at once, written down together, and lost only by a crash."""

import pytest

from tokenhub.adapters.memory.stores import MemoryKeyStore
from tokenhub.admin.changes import By
from tokenhub.admin.key_uses import KeyUses
from tokenhub.core.errors import Unavailable

pytestmark = pytest.mark.anyio
BY = By()


class Writes(MemoryKeyStore):
    """Counts what is written, and cannot while it is `full`."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.full = False
        self.meanwhile = None

    async def used(self, uses):
        if self.full:
            raise Unavailable("the disk is full")
        self.writes.append(dict(uses))
        if self.meanwhile is not None:
            self.meanwhile()


async def test_many_uses_are_one_write_and_no_use_is_none():
    store, seen = Writes(), {}
    uses = KeyUses(store, seen)
    for at in range(100):
        seen[b"a"], seen[b"b"] = float(at), float(at) + 0.5

    await uses.flush()
    await uses.flush()

    assert [{b"a": 99.0, b"b": 99.5}] == store.writes
    assert (99.0, 99.5, None) == tuple(uses.last(mark) for mark in (b"a", b"b", b"c"))


async def test_a_use_is_known_before_it_is_written():
    seen = {b"a": 5.0}

    assert 5.0 == KeyUses(Writes(), seen).last(b"a")


async def test_what_could_not_be_written_is_written_the_next_time():
    store, seen = Writes(), {b"a": 5.0}
    uses = KeyUses(store, seen)
    store.full = True

    with pytest.raises(Unavailable):
        await uses.flush()
    store.full = False
    await uses.flush()

    assert [{b"a": 5.0}] == store.writes


async def test_a_use_during_the_write_is_not_lost():
    store, seen = Writes(), {b"a": 5.0}
    uses = KeyUses(store, seen)
    store.meanwhile = lambda: seen.update({b"a": 6.0})

    await uses.flush()
    store.meanwhile = None
    await uses.flush()

    assert [{b"a": 5.0}, {b"a": 6.0}] == store.writes


async def test_last_uses_survive_a_restart(control):
    key = (await control.keys.create(name="app", scopes=["chat"], by=BY)).key
    await control.key_store.used({key.digest: 7.0})

    again = await control.restarted()

    assert [7.0] == [one.last_used_at for one in again.keys.credentials(key)]


async def test_a_credential_that_is_gone_takes_its_uses_along():
    seen = {b"a": 5.0, b"b": 6.0}
    uses = KeyUses(Writes(), seen)

    uses.forget([b"a", b"never there"])

    assert {b"b": 6.0} == seen
