"""No audit, no change: what cannot be told is not done."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, HERE, KEY, SMALL
from tokenhub.adapters.sqlite import audit
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.catalog import Defaults
from tokenhub.core.errors import Unavailable
from tokenhub.ports.audit import AuditQuery

pytestmark = pytest.mark.anyio

ALIAS = Alias(name="fast", variants=(Variant(model_id="org/small", weight=1),))
CHANGES: dict[str, Callable[[Stores], Awaitable[object]]] = {
    "put_provider": lambda to: to.catalog.put_provider(replace(HERE, enabled=True), AUDIT),
    "delete_provider": lambda to: to.catalog.delete_provider("here", AUDIT),
    "put_models": lambda to: to.catalog.put_models([replace(SMALL, weight=9)], AUDIT),
    "delete_model": lambda to: to.catalog.delete_model(SMALL.key, AUDIT),
    "put_alias": lambda to: to.catalog.put_alias(replace(ALIAS, name="slow"), AUDIT),
    "delete_alias": lambda to: to.catalog.delete_alias("fast", AUDIT),
    "put_defaults": lambda to: to.catalog.put_defaults(Defaults(mode="cheap"), AUDIT),
    "keys.put": lambda to: to.keys.put(replace(KEY, name="theirs"), AUDIT),
    "keys.delete": lambda to: to.keys.delete(KEY.id, AUDIT),
}


@pytest.fixture
async def stores(tmp_path):
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        await stores.catalog.put_provider(HERE, AUDIT, models=[SMALL])
        await stores.catalog.put_alias(ALIAS, AUDIT)
        await stores.keys.put(KEY, AUDIT)
        yield stores


async def everything(stores):
    """What is stored, but for the trail itself."""

    def read(conn):
        tables = ["meta", "providers", "models", "aliases", "routing_defaults", "api_keys"]
        return {name: conn.execute(f"SELECT * FROM {name}").fetchall() for name in tables}

    return await stores._ledger.read(read)


async def spoil(stores, sql):
    await stores._ledger.write(lambda conn: conn.execute(sql))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["audit_log", "audit_chain"])
async def test_a_change_whose_entry_cannot_be_written_is_undone(stores, change, table):
    before = await everything(stores)
    event = "INSERT" if table == "audit_log" else "UPDATE"
    await spoil(
        stores, f"CREATE TRIGGER no AFTER {event} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
    )

    with pytest.raises(Unavailable, match="audit trail"):
        await CHANGES[change](stores)

    assert before == await everything(stores)
    assert 3 == await stores.audit.count(AuditQuery())
    await spoil(stores, "DROP TRIGGER no")
    await CHANGES[change](stores)
    assert (4, None) == (
        (await stores.audit.verify()).rows,
        (await stores.audit.verify()).broken,
    )


async def test_a_change_that_fails_leaves_no_entry(stores):
    before = await stores.audit.head()

    with pytest.raises(Exception, match="no model"):
        await stores.catalog.delete_model(("here", "none"), AUDIT)

    assert before == await stores.audit.head()


async def test_a_long_trail_is_walked_in_stretches(stores, monkeypatch):
    monkeypatch.setattr(audit, "_STRETCH", 7)
    for _ in range(20):
        await stores.audit.record(AUDIT)

    verdict = await stores.audit.verify()
    await spoil(stores, "UPDATE audit_log SET actor = 'x' WHERE id = 16")

    assert (23, None) == (verdict.rows, verdict.broken)
    assert 16 == (await stores.audit.verify()).broken.id
