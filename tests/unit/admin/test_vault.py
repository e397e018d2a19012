"""The vault as operators use it: what opens it, what does not, and what is kept of both."""

import asyncio
import json

import pytest

from tests.support.control import Control
from tests.support.vaults import CHEAP
from tokenhub.admin.changes import By
from tokenhub.admin.vault import AutoLock
from tokenhub.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    RateLimited,
    Unavailable,
    VaultDamaged,
    VaultLocked,
    WrongPassword,
)
from tokenhub.core.vault.changes import rekeyed
from tokenhub.core.vault.passwords import Tries

pytestmark = pytest.mark.anyio
BY = By(actor="ops", request_id="req_1")
FIRST, SECOND = b"the first password", b"the second password"


@pytest.fixture
async def vault(control):
    """A vault that is set up and open."""
    await control.vault.init(FIRST, by=BY)
    return control.vault


def trail(control):
    """The audit entries of the vault: action and what is told with it."""
    entries = control.catalog_store.vault.audit
    return [(entry.action, json.loads(entry.detail)["after"]) for entry in entries]


async def test_it_begins_as_nothing_that_could_be_locked(control):
    assert (False, False) == (control.vault.initialized, control.vault.locked)
    with pytest.raises(Conflict) as refused:
        control.vault.names()
    assert "vault_not_initialized" == refused.value.code


async def test_set_up_it_is_open_and_keeps_secrets(vault):
    await vault.put_secret("ci/token", b"s3cret", by=BY)

    assert ["ci/token"] == vault.names()
    assert b"s3cret" == await vault.secret("ci/token", by=BY)


async def test_a_second_set_up_is_refused_and_changes_nothing(control, vault):
    await vault.put_secret("a", b"s", by=BY)

    with pytest.raises(Conflict) as refused:
        await vault.init(SECOND, by=BY)

    assert "vault_initialized" == refused.value.code
    await vault.lock(by=BY)
    await vault.unlock(FIRST, by=BY)
    assert ["a"] == vault.names()


async def test_unlock_never_sets_anything_up(control):
    with pytest.raises(Conflict) as refused:
        await control.vault.unlock(FIRST, by=BY)

    assert "vault_not_initialized" == refused.value.code
    assert control.catalog_store.vault.contents is None


async def test_a_wrong_password_opens_nothing_and_initialises_nothing(control, vault):
    before = control.catalog_store.vault.contents
    await vault.lock(by=BY)

    with pytest.raises(WrongPassword):
        await vault.unlock(SECOND, by=BY)

    assert vault.locked
    assert before == control.catalog_store.vault.contents


async def test_after_a_restart_it_is_locked_and_opens_with_its_password_alone(control, vault):
    await vault.put_secret("a", b"s", by=BY)

    again = await control.restarted()

    assert again.vault.locked
    for use in (again.vault.names, again.vault._must_be_open):
        with pytest.raises(VaultLocked):
            use()
    with pytest.raises(VaultLocked):
        await again.vault.secret("a", by=BY)
    assert [] == list(await again.vault.unlock(FIRST, by=BY))
    assert b"s" == await again.vault.secret("a", by=BY)


async def test_another_password_holds_at_once_and_the_old_one_no_more(control, vault):
    await vault.put_secret("a", b"s", by=BY)

    warning = await vault.change_password(FIRST, SECOND, by=BY)

    again = await control.restarted()
    with pytest.raises(WrongPassword):
        await again.vault.unlock(FIRST, by=BY)
    await again.vault.unlock(SECOND, by=BY)
    assert b"s" == await again.vault.secret("a", by=BY)
    assert "" == warning


async def test_a_password_is_not_changed_by_whoever_does_not_know_it(control, vault):
    before = control.catalog_store.vault.contents

    with pytest.raises(WrongPassword):
        await vault.change_password(SECOND, b"a third password", by=BY)

    assert before == control.catalog_store.vault.contents
    assert not vault.locked


@pytest.mark.parametrize("short", [b"", b"seven77", b"          "])
async def test_a_short_password_is_refused_for_both(control, short):
    with pytest.raises(BadRequest):
        await control.vault.init(short, by=BY)
    await control.vault.init(FIRST, by=BY)
    with pytest.raises(BadRequest):
        await control.vault.change_password(FIRST, short, by=BY)


async def test_a_recovery_key_opens_it_and_gives_it_a_new_password(control, vault):
    key = await vault.add_recovery(FIRST, by=BY)

    again = await control.restarted()
    await again.vault.unlock(key.upper().encode(), by=BY)
    await again.vault.change_password(key.encode(), SECOND, by=BY)
    await again.vault.lock(by=BY)
    await again.vault.unlock(SECOND, by=BY)

    assert ("password", "recovery") == (await again.vault.status()).slots
    assert key not in str(trail(control))


