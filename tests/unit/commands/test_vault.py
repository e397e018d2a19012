"""`tokenhub vault verify`, over a database whose server is stopped."""

import asyncio
import sqlite3

import pytest

from tests.faults.vault_changes import OLD, prepare
from tokenhub.__main__ import main


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "tokenhub.sqlite"
    asyncio.run(prepare(path, 2))
    monkeypatch.setenv("TOKENHUB_DB_DSN", str(path))
    (tmp_path / "password").write_bytes(OLD + b"\n")
    return path


def verify(database, *more):
    return main(["vault", "verify", "--password-file", str(database.parent / "password"), *more])


def test_a_whole_vault_is_counted(database, capsys):
    code = verify(database, "--all")

    assert 0 == code
    assert [
        "ok    secret:changed",
        "ok    secret:s0",
        "2 of 2 secrets open, 1 data keys, slots: password",
    ] == capsys.readouterr().out.splitlines()


def test_what_was_changed_is_named(database, capsys):
    with sqlite3.connect(database) as conn:
        conn.execute("UPDATE vault_secrets SET purpose = 'another' WHERE name = 'secret:s0'")
    conn.close()

    code = verify(database)

    told = capsys.readouterr()
    assert 1 == code
    assert "1 of 2 secrets open" in told.out
    assert "secret:s0" in told.err


def test_a_wrong_password_is_told(database, capsys):
    (database.parent / "password").write_bytes(b"another password")

    assert 1 == verify(database)
    assert "unlock failed" in capsys.readouterr().err


def test_a_missing_file_is_told(database, capsys):
    assert 1 == main(["vault", "verify", "--password-file", str(database.parent / "nothing")])
    assert "nothing" in capsys.readouterr().err
