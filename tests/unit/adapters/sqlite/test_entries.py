"""Audit entries are told of when they are committed, and only then."""

import pytest

from tests.support.builders import a_model, a_provider
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import NotFound
from tokenhub.ports.stores import Audit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def audit(action):
    return Audit(action=action, resource="x", actor="admin", at=1_700_000_000.0)


async def test_what_is_committed_is_told_in_its_order_and_what_failed_is_not(tmp_path):
    told = []
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        stores.hear(lambda entry: told.append(entry.action))
        catalog = stores.catalog
        await catalog.put_provider(a_provider("a"), audit("one"))
        with pytest.raises(NotFound):
            await catalog.delete_provider("b", audit("failed"))
        await catalog.put_models([a_model("m", "a")], audit("two"))
        await stores.audit.record(audit("three"))

    assert ["one", "two", "three"] == told