async def test_a_new_recovery_key_makes_the_old_one_worthless_and_a_deleted_one_is(control, vault):
    old = await vault.add_recovery(FIRST, by=BY)
    new = await vault.add_recovery(FIRST, by=BY)

    with pytest.raises(WrongPassword):
        await vault.unlock(old.encode(), by=BY)
    await vault.unlock(new.encode(), by=BY)
    await vault.drop_recovery(by=BY)

    with pytest.raises(WrongPassword):
        await vault.unlock(new.encode(), by=BY)
    with pytest.raises(NotFound):
        await vault.drop_recovery(by=BY)


async def test_another_data_key_keeps_what_is_in_it(control, vault):
    await vault.put_secret("a", b"s", by=BY)

    count = await vault.rotate_key(by=BY)

    assert 1 == count
    again = await control.restarted()
    await again.vault.unlock(FIRST, by=BY)
    assert b"s" == await again.vault.secret("a", by=BY)
    assert 2 == (await again.vault.status()).data_key


async def test_a_secret_is_replaced_and_forgotten(vault):
    await vault.put_secret("a", b"old", by=BY)
    await vault.put_secret("a", b"new", by=BY)
    kept = await vault.secret("a", by=BY)

    await vault.delete_secret("a", by=BY)

    assert b"new" == kept
    for missing in (vault.secret, vault.delete_secret):
        with pytest.raises(NotFound):
            await missing("a", by=BY)


@pytest.mark.parametrize(
    ("name", "secret", "field"),
    [
        ("", b"s", "key"),
        ("x" * 201, b"s", "key"),
        ("a\nb", b"s", "key"),
        ("a", b"", "value"),
        ("a", b"x" * 65_537, "value"),
    ],
)
async def test_what_cannot_be_kept_is_refused(vault, name, secret, field):
    with pytest.raises(BadRequest) as refused:
        await vault.put_secret(name, secret, by=BY)

    assert field == refused.value.field


async def test_five_tries_are_free_then_each_waits_and_a_good_one_ends_it(control, vault):
    await vault.lock(by=BY)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await vault.unlock(b"wrong", by=BY)

    with pytest.raises(RateLimited) as refused:
        await vault.unlock(FIRST, by=BY)
    control.clock.unix_s += 1
    with pytest.raises(WrongPassword):
        await vault.unlock(b"wrong", by=BY)
    status = await vault.status()
    control.clock.unix_s += 2
    await vault.unlock(FIRST, by=BY)

    assert 1 == refused.value.retry_after_s
    assert (6, 2.0) == (status.failures, status.wait_s)
    assert Tries() == await control.catalog_store.vault.tries()


async def test_a_restart_does_not_make_tries_free_again(control, vault):
    await vault.lock(by=BY)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await vault.unlock(b"wrong", by=BY)

    again = await control.restarted()

    with pytest.raises(RateLimited):
        await again.vault.unlock(FIRST, by=BY)


async def test_the_password_of_the_settings_need_not_wait_for_others_wrong_ones(control, vault):
    await vault.lock(by=BY)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await vault.unlock(b"wrong", by=BY)

    await vault.unlock(FIRST, by=By(actor="start"), at_once=True)

    assert not vault.locked


async def test_a_hundred_at_once_buy_no_more_than_the_free_tries(control, vault):
    await vault.lock(by=BY)

    ends = await asyncio.gather(
        *(vault.unlock(b"wrong %d" % n, by=BY) for n in range(100)), return_exceptions=True
    )

    assert 5 == sum(isinstance(end, WrongPassword) for end in ends)
    assert 95 == sum(isinstance(end, RateLimited) for end in ends)


async def test_every_try_is_in_the_trail_without_its_password(control, vault):
    await vault.lock(by=BY)
    with pytest.raises(WrongPassword):
        await vault.unlock(b"a wrong password", by=BY)
    await vault.unlock(FIRST, by=BY)
    with pytest.raises(WrongPassword):
        await vault.change_password(b"a wrong password", SECOND, by=BY)
    await vault.change_password(FIRST, SECOND, by=BY)
    await vault.put_secret("a", b"s3cret", by=BY)
    await vault.secret("a", by=BY)

    told = trail(control)
    assert [
        "vault.init",
        "vault.lock",
        "vault.unlock",
        "vault.unlock",
        "vault.rotate",
        "vault.rotate",
    ] == [action for action, _ in told][:6]
    assert ["vault.secret.set", "vault.secret.get"] == [action for action, _ in told][-2:]
    entries = control.catalog_store.vault.audit
    refused = [json.loads(entry.detail)["why"] for entry in entries if entry.outcome == "refused"]
    assert ["wrong_password", "wrong_password"] == refused
    assert {("ops", "req_1")} == {(entry.actor, entry.request_id) for entry in entries}
    for secret in ("a wrong password", FIRST.decode(), SECOND.decode(), "s3cret"):
        assert secret not in str(entries)


