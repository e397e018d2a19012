from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, HERE, SMALL, Kept, on_disk
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider
from tokenhub.core.errors import NotFound

pytestmark = pytest.mark.anyio

DEFAULTS = Defaults(mode="cheap", max_budget_nusd=None, max_latency_s=2.5)


def rows(catalog: Catalog) -> tuple[object, ...]:
    """What of a catalog can be compared: its routes are built anew for each."""
    return (catalog.version, catalog.providers, catalog.models, catalog.defaults)


async def test_nothing_is_kept_at_first(kept: Kept) -> None:
    catalog = await kept.catalog.load()

    assert 0 == catalog.version
    assert {} == catalog.providers
    assert {} == catalog.models
    assert Defaults() == catalog.defaults


async def test_every_field_comes_back(kept: Kept) -> None:
    written = await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])
    written = await kept.catalog.put_defaults(DEFAULTS, AUDIT)

    catalog = await kept.catalog.load()

    assert rows(written) == rows(catalog)
    assert {"here": replace(HERE, version=1)} == catalog.providers
    assert {SMALL.key: replace(SMALL, version=1)} == catalog.models
    assert replace(DEFAULTS, version=2) == catalog.defaults


async def test_aliases_come_back_and_go(kept: Kept) -> None:
    alias = Alias(
        name="fast/one",
        variants=(Variant(model_id="a/b", weight=3), Variant(model_id="c")),
        enabled=False,
        sticky_by="round_robin",
    )
    written = await kept.catalog.put_alias(alias, AUDIT)

    catalog = await kept.catalog.load()

    assert {"fast/one": replace(alias, version=1)} == written.aliases == catalog.aliases
    assert {} == (await kept.catalog.delete_alias("fast/one", AUDIT)).aliases
    with pytest.raises(NotFound):
        await kept.catalog.delete_alias("fast/one", AUDIT)


async def test_a_new_file_of_the_old_rows_reads_the_same(tmp_path: Path) -> None:
    async with on_disk(tmp_path / "tokenhub.sqlite") as before:
        written = await before.catalog.put_provider(HERE, AUDIT, models=[SMALL])

    async with on_disk(tmp_path / "tokenhub.sqlite") as after:
        catalog = await after.catalog.load()

    assert rows(written) == rows(catalog)


async def test_each_change_raises_the_version_and_stamps_only_what_it_touched(kept: Kept) -> None:
    await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])
    other = Model(id="other", provider_id="here")

    catalog = await kept.catalog.put_models([other], AUDIT)

    assert 2 == catalog.version
    assert 1 == catalog.providers["here"].version
    assert 1 == catalog.models[SMALL.key].version
    assert 2 == catalog.models[other.key].version


async def test_replacing_a_provider_keeps_its_models(kept: Kept) -> None:
    await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])

    catalog = await kept.catalog.put_provider(replace(HERE, enabled=True), AUDIT)

    assert catalog.providers["here"].enabled
    assert [SMALL.key] == list(catalog.models)


async def test_the_same_model_may_stand_at_several_providers(kept: Kept) -> None:
    there = Provider(id="there", base_url="http://127.0.0.1:9002")
    await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])

    twin = replace(SMALL, provider_id="there")
    catalog = await kept.catalog.put_provider(there, AUDIT, models=[twin])

    assert [("here", "org/small"), ("there", "org/small")] == list(catalog.models)
    assert 2 == len(catalog.routes_of("org/small"))


async def test_a_deleted_provider_takes_its_models_with_it(kept: Kept) -> None:
    await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])

    catalog = await kept.catalog.delete_provider("here", AUDIT)

    assert {} == catalog.providers
    assert {} == catalog.models
    assert 2 == catalog.version


async def test_a_deleted_model_leaves_the_others(kept: Kept) -> None:
    other = Model(id="other", provider_id="here")
    await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL, other])

    catalog = await kept.catalog.delete_model(SMALL.key, AUDIT)

    assert [other.key] == list(catalog.models)


async def test_rows_are_ordered_by_name_not_by_arrival(kept: Kept) -> None:
    for name in ("b", "a", "c"):
        await kept.catalog.put_provider(replace(HERE, id=name), AUDIT)

    catalog = await kept.catalog.load()

    assert ["a", "b", "c"] == list(catalog.providers)


async def test_the_audit_entry_is_there_with_the_change(kept: Kept) -> None:
    await kept.catalog.put_provider(HERE, AUDIT)
    await kept.catalog.put_defaults(DEFAULTS, replace(AUDIT, action="set", resource="routing"))

    assert [("put", "provider:here"), ("set", "routing")] == await kept.audit()


async def test_a_change_that_fails_leaves_nothing_behind(kept: Kept) -> None:
    before = await kept.catalog.put_provider(HERE, AUDIT, models=[SMALL])
    stray = Model(id="stray", provider_id="nobody")

    with pytest.raises(NotFound, match="no provider is called 'nobody'"):
        await kept.catalog.put_models([replace(SMALL, weight=9), stray], AUDIT)
    with pytest.raises(NotFound):
        await kept.catalog.delete_provider("nobody", AUDIT)
    with pytest.raises(NotFound):
        await kept.catalog.delete_model(("here", "nothing"), AUDIT)

    assert rows(before) == rows(await kept.catalog.load())
    assert [("put", "provider:here")] == await kept.audit()


async def test_every_version_can_be_told_afterwards(kept: Kept) -> None:
    store = kept.catalog
    alias = Alias(name="fast", variants=(Variant(model_id="org/small"),))
    told = [
        await store.load(),
        await store.put_provider(HERE, AUDIT, models=[SMALL]),
        await store.put_alias(alias, AUDIT),
        await store.put_models([replace(SMALL, weight=9, output_price=7)], AUDIT),
        await store.put_defaults(DEFAULTS, AUDIT),
        await store.delete_alias("fast", AUDIT),
        await store.delete_model(SMALL.key, AUDIT),
        await store.put_models([SMALL], AUDIT),
        await store.delete_provider("here", AUDIT),
    ]

    again = [await store.at(version) for version in range(len(told))]

    assert [rows(catalog) for catalog in told] == [rows(catalog) for catalog in again if catalog]
    assert [catalog.aliases for catalog in told] == [one.aliases for one in again if one]
    assert await store.at(len(told)) is None
