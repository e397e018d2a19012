"""Where the vault is kept: what was committed is there, whole, and nothing else."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.kept import AUDIT, HERE
from tests.support.vaults import NOW, PURPOSE, a_password, a_vault, draws, reopened
from tokenhub.adapters.memory.stores import MemoryCatalogStore
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.core.vault.changes import dropped, founded, kept, rekeyed, torn_out
from tokenhub.core.vault.passwords import Tries
from tokenhub.ports.stores import CatalogStore
from tokenhub.ports.vault import VaultStore

pytestmark = pytest.mark.anyio
Stores = tuple[VaultStore, CatalogStore]


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        catalog = MemoryCatalogStore()
        yield catalog.vault, catalog
        return
    async with open_stores(tmp_path / "tokenhub.sqlite") as opened:
        yield opened.vault, opened.catalog


async def test_nothing_is_there_at_first(stores: Stores) -> None:
    vault, _ = stores

    assert None is await vault.load()
    assert Tries() == await vault.tries()


async def test_what_was_committed_is_read_back_the_same(stores: Stores) -> None:
    vault, _ = stores
    draw = draws()
    step = founded(a_password(), now=NOW, draw=draw)
    await vault.commit(step.change, AUDIT)
    for name, secret in (("a", b"sk-a"), ("b", b"sk-b")):
        step = kept(step.contents, step.ring, name, secret, purpose=PURPOSE, now=NOW, draw=draw)
        await vault.commit(step.change, AUDIT)
    step = dropped(step.contents, step.ring, "b", draw=draw)
    await vault.commit(step.change, AUDIT)
    step = rekeyed(step.contents, step.ring, now=NOW, forgotten_before=0.0, draw=draw)
    await vault.commit(step.change, AUDIT)

    found = await vault.load()

    assert step.contents == found
    assert {"a"} == set(reopened(found).contents.secrets)


async def test_a_change_of_another_epoch_is_refused_whole(stores: Stores) -> None:
    vault, _ = stores
    draw = draws()
    first = founded(a_password(), now=NOW, draw=draw)
    await vault.commit(first.change, AUDIT)
    again = founded(a_password("other"), now=NOW, draw=draw)
    late = kept(first.contents, first.ring, "a", b"s", purpose="", now=NOW, draw=draw).change
    wrong = msgspec.structs.replace(late, expected=7)

    for change in (again.change, wrong):
        with pytest.raises(Conflict) as refused:
            await vault.commit(change, AUDIT)
        assert "vault_changed" == refused.value.code

    assert first.contents == await vault.load()


async def test_tries_are_kept(stores: Stores) -> None:
    vault, _ = stores

    await vault.note(Tries(failures=3, last_at=NOW + 0.5), AUDIT)

    assert Tries(failures=3, last_at=NOW + 0.5) == await vault.tries()


async def test_a_providers_key_is_written_with_its_row_and_goes_with_it(stores: Stores) -> None:
    vault, catalog = stores
    draw = draws()
    first = a_vault(draw)
    await vault.commit(first.change, AUDIT)
    step = kept(first.contents, first.ring, "a", b"s", purpose=PURPOSE, now=NOW, draw=draw)

    await catalog.put_provider(HERE, AUDIT, key=step.change)
    with_it = await vault.load()
    await catalog.delete_provider(HERE.id, AUDIT, key=torn_out(step.contents, "a"))

    assert with_it is not None
    assert {"a"} == set(with_it.secrets)
    after = await vault.load()
    assert after is not None
    assert {} == after.secrets


async def test_a_row_that_cannot_be_deleted_leaves_the_key(stores: Stores) -> None:
    vault, catalog = stores
    step = a_vault(draws(), a=b"s")
    await catalog.put_provider(HERE, AUDIT)
    await vault.commit(msgspec.structs.replace(step.change, expected=0), AUDIT)

    with pytest.raises(NotFound):
        await catalog.delete_provider("nobody", AUDIT, key=torn_out(step.contents, "a"))

    assert (await vault.load()) is not None


def in_clear(folder: Path, text: bytes) -> list[str]:
    """The files that hold it."""
    return [path.name for path in folder.iterdir() if text in path.read_bytes()]


async def test_no_secret_is_in_the_file_in_clear(tmp_path: Path) -> None:
    draw = draws()
    async with open_stores(tmp_path / "tokenhub.sqlite") as opened:
        step = founded(a_password(), now=NOW, draw=draw)
        await opened.vault.commit(step.change, AUDIT)
        step = kept(step.contents, step.ring, "a", b"sk-canary", purpose="p", now=NOW, draw=draw)
        await opened.vault.commit(step.change, AUDIT)

    assert not in_clear(tmp_path, b"sk-canary")
    with sqlite3.connect(tmp_path / "tokenhub.sqlite") as conn:
        assert 1 == conn.execute("SELECT count(*) FROM vault_secrets").fetchone()[0]
    conn.close()