class Broken:
    """A store whose disk is full from `broken` on; reads go on."""

    def __init__(self, store):
        self._store = store
        self.load = store.load
        self.tries = store.tries
        self.broken = True

    def __getattr__(self, name):
        async def write(*given):
            if self.broken:
                raise Unavailable("the disk is full")
            return await getattr(self._store, name)(*given)

        return write


@pytest.fixture
def full(control):
    """Makes the disk full; `full().broken = False` ends it."""

    def fill():
        broken = Broken(control.catalog_store.vault)
        control.vault._store = broken
        return broken

    return fill


CHANGES = {
    "password": lambda vault: vault.change_password(FIRST, SECOND, by=BY),
    "data key": lambda vault: vault.rotate_key(by=BY),
    "recovery": lambda vault: vault.add_recovery(FIRST, by=BY),
    "secret": lambda vault: vault.put_secret("a", b"new", by=BY),
    "delete": lambda vault: vault.delete_secret("a", by=BY),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_cannot_be_saved_changes_neither_memory_nor_disk(
    control, vault, full, change
):
    await vault.put_secret("a", b"old", by=BY)
    contents, ring = control.safe.contents, control.safe.ring
    disk = full()

    with pytest.raises(Unavailable):
        await CHANGES[change](vault)

    assert contents is control.safe.contents
    assert ring is control.safe.ring
    disk.broken = False
    assert b"old" == await vault.secret("a", by=BY)
    await vault.lock(by=BY)
    await vault.unlock(FIRST, by=BY)
    assert b"old" == await vault.secret("a", by=BY)


async def test_nothing_opens_that_cannot_be_audited(control, vault, full):
    await vault.lock(by=BY)
    full()

    with pytest.raises(Unavailable):
        await vault.unlock(FIRST, by=BY)

    assert vault.locked


async def test_a_secret_is_not_told_where_the_look_cannot_be_audited(control, vault, full):
    await vault.put_secret("a", b"s", by=BY)
    full()

    with pytest.raises(Unavailable):
        await vault.secret("a", by=BY)


async def test_to_lock_does_not_fail_with_the_disk(control, vault, full):
    full()

    assert await vault.lock(by=BY)
    assert vault.locked


async def test_locked_there_are_no_keys_in_its_objects(control, vault):
    await vault.lock(by=BY)

    assert control.safe.ring is None
    assert not await vault.lock(by=BY)


@pytest.fixture
async def timed():
    control = await Control(auto_lock=AutoLock(idle_s=60.0, open_s=600.0)).started()
    await control.vault.init(FIRST, by=BY)
    await control.vault.put_secret("a", b"s", by=BY)
    return control


async def test_it_locks_when_nothing_was_used_for_so_long_and_says_so(timed):
    timed.clock.running_s += 59
    await timed.vault.look()
    open_yet = not timed.vault.locked
    timed.clock.running_s += 1
    await timed.vault.look()

    assert open_yet
    assert timed.vault.locked
    entry = timed.catalog_store.vault.audit[-1]
    assert ("vault.lock", "auto-lock") == (entry.action, entry.actor)
    assert "idle" in entry.detail


async def test_a_use_keeps_it_open_but_not_for_ever(timed):
    for _ in range(20):
        timed.clock.running_s += 30
        await timed.vault.look()
        if timed.vault.locked:
            break
        await timed.vault.secret("a", by=BY)

    assert timed.vault.locked
    assert 1600 == timed.clock.running_s
    assert "open for too long" in timed.catalog_store.vault.audit[-1].detail


async def test_the_wall_clock_locks_nothing(timed):
    timed.clock.unix_s += 10_000_000
    await timed.vault.look()

    assert not timed.vault.locked
    assert 60.0 == (await timed.vault.status()).locks_in_s


async def test_a_change_whose_caller_was_cut_off_is_caught_up_with(timed):
    safe, store = timed.safe, timed.catalog_store.vault
    step = rekeyed(safe.contents, safe.ring, now=0.0, forgotten_before=0.0, draw=timed.vault._draw)
    store.write(step.change)
    with pytest.raises(Conflict):
        await timed.vault.put_secret("a", b"new", by=BY)

    await timed.vault.look()
    await timed.vault.put_secret("a", b"new", by=BY)

    assert b"new" == await timed.vault.secret("a", by=BY)
    assert 2 == (await timed.vault.status()).data_key


async def test_its_time_comes_also_where_the_disk_cannot_be_read(timed):
    async def unreadable():
        raise Unavailable("the disk is gone")

    timed.catalog_store.vault.epoch = unreadable
    timed.clock.running_s += 60

    await timed.vault.look()

    assert timed.vault.locked


async def test_a_look_minds_no_lock_that_came_before_its_turn(timed):
    async with timed.safe.lock:
        look = asyncio.ensure_future(timed.vault.look())
        await asyncio.sleep(0)
        timed.safe.swap(timed.safe.contents, None)

    await look

    assert timed.vault.locked


async def test_a_data_key_is_changed_later_where_it_cannot_be_now(timed):
    timed.safe.ring.used = 1 << 31
    disk = timed.vault._store = Broken(timed.catalog_store.vault)

    await timed.vault.look()
    disk.broken = False
    await timed.vault.look()

    assert 2 == (await timed.vault.status()).data_key


async def test_a_data_key_that_has_sealed_enough_is_changed(timed):
    timed.safe.ring.used = 1 << 31

    await timed.vault.look()

    assert 2 == (await timed.vault.status()).data_key


async def test_a_secret_that_was_changed_on_disk_is_left_out_and_named(control, vault):
    await vault.put_secret("a", b"old", by=BY)
    old = control.catalog_store.vault.contents.secrets["secret:a"]
    await vault.put_secret("a", b"new", by=BY)
    await vault.put_secret("b", b"s", by=BY)
    await vault.lock(by=BY)
    control.catalog_store.vault.contents.secrets["secret:a"] = old

    left_out = await vault.unlock(FIRST, by=BY)

    assert ("secret:a",) == left_out
    assert ["b"] == vault.names()


async def test_four_gigabytes_are_refused_before_anything_is_stretched(control, vault):
    class Never:
        async def stretched(self, password, *, salt, cost):
            raise AssertionError

    await vault.lock(by=BY)
    store = control.catalog_store.vault
    slot = store.contents.slots["password"]
    heavy = type(slot)(
        **{name: getattr(slot, name) for name in slot.__struct_fields__ if name != "memory_kib"},
        memory_kib=4 << 20,
    )
    store.contents.slots["password"] = heavy
    vault._stretcher = Never()

    with pytest.raises(VaultDamaged) as refused:
        await vault.unlock(FIRST, by=BY)

    assert "vault_kdf_refused" == refused.value.code
    assert 4 << 20 > CHEAP.memory_kib


async def test_the_check_names_what_does_not_open(control, vault):
    await vault.put_secret("a", b"old", by=BY)
    old = control.catalog_store.vault.contents.secrets["secret:a"]
    await vault.put_secret("a", b"new", by=BY)
    whole, nothing_wrong = await vault.check(FIRST)
    control.catalog_store.vault.contents.secrets["secret:a"] = old

    _, wrong = await vault.check(FIRST)

    assert ["secret:a"] == list(whole.contents.secrets)
    assert ([], ["secret:a"]) == (nothing_wrong, wrong)


async def test_without_the_vault_every_use_says_how_to_have_it(control):
    control.vault._enabled = False

    with pytest.raises(Unavailable) as refused:
        await control.vault.init(FIRST, by=BY)

    assert "vault_disabled" == refused.value.code
    assert not (await control.vault.status()).enabled


@pytest.mark.parametrize("what", ["change_password", "add_recovery"])
async def test_what_waited_does_not_open_what_was_locked_meanwhile(control, vault, what):
    """Who asked for the lock was told that it is locked."""
    asked = {
        "change_password": lambda: vault.change_password(FIRST, SECOND, by=BY),
        "add_recovery": lambda: vault.add_recovery(FIRST, by=BY),
    }[what]
    async with asyncio.TaskGroup() as tasks, control.safe.lock:
        locking = tasks.create_task(vault.lock(by=BY))
        await asyncio.sleep(0)
        waiting = tasks.create_task(_refusal(asked()))
        await asyncio.sleep(0)

    assert locking.result()
    assert isinstance(waiting.result(), VaultLocked)
    assert vault.locked


async def test_a_look_that_finds_it_locked_meanwhile_leaves_it(control, vault):
    async with asyncio.TaskGroup() as tasks, control.safe.lock:
        tasks.create_task(vault.lock(by=BY))
        await asyncio.sleep(0)
        tasks.create_task(vault.look())
        await asyncio.sleep(0)

    assert vault.locked


async def _refusal(asked):
    try:
        await asked
    except VaultLocked as error:
        return error
    return None
