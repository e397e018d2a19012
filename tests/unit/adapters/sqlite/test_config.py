"""Several changes in one transaction of SQLite: all of them or none."""

import pytest

from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.catalog import Defaults, Model, Provider
from tokenhub.core.errors import NotFound
from tokenhub.core.keys import ApiKey
from tokenhub.ports import config
from tokenhub.ports.audit import AuditQuery
from tokenhub.ports.stores import Audit

pytestmark = pytest.mark.anyio
AUDIT = Audit(action="put", resource="it", actor="admin", at=1_700_000_000.25)
HERE = Provider(id="here", base_url="http://127.0.0.1:9000", endpoints=("http://127.0.0.1:9000",))
SMALL = Model(id="org/small", provider_id="here", weight=3)
FAST = Alias(name="fast", variants=(Variant(model_id="org/small"),))
KEY = ApiKey(
    id="key_1",
    name="ours",
    digest=bytes(range(32)),
    prefix="tokenhub_abcd...wxyz",
    scopes=("chat",),
    created_at=1_700_000_000.0,
)
WRITES = [
    config.PutProvider(provider=HERE, audit=AUDIT),
    config.PutModels(models=(SMALL,), audit=AUDIT),
    config.PutAlias(alias=FAST, audit=AUDIT),
    config.PutDefaults(defaults=Defaults(mode="cheap"), audit=AUDIT),
    config.PutKey(key=KEY, audit=AUDIT),
    config.PutRetention(days=30, audit=AUDIT),
]
GONE = [
    config.DropAlias(name="fast", audit=AUDIT),
    config.DropModel(key=("here", "org/small"), audit=AUDIT),
    config.DropProvider(provider_id="here", audit=AUDIT),
    config.DropKey(key_id="key_1", audit=AUDIT),
]


def rows(catalog):
    return catalog.version, catalog.providers, catalog.models, catalog.aliases, catalog.defaults


async def entries(stores):
    return len(await stores.audit.page(AuditQuery(limit=100)))


async def test_all_is_kept_with_one_version_and_an_entry_each(tmp_path):
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        done = await stores.config.commit(WRITES)
        kept = await stores.catalog.load()
        keys = await stores.keys.load()
        told = await entries(stores), stores.series.retention_days
        rebuilt = await stores.catalog.at(1)
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        again = await stores.catalog.load()
        days = stores.series.retention_days

    assert [rows(done.catalog)] * 3 == [rows(kept), rows(again), rows(rebuilt)]
    assert [1, 1, 1, 1, 1] == [
        kept.version,
        kept.providers["here"].version,
        kept.models["here", "org/small"].version,
        kept.aliases["fast"].version,
        kept.defaults.version,
    ]
    assert list(done.keys) == list(keys)
    assert ((6, 30), 30) == (told, days)


async def test_where_one_cannot_be_kept_none_is(tmp_path):
    missing = config.DropAlias(name="missing", audit=AUDIT)
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        before = await stores.catalog.load()
        with pytest.raises(NotFound):
            await stores.config.commit([*WRITES, missing])

        assert before == await stores.catalog.load()
        assert [] == list(await stores.keys.load())
        assert (0, 90) == (await entries(stores), stores.series.retention_days)


async def test_what_is_no_change_of_the_catalog_leaves_its_version(tmp_path):
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        await stores.config.commit(WRITES)
        await stores.config.commit([config.PutRetention(days=60, audit=AUDIT)])
        same = (await stores.catalog.load()).version
        await stores.config.commit(GONE)
        empty = await stores.catalog.load()

    assert (1, 2, {}, {}) == (same, empty.version, empty.providers, empty.models)
