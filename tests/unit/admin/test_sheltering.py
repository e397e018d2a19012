"""Providers' keys and the vault: where they are, where they may go, and what never takes them."""

import msgspec
import pytest

from tests.support.control import credentials
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.errors import Unavailable, VaultLocked

pytestmark = pytest.mark.anyio
BY = By()
PASSWORD = b"the first password"
SECRET = "sk-very-secret"
P = {"id": "p", "type": "openai", "base_url": "https://h/v1", "api_key": SECRET}


def draft(**fields):
    return ProviderDraft(**({"id": "p", "base_url": "https://h"} | fields))


@pytest.fixture
async def opened(control):
    """The vault set up, and open."""
    await control.vault.init(PASSWORD, by=BY)
    return control


async def restarted(control, *, unlock=True):
    again = await control.restarted()
    if unlock:
        await again.vault.unlock(PASSWORD, by=BY)
    return again


def shown(control):
    row = control.providers.get("p")
    return row.cred_store, control.providers.credential(row)


async def test_a_key_that_is_given_goes_into_the_vault_and_outlives_a_restart(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)

    locked = await restarted(opened, unlock=False)
    again = await restarted(opened)

    assert ("vault", "locked") == shown(locked)
    assert locked.secret("p") is None
    assert ("vault", "present") == shown(again)
    assert SECRET == again.secret("p")


