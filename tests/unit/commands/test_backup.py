"""`tokenhub backup`, `restore` and `verify` on files of their own."""

import os

import pytest

from tokenhub.__main__ import main
from tokenhub.adapters.sqlite import files
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB
from tokenhub.adapters.sqlite.stores import telemetry_path


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "data" / "tokenhub.sqlite"
    monkeypatch.setenv("TOKENHUB_DB_DSN", str(path))
    for place, schema in ((path, TOKENHUB), (telemetry_path(path), TELEMETRY)):
        files.create(place)
        conn = files.connect(place, "FULL")
        schema.apply(conn, place)
        conn.close()
    return path


def test_there_and_back(database, tmp_path, capsys):
    made = main(["backup", "--to", str(tmp_path / "kept")])
    (folder,) = (tmp_path / "kept").iterdir()
    looked = main(["verify", str(folder)])
    database.write_bytes(b"gone")
    broken = main(["verify"])
    restored = main(["restore", str(folder)])
    whole = main(["verify"])

    said = capsys.readouterr()
    assert [0, 0, 1, 0, 0] == [made, looked, broken, restored, whole]
    assert f"{folder}: " in said.out
    assert "what was there is in " in said.out
    assert "in order; 0 requests, 0 attempts" in said.out
    assert "is not in order" in said.err or "damaged" in said.err


def test_backups_go_where_the_servers_are(database, tmp_path, monkeypatch):
    main(["backup"])
    monkeypatch.setenv("TOKENHUB_BACKUP_DIR", str(tmp_path / "elsewhere"))
    main(["backup"])

    assert 1 == len(list((database.parent / "backups").iterdir()))
    assert 1 == len(list((tmp_path / "elsewhere").iterdir()))


@pytest.mark.parametrize(
    ("line", "hint"),
    [(["backup"], True), (["verify"], False), (["restore", "x"], False)],
)
def test_beside_a_server_it_is_refused(database, tmp_path, capsys, line, hint):
    main(["backup", "--to", str(tmp_path / "x")])
    (folder,) = (tmp_path / "x").iterdir()
    lock = files.hold(database)

    code = main([str(folder) if word == "x" else word for word in line])
    lock.release()

    said = capsys.readouterr().err
    assert 1 == code
    assert f"in use by another TokenHub (process {os.getpid()})" in said
    assert hint == ('"tokenhubctl backup"' in said)


@pytest.mark.parametrize("line", [["restore", "/nowhere"], ["verify", "/nowhere"]])
def test_what_is_no_backup_is_one_sentence(line, capsys):
    assert 1 == main(line)
    assert "/nowhere is no backup that is whole" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["backup"], ["restore", "x"], ["verify"]])
def test_bad_settings_exit_with_2(line, monkeypatch):
    monkeypatch.setenv("TOKENHUB_BACKUP_KEEP", "0")

    assert 2 == main(line)
