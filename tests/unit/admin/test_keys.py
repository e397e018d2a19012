import asyncio

import pytest

from tests.support.control import Control
from tokenhub.adapters.memory.stores import MemoryKeyStore
from tokenhub.admin.changes import By
from tokenhub.admin.keys import Keys, checked_scopes
from tokenhub.core.errors import BadRequest, NotFound, Stale
from tokenhub.core.events import BUDGET_ALERT
from tokenhub.core.keys import digest, well_formed
from tokenhub.core.purse import month_of

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")


async def test_a_new_key_is_in_force_and_only_its_digest_is_kept(control):
    issued = await control.keys.create(name="app", scopes=["chat"], by=BY)

    assert well_formed(issued.secret)
    assert issued.key == control.key_table.current[digest(issued.secret)]
    assert "key_0000000000000002" == issued.key.id
    assert not any(issued.secret in entry.detail for entry in control.key_store.audit)


async def test_a_deleted_key_is_gone_from_the_table_at_once(control):
    issued = await control.keys.create(name="app", scopes=["chat"], by=BY)

    await control.keys.delete(issued.key.id, by=BY)

    assert {} == control.key_table.current
    assert ["apikey.create", "apikey.revoke"] == [e.action for e in control.key_store.audit]


@pytest.mark.parametrize(
    ("budgets", "told"),
    [
        ([10_000, 1_000], [50, 80]),
        ([10_000, 800], [50, 80, 100]),
        ([1_600, 1_000, 1_000], [80]),
        ([1_000, 10_000, 2_000], []),
        ([None, 1_600], [50]),
        ([1_000, None], []),
    ],
)
async def test_a_budget_that_is_lowered_below_what_is_spent_is_told(control, budgets, told):
    first, *later = budgets
    keys = Keys(
        store=control.key_store,
        table=control.key_table,
        clock=control.clock,
        randbits=lambda _bits: 7,
        charged=lambda _key, at: (month_of(at), 800),
        events=(heard := Heard()),
    )
    issued = await keys.create(name="app", scopes=["chat"], budget_nusd=first, by=BY)

    for budget in later:
        await keys.update(issued.key.id, {"budget_nusd": budget}, by=BY)

    assert told == [event.percent for event in heard.events]
    assert all(
        (BUDGET_ALERT, issued.key.id, "app", 800, later[-1], "req_1")
        == (
            event.type,
            event.key_id,
            event.key_name,
            event.spent_nusd,
            event.budget_nusd,
            event.request_id,
        )
        for event in heard.events
    )


async def test_a_budget_that_was_lowered_in_a_document_is_told_as_well(control):
    keys = Keys(
        store=control.key_store,
        table=control.key_table,
        clock=control.clock,
        randbits=lambda _bits: 7,
        charged=lambda _key, at: (month_of(at), 800),
        events=(heard := Heard()),
    )
    issued = await keys.create(name="app", scopes=["chat"], budget_nusd=10_000, by=BY)
    copies = keys.over(MemoryKeyStore(keys.every()))
    lowered = await copies.update(issued.key.id, {"budget_nusd": 1_000}, by=BY)
    before = list(heard.events)

    keys.committed([lowered], gone=[], by=BY)

    assert ([], [50, 80]) == (before, [event.percent for event in heard.events])


class Heard:
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


async def test_a_disabled_key_is_unusable_at_once(control):
    issued = await control.keys.create(name="app", scopes=["chat"], by=BY)

    await control.keys.update(issued.key.id, {"enabled": False}, by=BY)

    assert not control.key_table.current[digest(issued.secret)].usable(control.clock.now())


async def test_keys_survive_a_restart(control):
    issued = await control.keys.create(name="app", scopes=["chat"], by=BY)

    again = await control.restarted()

    assert issued.key == again.key_table.current[digest(issued.secret)]


async def test_an_expiry_is_counted_from_now(control):
    issued = await control.keys.create(name="app", scopes=["chat"], expires_in="30d", by=BY)

    assert control.clock.now() + 30 * 86_400 == issued.key.expires_at


async def test_newest_keys_come_first(control):
    await control.keys.create(name="old", scopes=["chat"], by=BY)
    control.clock.unix_s += 1
    await control.keys.create(name="new", scopes=["chat"], by=BY)

    assert ["new", "old"] == [key.name for key in control.keys.every()]


async def test_a_stale_change_is_refused(control):
    key = (await control.keys.create(name="app", scopes=["chat"], by=BY)).key
    await control.keys.update(key.id, {"name": "other"}, by=BY, expected=key.version)

    with pytest.raises(Stale):
        await control.keys.update(key.id, {"name": "third"}, by=BY, expected=key.version)
    with pytest.raises(Stale):
        await control.keys.delete(key.id, by=BY, expected=key.version)


async def test_an_unknown_key_is_not_found(control):
    with pytest.raises(NotFound):
        await control.keys.update("key_x", {}, by=BY)
    with pytest.raises(NotFound):
        await control.keys.delete("key_x", by=BY)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
async def test_a_key_needs_a_printable_name(control, name):
    with pytest.raises(BadRequest) as refused:
        await control.keys.create(name=name, scopes=["chat"], by=BY)

    assert "name" == refused.value.field


@pytest.mark.parametrize(
    ("expected", "scopes"),
    [
        (("chat",), ["chat", "chat"]),
        (("chat", "plan"), '["chat","plan"]'),
        (("*",), ["*"]),
        ((), []),
        ((), "[]"),
    ],
)
def test_scopes_are_a_list_or_a_string_that_holds_one(expected, scopes):
    assert expected == checked_scopes(scopes)


@pytest.mark.parametrize(
    "scopes", ["", "chat", '{"chat":1}', "[1]", ["admin"], "[" * 2000, ["chat", ""]]
)
def test_other_scopes_are_refused(scopes):
    with pytest.raises(BadRequest) as refused:
        checked_scopes(scopes)

    assert "scopes" == refused.value.field


class Slow(MemoryKeyStore):
    """Commits at once, and tells of it only when it is let."""

    def __init__(self):
        super().__init__()
        self.committed = asyncio.Event()
        self.told = asyncio.Event()
        self.told.set()

    async def put(self, key, audit):
        stored = await super().put(key, audit)
        self.committed.set()
        await self.told.wait()
        return stored

    async def delete(self, key_id, audit):
        await super().delete(key_id, audit)
        self.committed.set()
        await self.told.wait()


@pytest.mark.parametrize("how", ["update", "rotate", "delete"])
async def test_a_revocation_that_is_cancelled_half_way_holds_all_the_same(how):
    store = Slow()
    control = await Control(key_store=store).started()
    issued = await control.keys.create(name="app", scopes=["chat"], by=BY)
    store.told.clear()
    store.committed.clear()
    change = {
        "update": lambda: control.keys.update(issued.key.id, {"enabled": False}, by=BY),
        "rotate": lambda: control.keys.rotate(issued.key.id, overlap="0", by=BY),
        "delete": lambda: control.keys.delete(issued.key.id, by=BY),
    }[how]

    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(change())
        await store.committed.wait()
        leaving.cancel()
    store.told.set()
    # The next change waits for the one before it, whoever has left.
    await control.keys.create(name="other", scopes=["chat"], by=BY)

    found = control.key_table.current.get(digest(issued.secret))
    assert found is None or not found.usable(control.clock.now())