async def test_no_key_is_usable_while_it_is_locked_and_all_are_afterwards(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    versions = [opened.secrets.version]

    await opened.vault.lock(by=BY)
    locked = opened.secret("p")
    away = opened.secrets.away(opened.providers.get("p"))
    versions.append(opened.secrets.version)
    await opened.vault.unlock(PASSWORD, by=BY)
    versions.append(opened.secrets.version)

    assert (None, True, SECRET) == (locked, away, opened.secret("p"))
    assert versions == sorted(set(versions))


async def test_a_key_that_was_in_memory_moves_in_when_the_vault_is_set_up(control):
    await control.providers.put(draft(secret=SECRET), by=BY)
    before = shown(control)

    await control.vault.init(PASSWORD, by=BY)

    assert ("memory", "present") == before
    assert ("vault", "present") == shown(control)
    assert SECRET == (await restarted(control)).secret("p")
    assert "provider.key.vault" == control.catalog_store.audit[-1].action
    assert not any(SECRET in entry.detail for entry in control.catalog_store.audit)
    assert {} == control.secrets._memory._secrets


async def test_a_key_is_not_taken_while_the_vault_is_locked_and_nothing_changes(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    await opened.vault.lock(by=BY)
    version = opened.catalog.current.version

    with pytest.raises(VaultLocked):
        await opened.providers.update("p", {"enabled": False}, by=BY, secret="sk-new")

    assert version == opened.catalog.current.version
    await opened.vault.unlock(PASSWORD, by=BY)
    assert SECRET == opened.secret("p")


async def test_other_edits_while_it_is_locked_keep_the_key(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    await opened.vault.lock(by=BY)

    await opened.providers.update("p", {"enabled": False}, by=BY)
    await opened.vault.unlock(PASSWORD, by=BY)

    assert SECRET == opened.secret("p")


async def test_a_key_goes_with_its_provider_even_while_locked(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    await opened.vault.lock(by=BY)

    await opened.providers.delete("p", by=BY)

    assert {} == opened.catalog_store.vault.contents.secrets
    again = await restarted(opened)
    await again.providers.put(draft(), by=BY)
    assert again.secret("p") is None


async def test_clearing_a_key_takes_it_out(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)

    await opened.providers.update("p", {}, by=BY, secret="")

    assert ("none", "none") == shown(opened)
    assert {} == opened.catalog_store.vault.contents.secrets


@pytest.mark.parametrize(
    "urls",
    [("https://evil",), ("http://h",), ("https://h:8443",), ("https://h", "https://evil")],
)
async def test_a_row_that_was_edited_on_disk_does_not_get_the_key(opened, urls):
    await opened.providers.put(draft(type="vllm", secret=SECRET), by=BY)
    store = opened.catalog_store
    old = store._catalog.providers["p"]
    row = msgspec.structs.replace(old, base_url=urls[0], endpoints=urls)
    store._catalog = store._catalog.build(version=store._catalog.version, providers=[row])

    again = await restarted(opened)

    assert again.secret("p") is None
    assert ("vault", "missing") == shown(again)
    await again.providers.update("p", {}, by=BY, secret=SECRET)
    assert SECRET == again.secret("p")


async def test_a_row_with_its_purpose_edited_too_does_not_open(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    store = opened.catalog_store
    row = msgspec.structs.replace(store._catalog.providers["p"], base_url="https://evil")
    store._catalog = store._catalog.build(version=store._catalog.version, providers=[row])
    name = "provider:p:api_key"
    sealed = store.vault.contents.secrets[name]
    forged = msgspec.structs.replace(sealed, purpose="provider https://evil:443")
    store.vault.contents.secrets[name] = forged

    again = await restarted(opened)

    assert again.secret("p") is None


async def test_a_move_through_the_api_forgets_the_key_in_the_same_transaction(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)

    await opened.providers.update("p", {"base_url": "https://other"}, by=BY)
    await opened.providers.update("p", {"base_url": "https://h"}, by=BY)

    assert opened.secret("p") is None
    assert {} == opened.catalog_store.vault.contents.secrets


async def test_fewer_endpoints_keep_the_key(opened):
    two = ("https://a", "https://b")
    await opened.providers.put(draft(type="vllm", base_url="", endpoints=two, secret=SECRET), by=BY)

    await opened.providers.update("p", {"endpoints": ("https://b",)}, by=BY)

    assert SECRET == opened.secret("p")


async def test_a_failed_commit_changes_neither_row_nor_vault(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    contents = opened.safe.contents

    class Broken:
        async def put_provider(self, *_args, **_kwargs):
            raise Unavailable("the disk is full")

    opened.changes.store = Broken()

    with pytest.raises(Unavailable):
        await opened.providers.update("p", {}, by=BY, secret="sk-new")

    assert contents is opened.safe.contents
    assert SECRET == opened.secret("p")


async def test_what_a_locked_provider_offers_is_not_asked_for(opened):
    await opened.providers.put(draft(secret=SECRET), by=BY)
    await opened.vault.lock(by=BY)

    with pytest.raises(VaultLocked):
        await opened.providers.discover("p")

    assert [] == opened.upstreams.asked


async def test_the_files_key_goes_straight_into_an_open_vault(opened):
    assert [] == await opened.bootstrap.apply(credentials(providers=[P]))

    assert ("vault", "present") == shown(opened)
    assert "credentials" == opened.providers.get("p").source
    assert {} == opened.secrets._memory._secrets


async def test_the_files_key_waits_while_it_is_locked_and_moves_in_at_the_next_unlock(opened):
    locked = await restarted(opened, unlock=False)
    await locked.bootstrap.apply(credentials(providers=[P]))
    waiting = (locked.secret("p"), *shown(locked))

    await locked.vault.unlock(PASSWORD, by=BY)

    assert (None, "credentials", "locked") == waiting
    assert ("vault", "present") == shown(locked)
    assert SECRET == locked.secret("p")
    assert SECRET == (await restarted(locked)).secret("p")


async def test_the_same_file_at_each_start_changes_nothing(opened):
    await opened.bootstrap.apply(credentials(providers=[P]))
    version = opened.catalog.current.version
    for _ in range(2):
        opened = await restarted(opened, unlock=False)
        messages = await opened.bootstrap.apply(credentials(providers=[P]))
        await opened.vault.unlock(PASSWORD, by=BY)
        assert [] == messages

    assert version == opened.catalog.current.version
    assert SECRET == opened.secret("p")
    assert {} == opened.secrets._memory._secrets


async def test_an_entry_without_a_key_never_takes_the_vaults_away(opened):
    await opened.bootstrap.apply(credentials(providers=[P]))

    for entry in ({**P, "api_key": ""}, {k: v for k, v in P.items() if k != "api_key"}):
        for unlock in (True, False):
            opened = await restarted(opened, unlock=unlock)
            await opened.bootstrap.apply(credentials(providers=[{**entry, "enabled": unlock}]))
            if not unlock:
                await opened.vault.unlock(PASSWORD, by=BY)
            assert SECRET == opened.secret("p")


@pytest.mark.parametrize("unlock", [True, False])
async def test_a_new_key_in_the_file_replaces_the_files_own(opened, unlock):
    await opened.bootstrap.apply(credentials(providers=[P]))

    again = await restarted(opened, unlock=unlock)
    await again.bootstrap.apply(credentials(providers=[{**P, "api_key": "sk-new"}]))
    if not unlock:
        await again.vault.unlock(PASSWORD, by=BY)

    assert "sk-new" == again.secret("p")


async def test_the_file_leaves_a_key_alone_that_an_operator_gave(opened):
    await opened.bootstrap.apply(credentials(providers=[P]))
    await opened.providers.update("p", {}, by=BY, secret="sk-ours")

    again = await restarted(opened)
    messages = await again.bootstrap.apply(credentials(providers=[P]))

    assert "sk-ours" == again.secret("p")
    assert 1 == len(messages)
    assert SECRET not in str(messages)
