"""Every adapter of the port for saved views keeps the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tokenhub.adapters.memory.views import MemoryViews
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import NotFound
from tokenhub.ports.stores import Audit
from tokenhub.ports.views import View, ViewStore

pytestmark = pytest.mark.anyio
AUDIT = Audit(action="put", resource="view:slow", actor="admin", at=1_700_000_000.25)
SLOW = View(name="slow", filter='ms>2000 key:"a b"', columns=("request_id", "model_id"))


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ViewStore]:
    if request.param == "memory":
        yield MemoryViews()
        return
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        yield stores.views


async def test_a_view_is_kept_with_a_version_that_counts_up(store: ViewStore) -> None:
    first = await store.put(SLOW, AUDIT)
    second = await store.put(replace(SLOW, columns=()), AUDIT)
    other = await store.put(replace(SLOW, name="all", filter=""), AUDIT)

    assert [replace(SLOW, version=1), replace(SLOW, columns=(), version=2)] == [first, second]
    assert [other, second] == list(await store.load())


async def test_a_view_is_deleted_once(store: ViewStore) -> None:
    await store.put(SLOW, AUDIT)

    await store.delete("slow", AUDIT)

    assert [] == list(await store.load())
    with pytest.raises(NotFound):
        await store.delete("slow", AUDIT)


async def test_a_version_is_never_given_twice(store: ViewStore) -> None:
    await store.put(SLOW, AUDIT)
    await store.delete("slow", AUDIT)

    assert 3 == (await store.put(SLOW, AUDIT)).version
