"""The original's file: read while it runs, alone with its WAL, old or damaged; never written."""

import hashlib
import shutil
import sqlite3

import pytest

from tests.support.original_db import an_original, filled
from tokenhub.adapters.original.source import open_original
from tokenhub.core.errors import BadRequest

PASSWORD = "an old password"


def marks(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if not file.name.endswith("-shm")  # marks of readers come and go in it
    }


def test_each_table_is_read(tmp_path):
    with an_original(tmp_path / "old.sqlite") as old:
        filled(old, PASSWORD)

    with open_original(tmp_path / "old.sqlite") as source:
        content = source.content()
        rows = source.requests(0, 3)

    assert ["openai", "local"] == [row["id"] for row in content.providers]
    assert ["gpt", "org/small", "llama"] == [row["id"] for row in content.models]
    assert ["fast"] == [row["name"] for row in content.aliases]
    assert 4 == len(content.keys)
    assert "cheap" == content.defaults["default_mode"]
    assert {"provider:openai:api_key", "secret:other"} == set(content.vault.entries)
    assert {"audit_logs": 1, "reward_logs": 0, "tsdb_points": 0} == dict(content.left)
    assert [1, 2, 3] == [row["id"] for row in rows]


def test_a_column_without_a_value_is_not_in_its_row(tmp_path):
    with an_original(tmp_path / "old.sqlite") as old:
        old.request(model_id=None)

    with open_original(tmp_path / "old.sqlite") as source:
        (row,) = source.requests(0, 10)

    assert "model_id" not in row
    assert 0.0012345 == row["estimated_cost_usd"]


def test_the_running_original_goes_on_and_nothing_of_it_is_written(tmp_path):
    with an_original(tmp_path / "old.sqlite") as old:
        filled(old, PASSWORD)
        before = marks(tmp_path)

        with open_original(tmp_path / "old.sqlite") as source:
            assert 2 == len(source.content().providers)
            assert before == marks(tmp_path)
            old.provider("later", base_url="https://later.test")

            assert 3 == len(source.content().providers)


@pytest.fixture
def left_behind(tmp_path):
    """The files of an original that was killed: what is committed is in the WAL yet."""
    folder = tmp_path / "left"
    folder.mkdir()
    with an_original(tmp_path / "old.sqlite") as old:
        old.conn.execute("PRAGMA wal_autocheckpoint=0")
        filled(old, PASSWORD)
        for name in ("old.sqlite", "old.sqlite-wal"):
            shutil.copyfile(tmp_path / name, folder / name)
    return folder


def test_what_lies_in_the_wal_is_read(left_behind):
    before = marks(left_behind)

    with open_original(left_behind / "old.sqlite") as source:
        assert 2 == len(source.content().providers)

    assert before == marks(left_behind)


def test_where_no_shared_memory_can_be_made_a_copy_is_read(left_behind):
    (left_behind / "old.sqlite-shm").mkdir()  # as good as a folder that cannot be written

    with open_original(left_behind / "old.sqlite") as source:
        assert 2 == len(source.content().providers)


def test_columns_that_older_files_do_not_have_are_not_missed(tmp_path):
    with an_original(tmp_path / "old.sqlite") as old:
        old.key("loom")
        old.conn.execute("ALTER TABLE api_keys DROP COLUMN monthly_budget_usd")
        old.conn.execute("ALTER TABLE request_logs DROP COLUMN alias_from")
        old.conn.execute("DROP TABLE model_aliases")
        old.request()

    with open_original(tmp_path / "old.sqlite") as source:
        content = source.content()

        assert "monthly_budget_usd" not in content.keys[0]
        assert () == content.aliases
        assert 1 == len(source.requests(0, 10))


@pytest.mark.parametrize(
    ("salt", "data"),
    [
        (b"0123456789abcdef", "[]"),
        (b"0123456789abcdef", "{"),
        ("text", '{"a": "b"}'),
        (b"", '{"a":"b"}'),
    ],
)
def test_a_damaged_vault_leaves_the_rest_readable(tmp_path, salt, data):
    with an_original(tmp_path / "old.sqlite") as old:
        old.provider("openai", base_url="https://api.test")
        old.row("vault_blob", id=1, salt=salt, data=data)

    with open_original(tmp_path / "old.sqlite") as source:
        content = source.content()

    assert content.vault is None
    assert "damaged" in content.vault_fault
    assert 1 == len(content.providers)


def test_a_vault_that_was_never_used_is_none(tmp_path):
    with an_original(tmp_path / "old.sqlite") as old:
        old.row("vault_blob", id=1, salt=b"0123456789abcdef", data="{}")

    with open_original(tmp_path / "old.sqlite") as source:
        content = source.content()

    assert (None, "") == (content.vault, content.vault_fault)


def test_what_is_no_original_is_refused(tmp_path):
    (tmp_path / "text").write_text("no database at all, " * 100)
    with sqlite3.connect(tmp_path / "other") as conn:
        conn.execute("CREATE TABLE providers (id)")
    conn.close()
    with sqlite3.connect(tmp_path / "ours") as conn:
        conn.execute("CREATE TABLE _sqlite_migrations (id)")
    conn.close()

    for name, why in {
        "nothing": "there is no file",
        "text": "cannot be read",
        "other": "no table 'models'",
        "ours": "a database of TokenHub itself",
    }.items():
        with pytest.raises(BadRequest, match=why), open_original(tmp_path / name) as source:
            source.content()


def test_a_table_that_is_a_view_is_none(tmp_path):
    """A view may have rows without end."""
    with an_original(tmp_path / "old.sqlite") as old:
        old.conn.execute("ALTER TABLE request_logs RENAME TO theirs")
        old.conn.execute(
            "CREATE VIEW request_logs AS WITH RECURSIVE c(id) AS "
            "(SELECT 1 UNION ALL SELECT id + 1 FROM c) SELECT id FROM c"
        )

    refused = pytest.raises(BadRequest, match="no table 'request_logs'")
    with open_original(tmp_path / "old.sqlite") as source, refused:
        source.content()


def test_requests_are_those_that_have_a_number(tmp_path):
    """A page is found by the last number of the one before it."""
    with an_original(tmp_path / "old.sqlite") as old:
        filled(old, PASSWORD)
        old.conn.execute("ALTER TABLE request_logs RENAME TO theirs")
        old.conn.execute("CREATE TABLE request_logs AS SELECT * FROM theirs")
        old.conn.execute("UPDATE request_logs SET id = 'z' || id WHERE id > 2")

    with open_original(tmp_path / "old.sqlite") as source:
        found = source.requests(0, 10)

        assert [1, 2] == [row["id"] for row in found]
        assert [] == source.requests(2, 10)
