"""What imports have brought in, in each adapter."""

import pytest

from tokenhub.adapters.memory.imported import MemoryImported
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.outcome import Outcome
from tokenhub.ports.imported import OldHash

pytestmark = pytest.mark.anyio

FIRST = OldHash(key_id="key_1", start="0123456789abcdef", hash="$2a$10$a")
SECOND = OldHash(key_id="key_2", start="01234567", hash="$2a$10$b")


@pytest.fixture(params=["memory", "sqlite"])
async def imported(request, tmp_path):
    if request.param == "memory":
        kept = MemoryImported()
        kept.known = {"req_1"}
        yield kept
        return
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        row = {"at": 1.0, "key_id": "", "dialect": "", "requested_model": "", "mode": ""}
        await stores.journal.record(Outcome(request_id="req_1", reason="", **row))
        yield stores.imported


async def test_what_was_noted_is_there_once(imported):
    await imported.note("model", ["a/b", "a/c"], at=1.0)
    await imported.note("model", ["a/b"], at=2.0)
    await imported.note("alias", ["a/b"], at=2.0)
    await imported.note("key", [], at=2.0)

    expected = {("model", "a/b"), ("model", "a/c"), ("alias", "a/b")}
    assert expected == await imported.noted()


async def test_hashes_are_kept_until_they_are_dropped(imported):
    await imported.keep(SECOND)
    await imported.keep(OldHash(key_id="key_1", start="x", hash="y"))
    await imported.keep(FIRST)

    assert [FIRST, SECOND] == await imported.hashes()
    await imported.drop(["key_1", "key_3"])
    assert [SECOND] == await imported.hashes()


async def test_requests_that_the_log_holds_are_told(imported):
    assert frozenset({"req_1"}) == await imported.requests(["req_0", "req_1", "req_2"])
    assert frozenset() == await imported.requests([])
