import asyncio

import pytest

from tests.support.clock import FakeClock
from tokenhub.adapters.memory.backups import MemoryBackups
from tokenhub.admin.backups import Backups
from tokenhub.admin.changes import By
from tokenhub.core.errors import Conflict, Unavailable

pytestmark = pytest.mark.anyio
BY = By(actor="ada", request_id="req_1")


class Slow(MemoryBackups):
    """Makes nothing before it is told to."""

    def __init__(self):
        super().__init__()
        self.go = asyncio.Event()

    async def make(self, *, at, reason):
        await self.go.wait()
        return await super().make(at=at, reason=reason)


async def test_a_backup_is_noted_with_who_asked_for_it():
    store = MemoryBackups()

    made = await Backups(store=store, clock=FakeClock()).make(by=BY)

    (note,) = store.audit
    assert ("backup.create", "ada", "req_1", made.at) == (
        note.action,
        note.actor,
        note.request_id,
        note.at,
    )


async def test_a_second_one_meanwhile_is_refused():
    store = Slow()
    backups = Backups(store=store, clock=FakeClock())
    async with asyncio.TaskGroup() as group:
        first = group.create_task(backups.make(by=BY))
        await asyncio.sleep(0)
        with pytest.raises(Conflict) as refused:
            await backups.make(by=BY)
        store.go.set()

    assert "backup_in_progress" == refused.value.code
    assert [first.result()] == list(await backups.list())


async def test_one_that_fails_leaves_room_for_the_next():
    store = MemoryBackups()
    backups = Backups(store=store, clock=FakeClock())
    store.fault = "no room"
    with pytest.raises(Unavailable):
        await backups.make(by=BY)
    store.fault = ""

    await backups.make(by=BY)

    assert 1 == len(await backups.list())
