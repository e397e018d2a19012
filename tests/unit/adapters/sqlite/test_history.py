"""Old versions of the catalog: small, kept while a record names them, and gone after."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.kept import AUDIT, HERE, SMALL
from tests.support.builders import a_catalog, a_model
from tokenhub.adapters.sqlite import history
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.migrations import TOKENHUB, Schema
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.catalog import Catalog
from tokenhub.core.errors import Unavailable
from tokenhub.ports.stores import CATALOG_DAMAGED


class Record(msgspec.Struct, frozen=True):
    catalog_version: int


def edited(path: Path, statement: str) -> list[tuple[int, ...]]:
    """What a statement gives that somebody runs beside the server."""
    with closing(sqlite3.connect(path)) as conn, conn:
        return conn.execute(statement).fetchall()


def memory() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:")
    for step in TOKENHUB.steps:
        for statement in step.statements:
            conn.execute(statement)
    return conn


def content(catalog: Catalog | None) -> tuple[object, ...]:
    assert catalog is not None
    return (catalog.version, catalog.providers, catalog.models, catalog.aliases, catalog.defaults)


contents = st.lists(
    st.builds(a_model, st.sampled_from("mn"), st.sampled_from("abc"), weight=st.integers(0, 1)),
    max_size=5,
)


@settings(max_examples=50)
@given(st.lists(contents, min_size=1, max_size=8), st.sets(st.integers(0, 8)), st.integers(0, 8))
def test_what_is_named_outlives_every_pruning_as_it_was(
    changes: list[list], named: set[int], below: int
) -> None:
    catalogs = [a_catalog(*models, version=version) for version, models in enumerate(changes)]
    with closing(memory()) as conn:
        for catalog in catalogs:
            history.keep(conn, catalog)

        history.prune(conn, named, below=below)

        for catalog in catalogs:
            found = history.rebuilt(conn, catalog.version)
            if catalog.version in named or catalog.version >= below:
                assert content(catalog) == content(found)
            else:
                assert found is None
        assert not history.prunable(conn, named, below=below)


def test_a_change_of_one_row_keeps_one_row_more() -> None:
    models = [a_model(f"m{number}") for number in range(100)]
    changed = [msgspec.structs.replace(models[0], weight=7), *models[1:]]
    with closing(memory()) as conn:
        history.keep(conn, a_catalog(*models, version=1))
        (before,) = conn.execute("SELECT count(*) FROM catalog_rows").fetchone()

        history.keep(conn, a_catalog(*changed, version=2))

        (after,) = conn.execute("SELECT count(*) FROM catalog_rows").fetchone()
    assert before + 1 == after


@pytest.mark.anyio
async def test_the_versions_that_no_record_names_are_gone_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    async with open_stores(path) as stores:
        await stores.catalog.load()
        for weight in range(4):
            model = msgspec.structs.replace(SMALL, weight=weight)
            await stores.catalog.put_provider(HERE, AUDIT, models=[model])
        stores.journal.explain("req_1", 1.5, Record(2))
        running = await stores.prune_catalogs()

    async with open_stores(path) as stores:
        await stores.catalog.load()
        there = [await stores.catalog.at(version) is not None for version in range(6)]

    assert 0 == running
    assert [False, False, True, False, True, False] == there


@pytest.mark.anyio
async def test_a_file_from_before_keeps_its_catalog_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    steps = tuple(step for step in TOKENHUB.steps if step.name < "0007")
    database = await Database.open(path, migrations=Schema("tokenhub", steps), synchronous="FULL")
    await database.close()
    edited(path, "UPDATE meta SET value = 41 WHERE name = 'catalog'")

    async with open_stores(path) as stores:
        now = await stores.catalog.load()
        again = await stores.catalog.at(41)

    assert content(now) == content(again)


@pytest.mark.anyio
async def test_a_kept_row_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    async with open_stores(path) as stores:
        await stores.catalog.load()
        await stores.catalog.put_provider(HERE, AUDIT, models=[SMALL])
    edited(path, "UPDATE catalog_rows SET content = '{' WHERE kind = 'model'")

    async with open_stores(path) as stores:
        with pytest.raises(Unavailable, match="holds a model that cannot be read") as caught:
            await stores.catalog.at(1)

    assert CATALOG_DAMAGED == caught.value.code
