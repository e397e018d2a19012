"""Exports: names of files, rows of the trail, and files that are whole or not there."""

import csv
import errno
import io
import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from tests.unit.tui.test_audit import entry
from tokenhub_tui.exported import write
from tokenhub_tui.state.exporting import form, head, lines, rows, told, usual_name, wrong_name

pytestmark = pytest.mark.anyio


async def bits(*portions: bytes) -> AsyncGenerator[bytes, None]:
    for portion in portions:
        yield portion


async def broken() -> AsyncGenerator[bytes, None]:
    yield b"one\n"
    raise ConnectionError


def there(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_name_says_what_is_written() -> None:
    assert "" == wrong_name(usual_name("requests", 0.0))
    assert ".csv or .ndjson" in wrong_name("all.txt")
    assert "name a file" == wrong_name(" ")
    assert ("csv", "ndjson") == (form("a.csv"), form("a.ndjson"))


def test_progress_is_told_in_round_numbers() -> None:
    assert "exporting 1,200 of 5,210 · 1.4 MB · E stops it" == told(1200, 1_400_000, "5,210")
    assert "exporting 3 · 2 kB · E stops it" == told(3, 2_000, "")


def test_trail_is_a_sheet_without_formulas() -> None:
    sheet = head() + rows([entry({"a": 1}, None, resource="=1+1")], "csv")

    (row,) = csv.DictReader(io.StringIO(sheet.decode()))

    assert ("'=1+1", '{"a":1}') == (row["resource"], row["before"])
    assert 2 == lines(sheet)


def test_trail_is_lines_of_json() -> None:
    (line,) = rows([entry()], "ndjson").splitlines()

    assert 7 == msgspec.json.decode(line)["id"]


async def test_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    file, heard = tmp_path / "all.csv", []

    count = await write(bits(b"a\n", b"b\nc\n"), file, lambda *so_far: heard.append(so_far))

    assert ((3, 6), [(1, 2), (3, 6)]) == (count, heard)
    assert b"a\nb\nc\n" == file.read_bytes()
    assert ["all.csv"] == there(tmp_path)


async def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        await write(broken(), tmp_path / "all.csv", lambda *_: None)

    assert [] == there(tmp_path)


async def test_file_that_is_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("mine")

    with pytest.raises(FileExistsError):
        await write(bits(b"theirs"), file, lambda *_: None)

    assert "mine" == file.read_text()


async def test_file_is_its_owners_alone_and_no_other_is_touched(tmp_path: Path) -> None:
    file, other = tmp_path / "all.csv", tmp_path / "all.csv.part"
    other.write_text("mine")

    await write(bits(b"a\n"), file, lambda *_: None)

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "mine" == other.read_text()


async def test_file_is_written_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    file = tmp_path / "all.csv"

    await write(bits(b"a\n"), file, lambda *_: None)
    with pytest.raises(FileExistsError):
        await write(bits(b"theirs\n"), file, lambda *_: None)

    assert b"a\n" == file.read_bytes()
    assert ["all.csv"] == there(tmp_path)
